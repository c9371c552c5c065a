// Learns how long a connection's messages take, to tell those that are worth a thread from those that are not.
//
// Each connection has its own: what it sent before is the best guess at what it sends next, and a sender that wants to
// mislead the guess misleads no other's. A guess too low costs little too: work inline is bounded by octets (see
// SMALL_WORK), and what goes beyond that goes to a thread whole.

import type { WorkBound } from './inflater.js'

/** Milliseconds that a task's way to a thread and back costs; measured at 0.04 to 0.11. */
export const HOP = 0.1

/**
 * The most that is done inline for one message, whatever is expected of it: 16 KiB on the wire, which inflate to 16 KiB
 * in a few streams. Where the two meet, a thread is worth its hop; the worst that fits takes below a millisecond.
 */
export const SMALL_LENGTH = 16 * 1024
export const SMALL_WORK: WorkBound = { octets: 16 * 1024, finalBlocks: 8 }

/** First guesses, milliseconds per octet on the wire: deflated octets stand for several of plain text. */
const FIRST_COMPRESSED = 20e-6
const FIRST_PLAIN = 8e-6
/** What even an empty message takes, in milliseconds. */
const FIXED = 0.005
/** Shorter messages say as much of what an octet costs as one of this length. */
const LEAST_LENGTH = 512
/** How much of the guess the last message makes up. */
const WEIGHT = 0.1
/** A message that took longer than so many times what was expected was probably pre-empted. */
const MOST_SURPRISE = 3

export class CostEstimate {
  /** Milliseconds per octet on the wire. */
  #compressed = FIRST_COMPRESSED
  #plain = FIRST_PLAIN

  /** Whether a message of `length` octets on the wire is expected to take less than the way to a thread. */
  isSmall(length: number, compressed: boolean): boolean {
    return length <= SMALL_LENGTH && this.cost(length, compressed) < HOP
  }

  /** Expected milliseconds for a message of `length` octets on the wire. */
  cost(length: number, compressed: boolean): number {
    return FIXED + length * (compressed ? this.#compressed : this.#plain)
  }

  /** Takes a measurement in milliseconds into the estimate. */
  learn(length: number, compressed: boolean, elapsed: number): void {
    const likely = Math.min(elapsed, MOST_SURPRISE * this.cost(length, compressed))
    const perOctet = Math.max(0, likely - FIXED) / Math.max(length, LEAST_LENGTH)
    if (compressed) this.#compressed += WEIGHT * (perOctet - this.#compressed)
    else this.#plain += WEIGHT * (perOctet - this.#plain)
  }
}
