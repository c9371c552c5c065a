// Our decoder beside the receiver of `ws`: the same messages and control frames, or the same refusal.
//
// Where they differ, the difference must be one of DIFFERENCES, and what that one says must be found in the octets.

import assert from 'node:assert/strict'
import type { ProtocolErrorCode } from '../../src/errors.js'
import type { DecoderRules } from '../../src/protocol/frame-decoder.js'
import { BINARY, CLOSE, CONTINUATION, isControl, PING, TEXT } from '../../src/protocol/opcodes.js'
import { cutAt, type DecodedEvent, type DecodedFrame, decodeAll, eventsOf } from './decode.js'
import { frameOctets, framesOctets } from './frame-octets.js'
import { receiveAll } from './ws-receiver.js'

/** Frames of one legal message at most. */
export const MOST_FRAMES = 6
const MAX_MESSAGE = 100_000
export const PLAIN: DecoderRules = { maxMessage: MAX_MESSAGE, maxFragments: MOST_FRAMES, compression: false }
export const COMPRESSION: DecoderRules = { ...PLAIN, compression: true }

interface Outcome {
  readonly events: readonly DecodedEvent[]
  /** Close code of the refusal; undefined if there was none. */
  readonly refusal: number | undefined
}

/** What a difference is judged by. */
interface Evidence {
  /** The frame that our decoder refused, or was in at the end, as far as it came. */
  readonly frame: Buffer
  /** Frames of the message begun that came before it. */
  readonly fragments: readonly DecodedFrame[]
  readonly theirs: Outcome
  /** What ws reported and we did not. */
  readonly surplus: readonly DecodedEvent[]
}

export interface Difference {
  /** Our refusal; undefined if it is ws that refuses. */
  readonly error: ProtocolErrorCode | undefined
  readonly reason: string
  readonly rule: string
  /** Whether the octets are a case of it. */
  readonly holds: (evidence: Evidence) => boolean
  /** Octets that show it, and under which rules. */
  readonly example: Buffer
  readonly rules: DecoderRules
}

export const DIFFERENCES: readonly Difference[] = [
  {
    error: 'ECHOBAHN_LENGTH_NOT_MINIMAL',
    reason: 'the length must have the fewest octets that hold it; ws takes any',
    rule: 'RFC 6455 section 5.2',
    holds: ({ frame }) => announcedLength(frame) < ((frame[1] & 0x7f) === 126 ? 126n : 65_536n),
    example: frameOctets({ opcode: BINARY, extended: 2, payload: 'ab' }),
    rules: PLAIN,
  },
  {
    error: 'ECHOBAHN_LENGTH_INVALID',
    reason: 'the first bit of a 64-bit length must be 0, so it is a violation (1002); for ws it is too big (1009)',
    rule: 'RFC 6455 section 5.2',
    holds: ({ frame, theirs, surplus }) =>
      announcedLength(frame) >= 2n ** 63n && theirs.refusal === 1009 && surplus.length === 0,
    example: frameOctets({ opcode: BINARY, length: 2n ** 63n }),
    rules: PLAIN,
  },
  {
    error: 'ECHOBAHN_INVALID_UTF8',
    reason: 'refused at the first octet that no text can have there; ws looks once the message has ended, if it does',
    rule: 'RFC 6455 section 8.1',
    holds: ({ frame, fragments, surplus }) =>
      !beginsText([...fragments.map(({ payload }) => payload), unmaskedPayload(frame)]) &&
      surplus.every(({ opcode }) => isControl(opcode)),
    example: framesOctets({ fin: false, opcode: TEXT, payload: Buffer.from([0xff]) }, { opcode: PING }),
    rules: PLAIN,
  },
  {
    error: 'ECHOBAHN_TOO_MANY_FRAGMENTS',
    reason: 'refused at the first two octets of a frame too many; ws reads it whole, and may find something else in it',
    rule: 'RFC 6455 section 10.4',
    holds: ({ frame, fragments, surplus }) =>
      (frame[0] & 0x0f) === CONTINUATION && fragments.length === MOST_FRAMES && surplus.length === 0,
    example: Buffer.concat([
      frameOctets({ fin: false, opcode: BINARY }),
      ...Array(MOST_FRAMES - 1).fill(frameOctets({ fin: false, opcode: CONTINUATION })),
      frameOctets({ opcode: CONTINUATION, payload: 'ab' }).subarray(0, 2),
    ]),
    rules: PLAIN,
  },
  {
    error: undefined,
    reason: 'the limit is for the inflated message, and deflate may add to what it is given; ws limits both',
    rule: 'RFC 7692 section 7.2.1',
    holds: ({ frame, fragments, theirs }) => {
      const before = fragments.reduce((sum, { payload }) => sum + payload.length, 0)
      const compressed = fragments[0]?.compressed ?? (frame[0] & 0x40) !== 0
      return compressed && theirs.refusal === 1009 && BigInt(before) + announcedLength(frame) > BigInt(MAX_MESSAGE)
    },
    example: frameOctets({ rsv: 4, opcode: BINARY, length: BigInt(MAX_MESSAGE + 1) }),
    rules: COMPRESSION,
  },
]

