// What all workers counted, the dead included, and what the living ones last said of themselves.

import { monotonicNow, type Report } from '../messages.js'
import { WORKER_GAUGE_RULES, WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import { offsetOf, SERIES_COUNT, seriesOf } from '../metrics/layout.js'
import type { MetricSource } from '../metrics/source.js'

/** The last report of one living process. */
interface Snapshot {
  readonly slot: number
  /** In the order of `WORKER_GAUGES`. */
  readonly gauges: readonly number[]
  /** WebSocket connections that the process has, by what it has counted so far. */
  readonly websockets: number
  /** Monotonic milliseconds. */
  readonly arrivedAt: number
}

const ACCEPTED = offsetOf('handshakes_total', { result: 'accepted' })
const CLOSES: ReadonlySet<number> = new Set(seriesOf('closes_total').map(({ offset }) => offset))

export class Totals implements MetricSource {
  readonly values = new Float64Array(SERIES_COUNT)
  #websocketsLost = 0
  readonly #now: () => number
  /** By pid: during a reload a slot has two processes, and both report. */
  readonly #snapshots = new Map<number, Snapshot>()
  /** By slot: sums of gauges with rule `grow`, in the order of `WORKER_GAUGES`. */
  readonly #grown = new Map<number, Float64Array>()
  /** By slot: arrival of the last snapshot, also of a process that is gone; monotonic milliseconds. */
  readonly #lastArrival = new Map<number, number>()

  /** @param now monotonic milliseconds. */
  constructor(now: () => number = monotonicNow) {
    this.#now = now
  }

  /**
   * Adds what the process counted since its last report and keeps its gauges.
   *
   * @throws RangeError when the report does not fit the catalogue; nothing of it is added then.
   */
  add(slot: number, pid: number, report: Report): void {
    checkDeltas(report.deltas)
    checkGauges(report.gauges)
    for (let i = 0; i < report.deltas.length; i += 2) this.values[report.deltas[i]] += report.deltas[i + 1]

    const before = this.#snapshots.get(pid)
    this.#grow(slot, before?.gauges, report.gauges)
    const websockets = (before?.websockets ?? 0) + openedLessClosed(report.deltas)
    const arrivedAt = this.#now()
    this.#snapshots.set(pid, { slot, gauges: report.gauges, websockets, arrivedAt })
    this.#lastArrival.set(slot, arrivedAt)
  }

  /** The process is gone and its last report was added: its gauges go with it, its counts stay, what it had is lost. */
  forget(pid: number): void {
    this.#websocketsLost += this.#snapshots.get(pid)?.websockets ?? 0
    this.#snapshots.delete(pid)
  }

  get websockets(): number {
    return [...this.#snapshots.values()].reduce((sum, { websockets }) => sum + websockets, 0)
  }

  get websocketsLost(): number {
    return this.#websocketsLost
  }

  gauge(slot: number, gauge: WorkerGauge): number {
    const index = WORKER_GAUGES.indexOf(gauge)
    const rule = WORKER_GAUGE_RULES[gauge]
    if (rule === 'grow') return this.#grown.get(slot)?.[index] ?? 0
    const values = this.#living(slot).map(snapshot => snapshot.gauges[index])
    return rule === 'max' ? Math.max(0, ...values) : values.reduce((sum, value) => sum + value, 0)
  }

  /** The oldest snapshot counts where a slot has several processes, so that a stuck one shows. */
  snapshotAge(slot: number): number {
    const arrivals = this.#living(slot).map(snapshot => snapshot.arrivedAt)
    const oldest = arrivals.length > 0 ? Math.min(...arrivals) : this.#lastArrival.get(slot)
    return oldest === undefined ? 0 : (this.#now() - oldest) / 1000
  }

  #living(slot: number): Snapshot[] {
    return [...this.#snapshots.values()].filter(snapshot => snapshot.slot === slot)
  }

  #grow(slot: number, before: readonly number[] | undefined, now: readonly number[]): void {
    const grown = this.#grown.get(slot) ?? new Float64Array(WORKER_GAUGES.length)
    this.#grown.set(slot, grown)
    for (const [i, gauge] of WORKER_GAUGES.entries()) {
      if (WORKER_GAUGE_RULES[gauge] === 'grow') grown[i] += Math.max(0, now[i] - (before?.[i] ?? 0))
    }
  }
}

/** By how many the WebSocket connections of a process have become more. */
function openedLessClosed(deltas: readonly number[]): number {
  let change = 0
  for (let i = 0; i < deltas.length; i += 2) {
    if (deltas[i] === ACCEPTED) change += deltas[i + 1]
    else if (CLOSES.has(deltas[i])) change -= deltas[i + 1]
  }
  return change
}

function checkDeltas(deltas: readonly number[]): void {
  if (deltas.length % 2 !== 0) throw new RangeError('the deltas of a report are not pairs')
  for (let i = 0; i < deltas.length; i += 2) {
    const index = deltas[i]
    const increment = deltas[i + 1]
    if (!Number.isInteger(index) || index < 0 || index >= SERIES_COUNT)
      throw new RangeError(`a report names series ${index} of ${SERIES_COUNT}`)
    if (!Number.isFinite(increment) || increment < 0)
      throw new RangeError(`a report adds ${increment} to series ${index}`)
  }
}

/** NaN and the infinities arrive as null, since the messages are JSON. */
function checkGauges(gauges: readonly number[]): void {
  if (gauges.length !== WORKER_GAUGES.length)
    throw new RangeError(`a report has ${gauges.length} gauges, not ${WORKER_GAUGES.length}`)
  const bad = gauges.findIndex(value => !Number.isFinite(value))
  if (bad !== -1) throw new RangeError(`a report has no number for ${WORKER_GAUGES[bad]}`)
}
