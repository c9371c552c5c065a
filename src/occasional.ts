// Tells now and then of something that may happen very often.

import { monotonicNow } from './messages.js'

/** Milliseconds between two tellings. */
export const OCCASION_INTERVAL = 10_000

export class Occasional {
  readonly #tell: (times: number) => void
  /** Monotonic milliseconds. */
  readonly #now: () => number
  #times = 0
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param tell is called with how often it happened since the last telling */
  constructor(tell: (times: number) => void, now: () => number = monotonicNow) {
    this.#tell = tell
    this.#now = now
  }

  /** It happened once more: told at once, or with what comes after the interval. */
  happened(): void {
    this.#times++
    this.catchUp()
  }

  /** Tells what has not been told, once the interval is over; to be called now and then where nothing is to be left untold. */
  catchUp(): void {
    const now = this.#now()
    if (this.#times === 0 || now - this.#toldAt < OCCASION_INTERVAL) return
    this.#toldAt = now
    const times = this.#times
    this.#times = 0
    this.#tell(times)
  }
}
