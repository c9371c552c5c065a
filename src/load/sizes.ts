// Sizes of messages: a fixed one, a range, or several with their shares.

import type { SizeShare } from '../load-settings.js'

const MOST = 2 ** 32

export class Sizes {
  readonly largest: number
  readonly #shares: readonly SizeShare[]
  /** Of each share, the upper end of its part of the numbers below 2^32. */
  readonly #ends: number[] = []

  constructor(shares: readonly SizeShare[]) {
    this.#shares = shares
    this.largest = Math.max(...shares.map(({ most }) => most))
    const all = shares.reduce((sum, { weight }) => sum + weight, 0)
    let sum = 0
    for (const { weight } of shares) {
      sum += weight
      this.#ends.push((sum / all) * MOST)
    }
  }

  /** The size that belongs to a number below 2^32, always the same one. */
  at(number: number): number {
    let i = 0
    while (number >= this.#ends[i] && i < this.#ends.length - 1) i++
    const { least, most } = this.#shares[i]
    if (least === most) return least
    const start = i === 0 ? 0 : this.#ends[i - 1]
    return least + Math.floor(((number - start) / (this.#ends[i] - start)) * (most - least + 1))
  }
}
