// A load program in TypeScript, for where wsload cannot be compiled: same arguments, same line of JSON.
// It takes more CPU per message than wsload, so fast servers wait for it; what a message costs them stays comparable.

import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { FIRST_ECHO_WINDOWS, type LoadLine, OPEN } from './load.js'
import { type LoadArguments, parseLoadArguments } from './load-arguments.js'
import { LoadConnection } from './load-connection.js'
import { LoadLedger } from './load-ledger.js'
import { makeMessage } from './load-message.js'
import { LoadSessions } from './load-sessions.js'
import { cpuSeconds, memoryOf, processTree } from './process-tree.js'

/** Milliseconds. */
const OPEN_BOUND = 15_000
const LEAVE_BOUND = 1000
/** Opening handshakes at a time. */
const RAMP = 64

/** What happened in a stretch of time; CPU seconds are the server's. */
interface Stretch {
  readonly seconds: number
  readonly messages: number
  readonly cpu: number
}

async function run(options: LoadArguments): Promise<LoadLine> {
  const ledger = new LoadLedger()
  const message = makeMessage(options)
  const sessions = new LoadSessions(options)
  const connections = Array.from(
    { length: options.connections },
    () => new LoadConnection(options, message, ledger, sessions),
  )
  const serverMemory = () => memoryOf(processTree(options.pid))
  const before = serverMemory()
  const opening = await during(ledger, options.pid, () => within(OPEN_BOUND, 'opening', openAll(connections)))
  if (options.hold) await hold()
  const echoing = await echo(connections, options, ledger)
  const after = serverMemory()
  if (ledger.verified !== options.connections) ledger.failed(`only ${ledger.verified} first echoes verified`)
  await Promise.race([Promise.all(connections.map(connection => connection.leave())), delay(LEAVE_BOUND)])
  return {
    messages: echoing.messages,
    seconds: echoing.seconds,
    msgs_per_s: echoing.messages / echoing.seconds,
    payload_MB_per_s: (echoing.messages * options.octets) / echoing.seconds / 1e6,
    lat_us: ledger.latency(),
    server_cpu_us_per_msg: echoing.messages === 0 ? 0 : (echoing.cpu * 1e6) / echoing.messages,
    handshakes_per_s: options.connections / opening.seconds,
    hs_server_cpu_s: opening.cpu,
    rsv1_share: ledger.messages === 0 ? 0 : ledger.compressedMessages / ledger.messages,
    first_reply_payload_bytes: ledger.firstReplyOctets,
    req_frame_bytes: connections[0].frameOctets,
    server_rss_MB_before: before.resident,
    server_rss_MB_after: after.resident,
    server_pss_MB_before: before.proportional,
    server_pss_MB_after: after.proportional,
    errors: ledger.errors,
    error: ledger.firstError,
  }
}

async function hold(): Promise<void> {
  process.stdout.write(`${OPEN}\n`)
  await Promise.race([once(process.stdin.resume(), 'data'), once(process.stdin, 'end')])
  process.stdin.pause()
}

/** Opens all connections, as many at a time as there are lanes. */
async function openAll(connections: readonly LoadConnection[]): Promise<void> {
  const waiting = connections.values()
  const lane = async (): Promise<void> => {
    for (const connection of waiting) await connection.open()
  }
  await Promise.all(Array.from({ length: RAMP }, lane))
}

/** The echoes that the arguments ask for: a number, one and then silence, or a window after a warm-up. */
async function echo(
  connections: readonly LoadConnection[],
  { count, rate, idle, seconds, warmup, pid }: LoadArguments,
  ledger: LoadLedger,
): Promise<Stretch> {
  const start = (quota: number) => Promise.all(connections.map(connection => connection.start(quota)))
  const quota = idle === undefined ? count : 1
  if (quota !== undefined) {
    ledger.measuring = true
    const echoing = await during(ledger, pid, async () => {
      const done = start(quota)
      if (rate !== undefined) await pace(connections, quota, rate)
      await within(seconds * 1000, 'echoes', done)
    })
    await delay((idle ?? 0) * 1000)
    return echoing
  }
  void start(Number.POSITIVE_INFINITY)
  await delay(warmup * 1000)
  await allVerified(ledger, connections.length, seconds * FIRST_ECHO_WINDOWS * 1000)
  ledger.measuring = true
  const window = await during(ledger, pid, () => delay(seconds * 1000))
  ledger.measuring = false
  for (const connection of connections) connection.stop()
  return window
}

/** A window that begins before every connection has had an echo would measure a server that is still filling up. */
async function allVerified(ledger: LoadLedger, connections: number, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (ledger.verified < connections && ledger.errors === 0 && performance.now() < deadline) await delay(1)
}

/** Sends as many messages on each connection by the clock, all evenly spread. @param rate a second on each connection */
async function pace(connections: readonly LoadConnection[], count: number, rate: number): Promise<void> {
  const start = performance.now()
  const gap = 1000 / (rate * connections.length)
  for (let sent = 0; sent < count * connections.length; ) {
    await delay(1)
    const due = Math.min(count * connections.length, Math.floor((performance.now() - start) / gap))
    for (; sent < due; sent++) connections[sent % connections.length].sendOne()
  }
}

/** Measures the time that `work` takes. The server's processes are those that it has when the work begins. */
async function during(ledger: LoadLedger, pid: number, work: () => Promise<unknown>): Promise<Stretch> {
  const tree = processTree(pid)
  const { messages } = ledger
  const cpu = cpuSeconds(tree)
  const start = performance.now()
  await work()
  return {
    seconds: (performance.now() - start) / 1000,
    messages: ledger.messages - messages,
    cpu: cpuSeconds(tree) - cpu,
  }
}

/** @throws Error when the work takes longer than `milliseconds`. */
async function within(milliseconds: number, what: string, work: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const deadline = delay(milliseconds, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what} took longer than ${milliseconds / 1000} s`)
  })
  try {
    await Promise.race([work, deadline])
  } finally {
    over.abort()
  }
}

try {
  const line = await run(parseLoadArguments(process.argv.slice(2)))
  process.stdout.write(`${JSON.stringify(line)}\n`)
  process.exitCode = line.errors > 0 ? 1 : 0
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 2
}
// Sockets that the server has not ended in time would keep the process alive.
process.stdout.write('', () => process.exit())
