// Every message that a load sends, without keeping any: connection and number decide its size and its octets, so what
// comes back can be compared to the octet, and a message that was not the expected one still tells which one it is.
//
// A message is a piece of the pool. Twelve of its octets are its number: connection, place in it, and a check. Messages
// too short for that are known by their content and order alone.

import type { Payload } from '../load-settings.js'
import { unmask } from '../protocol/masking.js'
import { makePool, type PayloadPool, POOL } from './payload-pool.js'
import type { Sizes } from './sizes.js'

const CONNECTION_DIGITS = 4
const PLACE_DIGITS = 6
const CHECK_DIGITS = 2
const NUMBER = CONNECTION_DIGITS + PLACE_DIGITS + CHECK_DIGITS

/** 64 characters that need no escape in JSON; a digit is 6 bits. */
const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const DIGITS = new Uint8Array(256).fill(255)
for (const [digit, character] of ALPHABET.entries()) DIGITS[character] = digit

/** Up to this many octets a loop is faster than a call into native code. */
const SHORT = 128

export class MessageSource {
  /** Whether messages are text. */
  readonly text: boolean
  /** Octets from the beginning of a message by which it can be told from others. */
  readonly headLength: number
  readonly #pool: PayloadPool
  readonly #sizes: Sizes
  /** The number of the message that was asked for last, as it stands in it. */
  readonly #number = Buffer.alloc(NUMBER)
  #scratch = Buffer.alloc(0)

  constructor(payload: Payload, sizes: Sizes) {
    this.#pool = makePool(payload)
    this.#sizes = sizes
    this.text = this.#pool.text
    this.headLength = this.#pool.numberAt + NUMBER
  }

  /** Octets of a message. */
  sizeOf(connection: number, place: number): number {
    return this.#sizes.at(mix(connection, place))
  }

  /**
   * Writes a message into `output` at `offset`, masked.
   *
   * @param key masking key, its first octet in the most significant bits; 0 leaves the message plain
   */
  write(output: Uint8Array, offset: number, connection: number, place: number, key: number): void {
    const size = this.sizeOf(connection, place)
    const start = this.#startOf(connection, place)
    for (let done = 0; done < size; done += POOL)
      unmask(this.#pool.octets, start, Math.min(POOL, size - done), output, offset + done, key, 0)
    if (size >= this.headLength) this.#writeNumber(output, offset, connection, place, key)
  }

  /** A message as it is, in memory that is lent until the next call. */
  scratch(connection: number, place: number): Buffer {
    const size = this.sizeOf(connection, place)
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafeSlow(size)
    this.write(this.#scratch, 0, connection, place, 0)
    return this.#scratch.subarray(0, size)
  }

  /** Whether `length` octets of `input` at `offset` are those of the message from its octet `from` on. */
  matches(input: Buffer, offset: number, length: number, from: number, connection: number, place: number): boolean {
    const start = this.#startOf(connection, place)
    const hasNumber = this.sizeOf(connection, place) >= this.headLength
    if (!hasNumber || from >= this.headLength) return this.#matchesPool(input, offset, length, start + from)
    const end = from + length
    const numberAt = this.#pool.numberAt
    const before = Math.max(0, Math.min(end, numberAt) - from)
    if (before > 0 && !this.#matchesPool(input, offset, before, start + from)) return false
    const numberEnd = Math.min(end, this.headLength)
    this.#setNumber(connection, place)
    for (let i = Math.max(from, numberAt); i < numberEnd; i++)
      if (input[offset + i - from] !== this.#number[i - numberAt]) return false
    if (end <= this.headLength) return true
    return this.#matchesPool(input, offset + this.headLength - from, end - this.headLength, start + this.headLength)
  }

  /**
   * The place that a message says it has, from its first `headLength` octets.
   *
   * @returns −1 if they are no beginning of a message of this connection
   */
  placeIn(head: Uint8Array, offset: number, connection: number): number {
    const at = offset + this.#pool.numberAt
    let invalid = 0
    for (let i = 0; i < NUMBER; i++) invalid |= DIGITS[head[at + i]] & 0x80
    if (invalid !== 0) return -1
    const from = readDigits(head, at, CONNECTION_DIGITS)
    const place = readDigits(head, at + CONNECTION_DIGITS, PLACE_DIGITS)
    const check = readDigits(head, at + CONNECTION_DIGITS + PLACE_DIGITS, CHECK_DIGITS)
    // Only 32 bits of a place are in the check.
    const isOwn = from === (connection & 0xffffff) && place < 2 ** 32
    return isOwn && check === (mix(connection, place) & 0xfff) ? place : -1
  }

  #startOf(connection: number, place: number): number {
    const { step } = this.#pool
    const start = mix(place, connection) % POOL
    return step === 1 ? start : start - (start % step)
  }

  /** @param from place in the pool, which repeats without end */
  #matchesPool(input: Buffer, offset: number, length: number, from: number): boolean {
    const pool = this.#pool.octets
    if (length <= SHORT) {
      const at = from % POOL
      for (let i = 0; i < length; i++) if (input[offset + i] !== pool[at + i]) return false
      return true
    }
    for (let done = 0; done < length; done += POOL) {
      const piece = Math.min(POOL, length - done)
      const at = (from + done) % POOL
      if (input.compare(pool, at, at + piece, offset + done, offset + done + piece) !== 0) return false
    }
    return true
  }

  #setNumber(connection: number, place: number): void {
    const number = this.#number
    number[0] = ALPHABET[(connection >>> 18) & 63]
    number[1] = ALPHABET[(connection >>> 12) & 63]
    number[2] = ALPHABET[(connection >>> 6) & 63]
    number[3] = ALPHABET[connection & 63]
    number[4] = ALPHABET[Math.floor(place / 2 ** 30) & 63]
    number[5] = ALPHABET[(place >>> 24) & 63]
    number[6] = ALPHABET[(place >>> 18) & 63]
    number[7] = ALPHABET[(place >>> 12) & 63]
    number[8] = ALPHABET[(place >>> 6) & 63]
    number[9] = ALPHABET[place & 63]
    const check = mix(connection, place)
    number[10] = ALPHABET[(check >>> 6) & 63]
    number[11] = ALPHABET[check & 63]
  }

  #writeNumber(output: Uint8Array, offset: number, connection: number, place: number, key: number): void {
    this.#setNumber(connection, place)
    const { numberAt } = this.#pool
    for (let i = 0; i < NUMBER; i++) {
      const position = numberAt + i
      output[offset + position] = this.#number[i] ^ (key >>> (24 - 8 * (position & 3)))
    }
  }
}

function readDigits(octets: Uint8Array, offset: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value = value * 64 + DIGITS[octets[offset + i]]
  return value
}

/** 32 bits that look random but follow from two numbers. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}
