// A worker's state at this moment, in the order that the primary expects.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Codec } from '../codec/codec.js'
import { WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import type { Connection } from './connection.js'
import type { MemoryBudget } from './memory-budget.js'
import { residentMemory } from './resident-memory.js'

/** Resolution of the event-loop delay's measurement in milliseconds. */
const RESOLUTION = 10

export class Gauges {
  readonly #connections: ReadonlyMap<number, Connection>
  readonly #budget: MemoryBudget
  readonly #codec: Codec
  readonly #codecThreads: number
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  #takenAt = performance.now()

  constructor(connections: ReadonlyMap<number, Connection>, budget: MemoryBudget, codec: Codec, codecThreads: number) {
    this.#connections = connections
    this.#budget = budget
    this.#codec = codec
    this.#codecThreads = codecThreads
    this.#delay.enable()
  }

  /** Values since the last take, or as they are now. */
  take(): number[] {
    const values = { ...this.#ofConnections(), ...this.#ofCodec(), ...this.#ofEventLoop(), ...ofProcess() }
    return WORKER_GAUGES.map(name => values[name])
  }

  stop(): void {
    this.#delay.disable()
  }

  #ofConnections(): Pick<Record<WorkerGauge, number>, 'pausedConnections' | 'bufferedBytes'> {
    let pausedConnections = 0
    for (const connection of this.#connections.values()) if (connection.paused) pausedConnections++
    return { pausedConnections, bufferedBytes: this.#budget.held }
  }

  #ofCodec(): Pick<Record<WorkerGauge, number>, 'codecQueueMessages' | 'codecThreads' | 'codecUtilizationRatio'> {
    const now = performance.now()
    const available = (now - this.#takenAt) * Math.max(this.#codecThreads, 1)
    this.#takenAt = now
    return {
      codecQueueMessages: this.#codec.queued,
      codecThreads: this.#codec.threads,
      codecUtilizationRatio: available > 0 ? Math.min(1, this.#codec.takeRunTime() / available) : 0,
    }
  }

  /** Seconds by which the event loop ran late. Node measures whole intervals, so the resolution is taken off. */
  #ofEventLoop(): Pick<
    Record<WorkerGauge, number>,
    'eventLoopDelayP50' | 'eventLoopDelayP90' | 'eventLoopDelayP99' | 'eventLoopDelayMax'
  > {
    const delay = this.#delay
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1e3)
    const measured = {
      eventLoopDelayP50: late(delay.percentile(50)),
      eventLoopDelayP90: late(delay.percentile(90)),
      eventLoopDelayP99: late(delay.percentile(99)),
      eventLoopDelayMax: late(delay.max),
    }
    delay.reset()
    return measured
  }
}

function ofProcess(): Pick<Record<WorkerGauge, number>, 'residentBytes' | 'cpuUserSeconds' | 'cpuSystemSeconds'> {
  const { user, system } = process.cpuUsage()
  return { residentBytes: residentMemory(), cpuUserSeconds: user / 1e6, cpuSystemSeconds: system / 1e6 }
}
