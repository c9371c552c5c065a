// Deflates one message at a time (RFC 7692 section 7.2.1), or finds that it would not get smaller.

import zlib, { type ZlibOptions } from 'node:zlib'
import type { Settings } from '../settings.js'
import { Scratch, type Target } from './scratch.js'
import { openHandle, type ZlibHandle } from './zlib-handle.js'

export type DeflateTuning = Pick<Settings, 'deflateLevel' | 'memLevel'>

/** `auto` takes the thorough level up to this many octets, where it costs next to nothing, and the fast one above. */
const AUTO_BOUNDARY = 4 * 1024
const THOROUGH = 6
const FAST = 1

/** The empty stored block's end, 0x00 0x00 0xff 0xff, is not sent (section 7.2.1). */
const TAIL = 4
/** zlib takes no smaller window; with it no distance exceeds 250 (2^9 − 262), so it serves 8 bits truthfully too. */
const LEAST_WINDOW_BITS = 9

const NOTHING = Buffer.alloc(0)

export class Deflater {
  /** Octets of the deflated message, which begins where `deflate` was told. */
  length = 0
  readonly #scratch = new Scratch()
  readonly #tuning: DeflateTuning
  /** Kept contexts by level and window bits. */
  readonly #kept = new Map<number, ZlibHandle>()

  constructor(tuning: DeflateTuning) {
    this.#tuning = tuning
  }

  /** Memory for one message at a time, for who has none of its own. */
  begin(): Target {
    this.#scratch.begin()
    return this.#scratch
  }

  /** Lets go of memory that only large messages need. Returns its octets. */
  release(): number {
    return this.#scratch.release()
  }

  /**
   * Deflates `length` octets of `plain` from `offset` into `target` from `start`. What is behind `start` is lost.
   *
   * @param windowBits agreed server_max_window_bits, 8–15
   * @param dictionary plain text that the peer still has in its window; empty without context takeover
   * @returns false if the result would not be smaller than the plain text
   */
  deflate(
    plain: Buffer,
    offset: number,
    length: number,
    windowBits: number,
    dictionary: Buffer,
    target: Target,
    start: number,
  ): boolean {
    const level = this.#levelFor(length)
    const bits = Math.max(windowBits, LEAST_WINDOW_BITS)
    const keeps = dictionary.length === 0
    const context = keeps ? this.#keptContext(level, bits) : this.#open(level, bits, dictionary)
    if (context === undefined) {
      const own = this.#deflateOnce(plain.subarray(offset, offset + length), level, bits, dictionary)
      return this.#take(own, length, target, start)
    }
    const smaller = this.#deflateWith(context, plain, offset, length, target, start)
    if (target === this.#scratch) this.#scratch.end(this.length)
    if (keeps) context.reset()
    else context.close()
    return smaller
  }

  /** Gives up as soon as the result has grown to the plain text's length. */
  #deflateWith(
    context: ZlibHandle,
    plain: Buffer,
    offset: number,
    length: number,
    target: Target,
    start: number,
  ): boolean {
    const most = start + length + TAIL
    let left = length
    let end = start
    for (;;) {
      const room = Math.min(target.buffer.length, most)
      context.write(plain, offset + length - left, left, target.buffer, end, room)
      left = context.inputLeft
      end = room - context.roomLeft
      this.length = end - start - TAIL
      if (end >= most) return false
      if (context.roomLeft > 0) return true
      target.grow(end, most)
    }
  }

  #levelFor(length: number): number {
    const { deflateLevel } = this.#tuning
    if (deflateLevel !== 'auto') return deflateLevel
    return length <= AUTO_BOUNDARY ? THOROUGH : FAST
  }

  #keptContext(level: number, windowBits: number): ZlibHandle | undefined {
    const key = level * 16 + windowBits
    const kept = this.#kept.get(key) ?? this.#open(level, windowBits)
    if (kept !== undefined) this.#kept.set(key, kept)
    return kept
  }

  #open(level: number, windowBits: number, dictionary?: Buffer): ZlibHandle | undefined {
    return openHandle(zlib.createDeflateRaw(this.#zlibOptions(level, windowBits, dictionary)))
  }

  /** The same without Node's handle. */
  #deflateOnce(plain: Buffer, level: number, windowBits: number, dictionary: Buffer): Buffer {
    const finishFlush = zlib.constants.Z_SYNC_FLUSH
    return zlib.deflateRawSync(plain, { ...this.#zlibOptions(level, windowBits, dictionary), finishFlush })
  }

  #take(deflated: Buffer, plainLength: number, target: Target, start: number): boolean {
    this.length = deflated.length - TAIL
    if (this.length >= plainLength) return false
    const end = start + this.length
    if (target.buffer.length < end) target.grow(start, end, end)
    deflated.copy(target.buffer, start, 0, this.length)
    return true
  }

  #zlibOptions(level: number, windowBits: number, dictionary: Buffer = NOTHING): ZlibOptions {
    const { memLevel } = this.#tuning
    return { level, windowBits, memLevel, ...(dictionary.length > 0 && { dictionary }) }
  }
}
