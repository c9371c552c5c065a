// Inflates one permessage-deflate message at a time (RFC 7692 section 7.2.2), stopping at the limits.

import zlib from 'node:zlib'
import type { ProtocolErrorCode } from '../errors.js'
import { Scratch } from './scratch.js'
import { appendToWindow, WindowPrimer } from './window.js'
import { openHandle, type ZlibHandle } from './zlib-handle.js'

/** What bounds one message. */
export interface InflateLimits {
  /** Octets of plain text. */
  readonly maxMessage: number
  /** Octets of plain text per octet on the wire; 0 is no limit. */
  readonly maxRatio: number
}

/** How much work a message may be before it is given up, so that it can be done elsewhere. */
export interface WorkBound {
  /** Octets of plain text. */
  readonly octets: number
  readonly finalBlocks: number
}

/** The message is not finished: it is more work than the caller wanted done. */
export const GIVEN_UP = 'given up'

/**
 * What zlib is fed behind each message: the four octets that its sender took off (section 7.2.2), then an empty final
 * block and one octet more. A whole message makes zlib stop exactly before that last octet, with no more plain text; a
 * truncated one takes the trailer for its own data and gives itself away.
 */
const TRAILER = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff, 0x00])
/** What a sender takes off (section 7.2.1), and the trailer for one that did not. */
const TAIL = TRAILER.subarray(0, 4)
const TRAILER_BEHIND_TAIL = TRAILER.subarray(4)
/** Octets of the trailer that are left behind a whole message. */
const TRAILER_LEFT = 1

/** Final blocks in one message: legal (section 7.2.3.4), but each costs zlib a new start, so there is an end to it. */
const MAX_FINAL_BLOCKS = 1000
/** A stream that ended with the message and not with a final block. */
const NO_FINAL_BLOCK = -1
/** What zlib says of a distance that reaches beyond all it was given. */
const TOO_FAR_BACK = 'invalid distance too far back'

export class Inflater {
  /** Octets of plain text in `output`. */
  length = 0
  readonly #scratch = new Scratch()
  readonly #limits: InflateLimits
  readonly #primer = new WindowPrimer()
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
   * @param window plain text before the message that it may refer to; empty without context takeover
   * @param bound where to give up; by default nowhere before the limits
   * @returns undefined, the violation, or GIVEN_UP
   */
  inflate(
    source: Buffer,
    offset: number,
    length: number,
    window: Buffer,
    bound?: WorkBound,
  ): ProtocolErrorCode | typeof GIVEN_UP | undefined {
    this.length = 0
    this.#scratch.begin()
    // By the letter an empty message is one octet 0x00 (section 7.2.3.6), but there is nothing to refuse in none.
    if (length === 0) return undefined
    const limit = this.#limitFor(length)
    this.#mostOutput = Math.min(limit, bound?.octets ?? limit)
    const mostFinalBlocks = bound?.finalBlocks ?? MAX_FINAL_BLOCKS
    const violation = this.#inflateStreams(source, offset, offset + length, window, mostFinalBlocks)
    this.#scratch.end(this.length)
    if (violation === 'ECHOBAHN_MESSAGE_TOO_BIG') {
      if (this.#mostOutput < limit) return GIVEN_UP
      if (limit < this.#limits.maxMessage) return 'ECHOBAHN_INFLATE_RATIO'
    }
    if (violation === 'ECHOBAHN_TOO_MANY_FINAL_BLOCKS' && mostFinalBlocks < MAX_FINAL_BLOCKS) return GIVEN_UP
    return violation
  }

  /** Lets go of memory that only large messages need. Returns its octets. */
  release(): number {
    return this.#scratch.release()
  }

  /** Octets of plain text that a message of `length` octets may have. */
  #limitFor(length: number): number {
    const { maxMessage, maxRatio } = this.#limits
    return maxRatio > 0 ? Math.min(maxMessage, Math.floor(maxRatio * length)) : maxMessage
  }

  /** A message is one deflate stream, or several when final blocks stand inside it (section 7.2.3.4). */
  #inflateStreams(
    source: Buffer,
    start: number,
    end: number,
    window: Buffer,
    mostFinalBlocks: number,
  ): ProtocolErrorCode | undefined {
    let position = start
    let finalBlocks = 0
    let left: number | ProtocolErrorCode
    do {
      const before = this.length
      left = this.#inflateStream(source, position, end, window, TRAILER)
      if (left === 'ECHOBAHN_DEFLATE_TRUNCATED' && TAIL.equals(source.subarray(Math.max(position, end - 4), end))) {
        this.length = before
        const again = this.#inflateStream(source, position, end, window, TRAILER_BEHIND_TAIL)
        return again === NO_FINAL_BLOCK ? 'ECHOBAHN_DEFLATE_TAIL' : left
      }
      if (typeof left === 'string') return left
      if (left === NO_FINAL_BLOCK) return undefined
      if (++finalBlocks > mostFinalBlocks) return 'ECHOBAHN_TOO_MANY_FINAL_BLOCKS'
      position = end - left
    } while (left > 0)
    return undefined
  }

