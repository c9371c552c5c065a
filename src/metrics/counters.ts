// The numbers that a worker counts into. Nothing here allocates except taking the deltas, a few times a second.

import { type HistogramSlot, SERIES_COUNT } from './layout.js'

export class Counters {
  /** Everything counted since the process began, indexed as layout says. Hot code adds to it directly. */
  readonly values = new Float64Array(SERIES_COUNT)
  /** `values` as they were at the last take. */
  readonly #taken = new Float64Array(SERIES_COUNT)

  /** @param index from `offsetOf`. */
  add(index: number, n: number): void {
    this.values[index] += n
  }

  /** Counts `value`, in the metric's unit, `times` over. */
  observe(slot: HistogramSlot, value: number, times = 1): void {
    const { offset, buckets } = slot
    let bucket = 0
    while (bucket < buckets.length && value > buckets[bucket]) bucket++
    this.values[offset + bucket] += times
    this.values[offset + buckets.length + 1] += value * times
  }

  /** What was added since the last take: pairs of index and increment, flattened; series that did not change are absent. */
  takeDeltas(): number[] {
    const deltas: number[] = []
    for (let i = 0; i < SERIES_COUNT; i++) {
      const increment = this.values[i] - this.#taken[i]
      if (increment !== 0) deltas.push(i, increment)
    }
    this.#taken.set(this.values)
    return deltas
  }
}
