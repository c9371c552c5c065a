// How a connection's octets were cut into reads or writes: how often each size came.

import type { Chop } from './report.js'

/** Different sizes that are told apart; what comes after them is summed. */
const MOST_SIZES = 100

/** What came before the size at hand. */
class Earlier {
  readonly counts = new Map<number, number>()
  otherCount = 0
  otherOctets = 0

  add(size: number, times: number): void {
    const count = this.counts.get(size)
    if (count === undefined && this.counts.size >= MOST_SIZES) {
      this.otherCount += times
      this.otherOctets += times * size
    } else this.counts.set(size, (count ?? 0) + times)
  }
}

export class Chops {
  /** The size at hand and how often it came in a row: most traffic repeats itself, and then this is all there is to do. */
  #size = -1
  #run = 0
  #earlier: Earlier | undefined

  /** True if the one before was of the same size. */
  add(size: number): boolean {
    if (size === this.#size) {
      this.#run++
      return true
    }
    if (this.#run > 0) this.#settle()
    this.#size = size
    this.#run = 1
    return false
  }

  describe(): { chops: Chop[]; otherChops: { count: number; octets: number } } {
    if (this.#run > 0) this.#settle()
    const { counts, otherCount, otherOctets } = this.#earlier ?? new Earlier()
    const chops = [...counts].map(([size, count]) => ({ size, count })).sort((a, b) => a.size - b.size)
    return { chops, otherChops: { count: otherCount, octets: otherOctets } }
  }

  #settle(): void {
    this.#earlier ??= new Earlier()
    this.#earlier.add(this.#size, this.#run)
    this.#run = 0
  }
}
