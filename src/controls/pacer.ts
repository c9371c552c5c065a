// How many octets may go now, and when the next ones: the controls rate, chop and chop-delay.

/** Milliseconds whose share of the rate goes out at once: finer than people see, and few timers. */
const QUANTUM = 20

export interface Pace {
  /** Octets a second; undefined is no limit. */
  readonly rate: number | undefined
  /** Octets of one write at most. */
  readonly chop: number | undefined
  /** Milliseconds between two such writes. */
  readonly chopDelay: number
}

export class Pacer {
  readonly #pace: Pace
  readonly #most: number
  /** When the next octets may go; monotonic milliseconds. */
  freeAt = 0

  constructor(pace: Pace) {
    const { rate = Number.POSITIVE_INFINITY, chop = Number.POSITIVE_INFINITY } = pace
    this.#pace = pace
    this.#most = Math.min(chop, Math.max(1, Math.floor((rate * QUANTUM) / 1000)))
  }

  /** Octets, of `waiting` ones, that may be written at `now`; 0 before `freeAt`. */
  take(now: number, waiting: number): number {
    if (now < this.freeAt) return 0
    const octets = Math.min(waiting, this.#most)
    const { rate, chopDelay } = this.#pace
    const byRate = rate === undefined ? 0 : (octets / rate) * 1000
    // What a late timer lost is not made up for beyond one quantum, so that no burst follows a pause.
    const from = Math.max(this.freeAt, now - QUANTUM)
    this.freeAt = Math.max(from + byRate, chopDelay > 0 ? now + chopDelay : 0)
    return octets
  }
}
