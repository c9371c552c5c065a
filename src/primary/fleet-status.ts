// The living workers and the state each is in, for the admin server and the metrics.

import type { WorkerView } from '../admin/view.js'
import { monotonicNow } from '../messages.js'
import {
  type EndCause,
  type RestartReason,
  type Shortage,
  WORKER_STATES,
  type WorkerState,
} from '../metrics/catalogue.js'
import type { ConnectionSource, FleetSource } from '../metrics/source.js'
import type { Accepted } from './accepted.js'
import type { Distributor } from './distributor.js'
import type { Fleet } from './fleet.js'
import type { Shortages } from './shortage.js'
import type { WorkerProcess } from './worker-process.js'

export class FleetStatus implements FleetSource, ConnectionSource {
  readonly #fleet: Fleet
  readonly #distributor: Distributor<Accepted, WorkerProcess>
  readonly shortages: Readonly<Record<Shortage, number>>

  constructor(fleet: Fleet, distributor: Distributor<Accepted, WorkerProcess>, shortages: Shortages) {
    this.#fleet = fleet
    this.#distributor = distributor
    this.shortages = shortages.counts
  }

  /** Whether any worker takes connections now. */
  get serving(): boolean {
    return this.#members().some(worker => this.#stateOf(worker) === 'ready')
  }

  workers(): WorkerView[] {
    return this.#members()
      .map(worker => ({
        worker: worker.number,
        pid: worker.pid,
        state: this.#stateOf(worker),
        connections: this.#distributor.load(worker),
        ageSeconds: (monotonicNow() - worker.forkedAt) / 1000,
      }))
      .sort((a, b) => a.worker - b.worker || b.ageSeconds - a.ageSeconds)
  }

  /** Workers that may know connections: all but those that have yet to get ready. */
  started(): WorkerProcess[] {
    return this.#members().filter(worker => worker.state !== 'starting')
  }

  isResponsive(worker: WorkerProcess): boolean {
    return this.#distributor.isResponsive(worker)
  }

  workersByState(): Record<WorkerState, number> {
    const counts = Object.fromEntries(WORKER_STATES.map(state => [state, 0])) as Record<WorkerState, number>
    for (const worker of this.#fleet.members) counts[this.#stateOf(worker)]++
    return counts
  }

  restartsByReason(): Readonly<Record<RestartReason, number>> {
    return this.#fleet.restarts
  }

  get opened(): number {
    return this.#distributor.openedTotal
  }

  get ended(): Readonly<Record<EndCause, number>> {
    return this.#distributor.endedTotal
  }

  openByWorker(): Map<number, number> {
    const open = new Map<number, number>()
    for (const worker of this.#fleet.members)
      open.set(worker.number, (open.get(worker.number) ?? 0) + this.#distributor.open(worker))
    return open
  }

  #members(): WorkerProcess[] {
    return [...this.#fleet.members]
  }

  #stateOf(worker: WorkerProcess): WorkerState {
    return worker.state === 'ready' && !this.#distributor.isResponsive(worker) ? 'unresponsive' : worker.state
  }
}
