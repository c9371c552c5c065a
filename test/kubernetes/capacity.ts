// What one connection and one message cost the service, in memory and CPU time of all its processes: it has one worker, and
// `echobahn load` is its client, by loopback.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Service } from '../support/service.js'
import { endWithUs } from '../support/watchdog.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const CONNECTIONS = 10_000
const OPEN_FILES = 20_000
/** Messages per second in all, and the octets of each. */
const RATE = 4000
const SIZE = 256
/** Seconds between two pings of a connection, and seconds that each part lasts. */
const PING = 2
const LASTS = 15
/** Clock ticks of the kernel in a second, as /proc has them. */
const TICKS = 100

class Subject {
  readonly service: Service
  readonly #pids: readonly number[]

  private constructor(service: Service, pids: readonly number[]) {
    this.service = service
    this.#pids = pids
  }

  static async start(...options: string[]): Promise<Subject> {
    const service = await new Service(['--workers', '1', ...options], {}, OPEN_FILES).listening()
    const workers = await service.until(
      () => service.workers(),
      found => found.every(({ state }) => state === 'ready'),
    )
    return new Subject(service, [service.pid, ...workers.map(({ pid }) => pid)])
  }

  /** Seconds of CPU so far. */
  cpu(): number {
    const ticks = this.#pids.map(pid => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      return Number(fields[11]) + Number(fields[12])
    })
    return ticks.reduce((sum, each) => sum + each) / TICKS
  }

  /** Octets of memory, what several processes share counted once. */
  memory(): number {
    return this.#pids.reduce((sum, pid) => sum + 1024 * numberOf(`/proc/${pid}/smaps_rollup`, 'Pss'), 0)
  }

  async connections(): Promise<number> {
    return (await this.service.workers()).reduce((sum, { connections }) => sum + connections, 0)
  }

  async messages(): Promise<number> {
    const metrics = await this.service.metrics()
    return metrics.get('echobahn_messages_total{direction="received",opcode="text"}') ?? 0
  }
}

function numberOf(file: string, name: string): number {
  return Number(readFileSync(file, 'utf8').match(new RegExp(`^${name}: +(\\d+)`, 'm'))?.[1])
}

/** Octets of kernel memory for small objects, of which sockets are made. */
function slab(): number {
  return 1024 * numberOf('/proc/meminfo', 'Slab')
}

/** Runs the load until `part` has looked at the service with all connections open. */
async function under<T>(subject: Subject, options: readonly string[], part: () => Promise<T>): Promise<T> {
  const args = [
    MAIN,
    'load',
    subject.service.url,
    '--connections',
    String(CONNECTIONS),
    '--duration',
    '10m',
    ...options,
  ]
  const command = ['-c', `ulimit -n ${OPEN_FILES} && exec "$0" "$@"`, process.execPath, ...args]
  const child = spawn('/bin/sh', command, { stdio: 'ignore' })
  endWithUs(child)
  try {
    await subject.service.until(
      () => subject.connections(),
      connections => connections === CONNECTIONS,
    )
    return await part()
  } finally {
    child.kill('SIGINT')
    await once(child, 'exit')
  }
}

/** Seconds of CPU over a while, and what was counted meanwhile. */
async function spent(subject: Subject, count: () => Promise<number>): Promise<{ cpu: number; counted: number }> {
  const [cpu, counted] = [subject.cpu(), await count()]
  await setTimeout(1000 * LASTS)
  return { cpu: subject.cpu() - cpu, counted: (await count()) - counted }
}

function tell(what: string, value: number, unit: string): void {
  console.log(`| ${what} | ${value.toFixed(value < 10 ? 1 : 0)} ${unit} |`)
}

console.log('| | |\n| --- | ---: |')
const idle = await Subject.start('--ping-interval', '0')
const [memoryBefore, slabBefore, cpuBefore] = [idle.memory(), slab(), idle.cpu()]
tell('memory of the processes without connections', memoryBefore / 2 ** 20, 'MiB')
await under(idle, ['--rate', '0'], async () => {
  tell('CPU of an opening handshake', ((idle.cpu() - cpuBefore) / CONNECTIONS) * 1e6, 'µs')
  await setTimeout(2000)
  tell('memory of an idle connection', (idle.memory() - memoryBefore) / CONNECTIONS / 1024, 'KiB')
  // Both ends are on this machine.
  tell('memory of the kernel for it, one end', (slab() - slabBefore) / CONNECTIONS / 2 / 1024, 'KiB')
  const { cpu } = await spent(idle, async () => 0)
  tell(`CPU of ${CONNECTIONS} idle connections without pings`, (100 * cpu) / LASTS, '% of a core')
})
await idle.service.stop()

const pinging = await Subject.start('--ping-interval', `${PING}s`)
await under(pinging, ['--rate', '0'], async () => {
  const { cpu } = await spent(pinging, async () => 0)
  tell('CPU of a ping and its pong', (cpu / ((CONNECTIONS * LASTS) / PING)) * 1e6, 'µs')
})
await pinging.service.stop()

const busy = await Subject.start()
await under(busy, ['--rate', String(RATE), '--size', String(SIZE)], async () => {
  const { cpu, counted } = await spent(busy, () => busy.messages())
  tell(`CPU of a message of ${SIZE} octets, ${RATE} a second in all`, (cpu / counted) * 1e6, 'µs')
  tell('messages a second for a core, at that', counted / cpu, '')
  tell(`memory of the processes with ${CONNECTIONS} connections at that`, busy.memory() / 2 ** 20, 'MiB')
})
await busy.service.stop()
