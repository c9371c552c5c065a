// The search for the highest rate that holds: doubles while it does, then halves the distance between what held and what
// did not.

/** Trials end when the bounds are this close. */
const PRECISION = 1.05
const MOST_TRIALS = 20

export class LimitSearch {
  /** Rate of the next trial; undefined when the search is over. */
  rate: number | undefined
  /** The highest rate that held, 0 if none did. */
  best = 0
  #trials = 0
  /** The lowest rate that did not hold. */
  #worst = Number.POSITIVE_INFINITY

  /** @param first rate of the first trial, messages per second */
  constructor(first: number) {
    this.rate = first
  }

  /** Tells whether the trial held. */
  tell(holds: boolean): void {
    const { rate } = this
    if (rate === undefined) return
    this.#trials++
    if (holds) this.best = Math.max(this.best, rate)
    else this.#worst = Math.min(this.#worst, rate)
    this.rate = this.#next(rate)
  }

  #next(rate: number): number | undefined {
    if (this.#trials === MOST_TRIALS || this.#worst <= 1) return undefined
    if (this.#worst === Number.POSITIVE_INFINITY) return rate * 2
    if (this.best === 0) return Math.max(1, Math.floor(rate / 4))
    if (this.#worst / this.best <= PRECISION) return undefined
    const middle = Math.round((this.best + this.#worst) / 2)
    // Between neighbours there is nothing to try.
    return middle < this.#worst && middle > this.best ? middle : undefined
  }
}
