// One turn of the event loop, one share for each connection: who has more to do than that goes on in the next turn,
// behind the others.
//
// A read brings up to 260 KiB, which can be 40,000 pings or as many compressed messages: without a bound one connection
// would make all others wait for milliseconds, or seconds.

/** Frames of one share: about 300 microseconds. */
export const SHARE = 512
/** Frames that a millisecond of compression is charged as: 200 microseconds of it, and their replies, are a share. */
const FRAMES_PER_MILLISECOND = SHARE / 0.2

/** What the connection at hand may still do in this turn. One for all of a worker, since only one works at a time. */
export class Share {
  /** In frames; used up at 0 or below. */
  left = 0
  readonly #size: number

  /** @param size frames of a share */
  constructor(size = SHARE) {
    this.#size = size
  }

  begin(): void {
    this.left = this.#size
  }

  /** Charges work that takes longer than a frame does. */
  charge(milliseconds: number): void {
    this.left -= milliseconds * FRAMES_PER_MILLISECOND
  }
}

export interface TurnTaker {
  takeTurn(): void
}

/** Those who wait for the next turn, in their order. */
export class Turns {
  #waiting: TurnTaker[] = []
  readonly #run = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const taker of waiting) taker.takeTurn()
  }

  /** `taker` gets its turn after the event loop has looked at all sockets once. */
  add(taker: TurnTaker): void {
    if (this.#waiting.push(taker) === 1) setImmediate(this.#run)
  }
}
