// The message that a load sends again and again, as the frames that carry it.

import { randomBytes, randomInt } from 'node:crypto'
import { deflateRawSync, constants as zlib } from 'node:zlib'
import type { LoadArguments } from './load-arguments.js'

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
export const FIN = 0x80
/** RSV1 marks a compressed message (RFC 7692 section 6). */
export const RSV1 = 0x40
/** What a sender cuts off a flushed message and a receiver appends (RFC 7692 section 7.2.1). */
export const FLUSH_TAIL = Buffer.from([0, 0, 0xff, 0xff])

const MASKED = 0x80

export interface LoadMessage {
  /** Application octets. */
  readonly payload: Buffer
  readonly plain: FrameRun
  readonly compressed: FrameRun
}

/** The same frame several times in a row, so that what is sent together is one write. */
export interface FrameRun {
  readonly frames: Buffer
  readonly frameOctets: number
}

export function makeMessage({ octets, depth, opcode, deflate }: LoadArguments): LoadMessage {
  const payload = deflate ? jsonText(octets) : opcode === 'text' ? asciiText(octets) : randomBytes(octets)
  const first = FIN | OPCODES[opcode]
  return {
    payload,
    plain: run(maskedFrame(first, payload), depth),
    compressed: run(maskedFrame(first | RSV1, compress(payload)), depth),
  }
}

function run(frame: Buffer, depth: number): FrameRun {
  return { frames: Buffer.concat(Array.from({ length: depth }, () => frame)), frameOctets: frame.length }
}

/** A whole frame as a client sends it (RFC 6455 section 5.2). @param first octet with FIN, reserved bits and opcode */
export function maskedFrame(first: number, payload: Buffer): Buffer {
  const key = randomBytes(4)
  const masked = payload.map((octet, index) => octet ^ key[index & 3])
  return Buffer.concat([Buffer.from([first]), lengthField(payload.length), key, masked])
}

function lengthField(length: number): Buffer {
  if (length < 126) return Buffer.from([MASKED | length])
  if (length < 65_536) return Buffer.from([MASKED | 126, length >> 8, length & 0xff])
  const field = Buffer.alloc(9)
  field[0] = MASKED | 127
  field.writeBigUInt64BE(BigInt(length), 1)
  return field
}

/** A whole message without context (RFC 7692 section 7.2.1). */
export function compress(payload: Buffer): Buffer {
  const flushed = deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH })
  return flushed.subarray(0, flushed.length - FLUSH_TAIL.length)
}

/** Records as an API would list them, cut to length: the same keys, other values. */
function jsonText(octets: number): Buffer {
  const records = ['[']
  for (let length = 1; length < octets; length += records[records.length - 1].length) records.push(record())
  return Buffer.from(records.join('').slice(0, octets))
}

function record(): string {
  const products = ['Standing Desk', 'Office Chair', 'Notebook', 'Desk Mat', 'Floor Lamp', 'Cable Tray']
  const states = ['new', 'paid', 'packed', 'sent', 'returned']
  const fields = {
    id: randomBytes(4).toString('hex'),
    customer: randomInt(1_000_000),
    product: products[randomInt(products.length)],
    price: randomInt(50_000) / 100,
    count: randomInt(1, 10),
    state: states[randomInt(states.length)],
    time: new Date(randomInt(2 ** 31) * 1000).toISOString(),
  }
  return `${JSON.stringify(fields)},`
}

function asciiText(octets: number): Buffer {
  return randomBytes(octets).map(octet => 0x20 + (octet % 0x5f)) as Buffer
}
