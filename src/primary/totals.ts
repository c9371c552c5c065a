// What all workers counted, the dead included, and what the living ones last said of themselves.

import { monotonicNow, type Snapshot } from '../messages.js'
import { WORKER_GAUGE_RULES, WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import { offsetOf, SERIES_COUNT, seriesOf } from '../metrics/layout.js'
import type { MetricSource } from '../metrics/source.js'

/** What one living process said last. */
interface LastSnapshot {
  /** Number of the worker. */
  readonly worker: number
  /** In the order of `WORKER_GAUGES`. */
  readonly gauges: readonly number[]
  /** WebSocket connections that the process has, by what it has counted so far. */
  readonly websockets: number
  /** Monotonic milliseconds. */
  readonly arrivedAt: number
}

const ACCEPTED = offsetOf('handshakes_total', { result: 'accepted' })
const LOG_LINES_LOST = offsetOf('log_lines_lost_total')
const CLOSES: ReadonlySet<number> = new Set(seriesOf('closes_total').map(({ offset }) => offset))

export class Totals implements MetricSource {
  readonly values = new Float64Array(SERIES_COUNT)
  /** The same by worker. */
  readonly #valuesOf = new Map<number, Float64Array>()
  #websocketsLost = 0
  readonly #now: () => number
  /** By pid: during a reload a worker has two processes, and both send snapshots. */
  readonly #snapshots = new Map<number, LastSnapshot>()
  /** By worker: sums of gauges with rule `grow`, in the order of `WORKER_GAUGES`. */
  readonly #grown = new Map<number, Float64Array>()
  /** By worker: arrival of the last snapshot, also of a process that is gone; monotonic milliseconds. */
  readonly #lastArrival = new Map<number, number>()

  /** @param now monotonic milliseconds. */
  constructor(now: () => number = monotonicNow) {
    this.#now = now
  }

  /**
   * Adds what the process counted since its last snapshot and keeps its gauges. A process says its gauges first of all.
   *
   * @throws RangeError when the snapshot does not fit the catalogue; nothing of it is added then.
   */
  add(worker: number, pid: number, snapshot: Snapshot): void {
    checkDeltas(snapshot.deltas)
    const before = this.#snapshots.get(pid)
    const gauges = snapshot.gauges ?? before?.gauges ?? []
    checkGauges(gauges)
    for (const values of [this.values, this.valuesOf(worker)])
      for (let i = 0; i < snapshot.deltas.length; i += 2) values[snapshot.deltas[i]] += snapshot.deltas[i + 1]

    this.#grow(worker, before?.gauges, gauges)
    const websockets = (before?.websockets ?? 0) + openedLessClosed(snapshot.deltas)
    const arrivedAt = this.#now()
    this.#snapshots.set(pid, { worker, gauges, websockets, arrivedAt })
    this.#lastArrival.set(worker, arrivedAt)
  }

  valuesOf(worker: number): Float64Array {
    const known = this.#valuesOf.get(worker)
    if (known !== undefined) return known
    const values = new Float64Array(SERIES_COUNT)
    this.#valuesOf.set(worker, values)
    return values
  }

  /** A line of the primary's own log is lost. */
  countLostLogLine(): void {
    this.values[LOG_LINES_LOST]++
  }

  /** The process is gone and its last snapshot was added: its gauges go with it, its counts stay, what it had is lost. */
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

  gauge(worker: number, gauge: WorkerGauge): number {
    const index = WORKER_GAUGES.indexOf(gauge)
    const rule = WORKER_GAUGE_RULES[gauge]
    if (rule === 'grow') return this.#grown.get(worker)?.[index] ?? 0
    const values = this.#living(worker).map(snapshot => snapshot.gauges[index])
    return rule === 'max' ? Math.max(0, ...values) : values.reduce((sum, value) => sum + value, 0)
  }

  /** The oldest snapshot counts where a worker has several processes, so that a stuck one shows. */
  snapshotAge(worker: number): number {
    const arrivals = this.#living(worker).map(snapshot => snapshot.arrivedAt)
    const oldest = arrivals.length > 0 ? Math.min(...arrivals) : this.#lastArrival.get(worker)
    return oldest === undefined ? 0 : (this.#now() - oldest) / 1000
  }

  #living(worker: number): LastSnapshot[] {
    return [...this.#snapshots.values()].filter(snapshot => snapshot.worker === worker)
  }

  #grow(worker: number, before: readonly number[] | undefined, now: readonly number[]): void {
    const grown = this.#grown.get(worker) ?? new Float64Array(WORKER_GAUGES.length)
    this.#grown.set(worker, grown)
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
  if (deltas.length % 2 !== 0) throw new RangeError('the deltas of a snapshot are not pairs')
  for (let i = 0; i < deltas.length; i += 2) {
    const index = deltas[i]
    const increment = deltas[i + 1]
    if (!Number.isInteger(index) || index < 0 || index >= SERIES_COUNT)
      throw new RangeError(`a snapshot names series ${index} of ${SERIES_COUNT}`)
    if (!Number.isFinite(increment) || increment < 0)
      throw new RangeError(`a snapshot adds ${increment} to series ${index}`)
  }
}

/** NaN and the infinities arrive as null, since the messages are JSON. */
function checkGauges(gauges: readonly number[]): void {
  if (gauges.length !== WORKER_GAUGES.length)
    throw new RangeError(`a snapshot has ${gauges.length} gauges, not ${WORKER_GAUGES.length}`)
  const bad = gauges.findIndex(value => !Number.isFinite(value))
  if (bad !== -1) throw new RangeError(`a snapshot has no number for ${WORKER_GAUGES[bad]}`)
}
