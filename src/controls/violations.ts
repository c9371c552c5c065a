// Frames that a server must not send, each with what a client has to do about it: RFC 6455 sections 5, 7 and 8.1, and
// RFC 7692. And a few that are legal, and that clients get wrong.

import { deflateRawSync, constants as zlib } from 'node:zlib'
import { closePayload, FIN, headerLength, RSV1, writeHeader } from '../protocol/frame-encoder.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../protocol/opcodes.js'
import type { Duty, Expectation } from './duty.js'

/** What goes over the wire. */
export interface Sent {
  readonly octets: Buffer
  /** Opcode and payload octets of each whole frame in it whose opcode is defined: what is counted. */
  readonly frames: readonly (readonly [opcode: number, payloadLength: number])[]
  /** The code of the Close among them that begins the closing handshake; 1005 for one without. */
  readonly close?: number
  /** The server ends TCP right behind it. */
  readonly ends?: true
  /** A message that is legal by itself: its opcode and application octets. */
  readonly message?: readonly [opcode: number, size: number]
}

export interface Violation extends Expectation {
  /** One line: what is sent. */
  readonly help: string
  /** It only means something where permessage-deflate is agreed. */
  readonly deflate?: true
  /** @param deflate whether permessage-deflate is agreed; @param size octets of a bomb */
  make(deflate: boolean, size: number): Sent
}

const RSV2 = 0x20
const RSV3 = 0x10
const HELLO = Buffer.from('sent by a test control')
/** The euro sign, of which two octets are left out or torn apart. */
const EURO = Buffer.from('€')
const NOTHING = Buffer.alloc(0)

const FRAMING: readonly number[] = [1002]
const ENCODING: readonly number[] = [1007]
const TOO_BIG: readonly number[] = [1009]

function frame(first: number, payload: Buffer, length = payload.length): Buffer {
  const octets = Buffer.alloc(headerLength(length) + payload.length)
  payload.copy(octets, writeHeader(octets, 0, first, length))
  return octets
}

/** One frame, which is counted under its opcode. */
function single(first: number, payload: Buffer): Sent {
  return { octets: frame(first, payload), frames: [[first & 0x0f, payload.length]] }
}

/** One frame whose opcode is not defined, so that nothing can count it. */
function reserved(opcode: number): Sent {
  return { octets: frame(FIN | opcode, opcode < 8 ? HELLO : NOTHING), frames: [] }
}

function several(...parts: readonly Sent[]): Sent {
  return { octets: Buffer.concat(parts.map(({ octets }) => octets)), frames: parts.flatMap(({ frames }) => frames) }
}

function closeWith(payload: Buffer, code = 1005): Sent {
  return { ...single(FIN | CLOSE, payload), close: code }
}

/** Payload of a Close with any code at all. */
function codeOf(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return payload
}

function rsv(bit: number, name: string): Violation {
  return {
    help: `a text message with ${name} set, which no extension defined`,
    duty: 'must',
    codes: FRAMING,
    source: 'RFC 6455 section 5.2',
    make: () => single(FIN | bit | TEXT, HELLO),
  }
}

function opcode(number: number): Violation {
  return {
    help: `a frame with the reserved opcode ${number}`,
    duty: 'must',
    codes: FRAMING,
    source: 'RFC 6455 section 5.2',
    make: () => reserved(number),
  }
}

function code(number: number, why: string): Violation {
  return {
    help: `a Close with the code ${number}, ${why}`,
    duty: 'none',
    codes: FRAMING,
    source: 'RFC 6455 section 7.4',
    make: () => closeWith(codeOf(number), number),
  }
}

function violation(
  help: string,
  duty: Duty,
  codes: readonly number[],
  source: string,
  make: Violation['make'],
): Violation {
  return { help, duty, codes, source, make }
}

/** A masked frame, with a key of its own. */
function masked(): Sent {
  const key = Buffer.from([0x37, 0xfa, 0x21, 0x3d])
  const payload = Buffer.from(HELLO.map((octet, i) => octet ^ key[i & 3]))
  const octets = Buffer.concat([Buffer.from([FIN | TEXT, 0x80 | payload.length]), key, payload])
  return { octets, frames: [[TEXT, payload.length]] }
}

/** The length in 2 or 8 octets although 1 would do. */
function longLength(octets: 2 | 8): Sent {
  const header = Buffer.alloc(2 + octets)
  header[0] = FIN | TEXT
  header[1] = octets === 2 ? 126 : 127
  header[1 + octets] = HELLO.length
  return { octets: Buffer.concat([header, HELLO]), frames: [[TEXT, HELLO.length]] }
}

/** A header that announces more than ever comes. */
function announcing(highest: number): Sent {
  const octets = Buffer.concat([Buffer.from([FIN | BINARY, 127, highest, 0, 0, 0, 0, 0, 0, 16]), Buffer.alloc(16)])
  return { octets, frames: [] }
}

