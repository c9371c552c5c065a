// What the exposition reads at a scrape. The primary's totals and fleet have these shapes.

import type { EndCause, RestartReason, Shortage, WorkerGauge, WorkerState } from './catalogue.js'

export interface MetricSource {
  /** Totals of all summed series, indexed as layout says. They only grow. */
  readonly values: Readonly<Float64Array>
  /** The same of one worker, over all processes that it had. */
  valuesOf(worker: number): Readonly<Float64Array>
  /** Value of a gauge for one worker, over its living processes; 0 when there is none. */
  gauge(worker: number, gauge: WorkerGauge): number
  /** WebSocket connections that are open by the last snapshots. */
  readonly websockets: number
  /** WebSocket connections that were lost with their workers. */
  readonly websocketsLost: number
  /** Seconds since the worker's last snapshot; 0 before the first. */
  snapshotAge(worker: number): number
}

export interface FleetSource {
  /** Living worker processes in each state. */
  workersByState(): Readonly<Record<WorkerState, number>>
  /** Workers replaced since the primary began. */
  restartsByReason(): Readonly<Record<RestartReason, number>>
}

/** TCP connections as the primary knows them: those opened are those ended and those that the workers have. */
export interface ConnectionSource {
  readonly opened: number
  readonly ended: Readonly<Record<EndCause, number>>
  readonly shortages: Readonly<Record<Shortage, number>>
  /** Open connections by the number of the worker; workers without any may be missing. */
  openByWorker(): ReadonlyMap<number, number>
}
