// Incremental UTF-8 validation (RFC 3629): refuses at the first octet that no valid text can have there.

import { isUtf8 } from 'node:buffer'

/** Up to this many octets the automaton is faster than a view and a call into native code. */
const SHORT = 48

/** Validates text however its octets are cut into pieces: one message, or many, each begun where `atBoundary` is true. */
export class Utf8Validator {
  /** Continuation octets that the code point begun still needs. */
  #needed = 0
  /** Least and greatest octet that may come next inside a code point. */
  #lower = 0x80
  #upper = 0xbf

  /** True where the text may end: between two code points. */
  get atBoundary(): boolean {
    return this.#needed === 0
  }

  /** Takes the octets `start`…`end` of `buffer`; false if the text so far is not the beginning of a valid one. */
  push(buffer: Uint8Array, start: number, end: number): boolean {
    let position = start
    while (this.#needed > 0 && position < end) if (!this.#step(buffer[position++])) return false
    if (end - position > SHORT) {
      const tail = incompleteTail(buffer, end)
      if (!isUtf8(buffer.subarray(position, tail))) return false
      position = tail
    }
    while (position < end) if (!this.#step(buffer[position++])) return false
    return true
  }

  /** One octet of the automaton; the bounds are the rows of RFC 3629 section 4. */
  #step(octet: number): boolean {
    if (this.#needed > 0) {
      if (octet < this.#lower || octet > this.#upper) return false
      this.#needed--
      this.#lower = 0x80
      this.#upper = 0xbf
      return true
    }
    if (octet < 0x80) return true
    if (octet < 0xc2 || octet > 0xf4) return false
    this.#needed = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3
    if (octet === 0xe0) this.#lower = 0xa0
    else if (octet === 0xed) this.#upper = 0x9f
    else if (octet === 0xf0) this.#lower = 0x90
    else if (octet === 0xf4) this.#upper = 0x8f
    return true
  }
}

/** Where the code point that `end` cuts begins, or `end`. Looks back three octets: no code point has more than four. */
function incompleteTail(buffer: Uint8Array, end: number): number {
  for (let i = end - 1; i >= end - 3; i--) {
    const octet = buffer[i]
    if (octet < 0x80) return end
    if (octet < 0xc0) continue
    const size = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2
    return end - i < size ? i : end
  }
  return end
}