const DEFLATED_PART = 1024 * 1024
let partOfBomb: Buffer | undefined

/**
 * Zeros, deflated. Made of equal parts that each end on a whole octet (section 7.2.3.6 of RFC 7692), so that a large bomb
 * takes the server no longer than a small one.
 */
function bomb(size: number): Sent {
  partOfBomb ??= flushed(Buffer.alloc(DEFLATED_PART))
  const parts = Array.from({ length: Math.floor(size / DEFLATED_PART) }, () => partOfBomb as Buffer)
  const rest = size % DEFLATED_PART
  const payload = Buffer.concat([...parts, flushed(Buffer.alloc(rest))]).subarray(0, -4)
  return { ...single(FIN | RSV1 | BINARY, payload), message: [BINARY, size] }
}

function flushed(plain: Buffer, dictionary?: Buffer): Buffer {
  return deflateRawSync(plain, { finishFlush: zlib.Z_SYNC_FLUSH, ...(dictionary && { dictionary }) })
}

/** A block that copies from a message that there never was. */
function refersBack(): Sent {
  return single(FIN | RSV1 | TEXT, flushed(HELLO, HELLO).subarray(0, -4))
}

/** Ends inside of a message of one frame; TCP ends there as well. */
function truncated(): Sent {
  return { octets: frame(FIN | TEXT, HELLO).subarray(0, 2 + HELLO.length / 2), frames: [], ends: true }
}

const CONTROL_FRAMES = 'RFC 6455 section 5.5'
const FRAGMENTATION = 'RFC 6455 section 5.4'
const PAYLOAD_LENGTH = 'RFC 6455 section 5.2'
const UTF8 = 'RFC 6455 section 8.1'

