// One message in one step: inflate, check UTF-8, check limits, deflate. The same on the worker and on a codec thread.

import { isUtf8 } from 'node:buffer'
import type { ProtocolErrorCode } from '../errors.js'
import type { Settings } from '../settings.js'
import { Deflater } from './deflater.js'
import { GIVEN_UP, Inflater, type WorkBound } from './inflater.js'
import type { Target } from './scratch.js'

export type TranscoderSettings = Pick<Settings, 'maxMessage' | 'maxInflateRatio' | 'deflateLevel' | 'memLevel'>

/** Just these fields, so that they can be sent to a thread. */
export function transcoderSettings(settings: TranscoderSettings): TranscoderSettings {
  const { maxMessage, maxInflateRatio, deflateLevel, memLevel } = settings
  return { maxMessage, maxInflateRatio, deflateLevel, memLevel }
}

/** A message as it came. */
export interface Incoming {
  /** Holds the payload, `length` octets at `offset`. */
  readonly source: Buffer
  readonly offset: number
  readonly length: number
  /** The payload is deflate data (RSV1 was set). */
  readonly compressed: boolean
  readonly text: boolean
  /** server_max_window_bits, 8–15. */
  readonly windowBits: number
  /** Client context takeover was agreed: the message may refer to earlier ones. */
  readonly refersBack: boolean
  /** What the message may refer back to; empty without client context takeover. */
  readonly inflateWindow: Buffer
  /** What the reply may refer back to; empty without server context takeover. */
  readonly deflateWindow: Buffer
}

/** The reply's payload, and the plain text it stands for. Buffers are only lent: valid until the next message. */
export interface Outgoing {
  readonly violation: ProtocolErrorCode | undefined
  /** Whether `payload` is deflate data, so that RSV1 must be set; else it is the plain text. */
  readonly deflated: boolean
  readonly payload: Buffer
  readonly payloadOffset: number
  readonly payloadLength: number
  readonly plain: Buffer
  readonly plainOffset: number
  readonly plainLength: number
}

/** Shorter messages are sent plain: deflating them gains nothing worth a header bit. */
const LEAST_DEFLATED = 16

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const NOTHING = Buffer.alloc(0)

export class Transcoder {
  readonly #inflater: Inflater
  readonly #deflater: Deflater
  readonly #result: Writable<Outgoing> = {
    violation: undefined,
    deflated: false,
    payload: NOTHING,
    payloadOffset: 0,
    payloadLength: 0,
    plain: NOTHING,
    plainOffset: 0,
    plainLength: 0,
  }

  constructor(settings: TranscoderSettings) {
    this.#inflater = new Inflater({ maxMessage: settings.maxMessage, maxRatio: settings.maxInflateRatio })
    this.#deflater = new Deflater(settings)
  }

  /** Makes the reply to `message`. The result object is the same at each call. */
  transcode(message: Incoming): Outgoing {
    return this.#transcode(message, undefined, undefined, 0) as Outgoing
  }

  /** The same, but undefined where inflating is more work than `bound`. */
  transcodeWithin(message: Incoming, bound: WorkBound | undefined): Outgoing | undefined {
    return this.#transcode(message, bound, undefined, 0)
  }

  /** The same as `transcode`, but a deflated payload is put into `target` at `start`; what is behind that is lost. */
  transcodeInto(message: Incoming, target: Target, start: number): Outgoing {
    return this.#transcode(message, undefined, target, start) as Outgoing
  }

  /** Lets go of memory that only large messages need; the last result is gone with it. Returns its octets. */
  release(): number {
    const result = this.#result
    result.payload = NOTHING
    result.plain = NOTHING
    return this.#inflater.release() + this.#deflater.release()
  }

  #transcode(
    message: Incoming,
    bound: WorkBound | undefined,
    target: Target | undefined,
    start: number,
  ): Outgoing | undefined {
    const result = this.#result
    const violation = message.compressed ? this.#inflate(message, bound) : this.#takePlain(message)
    if (violation === GIVEN_UP) return undefined
    result.violation = violation
    if (violation !== undefined) return result
    const memory = target ?? this.#deflater.begin()
    result.deflated = this.#deflate(message, memory, start)
    if (result.deflated) {
      result.payload = memory.buffer
      result.payloadOffset = start
      result.payloadLength = this.#deflater.length
    } else {
      result.payload = result.plain
      result.payloadOffset = result.plainOffset
      result.payloadLength = result.plainLength
    }
    return result
  }

  #inflate(message: Incoming, bound: WorkBound | undefined): ProtocolErrorCode | typeof GIVEN_UP | undefined {
    const inflater = this.#inflater
    const { source, offset, length, inflateWindow, refersBack, text } = message
    const violation = inflater.inflate(source, offset, length, inflateWindow, bound)
    if (violation === 'ECHOBAHN_DEFLATE_DISTANCE' && !refersBack) return 'ECHOBAHN_DEFLATE_EARLIER_MESSAGE'
    if (violation !== undefined) return violation
    const result = this.#result
    result.plain = inflater.output
    result.plainOffset = 0
    result.plainLength = inflater.length
    return !text || isUtf8(inflater.output.subarray(0, inflater.length)) ? undefined : 'ECHOBAHN_INVALID_UTF8'
  }

  /** Uncompressed text was validated while it was decoded. */
  #takePlain(message: Incoming): undefined {
    const result = this.#result
    result.plain = message.source
    result.plainOffset = message.offset
    result.plainLength = message.length
    return undefined
  }

  #deflate({ windowBits, deflateWindow }: Incoming, target: Target, start: number): boolean {
    const { plain, plainOffset, plainLength } = this.#result
    if (plainLength < LEAST_DEFLATED) return false
    return this.#deflater.deflate(plain, plainOffset, plainLength, windowBits, deflateWindow, target, start)
  }
}
