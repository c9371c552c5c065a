// Finds the frame headers in a stream of octets, for the wire log: without judging them, and apart from the decoder.

/** Gets the headers that are found: `size` octets of `octets` from `start`, which are only lent. */
export interface HeaderSink {
  header(scanner: FrameScanner, octets: Uint8Array, start: number, size: number): void
}

const LONGEST_HEADER = 14

export class FrameScanner {
  /** Octets of a header that a chunk's end has cut. */
  #held: number[] | undefined
  /** Payload octets that are still to be passed over. */
  #payload = 0

  /** Takes the next `length` octets; `sink` gets every header that they complete. */
  scan(octets: Uint8Array, length: number, sink: HeaderSink): void {
    let at = this.#held === undefined ? 0 : this.#completeHeld(octets, length, sink)
    for (;;) {
      const passed = Math.min(this.#payload, length - at)
      this.#payload -= passed
      at += passed
      if (at === length) return
      const size = headerSize(octets, at, length - at)
      if (at + size > length) {
        this.#held = [...octets.subarray(at, length)]
        return
      }
      this.#found(octets, at, size, sink)
      at += size
    }
  }

  /** Returns where the octets go on behind the header. */
  #completeHeld(octets: Uint8Array, length: number, sink: HeaderSink): number {
    const held = this.#held as number[]
    for (let at = 0; at < length; ) {
      held.push(octets[at++])
      if (held.length < headerSize(held, 0, held.length)) continue
      this.#held = undefined
      this.#found(Uint8Array.from(held), 0, held.length, sink)
      return at
    }
    return length
  }

  #found(octets: Uint8Array, start: number, size: number, sink: HeaderSink): void {
    this.#payload = payloadLength(octets, start)
    sink.header(this, octets, start, size)
  }
}

/** Octets of the header at `start`, of which `known` are there; as long as that cannot be known, more than there are. */
function headerSize(octets: ArrayLike<number>, start: number, known: number): number {
  if (known < 2) return LONGEST_HEADER
  const second = octets[start + 1]
  const length = second & 0x7f
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second >= 0x80 ? 4 : 0)
}

/** Payload octets that a whole header announces (RFC 6455 section 5.2). */
export function payloadLength(octets: Uint8Array, start: number): number {
  const length = octets[start + 1] & 0x7f
  if (length < 126) return length
  let extended = 0
  for (let i = start + 2; i < start + (length === 126 ? 4 : 10); i++) extended = extended * 256 + octets[i]
  return extended
}
