// What the exposition reads at a scrape. The primary's totals and fleet have these shapes.

import type { RestartReason, WorkerGauge, WorkerState } from './catalogue.js'

export interface MetricSource {
  /** Totals of all summed series, indexed as layout says. They only grow. */
  readonly values: Readonly<Float64Array>
  /** Value of a gauge for one slot, over its living processes; 0 when there is none. */
  gauge(slot: number, gauge: WorkerGauge): number
  /** Seconds since the slot's last snapshot; 0 before the first. */
  snapshotAge(slot: number): number
}

export interface FleetSource {
  /** Living worker processes in each state. */
  workersByState(): Readonly<Record<WorkerState, number>>
  /** Workers replaced since the primary began. */
  restartsByReason(): Readonly<Record<RestartReason, number>>
}
