// npm run alerts [-- --idle SECONDS] [-- --load SECONDS]: a real service and a real Prometheus with the project's rules. First
// nothing happens, and no alert may fire; then eight clients ask for more than one worker can compress, and those alerts must
// that tell who waits. Prints when each fired. Exits with 1 when it was otherwise.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runLoad } from '../../bench/src/run-load.js'
import { HAS_PROMETHEUS, Prometheus } from '../support/prometheus.js'
import { Service } from '../support/service.js'

/** Of eight connections that are never read in time, and of one worker that has more to do than it can. */
const EXPECTED = ['EchobahnEventLoopBusy', 'EchobahnPaused', 'EchobahnSlowEcho']
const LOAD_PROGRAM = [process.execPath, fileURLToPath(new URL('../../bench/src/load-client.js', import.meta.url))]
/** Milliseconds between two looks at the alerts. */
const LOOK = 2000

const { values } = parseArgs({
  options: { idle: { type: 'string', default: '900' }, load: { type: 'string', default: '180' } },
})
const [idle, load] = [secondsOf('idle', values.idle), secondsOf('load', values.load)]
if (!HAS_PROMETHEUS) fail('prometheus and promtool are needed (Debian: apt-get install prometheus)')

const service = new Service(['--workers', '1', '--offload', 'never'])
await service.listening()
const prometheus = await Prometheus.start([`127.0.0.1:${service.adminPort}`])
try {
  const early = await fired(idle)
  console.log(`${idle} s without a connection: ${told(early)}`)
  const request = { connections: 8, octets: 64 * 1024, depth: 8, opcode: 'text', deflate: true } as const
  const [late, { messagesPerSecond, latency }] = await Promise.all([
    fired(load),
    runLoad({ command: LOAD_PROGRAM, cores: [], signal: new AbortController().signal }, service, {
      ...request,
      span: { seconds: load, warmup: 1 },
    }),
  ])
  console.log(
    `${load} s of 8 clients with 8 compressed messages of 64 KiB each under way, ${Math.round(messagesPerSecond)} a second, \
p50 ${(latency.p50 / 1000).toFixed(0)} ms: ${told(late)}`,
  )
  const missing = EXPECTED.filter(name => !late.has(name))
  if (missing.length > 0) console.log(`did not fire: ${missing.join(', ')}`)
  if (early.size > 0 || missing.length > 0) process.exitCode = 1
} finally {
  await prometheus.stop()
  await service.stop()
}

/** Names of the alerts that fire within so many seconds, with the seconds after which each was first seen. */
async function fired(seconds: number): Promise<Map<string, number>> {
  const began = performance.now()
  const found = new Map<string, number>()
  for (;;) {
    const after = (performance.now() - began) / 1000
    for (const { name, type, state } of await prometheus.rules())
      if (type === 'alerting' && state === 'firing' && !found.has(name)) found.set(name, Math.round(after))
    if (after >= seconds) return found
    await delay(LOOK)
  }
}

function told(alerts: ReadonlyMap<string, number>): string {
  if (alerts.size === 0) return 'no alert fired'
  return [...alerts].map(([name, seconds]) => `${name} fired after ${seconds} s`).join(', ')
}

function secondsOf(name: string, text: string): number {
  const seconds = Number(text)
  if (!Number.isInteger(seconds) || seconds < 1)
    fail(`--${name}=${text}: allowed is a whole number of seconds, 1 or more`)
  return seconds
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
