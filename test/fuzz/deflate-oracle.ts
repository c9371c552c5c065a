// What the codec has to make of a message, by zlib's public one-shot functions and RFC 7692 section 7.2 alone.

import { constants, inflateRawSync } from 'node:zlib'
import type { Incoming } from '../../src/codec/transcoder.js'
import type { ProtocolErrorCode } from '../../src/errors.js'

export type Verdict = Buffer | ProtocolErrorCode

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
const EMPTY_FINAL = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff])
const MOST_FINAL_BLOCKS = 1000
const WINDOW = 32 * 1024
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The plain text, or the violation; `limits` are those of the codec. */
export function verdictOn(message: Incoming, limits: { maxMessage: number }): Verdict {
  const { source, offset, length, text, refersBack } = message
  const verdict = inflateAll(source.subarray(offset, offset + length), message.inflateWindow, limits.maxMessage)
  if (verdict === 'ECHOBAHN_DEFLATE_DISTANCE' && !refersBack) return 'ECHOBAHN_DEFLATE_EARLIER_MESSAGE'
  return text && typeof verdict !== 'string' && !isUtf8(verdict) ? 'ECHOBAHN_INVALID_UTF8' : verdict
}

function isUtf8(octets: Buffer): boolean {
  try {
    UTF8.decode(octets)
    return true
  } catch {
    return false
  }
}

function inflateAll(payload: Buffer, window: Buffer, maxMessage: number): Verdict {
  if (payload.length === 0) return payload
  const parts: Buffer[] = []
  let size = 0
  let rest = payload
  let history = window
  for (let finalBlocks = 1; ; finalBlocks++) {
    const stream = inflateOne(rest, history, maxMessage - size)
    if (typeof stream === 'string') return stream
    parts.push(stream.plain)
    size += stream.plain.length
    const isFinal = stream.taken < rest.length || isDone(rest, history)
    if (!isFinal) return endsWell(rest, history, stream.plain.length) ?? Buffer.concat(parts)
    if (finalBlocks > MOST_FINAL_BLOCKS) return 'ECHOBAHN_TOO_MANY_FINAL_BLOCKS'
    if (stream.taken === rest.length) return Buffer.concat(parts)
    history = Buffer.concat([history, stream.plain]).subarray(-WINDOW)
    rest = rest.subarray(stream.taken)
  }
}

interface Stream {
  readonly plain: Buffer
  /** Octets that it took, its final block included if it has one. */
  readonly taken: number
}

/** What zlib makes of the first stream in `octets`, however it ends. */
function inflateOne(octets: Buffer, dictionary: Buffer, most: number): Stream | ProtocolErrorCode {
  try {
    const stream = inflate(octets, dictionary, constants.Z_SYNC_FLUSH)
    return stream.plain.length > most ? 'ECHOBAHN_MESSAGE_TOO_BIG' : stream
  } catch (error) {
    // What was made before the error may have been too much already: without the last octets there is none.
    if (reaches(octets, dictionary, most)) return 'ECHOBAHN_MESSAGE_TOO_BIG'
    const tooFar = (error as Error).message === 'invalid distance too far back'
    return tooFar ? 'ECHOBAHN_DEFLATE_DISTANCE' : 'ECHOBAHN_INVALID_DEFLATE'
  }
}

/** Whether octets that are corrupt make more than `most` octets of plain text before zlib sees that they are. */
function reaches(octets: Buffer, dictionary: Buffer, most: number): boolean {
  let good = 0
  let bad = octets.length
  let plain = 0
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    try {
      plain = inflate(octets.subarray(0, middle), dictionary, constants.Z_SYNC_FLUSH).plain.length
      good = middle
    } catch {
      bad = middle
    }
  }
  return plain > most
}

/** Whether `octets` end with a final block: an octet behind it is not taken. */
function isDone(octets: Buffer, dictionary: Buffer): boolean {
  try {
    const { taken } = inflate(octets, dictionary, constants.Z_FINISH)
    return taken === octets.length
  } catch {
    return false
  }
}

/** The violation if the last stream does not end as a message does: with the four octets put back, at the end of a block. */
function endsWell(octets: Buffer, dictionary: Buffer, length: number): ProtocolErrorCode | undefined {
  const closes = (behind: readonly Buffer[]): boolean => {
    const whole = Buffer.concat([octets, ...behind])
    try {
      const { plain, taken } = inflate(whole, dictionary, constants.Z_FINISH)
      return plain.length === length && taken === whole.length
    } catch {
      return false
    }
  }
  if (closes([TAIL, EMPTY_FINAL])) return undefined
  const hasTail = octets.subarray(-TAIL.length).equals(TAIL) && closes([EMPTY_FINAL])
  return hasTail ? 'ECHOBAHN_DEFLATE_TAIL' : 'ECHOBAHN_DEFLATE_TRUNCATED'
}

/** @throws Error as zlib does */
function inflate(octets: Buffer, dictionary: Buffer, finishFlush: number): Stream {
  const { buffer, engine } = inflateRawSync(octets, {
    finishFlush,
    info: true,
    ...(dictionary.length > 0 && { dictionary }),
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
  return { plain: buffer, taken: engine.bytesWritten }
}
