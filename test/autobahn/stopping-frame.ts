// Whether the frame at which the service stopped is one that its error code speaks of.

import type { ProtocolErrorCode } from '../../src/errors.js'
import { BINARY, CLOSE, CONTINUATION, isControl, OPCODE_INDEX, TEXT } from '../../src/protocol/opcodes.js'
import type { SentFrame } from './case-report.js'

interface Stop {
  breaks(frame: SentFrame): boolean
  /** A violation in the header stops the frame from counting; one in the payload may be found when all of it is there. */
  readonly foundIn: 'header' | 'payload'
}

/** The violations that the suite commits; any other error code is never right. */
const STOPS: { readonly [code in ProtocolErrorCode]?: Stop } = {
  ECHOBAHN_RESERVED_BITS: { breaks: ({ rsv }) => rsv !== 0, foundIn: 'header' },
  ECHOBAHN_RESERVED_OPCODE: { breaks: ({ opcode }) => OPCODE_INDEX[opcode] === 255, foundIn: 'header' },
  ECHOBAHN_CONTROL_FRAGMENTED: { breaks: ({ opcode, fin }) => isControl(opcode) && !fin, foundIn: 'header' },
  ECHOBAHN_CONTROL_TOO_LONG: { breaks: ({ opcode, length }) => isControl(opcode) && length > 125, foundIn: 'header' },
  ECHOBAHN_UNEXPECTED_CONTINUATION: { breaks: ({ opcode }) => opcode === CONTINUATION, foundIn: 'header' },
  ECHOBAHN_EXPECTED_CONTINUATION: { breaks: ({ opcode }) => opcode === TEXT || opcode === BINARY, foundIn: 'header' },
  ECHOBAHN_CLOSE_PAYLOAD: { breaks: ({ opcode, length }) => opcode === CLOSE && length === 1, foundIn: 'header' },
  ECHOBAHN_CLOSE_CODE: { breaks: ({ opcode, length }) => opcode === CLOSE && length >= 2, foundIn: 'payload' },
  ECHOBAHN_CLOSE_REASON: { breaks: ({ opcode, length }) => opcode === CLOSE && length > 2, foundIn: 'payload' },
  ECHOBAHN_INVALID_UTF8: { breaks: ({ opcode }) => opcode === TEXT || opcode === CONTINUATION, foundIn: 'payload' },
}

/**
 * @param sent frames of the suite in their order.
 * @param count how many of them the service counted.
 * @param streamed whether the suite also sent a frame piece by piece, which is not among `sent`: then that is the one.
 */
export function isStoppedBy(
  code: string | null,
  sent: readonly SentFrame[],
  count: number,
  streamed: boolean,
): boolean {
  const stop = STOPS[code as ProtocolErrorCode]
  if (stop === undefined) return false
  const next = sent.slice(count, count + 1)
  const last = stop.foundIn === 'payload' ? sent.slice(count - 1, count) : []
  if ([...next, ...last].some(frame => stop.breaks(frame))) return true
  return streamed && code === 'ECHOBAHN_INVALID_UTF8'
}
