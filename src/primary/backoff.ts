// How long the place of a dead worker stays empty.

/** A worker that was ready for longer than this (milliseconds) did not die of its start. */
export const STABLE_AFTER = 5000

const FIRST_DELAY = 100
const LONGEST_DELAY = 5000

/** The delays of one worker: none after a stable spell, else doubling from one early death to the next. */
export class Backoff {
  #earlyDeaths = 0

  /** Milliseconds to wait before the restart of a worker that was ready for `readyFor` milliseconds; 0 if it never was. */
  delayAfter(readyFor: number): number {
    if (readyFor > STABLE_AFTER) {
      this.#earlyDeaths = 0
      return 0
    }
    return Math.min(FIRST_DELAY * 2 ** this.#earlyDeaths++, LONGEST_DELAY)
  }
}
