// How a connection's octets were cut into reads or writes: how often each size came.

import type { Chop } from './report.js'

/** Different sizes that are told apart; what comes after them is summed. */
const MOST_SIZES = 100

export class Chops {
  /** The size at hand and how often it came in a row: most traffic repeats itself, and then this is all there is to do. */
  #size = -1
  #run = 0
  #counts: Map<number, number> | undefined
  #otherCount = 0
  #otherOctets = 0

  add(size: number): void {
    if (size === this.#size) {
      this.#run++
      return
    }
    this.#settle()
    this.#size = size
    this.#run = 1
  }

  describe(): { chops: Chop[]; otherChops: { count: number; octets: number } } {
    this.#settle()
    const chops = [...(this.#counts ?? [])].map(([size, count]) => ({ size, count })).sort((a, b) => a.size - b.size)
    return { chops, otherChops: { count: this.#otherCount, octets: this.#otherOctets } }
  }

  #settle(): void {
    if (this.#run === 0) return
    this.#counts ??= new Map()
    const count = this.#counts.get(this.#size)
    if (count === undefined && this.#counts.size >= MOST_SIZES) {
      this.#otherCount += this.#run
      this.#otherOctets += this.#run * this.#size
    } else this.#counts.set(this.#size, (count ?? 0) + this.#run)
    this.#run = 0
  }
}