/** Decodes `octets`, cut at `cuts`, both ways. Returns the difference, if there is one, and fails if it is none of ours. */
export async function compare(
  octets: Buffer,
  cuts: readonly number[],
  rules: DecoderRules,
): Promise<Difference | undefined> {
  const { outcome: ours, error, frames } = ourOutcome(octets, cuts, rules)
  const theirs = await receiveAll(octets, rules)
  if (ours.refusal === theirs.refusal && sameEvents(ours.events, theirs.events)) return undefined

  const shared = Math.min(ours.events.length, theirs.events.length)
  assert.ok(
    sameEvents(ours.events.slice(0, shared), theirs.events.slice(0, shared)),
    'one goes on where the other ends',
  )
  const difference = DIFFERENCES.find(candidate => candidate.error === error)
  const evidence: Evidence = {
    frame: octets.subarray(frames.reduce((sum, { payload }) => sum + frameOctets({ opcode: 0, payload }).length, 0)),
    fragments: fragmentsBegun(frames),
    theirs,
    surplus: theirs.events.slice(shared),
  }
  assert.ok(difference?.holds(evidence), `we ${error ?? 'accept'}, ws ${theirs.refusal ?? 'accepts'}`)
  return difference
}

/** What follows a Close is not looked at, as by a connection. */
export function ourOutcome(octets: Buffer, cuts: readonly number[], rules: DecoderRules) {
  const positions = cuts.map(cut => cut % (octets.length + 1))
  const { frames, error } = decodeAll(cutAt(octets, positions), rules)
  const closed = frames.some(({ opcode }) => opcode === CLOSE)
  const outcome: Outcome = { events: eventsOf(frames), refusal: closed ? undefined : error?.closeCode }
  return { outcome, error: closed ? undefined : error?.code, frames }
}

function sameEvents(some: readonly DecodedEvent[], others: readonly DecodedEvent[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ opcode, compressed, payload }, i) => {
      const other = others[i]
      return opcode === other.opcode && compressed === other.compressed && payload.equals(other.payload)
    })
  )
}

/** Data frames of the message that has begun and not ended. */
function fragmentsBegun(frames: readonly DecodedFrame[]): DecodedFrame[] {
  const data = frames.filter(({ opcode }) => !isControl(opcode))
  return data.slice(data.findLastIndex(({ fin }) => fin) + 1)
}

/** The payload length that a header says. */
function announcedLength(frame: Buffer): bigint {
  const short = frame[1] & 0x7f
  if (short === 126) return BigInt(frame.readUInt16BE(2))
  return short === 127 ? frame.readBigUInt64BE(2) : BigInt(short)
}

/** The payload of a masked frame, as far as it came. */
function unmaskedPayload(frame: Buffer): Buffer {
  const short = frame[1] & 0x7f
  const begin = 6 + (short === 126 ? 2 : short === 127 ? 8 : 0)
  const length = Number(announcedLength(frame))
  return Buffer.from(frame.subarray(begin, begin + length).map((octet, i) => octet ^ frame[begin - 4 + (i % 4)]))
}

/** Whether the octets of `parts` can be the beginning of valid text. */
function beginsText(parts: readonly Uint8Array[]): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts), { stream: true })
    return true
  } catch {
    return false
  }
}
