// A worker's state at this moment, in the order that the primary expects.

import type { Codec } from '../codec/codec.js'
import { WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import type { MemoryBudget } from './memory-budget.js'
import type { Pauses } from './pauses.js'
import { type ProcessGauge, processGauges } from './process-gauges.js'

export interface GaugeSources {
  readonly pauses: Pick<Pauses, 'connections'>
  readonly budget: Pick<MemoryBudget, 'held'>
  readonly codec: Pick<Codec, 'queued' | 'threads' | 'takeRunTime'>
  readonly codecThreads: number
  /** Connections in their opening handshake. */
  readonly openings: { readonly size: number }
}

export class Gauges {
  readonly #sources: GaugeSources
  #takenAt = performance.now()

  constructor(sources: GaugeSources) {
    this.#sources = sources
  }

  /** Values since the last take, or as they are now. */
  take(): number[] {
    const values: Record<WorkerGauge, number> = { ...this.#ofConnections(), ...processGauges() }
    return WORKER_GAUGES.map(name => values[name])
  }

  #ofConnections(): Omit<Record<WorkerGauge, number>, ProcessGauge> {
    const { pauses, budget, codec, codecThreads, openings } = this.#sources
    const now = performance.now()
    const available = (now - this.#takenAt) * Math.max(codecThreads, 1)
    this.#takenAt = now
    return {
      pausedConnections: pauses.connections,
      bufferedBytes: budget.held,
      codecQueueMessages: codec.queued,
      codecThreads: codec.threads,
      codecUtilizationRatio: available > 0 ? Math.min(1, codec.takeRunTime() / available) : 0,
      openings: openings.size,
    }
  }
}
