// A worker's state at this moment, in the order that the primary expects.

import type { Codec } from '../codec/codec.js'
import { WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import type { MemoryBudget } from './memory-budget.js'
import type { Pauses } from './pauses.js'
import { type ProcessGauge, processGauges } from './process-gauges.js'

export interface GaugeSources {
  readonly pauses: Pick<Pauses, 'connections'>
  readonly budget: Pick<MemoryBudget, 'held'>
  readonly codec: Pick<Codec, 'queued' | 'threads'>
  /** Connections in their opening handshake, and HTTP/2 sessions. */
  readonly openings: { readonly size: number; readonly sessions: number }
  /** WebSocket connections, and those of them over HTTP/2. */
  readonly webSockets: { readonly size: number; readonly overHttp2: number }
}

export class Gauges {
  readonly #sources: GaugeSources

  constructor(sources: GaugeSources) {
    this.#sources = sources
  }

  /** Values as they are now. */
  take(): number[] {
    const values: Record<WorkerGauge, number> = { ...this.#ofConnections(), ...processGauges() }
    return WORKER_GAUGES.map(name => values[name])
  }

  #ofConnections(): Omit<Record<WorkerGauge, number>, ProcessGauge> {
    const { pauses, budget, codec, openings, webSockets } = this.#sources
    return {
      pausedConnections: pauses.connections,
      bufferedBytes: budget.held,
      codecQueueMessages: codec.queued,
      codecThreads: codec.threads,
      openings: openings.size,
      http2Sessions: openings.sessions,
      http1WebSockets: webSockets.size - webSockets.overHttp2,
      http2WebSockets: webSockets.overHttp2,
    }
  }
}
