// Inflates one permessage-deflate message at a time (RFC 7692 section 7.2.2), stopping at the limits.

import zlib from 'node:zlib'
import type { ProtocolErrorCode } from '../errors.js'
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
 * What is put behind each message: the four octets that its sender took off (section 7.2.2), then an empty final block
 * and one octet more. A whole message makes zlib stop exactly before that last octet; a truncated one takes the
 * trailer for its own data and gives itself away.
 */
const TRAILER = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff, 0x00])

/** Octets behind a message that `inflate` overwrites. */
export const TRAILER_ROOM = TRAILER.length

const FIRST_OUTPUT = 64 * 1024
/** Output buffers above this are not kept for the next message. */
const KEPT_OUTPUT = 1024 * 1024
/** Final blocks in one message: legal, but each costs a context, so there is an end to it. */
const MAX_FINAL_BLOCKS = 1000
/** The largest window there is: a client may use it whatever it offered to use. */
const WINDOW = 32 * 1024

const NOTHING = Buffer.alloc(0)

export class Inflater {
  /** The plain text, `length` octets from 0. Valid until the next message. */
  output = NOTHING
  length = 0
  readonly #limits: InflateLimits
  readonly #kept: ZlibHandle | undefined
  #mostOutput = 0

  constructor(limits: InflateLimits) {
    this.#limits = limits
    this.#kept = openHandle(zlib.createInflateRaw())
  }

  /**
   * Inflates the message of `length` octets at `offset` of `source` into `output`.
   *
   * @param source has `TRAILER_ROOM` octets behind the message, which are overwritten
   * @param dictionary plain text before the message that it may refer to; empty without context takeover
   * @returns undefined, or the violation
   */
  inflate(source: Buffer, offset: number, length: number, dictionary: Buffer): ProtocolErrorCode | undefined {
    this.length = 0
    if (this.output.length === 0 || this.output.length > KEPT_OUTPUT) this.output = Buffer.allocUnsafeSlow(FIRST_OUTPUT)
    // Not a message by the letter, which would be one octet 0x00 (section 7.2.3.6), but there is nothing to refuse in it.
    if (length === 0) return undefined
    const { maxMessage, maxRatio } = this.#limits
    this.#mostOutput = maxRatio > 0 ? Math.min(maxMessage, Math.floor(maxRatio * length)) : maxMessage
    TRAILER.copy(source, offset + length)
    const violation = this.#inflateStreams(source, offset, length, dictionary)
    if (violation === 'ECHOBAHN_MESSAGE_TOO_BIG' && this.#mostOutput < maxMessage) return 'ECHOBAHN_INFLATE_RATIO'
    return violation
  }

  /** A message is one deflate stream, or several when final blocks stand inside it (section 7.2.3.4). */
  #inflateStreams(source: Buffer, offset: number, length: number, dictionary: Buffer): ProtocolErrorCode | undefined {
    const messageEnd = offset + length
    const end = messageEnd + TRAILER.length
    let position = offset
    let window = dictionary
    for (let streams = 0; streams <= MAX_FINAL_BLOCKS; streams++) {
      const consumed = this.#inflateStream(source, position, end, window)
      if (typeof consumed === 'string') return consumed
      position += consumed
      if (position === end - 1 || position === messageEnd) return undefined
      if (position > messageEnd) return 'ECHOBAHN_INVALID_DEFLATE'
      window = appendToWindow(dictionary, this.output, 0, this.length, WINDOW)
    }
    return 'ECHOBAHN_INVALID_DEFLATE'
  }

  /** Appends one stream's plain text to the output; returns the octets it was made of. */
  #inflateStream(source: Buffer, start: number, end: number, dictionary: Buffer): number | ProtocolErrorCode {
    if (this.#kept === undefined || dictionary.length > 0) return this.#inflateOnce(source, start, end, dictionary)
    const outcome = this.#inflateKept(this.#kept, source, start, end)
    this.#kept.reset()
    return outcome
  }

  #inflateKept(context: ZlibHandle, source: Buffer, start: number, end: number): number | ProtocolErrorCode {
    let position = start
    for (;;) {
      if (!context.write(source, position, end - position, this.output, this.length)) return 'ECHOBAHN_INVALID_DEFLATE'
      position = end - context.inputLeft
      this.length = this.output.length - context.roomLeft
      if (this.length > this.#mostOutput) return 'ECHOBAHN_MESSAGE_TOO_BIG'
      if (context.roomLeft > 0) return position - start
      this.#grow(this.output.length * 2)
    }
  }

  /** With a dictionary zlib needs a context of its own for each stream. */
  #inflateOnce(source: Buffer, start: number, end: number, dictionary: Buffer): number | ProtocolErrorCode {
    const room = this.#mostOutput - this.length
    let result: { buffer: Buffer; engine: { bytesWritten: number } }
    try {
      result = zlib.inflateRawSync(source.subarray(start, end), {
        ...(dictionary.length > 0 && { dictionary }),
        finishFlush: zlib.constants.Z_SYNC_FLUSH,
        maxOutputLength: Math.max(room, 1),
        info: true,
      }) as unknown as typeof result
    } catch (error) {
      const tooBig = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      return tooBig ? 'ECHOBAHN_MESSAGE_TOO_BIG' : 'ECHOBAHN_INVALID_DEFLATE'
    }
    const { buffer, engine } = result
    if (buffer.length > room) return 'ECHOBAHN_MESSAGE_TOO_BIG'
    if (this.length + buffer.length > this.output.length) this.#grow(this.length + buffer.length)
    buffer.copy(this.output, this.length)
    this.length += buffer.length
    return engine.bytesWritten
  }

  #grow(size: number): void {
    // One octet above the limit is enough to see it passed.
    const larger = Buffer.allocUnsafeSlow(Math.min(size, this.#mostOutput + 1))
    this.output.copy(larger, 0, 0, this.length)
    this.output = larger
  }
}
