// Removes the mask of client frames (RFC 6455 section 5.3) while moving the payload to where it is needed.

import { makeWideMask, PAGE, ROUND } from './wide-mask.js'

/** Below so many octets a loop over octets is as fast as one over words. */
const LEAST_WORDS = 16
/** Up to so many octets a loop over words is faster than the way into WebAssembly and out. */
const MOST_WORDS = 512
/** From so many octets on a view pays for being made. */
const WORTH_A_VIEW = 192

const wide = makeWideMask()

/** A view of the buffer that was asked for last: one after the other, most messages come from and go to the same buffers. */
class LastView {
  #buffer: Uint8Array | undefined
  #view: DataView | undefined

  /** A view of `buffer`; undefined where it would have to be made, and the octets are too few for that. */
  of(buffer: Uint8Array, length: number): DataView | undefined {
    if (buffer !== this.#buffer) {
      this.#buffer = buffer
      this.#view = undefined
      if (length < WORTH_A_VIEW) return undefined
    }
    this.#view ??= new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    return this.#view
  }
}

const sources = new LastView()
const outputs = new LastView()

/**
 * Unmasks `length` octets of `source` from `start` into `output` at `offset`.
 *
 * @param key masking key, its first octet in the most significant bits
 * @param phase octets of the frame's payload that came before `start`
 * @returns whether all octets written are ASCII
 */
export function unmask(
  source: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  offset: number,
  key: number,
  phase: number,
): boolean {
  const word = keyWord(key, phase)
  if (length < LEAST_WORDS) return unmaskOctets(source, start, length, output, offset, word)
  if (length <= MOST_WORDS || wide === undefined) return unmaskWords(source, start, length, output, offset, word)
  const whole = length - (length % ROUND)
  let high = 0
  for (let done = 0; done < whole; done += PAGE) {
    const size = Math.min(PAGE, whole - done)
    wide.page.set(source.subarray(start + done, start + done + size))
    high |= wide.xor(size, word)
    output.set(size === PAGE ? wide.page : wide.page.subarray(0, size), offset + done)
  }
  const ascii = unmaskOctets(source, start + whole, length - whole, output, offset + whole, word)
  return ascii && high === 0
}

/** The octets of the key that mask the payload from `phase` on, the first in the least significant bits. */
function keyWord(key: number, phase: number): number {
  const turn = 8 * (phase & 3)
  const turned = turn === 0 ? key : (key << turn) | (key >>> (32 - turn))
  return (turned << 24) | ((turned & 0xff00) << 8) | ((turned >>> 8) & 0xff00) | (turned >>> 24)
}

function unmaskWords(
  source: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  offset: number,
  word: number,
): boolean {
  const from = sources.of(source, length)
  const to = outputs.of(output, length)
  if (from === undefined || to === undefined) return unmaskOctets(source, start, length, output, offset, word)
  const whole = length - (length % 16)
  const end = start + whole
  let s = start
  let d = offset
  let union = 0
  while (s < end) {
    const w0 = from.getInt32(s, true) ^ word
    const w1 = from.getInt32(s + 4, true) ^ word
    const w2 = from.getInt32(s + 8, true) ^ word
    const w3 = from.getInt32(s + 12, true) ^ word
    to.setInt32(d, w0, true)
    to.setInt32(d + 4, w1, true)
    to.setInt32(d + 8, w2, true)
    to.setInt32(d + 12, w3, true)
    union |= w0 | w1 | w2 | w3
    s += 16
    d += 16
  }
  const ascii = unmaskOctets(source, s, length - whole, output, d, word)
  return ascii && (union & 0x80808080) === 0
}

function unmaskOctets(
  source: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  offset: number,
  word: number,
): boolean {
  const k0 = word & 0xff
  const k1 = (word >>> 8) & 0xff
  const k2 = (word >>> 16) & 0xff
  const k3 = word >>> 24
  const end = start + length
  const whole = start + (length & ~3)
  let s = start
  let d = offset
  let union = 0
  while (s < whole) {
    const o0 = source[s] ^ k0
    const o1 = source[s + 1] ^ k1
    const o2 = source[s + 2] ^ k2
    const o3 = source[s + 3] ^ k3
    output[d] = o0
    output[d + 1] = o1
    output[d + 2] = o2
    output[d + 3] = o3
    union |= o0 | o1 | o2 | o3
    s += 4
    d += 4
  }
  for (let rest = word; s < end; rest >>>= 8) {
    const octet = source[s++] ^ (rest & 0xff)
    output[d++] = octet
    union |= octet
  }
  return union < 0x80
}
