// Learns how long messages take on this machine, to tell those that are worth a thread from those that are not.

/** Milliseconds that a task's way to a thread and back costs; measured at 0.04 to 0.11. */
export const HOP = 0.1

/** First guesses, milliseconds per octet on the wire: deflated octets stand for several of plain text. */
const FIRST_COMPRESSED = 20e-6
const FIRST_PLAIN = 8e-6
/** What even an empty message takes, in milliseconds. */
const FIXED = 0.005
/** Shorter messages say little of the cost of an octet. */
const LEAST_LEARNED = 1024
/** Weight of the newest measurement. */
const WEIGHT = 0.05

export class CostEstimate {
  #compressed = FIRST_COMPRESSED
  #plain = FIRST_PLAIN

  /** Expected milliseconds for a message of `length` octets on the wire. */
  cost(length: number, compressed: boolean): number {
    return FIXED + length * (compressed ? this.#compressed : this.#plain)
  }

  /** Takes a measurement in milliseconds into the estimate. */
  learn(length: number, compressed: boolean, elapsed: number): void {
    if (length < LEAST_LEARNED) return
    const perOctet = Math.max(0, elapsed - FIXED) / length
    if (compressed) this.#compressed += WEIGHT * (perOctet - this.#compressed)
    else this.#plain += WEIGHT * (perOctet - this.#plain)
  }
}
