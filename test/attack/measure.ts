// Measures one attack: honest clients alone, beside the attackers, and when those have just gone; memory all along.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LoadRequest } from '../../bench/src/load.js'
import { memoryOf, processTree } from '../../bench/src/process-tree.js'
import { runLoad } from '../../bench/src/run-load.js'
import { Service } from '../support/service.js'
import { type Attack, GIVEN_BACK, type Measured } from './attack.js'

const HONEST = 50
/** Messages a second of each. */
const RATE = 20
const OCTETS = 64
/** Seconds that the service may leave honest clients without an echo. */
const STALL_BOUND = 60
/** Seconds of honest load before anything is measured, so that code is compiled and memory in use. */
const WARM_UP = 2
/** Milliseconds between two looks at the memory, and seconds that it is watched when the attackers have gone. */
const LOOK = 500
const WATCHED = 40

const LOAD_PROGRAM = [process.execPath, fileURLToPath(new URL('../../bench/src/load-client.js', import.meta.url))]

/** Microseconds. */
interface Latency {
  readonly p50: number
  readonly p99: number
}

/** @param seconds of honest load in each of the three stretches */
export async function measure(attack: Attack, seconds: number): Promise<Measured> {
  const service = new Service(['--workers', '2', ...attack.options], {}, attack.openFiles)
  try {
    await service.listening()
    const clear = await attack.prepare?.(service)
    await honestLoad(service, attack, WARM_UP)
    await startThreads(service)
    const memory = new MemoryWatch(service.pid)
    const alone = await honestLoad(service, attack, seconds)
    let stop = (): void => {}
    const beside = await honestLoad(service, attack, seconds, async () => {
      stop = await attack.begin(service)
    }).finally(() => stop())
    const stopped = performance.now()
    const after = await honestLoad(service, attack, seconds)
    const givenBack = await memory.givenBack(stopped)
    memory.stop()
    clear?.()
    return {
      p50: beside.p50 / alone.p50,
      p99: beside.p99 / alone.p99,
      p99After: after.p99 / alone.p99,
      memory: memory.most,
      givenBack,
    }
  } finally {
    await service.stop()
  }
}

/** Codec threads start with the first work that is theirs; what they take is not the attack's. */
async function startThreads(service: Service): Promise<void> {
  const request: LoadRequest = {
    ...{ connections: 8, octets: 64 * 1024, depth: 10, opcode: 'text', deflate: true },
    span: { count: 10, rate: 10, bound: STALL_BOUND },
  }
  await runLoad({ command: LOAD_PROGRAM, cores: [], signal: new AbortController().signal }, service, request)
}

/** The worst of all kinds of honest clients, which work side by side. */
async function honestLoad(
  service: Service,
  { honest }: Attack,
  seconds: number,
  onceOpen: () => Promise<void> = async () => {},
): Promise<Latency> {
  let opening = honest.length
  let begun: Promise<void> | undefined
  let open: () => void = () => {}
  const allOpen = new Promise<void>(resolve => {
    open = resolve
  })
  const onceAllOpen = async (): Promise<void> => {
    if (--opening === 0) open()
    await allOpen
    begun ??= onceOpen()
    await begun
  }
  const { signal } = new AbortController()
  const loads = honest.map(kind => {
    const count = RATE * seconds
    const request: LoadRequest = {
      ...{ connections: HONEST / honest.length, octets: OCTETS, depth: count, opcode: 'text' },
      ...(kind === 'deflate' && { deflate: true }),
      span: { count, rate: RATE, bound: seconds + STALL_BOUND },
    }
    return runLoad({ command: LOAD_PROGRAM, cores: [], signal }, service, request, onceAllOpen)
  })
  const latencies = (await Promise.all(loads)).map(({ latency }) => latency)
  return { p50: Math.max(...latencies.map(({ p50 }) => p50)), p99: Math.max(...latencies.map(({ p99 }) => p99)) }
}

/** Memory of all processes of the service above where it was at the beginning, MiB. */
class MemoryWatch {
  most = 0
  readonly #pid: number
  readonly #before: number
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    this.#pid = pid
    this.#before = this.#resident
    this.#timer = setInterval(() => {
      this.most = Math.max(this.most, this.#above)
    }, LOOK)
  }

  /** Seconds from `since`, monotonic milliseconds, until it is back; undefined when it is not in time. */
  async givenBack(since: number): Promise<number | undefined> {
    for (;;) {
      const seconds = (performance.now() - since) / 1000
      if (this.#above <= GIVEN_BACK) return seconds
      if (seconds > WATCHED) return undefined
      await delay(LOOK)
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get #above(): number {
    return this.#resident - this.#before
  }

  get #resident(): number {
    return memoryOf(processTree(this.#pid)).resident
  }
}
