// The clock of all connections with controls of a worker: what is due takes turns.
//
// A thousand connections may have something to do in the same millisecond. Done in one go it would keep those without
// controls waiting for all of it: so each turn of the event loop does a part, and looks at all sockets before the next.

/** Monotonic milliseconds, and a timer. */
export interface Clock {
  now(): number
  /** Calls back once after so many milliseconds, at least 1, or later; returns what stops that. */
  wait(milliseconds: number, callback: () => void): () => void
}

/** Milliseconds of one turn after which what is due has to wait for the next. */
const MOST_PER_TURN = 1

/** The machine's own time. */
const MACHINE: Clock = {
  now: () => performance.now(),
  wait: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
}

export class FairClock implements Clock {
  readonly #clock: Clock
  readonly #nextTurn: (run: () => void) => void
  /** What is due, in its order. */
  readonly #due = new Set<() => void>()
  readonly #run = (): void => {
    const end = this.now() + MOST_PER_TURN
    for (const callback of this.#due) {
      this.#due.delete(callback)
      callback()
      if (this.now() >= end) break
    }
    if (this.#due.size > 0) this.#nextTurn(this.#run)
  }

  /** @param nextTurn runs what it is given once the event loop has looked at all sockets */
  constructor(clock: Clock = MACHINE, nextTurn: (run: () => void) => void = setImmediate) {
    this.#clock = clock
    this.#nextTurn = nextTurn
  }

  now(): number {
    return this.#clock.now()
  }

  wait(milliseconds: number, callback: () => void): () => void {
    // Of its own, so that it can stand in the set beside others of the same function.
    const work = (): void => callback()
    const stop = this.#clock.wait(milliseconds, () => this.soon(work))
    return () => {
      stop()
      this.#due.delete(work)
    }
  }

  /** Calls back once, behind what is due already. */
  soon(callback: () => void): void {
    this.#due.add(callback)
    if (this.#due.size === 1) this.#nextTurn(this.#run)
  }
}

export const CLOCK = new FairClock()
