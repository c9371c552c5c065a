// A server's frames, however they are cut, and every rule that a server can break.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from '../../../src/load/frame-reader.js'
import { serverFrame } from './frames.js'

const LIMIT = 1_000_000

interface Read {
  readonly opcode: number
  readonly fin: boolean
  readonly messageOpcode: number
  readonly compressed: boolean
  readonly payload: string
}

/** Frames, put together from their pieces, and the error. */
function read(
  chunks: readonly Buffer[],
  compression = false,
): { frames: Read[]; error: string | undefined; reader: FrameReader } {
  const reader = new FrameReader(compression, LIMIT)
  const frames: Read[] = []
  let pieces: Buffer[] = []
  for (const chunk of chunks) {
    reader.feed(chunk, chunk.length)
    while (reader.next()) {
      if (reader.startsFrame) pieces = []
      pieces.push(Buffer.from(reader.source.subarray(reader.offset, reader.offset + reader.length)))
      if (reader.remaining > 0) continue
      const { opcode, fin, messageOpcode, compressed } = reader
      frames.push({ opcode, fin, messageOpcode, compressed, payload: Buffer.concat(pieces).toString('latin1') })
    }
    // What was lent is no longer the reader's.
    chunk.fill(0xee)
  }
  return { frames, error: reader.error?.code, reader }
}

const aFrame = fc.oneof(
  fc.record({ first: fc.constantFrom(0x81, 0x82), length: fc.constantFrom(0, 1, 125, 126, 127, 300, 65_535, 65_536) }),
  fc.record({ first: fc.constantFrom(0x88, 0x89, 0x8a), length: fc.constantFrom(0, 2, 60, 125) }),
)

test('frames are the same however they are cut', () => {
  fc.assert(
    fc.property(fc.array(aFrame, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), (frames, cuts) => {
      const whole = frames.map(({ first, length }, i) => serverFrame(first, Buffer.alloc(length, 65 + i)))
      const stream = Buffer.concat(whole)
      const ends = [...cuts.map(cut => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b)
      const chunks = ends.map((end, i) => Buffer.from(stream.subarray(ends[i - 1] ?? 0, end)))
      const expected = frames.map(({ first, length }, i) => [first & 0x0f, String.fromCharCode(65 + i).repeat(length)])
      const { frames: got, error } = read(chunks)
      assert.equal(error, undefined)
      assert.deepEqual(
        got.map(({ opcode, payload }) => [opcode, payload]),
        expected,
      )
    }),
    { numRuns: 200 },
  )
})

test('octet by octet too', () => {
  const stream = Buffer.concat([
    serverFrame(0x01, 'ab'),
    serverFrame(0x89, 'ping'),
    serverFrame(0x80, 'c'.repeat(200)),
    serverFrame(0x82, 'd'.repeat(70_000)),
  ])
  const { frames, error } = read(Array.from(stream, octet => Buffer.from([octet])))
  assert.equal(error, undefined)
  assert.deepEqual(
    frames.map(({ opcode, fin, messageOpcode, payload }) => [opcode, fin, messageOpcode, payload.length]),
    [
      [1, false, 1, 2],
      [9, true, 1, 4],
      [0, true, 1, 200],
      [2, true, 2, 70_000],
    ],
  )
})

const VIOLATIONS: readonly (readonly [code: string, octets: Buffer, compression?: boolean])[] = [
  ['ECHOBAHN_RESERVED_BITS', serverFrame(0xa1)],
  ['ECHOBAHN_RESERVED_BITS', serverFrame(0x91)],
  ['ECHOBAHN_RESERVED_BITS', serverFrame(0xc1)],
  ['ECHOBAHN_RESERVED_BITS', serverFrame(0xc9), true],
  ['ECHOBAHN_RESERVED_BITS', Buffer.concat([serverFrame(0x41), serverFrame(0xc0)]), true],
  ['ECHOBAHN_RESERVED_OPCODE', serverFrame(0x83)],
  ['ECHOBAHN_RESERVED_OPCODE', serverFrame(0x8b)],
  ['ECHOBAHN_MASKED_FRAME', Buffer.from([0x81, 0x80, 0, 0, 0, 0])],
  ['ECHOBAHN_CONTROL_FRAGMENTED', serverFrame(0x09)],
  ['ECHOBAHN_CONTROL_TOO_LONG', serverFrame(0x89, 'x'.repeat(126))],
  ['ECHOBAHN_LENGTH_NOT_MINIMAL', Buffer.from([0x82, 126, 0, 125])],
  ['ECHOBAHN_LENGTH_NOT_MINIMAL', Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff])],
  ['ECHOBAHN_LENGTH_INVALID', Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])],
  ['ECHOBAHN_UNEXPECTED_CONTINUATION', serverFrame(0x80)],
  ['ECHOBAHN_EXPECTED_CONTINUATION', Buffer.concat([serverFrame(0x01), serverFrame(0x81)])],
  ['ECHOBAHN_CLOSE_PAYLOAD', serverFrame(0x88, 'x')],
  ['ECHOBAHN_MESSAGE_TOO_BIG', Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x41])],
  [
    'ECHOBAHN_MESSAGE_TOO_BIG',
    Buffer.concat([serverFrame(0x02, 'xx'), Buffer.from([0x80, 127, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x3f])]),
  ],
]