export const VIOLATIONS = {
  masked: violation('a masked text message', 'must', FRAMING, 'RFC 6455 section 5.1', masked),
  rsv1: {
    ...rsv(RSV1, 'RSV1'),
    help: 'a text message with RSV1 set; where permessage-deflate is agreed, a Ping with it',
    make: deflate => (deflate ? single(FIN | RSV1 | PING, HELLO) : single(FIN | RSV1 | TEXT, HELLO)),
  },
  rsv2: rsv(RSV2, 'RSV2'),
  rsv3: rsv(RSV3, 'RSV3'),
  opcode3: opcode(3),
  opcode4: opcode(4),
  opcode5: opcode(5),
  opcode6: opcode(6),
  opcode7: opcode(7),
  opcode11: opcode(11),
  opcode12: opcode(12),
  opcode13: opcode(13),
  opcode14: opcode(14),
  opcode15: opcode(15),
  'length-not-minimal': violation('a length of 22 octets in 16 bits', 'none', FRAMING, PAYLOAD_LENGTH, () =>
    longLength(2),
  ),
  'length-not-minimal-64': violation('a length of 22 octets in 64 bits', 'none', FRAMING, PAYLOAD_LENGTH, () =>
    longLength(8),
  ),
  'length-64-high-bit': violation('a 64-bit length with its first bit set', 'none', FRAMING, PAYLOAD_LENGTH, () =>
    announcing(0x80),
  ),
  'huge-length': violation(
    'a header that announces 2^62 octets, and the first 16 of them',
    'none',
    TOO_BIG,
    'RFC 6455 section 10.4',
    () => announcing(0x40),
  ),
  'long-ping': violation('a Ping of 126 octets', 'none', FRAMING, CONTROL_FRAMES, () =>
    single(FIN | PING, Buffer.alloc(126, 'p')),
  ),
  'long-close': violation('a Close of 126 octets', 'none', FRAMING, CONTROL_FRAMES, () =>
    closeWith(Buffer.concat([codeOf(1000), Buffer.alloc(124, 'r')]), 1000),
  ),
  'fragmented-ping': violation('a Ping in two frames', 'none', FRAMING, CONTROL_FRAMES, () =>
    several(single(PING, HELLO), single(FIN | CONTINUATION, HELLO)),
  ),
  'fragmented-close': violation('a Close without FIN', 'none', FRAMING, CONTROL_FRAMES, () => ({
    ...single(CLOSE, codeOf(1000)),
    close: 1000,
  })),
  continuation: violation('a continuation frame with no message to continue', 'none', FRAMING, FRAGMENTATION, () =>
    single(FIN | CONTINUATION, HELLO),
  ),
  interleaved: violation('a message inside of another, fragmented one', 'none', FRAMING, FRAGMENTATION, () =>
    several(single(TEXT, HELLO), single(FIN | TEXT, HELLO), single(FIN | CONTINUATION, HELLO)),
  ),
  'bad-utf8': violation('a text message that is not UTF-8', 'must', ENCODING, UTF8, () =>
    single(FIN | TEXT, Buffer.concat([HELLO, Buffer.from([0xff])])),
  ),
  'bad-utf8-split': violation('a text message in two frames, not UTF-8 where they meet', 'must', ENCODING, UTF8, () =>
    several(single(TEXT, EURO.subarray(0, 2)), single(FIN | CONTINUATION, HELLO)),
  ),
  'cut-utf8': violation('a text message that ends inside a character', 'must', ENCODING, UTF8, () =>
    single(FIN | TEXT, EURO.subarray(0, 2)),
  ),
  surrogate: violation('a text message with a UTF-16 surrogate in it', 'must', ENCODING, UTF8, () =>
    single(FIN | TEXT, Buffer.from([0xed, 0xa0, 0x80])),
  ),
  'close-1-octet': violation('a Close with one octet', 'none', FRAMING, 'RFC 6455 section 5.5.1', () =>
    closeWith(Buffer.from([3])),
  ),
  'close-0': code(0, 'which is not used'),
  'close-999': code(999, 'which is not used'),
  'close-1004': code(1004, 'which is reserved'),
  'close-1005': code(1005, 'which must not be on the wire'),
  'close-1006': code(1006, 'which must not be on the wire'),
  'close-1015': code(1015, 'which must not be on the wire'),
  'close-2999': code(2999, 'which is reserved'),
  'close-5000': code(5000, 'which nobody may use'),
  'close-65535': code(65535, 'which nobody may use'),
  'close-bad-utf8': violation('a Close with a reason that is not UTF-8', 'must', [1007, 1002], UTF8, () =>
    closeWith(Buffer.concat([codeOf(1000), Buffer.from([0xff, 0xfe])]), 1000),
  ),
  'text-after-close': violation(
    'a Close, then a text message, which a client has to leave unread',
    'go-on',
    [],
    'RFC 6455 sections 1.4 and 5.5.1',
    () => ({ ...several(single(FIN | CLOSE, codeOf(1000)), single(FIN | TEXT, HELLO)), close: 1000 }),
  ),
  'close-twice': violation('two Closes', 'go-on', [], 'RFC 6455 sections 1.4 and 5.5.1', () => ({
    ...several(single(FIN | CLOSE, closePayload(1000, 'one')), single(FIN | CLOSE, closePayload(1001, 'two'))),
    close: 1000,
  })),
  'unasked-pong': violation('a Pong that no Ping asked for: legal', 'go-on', [], 'RFC 6455 section 5.5.3', () =>
    single(FIN | PONG, HELLO),
  ),
  'empty-fragments': violation('a text message with empty frames in it: legal', 'go-on', [], FRAGMENTATION, () => ({
    ...several(
      single(TEXT, NOTHING),
      single(CONTINUATION, HELLO),
      single(CONTINUATION, NOTHING),
      single(FIN | CONTINUATION, NOTHING),
    ),
    message: [TEXT, HELLO.length],
  })),
  'truncated-frame': violation(
    'half of a text message, then FIN; the application is told 1006',
    'none',
    [],
    'RFC 6455 sections 7.1.4 and 7.1.5',
    truncated,
  ),
  'rsv1-continuation': {
    ...violation('a message whose second frame has RSV1 as well', 'must', FRAMING, 'RFC 7692 section 6.1', () =>
      several(single(TEXT, HELLO), single(FIN | RSV1 | CONTINUATION, HELLO)),
    ),
    deflate: true,
  },
  'bad-deflate': {
    ...violation('a compressed message that is no deflate data', 'none', [1002, 1007], 'RFC 7692 section 7.2.2', () =>
      // A block of type 3, which there is not (RFC 1951 section 3.2.3).
      single(FIN | RSV1 | TEXT, Buffer.alloc(8, 0x07)),
    ),
    deflate: true,
  },
  'deflate-refers-back': {
    ...violation(
      'a compressed message that refers to one before it, although none was, and context takeover was ruled out',
      'none',
      [1002, 1007],
      'RFC 7692 section 7.1.1.1',
      refersBack,
    ),
    deflate: true,
  },
  'deflate-bad-utf8': {
    ...violation('a compressed text message that is not UTF-8', 'must', ENCODING, UTF8, () =>
      single(FIN | RSV1 | TEXT, flushed(Buffer.alloc(64, 0xff)).subarray(0, -4)),
    ),
    deflate: true,
  },
  bomb: {
    ...violation(
      'zeros, so many when they are inflated: legal, and larger than most clients should take',
      'none',
      TOO_BIG,
      'RFC 6455 section 10.4',
      (_deflate, size) => bomb(size),
    ),
    deflate: true,
  },
} as const satisfies Readonly<Record<string, Violation>>

export type ViolationName = keyof typeof VIOLATIONS

export const VIOLATION_NAMES = Object.keys(VIOLATIONS) as readonly ViolationName[]

/** Looked up by a name, with what only some of them have. */
export function violationOf(name: ViolationName): Violation {
  return VIOLATIONS[name]
}
