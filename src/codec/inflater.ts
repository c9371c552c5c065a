// Inflates one permessage-deflate message at a time (RFC 7692 section 7.2.2), stopping at the limits.

import zlib from 'node:zlib'
import type { ProtocolErrorCode } from '../errors.js'
import { Scratch } from './scratch.js'
import { appendToWindow } from './window.js'
import { openHandle, type ZlibHandle } from './zlib-handle.js'

/** What bounds one message. */
export interface InflateLimits {
  /** Octets of plain text. */
  readonly maxMessage: number
  /** Octets of plain text per octet on the wire; 0 is no limit. */
  readonly maxRatio: number
}

/**
 * What zlib is fed behind each message: the four octets that its sender took off (section 7.2.2), then an empty final
 * block and one octet more. A whole message makes zlib stop exactly before that last octet, with no more plain text; a
 * truncated one takes the trailer for its own data and gives itself away.
 */
const TRAILER = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff, 0x00])
/** Octets of the trailer that are left behind a whole message. */
const TRAILER_LEFT = 1

/** Final blocks in one message: legal, but each costs a context, so there is an end to it. */
const MAX_FINAL_BLOCKS = 1000
/** The largest window there is: a client may use it whatever it offered to use. */
const WINDOW = 32 * 1024

export class Inflater {
  /** Octets of plain text in `output`. */
  length = 0
  readonly #scratch = new Scratch()
  readonly #limits: InflateLimits
  #kept: ZlibHandle | undefined
  #mostOutput = 0

  constructor(limits: InflateLimits) {
    this.#limits = limits
  }

  /** The plain text, `length` octets from 0. Valid until the next message. */
  get output(): Buffer {
    return this.#scratch.buffer
  }

  /**
   * Inflates the message of `length` octets at `offset` of `source` into `output`.
   *
   * @param dictionary plain text before the message that it may refer to; empty without context takeover
   * @returns undefined, or the violation
   */
  inflate(source: Buffer, offset: number, length: number, dictionary: Buffer): ProtocolErrorCode | undefined {
    this.length = 0
    this.#scratch.begin()
    // By the letter an empty message is one octet 0x00 (section 7.2.3.6), but there is nothing to refuse in none.
    if (length === 0) return undefined
    const { maxMessage, maxRatio } = this.#limits
    this.#mostOutput = maxRatio > 0 ? Math.min(maxMessage, Math.floor(maxRatio * length)) : maxMessage
    const violation = this.#inflateStreams(source, offset, offset + length, dictionary)
    this.#scratch.end(this.length)
    if (violation === 'ECHOBAHN_MESSAGE_TOO_BIG' && this.#mostOutput < maxMessage) return 'ECHOBAHN_INFLATE_RATIO'
    return violation
  }

  /** A message is one deflate stream, or several when final blocks stand inside it (section 7.2.3.4). */
  #inflateStreams(source: Buffer, start: number, end: number, dictionary: Buffer): ProtocolErrorCode | undefined {
    let position = start
    let window = dictionary
    for (let finalBlocks = 0; finalBlocks <= MAX_FINAL_BLOCKS; finalBlocks++) {
      const left = this.#inflateStream(source, position, end, window)
      if (typeof left === 'string') return left
      if (left === 0) return undefined
      position = end - left
      window = appendToWindow(dictionary, this.output.subarray(0, this.length), WINDOW)
    }
    return 'ECHOBAHN_INVALID_DEFLATE'
  }

  /** Appends one stream's plain text to the output; returns the octets of the message behind its final block. */
  #inflateStream(source: Buffer, start: number, end: number, window: Buffer): number | ProtocolErrorCode {
    const keeps = window.length === 0
    const context = keeps ? this.#keptContext() : openHandle(zlib.createInflateRaw({ dictionary: window }))
    if (context === undefined) return this.#inflateOnce(source.subarray(start, end), window)
    const left = this.#inflateWith(context, source, start, end)
    if (keeps) context.reset()
    else context.close()
    return left
  }

  #keptContext(): ZlibHandle | undefined {
    this.#kept ??= openHandle(zlib.createInflateRaw())
    return this.#kept
  }

  #inflateWith(context: ZlibHandle, source: Buffer, start: number, end: number): number | ProtocolErrorCode {
    let left = end - start
    do {
      if (this.length === this.output.length) this.#grow()
      if (!context.write(source, end - left, left, this.output, this.length)) return 'ECHOBAHN_INVALID_DEFLATE'
      left = context.inputLeft
      this.length = this.output.length - context.roomLeft
      if (this.length > this.#mostOutput) return 'ECHOBAHN_MESSAGE_TOO_BIG'
    } while (context.roomLeft === 0)
    return left > 0 || this.#isWhole(context) ? left : 'ECHOBAHN_INVALID_DEFLATE'
  }

  /** Whether the stream ends with the message: by a final block, which leaves the whole trailer, or as it should. */
  #isWhole(context: ZlibHandle): boolean {
    const room = context.roomLeft
    if (!context.write(TRAILER, 0, TRAILER.length, this.output, this.length)) return false
    return context.roomLeft === room && (context.inputLeft === TRAILER.length || context.inputLeft === TRAILER_LEFT)
  }

  /** The same without Node's handle. */
  #inflateOnce(stream: Buffer, window: Buffer): number | ProtocolErrorCode {
    const own = inflateSync(stream, window, this.#mostOutput - this.length)
    if (typeof own === 'string') return own
    if (this.length + own.plain.length > this.output.length) this.#grow(this.length + own.plain.length)
    own.plain.copy(this.output, this.length)
    this.length += own.plain.length
    if (own.left > 0) return own.left
    const trailed = inflateSync(Buffer.concat([stream, TRAILER]), window, own.plain.length)
    const whole = typeof trailed !== 'string' && (trailed.left === TRAILER.length || trailed.left === TRAILER_LEFT)
    return whole ? 0 : 'ECHOBAHN_INVALID_DEFLATE'
  }

  /** One octet above the limit is enough to see it passed. */
  #grow(least = 0): void {
    this.#scratch.grow(this.length, this.#mostOutput + 1, least)
  }
}

/** Inflates one stream to at most `room` octets; `left` are the octets of `stream` behind its final block. */
function inflateSync(
  stream: Buffer,
  dictionary: Buffer,
  room: number,
): { plain: Buffer; left: number } | ProtocolErrorCode {
  try {
    const { buffer, engine } = zlib.inflateRawSync(stream, {
      ...(dictionary.length > 0 && { dictionary }),
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      maxOutputLength: Math.max(room, 1),
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return buffer.length > room
      ? 'ECHOBAHN_MESSAGE_TOO_BIG'
      : { plain: buffer, left: stream.length - engine.bytesWritten }
  } catch (error) {
    const tooBig = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return tooBig ? 'ECHOBAHN_MESSAGE_TOO_BIG' : 'ECHOBAHN_INVALID_DEFLATE'
  }
}
