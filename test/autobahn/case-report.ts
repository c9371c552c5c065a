// What the suite says of one case, in the JSON file that it writes for it; only the fields that are read here.

import { OPCODE_INDEX, OPCODE_NAMES } from '../../src/protocol/opcodes.js'

export interface CaseReport {
  readonly id: string
  /** `OK`, `INFORMATIONAL`, `NON-STRICT`, `UNIMPLEMENTED` or `FAILED`. */
  readonly behavior: string
  /** `OK`, `INFORMATIONAL`, `WRONG CODE`, `UNCLEAN`, `FAILED BY CLIENT` or `FAILED`. */
  readonly behaviorClose: string
  readonly result: string
  readonly resultClose: string
  /** Milliseconds. */
  readonly duration: number
  /** When it began, in ISO 8601 with milliseconds. */
  readonly started: string
  /** Head of the opening handshake; `?` when none was sent. */
  readonly httpRequest: string
  /** Head of the answer; `?` when there was none. */
  readonly httpResponse: string
  readonly wasNotCleanReason: string | null
  /** Code of the suite's first Close; null when it had none or none was sent. */
  readonly localCloseCode: number | null
  /** The same for the service's. */
  readonly remoteCloseCode: number | null
  /** Number of writes, or reads, by their size in octets, the opening handshake included. */
  readonly txOctetStats: Readonly<Record<string, number>>
  readonly rxOctetStats: Readonly<Record<string, number>>
  /** Frames by opcode. Frames that a case sends piece by piece are in no count and not in the wire log either. */
  readonly txFrameStats: Readonly<Record<string, number>>
  readonly rxFrameStats: Readonly<Record<string, number>>
  /** Events, each an array that begins with its kind; cases with much traffic switch the log off meanwhile. */
  readonly wirelog: readonly (readonly unknown[])[]
}

/** A frame that the suite queued for sending; it may not have come to that. */
export interface SentFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly rsv: number
  /** Octets of payload. */
  readonly length: number
}

const CLOSE_WITHOUT_CODE = 1005

/** Value of the Sec-WebSocket-Key header, which tells connections apart; undefined when there was no handshake. */
export function keyOf(report: CaseReport): string | undefined {
  return report.httpRequest.match(/^sec-websocket-key: *(\S+)/im)?.[1]
}

/** Path and query that were asked for; undefined when there was no handshake. */
export function targetOf(report: CaseReport): string | undefined {
  return report.httpRequest.match(/^GET (\S+) /)?.[1]
}

export function octetsOf(stats: Readonly<Record<string, number>>): number {
  return Object.entries(stats).reduce((sum, [size, count]) => sum + Number(size) * count, 0)
}

/** Frames by name of the opcode, without those that are 0. */
export function framesOf(stats: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(stats).map(([opcode, count]) => [opcodeName(Number(opcode)), count]))
}

export function opcodeName(opcode: number): string {
  return OPCODE_NAMES[OPCODE_INDEX[opcode]] ?? `reserved ${opcode}`
}

/** 1005 stands for a Close without a code (RFC 6455 section 7.1.5), null for no Close. */
export function closeCodeOf(code: number | null, frames: Readonly<Record<string, number>>): number | null {
  return frames['8'] === undefined ? null : (code ?? CLOSE_WITHOUT_CODE)
}

/** The frames in the order in which they were sent, as far as the wire log has them. */
export function loggedFrames(report: CaseReport): SentFrame[] {
  return report.wirelog.filter(([kind]) => kind === 'TF').map(sentFrame)
}

/** Entry `TF`: kind, [length, text], opcode, FIN, RSV, masking key, length to which the payload is repeated, … */
function sentFrame(entry: readonly unknown[]): SentFrame {
  const [, [length], opcode, fin, rsv, , repeatedTo] = entry as [
    string,
    [number],
    number,
    boolean,
    number,
    unknown,
    number,
  ]
  return { opcode, fin, rsv, length: repeatedTo ?? length }
}

/** Octets of a masked frame on the wire (RFC 6455 section 5.2). */
export function frameSize({ length }: SentFrame): number {
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8
  return 2 + extended + 4 + length
}