  /**
   * Appends one stream's plain text to the output. Returns the octets of the message behind its final block, or
   * NO_FINAL_BLOCK if the message ends with it as `trailer` shows.
   */
  #inflateStream(
    source: Buffer,
    start: number,
    end: number,
    window: Buffer,
    trailer: Buffer,
  ): number | ProtocolErrorCode {
    this.#kept ??= openHandle(zlib.createInflateRaw())
    const context = this.#kept
    if (context === undefined) return this.#inflateOnce(source.subarray(start, end), window, trailer)
    this.#primer.prime(context, window, this.output, this.length)
    const left = this.#inflateWith(context, source, start, end, trailer)
    context.reset()
    return left
  }

  #inflateWith(
    context: ZlibHandle,
    source: Buffer,
    start: number,
    end: number,
    trailer: Buffer,
  ): number | ProtocolErrorCode {
    let left = end - start
    do {
      if (this.length === this.output.length) this.#grow()
      // One octet above the limit is enough to see it passed.
      const room = Math.min(this.output.length, this.#mostOutput + 1)
      if (!context.write(source, end - left, left, this.output, this.length, room)) return violationOf(context.error)
      left = context.inputLeft
      this.length = room - context.roomLeft
      if (this.length > this.#mostOutput) return 'ECHOBAHN_MESSAGE_TOO_BIG'
    } while (context.roomLeft === 0)
    if (left > 0) return left
    const before = context.roomLeft
    const isClean = context.write(trailer, 0, trailer.length, this.output, this.length, this.length + before)
    return isClean && context.roomLeft === before ? endOf(context.inputLeft, trailer) : 'ECHOBAHN_DEFLATE_TRUNCATED'
  }

  /** The same without Node's handle. */
  #inflateOnce(stream: Buffer, window: Buffer, trailer: Buffer): number | ProtocolErrorCode {
    const dictionary = appendToWindow(window, this.output.subarray(0, this.length), WindowPrimer.MOST)
    const own = inflateSync(stream, dictionary, this.#mostOutput - this.length)
    if (typeof own === 'string') return own
    if (this.length + own.plain.length > this.output.length) this.#grow(this.length + own.plain.length)
    own.plain.copy(this.output, this.length)
    this.length += own.plain.length
    if (own.left > 0) return own.left
    const trailed = inflateSync(Buffer.concat([stream, trailer]), dictionary, own.plain.length)
    return typeof trailed === 'string' ? 'ECHOBAHN_DEFLATE_TRUNCATED' : endOf(trailed.left, trailer)
  }

  #grow(least = 0): void {
    this.#scratch.grow(this.length, this.#mostOutput + 1, least)
  }
}

/** How a stream ends that left so many octets of the trailer behind it. */
function endOf(left: number, trailer: Buffer): number | ProtocolErrorCode {
  if (left === trailer.length) return 0
  return left === TRAILER_LEFT ? NO_FINAL_BLOCK : 'ECHOBAHN_DEFLATE_TRUNCATED'
}

/** @param error what zlib says */
function violationOf(error: string): ProtocolErrorCode {
  return error === TOO_FAR_BACK ? 'ECHOBAHN_DEFLATE_DISTANCE' : 'ECHOBAHN_INVALID_DEFLATE'
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
    return tooBig ? 'ECHOBAHN_MESSAGE_TOO_BIG' : violationOf((error as Error).message)
  }
}