for (const [i, [code, octets, compression]] of VIOLATIONS.entries())
  test(`${code} is found, whole or octet by octet (${i})`, () => {
    assert.equal(read([Buffer.from(octets)], compression).error, code)
    assert.equal(
      read(
        Array.from(octets, octet => Buffer.from([octet])),
        compression,
      ).error,
      code,
    )
  })

test('what is just allowed is allowed', () => {
  assert.equal(read([serverFrame(0x82, Buffer.alloc(1_000_000))]).error, undefined)
  assert.equal(read([Buffer.from([0x82, 126, 0, 126])]).error, undefined)
  assert.equal(read([serverFrame(0xc1, 'x')], true).frames[0].compressed, true)
  assert.equal(read([Buffer.concat([serverFrame(0x41), serverFrame(0x80)])], true).frames[1].compressed, true)
  assert.equal(read([Buffer.concat([serverFrame(0xc1), serverFrame(0x81)])], true).frames[1].compressed, false)
})

test('a message that ended does not count against the next', () => {
  const half = serverFrame(0x82, Buffer.alloc(600_000))
  assert.equal(read([half, Buffer.from(serverFrame(0x82, Buffer.alloc(600_000)))]).error, undefined)
})

test('code and reason of a Close', () => {
  const closeOf = (payload: Buffer) => {
    const reader = new FrameReader(false, LIMIT)
    const frame = serverFrame(0x88, payload)
    reader.feed(frame, frame.length)
    assert.ok(reader.next())
    return { close: reader.close(), error: reader.error?.code }
  }
  assert.deepEqual(closeOf(Buffer.alloc(0)).close, { code: 1005, reason: '' })
  assert.deepEqual(closeOf(Buffer.from([0x03, 0xe8])).close, { code: 1000, reason: '' })
  assert.deepEqual(closeOf(Buffer.from('\x0f\xa1bye', 'latin1')).close, { code: 4001, reason: 'bye' })
  assert.deepEqual(closeOf(Buffer.from([0x03, 0xed])), { close: undefined, error: 'ECHOBAHN_CLOSE_CODE' })
  assert.deepEqual(closeOf(Buffer.from([0x03, 0xe8, 0xff])), { close: undefined, error: 'ECHOBAHN_CLOSE_REASON' })
})

test('after an error nothing is read', () => {
  const { frames, error } = read([Buffer.concat([serverFrame(0x83), serverFrame(0x81, 'x')])])
  assert.deepEqual([frames, error], [[], 'ECHOBAHN_RESERVED_OPCODE'])
})
