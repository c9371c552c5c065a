// The pings of one connection that are not answered yet.

/** Octets of a ping's payload: its number, in the last four. */
const LENGTH = 8

export class Pings {
  /** When each was sent, by its number. */
  readonly #sent = new Map<number, number>()
  #count = 0

  get waiting(): number {
    return this.#sent.size
  }

  /** The payload of a new ping. */
  next(now: number): Buffer {
    const payload = Buffer.alloc(LENGTH)
    payload.writeUInt32BE(this.#count, LENGTH - 4)
    this.#sent.set(this.#count++, now)
    return payload
  }

  /**
   * A pong answers the ping it repeats and all before it (RFC 6455 section 5.5.3); an unasked one is legal.
   *
   * @returns when that ping was sent, and how many are answered; undefined when it is none of ours
   */
  answer(payload: Buffer): { readonly sent: number; readonly count: number } | undefined {
    const number = payload.length === LENGTH ? payload.readUInt32BE(LENGTH - 4) : -1
    const sent = this.#sent.get(number)
    if (sent === undefined) return undefined
    let count = 0
    for (const earlier of this.#sent.keys()) {
      if (earlier > number) break
      this.#sent.delete(earlier)
      count++
    }
    return { sent, count }
  }
}
