// Learns how long messages take on this machine, to tell those that are worth a thread from those that are not.

/** Milliseconds that a task's way to a thread and back costs; measured at 0.04 to 0.11. */
export const HOP = 0.1

/** First guesses, milliseconds per octet on the wire: deflated octets stand for several of plain text. */
const FIRST_COMPRESSED = 20e-6
const FIRST_PLAIN = 8e-6
/** Octets that a first guess weighs like. */
const FIRST_WEIGHT = 16 * 1024
/** What even an empty message takes, in milliseconds. */
const FIXED = 0.005
/** What each message leaves of the weight of those before it. */
const DECAY = 0.95
/** A message that took longer than so many times what was expected was probably pre-empted. */
const MOST_SURPRISE = 8

/** What the estimate goes by: octets on the wire, and whether they are deflate data. */
interface Sized {
  readonly length: number
  readonly compressed: boolean
}

export class CostEstimate {
  readonly #compressed = new Rate(FIRST_COMPRESSED)
  readonly #plain = new Rate(FIRST_PLAIN)

  /** Expected milliseconds for a message of `length` octets on the wire. */
  cost(length: number, compressed: boolean): number {
    return FIXED + length * this.#rate(compressed).perOctet
  }

  /** Takes a measurement in milliseconds into the estimate. */
  learn({ length, compressed }: Sized, elapsed: number): void {
    if (length === 0) return
    const likely = Math.min(elapsed, MOST_SURPRISE * this.cost(length, compressed))
    this.#rate(compressed).add(length, Math.max(0, likely - FIXED))
  }

  /** The same for messages that took `elapsed` together: each is held to have taken its expected share. */
  learnTogether(messages: readonly Sized[], elapsed: number): void {
    const costs = messages.map(({ length, compressed }) => this.cost(length, compressed))
    const scale = elapsed / costs.reduce((sum, cost) => sum + cost, 0)
    for (const [i, message] of messages.entries()) this.learn(message, costs[i] * scale)
  }

  #rate(compressed: boolean): Rate {
    return compressed ? this.#compressed : this.#plain
  }
}

/** Milliseconds per octet over the last few dozen messages, long ones counting for more. */
class Rate {
  #octets = FIRST_WEIGHT
  #elapsed: number

  constructor(perOctet: number) {
    this.#elapsed = perOctet * FIRST_WEIGHT
  }

  get perOctet(): number {
    return this.#elapsed / this.#octets
  }

  add(octets: number, elapsed: number): void {
    this.#octets = DECAY * this.#octets + octets
    this.#elapsed = DECAY * this.#elapsed + elapsed
  }
}
