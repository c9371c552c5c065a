// What the decoder makes of legal frames: messages, control frames, limits that are just met, and pieces of frames.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DecoderRules, FrameDecoder } from '../../../src/protocol/frame-decoder.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../../src/protocol/opcodes.js'
import { decodeAll, eventsOf, LAX } from '../../support/decode.js'
import { closePayload, frameOctets, framesOctets } from '../../support/frame-octets.js'

const COMPRESSION: DecoderRules = { ...LAX, compression: true }

/** Payload lengths on both sides of every length form. */
for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
  test(`a message of ${length} octets is decoded`, () => {
    const payload = Buffer.alloc(length, 'abcde')
    for (const opcode of [TEXT, BINARY]) {
      const { frames, error } = decodeAll([frameOctets({ opcode, payload })])
      assert.equal(error, undefined)
      assert.deepEqual(frames, [{ fin: true, opcode, messageOpcode: opcode, compressed: false, payload }])
    }
  })
}

test('messages and control frames come in the order in which they end', () => {
  const octets = framesOctets(
    { fin: false, opcode: TEXT, payload: Buffer.from('€').subarray(0, 1) },
    { opcode: PING, payload: 'one' },
    { fin: false, opcode: CONTINUATION },
    { opcode: PONG },
    { opcode: CONTINUATION, payload: Buffer.from('€').subarray(1) },
    { opcode: BINARY, payload: Buffer.from([0xff]) },
    { opcode: CLOSE },
  )
  const { frames, error } = decodeAll([octets])
  assert.equal(error, undefined)
  assert.deepEqual(
    eventsOf(frames).map(({ opcode, payload }) => [opcode, payload.toString('hex')]),
    [
      [PING, '6f6e65'],
      [PONG, ''],
      [TEXT, 'e282ac'],
      [BINARY, 'ff'],
      [CLOSE, ''],
    ],
  )
})

test('RSV1 of the first frame holds for the whole message, and for no other', () => {
  const octets = framesOctets(
    { fin: false, rsv: 4, opcode: TEXT, payload: Buffer.from([0xff]) },
    { opcode: PING },
    { opcode: CONTINUATION, payload: Buffer.from([0xfe]) },
    { opcode: TEXT, payload: 'plain' },
    { rsv: 4, opcode: BINARY },
  )
  const { frames, error } = decodeAll([octets], COMPRESSION)
  assert.equal(error, undefined, 'deflate data is not text')
  assert.deepEqual(
    frames.map(({ compressed }) => compressed),
    [true, false, true, false, true],
  )
})

test('limits may be met exactly, begin anew with each message, and leave control frames out', () => {
  const small: DecoderRules = { ...LAX, maxMessage: 1000 }
  const exact = framesOctets(
    { fin: false, opcode: TEXT, payload: Buffer.alloc(900) },
    { opcode: PING, payload: Buffer.alloc(125) },
    { opcode: CONTINUATION, payload: Buffer.alloc(100) },
  )
  assert.equal(decodeAll([exact, exact], small).error, undefined)

  const three = framesOctets(
    { fin: false, opcode: TEXT },
    { fin: false, opcode: CONTINUATION },
    { opcode: PONG },
    { opcode: CONTINUATION },
  )
  assert.equal(decodeAll([three, three], { ...LAX, maxFragments: 3 }).error, undefined)

  // Deflate may add a little to 1000 octets that it cannot make fewer.
  const deflated = framesOctets(
    { fin: false, rsv: 4, opcode: BINARY, payload: Buffer.alloc(2000) },
    { opcode: CONTINUATION, payload: Buffer.alloc(40) },
  )
  assert.equal(decodeAll([deflated, deflated], { ...small, compression: true }).error, undefined)
})

test('a message may have 65,537 frames when nothing limits them', () => {
  const middle = Buffer.concat(Array(65_535).fill(frameOctets({ fin: false, opcode: CONTINUATION, payload: 'x' })))
  const first = frameOctets({ fin: false, opcode: TEXT })
  const { frames, error } = decodeAll([first, middle, frameOctets({ opcode: CONTINUATION })])
  assert.equal(error, undefined)
  assert.equal(frames.length, 65_537)
})

/** Payload of a Close frame, and the code and reason read from it. */
const CLOSES: readonly [Buffer, number, string][] = [
  [Buffer.alloc(0), 1005, ''],
  [closePayload(1000), 1000, ''],
  [closePayload(1014, 'bye'), 1014, 'bye'],
  [closePayload(4999, '€'.repeat(41)), 4999, '€'.repeat(41)],
]

for (const [payload, code, reason] of CLOSES) {
  test(`a Close of ${payload.length} octets has code ${code}`, () => {
    const decoder = new FrameDecoder(LAX)
    const octets = framesOctets({ opcode: CLOSE, payload })
    decoder.feed(octets, 0, octets.length)
    assert.ok(decoder.next())
    assert.ok(decoder.readPayload(Buffer.alloc(200), 50))
    assert.equal(decoder.closeCode, code)
    assert.equal(decoder.closeReason, reason)
  })
}

test('a frame comes in the pieces that the chunks hold of it', () => {
  const octets = frameOctets({ opcode: BINARY, payload: 'abcdefghij' })
  const decoder = new FrameDecoder(LAX)
  const target = Buffer.alloc(14, '-')
  const pieces: unknown[] = []
  for (const [start, end] of [
    [0, 6],
    [6, 9],
    [9, 9],
    [9, 16],
  ]) {
    decoder.feed(octets, start, end)
    while (decoder.next()) {
      const { startsFrame, available, remaining, payloadLength } = decoder
      pieces.push([startsFrame, available, remaining, payloadLength])
      assert.ok(decoder.readPayload(target, 2 + payloadLength - remaining))
    }
  }
  assert.deepEqual(pieces, [
    [true, 0, 10, 10],
    [false, 3, 10, 10],
    [false, 7, 7, 10],
  ])
  assert.equal(target.toString(), '--abcdefghij--')
})

test('a control frame comes whole, however it is cut', () => {
  const decoder = new FrameDecoder(LAX)
  const octets = frameOctets({ opcode: PING, payload: Buffer.alloc(125, 'p') })
  for (let i = 0; i < octets.length; i++) {
    decoder.feed(octets, i, i + 1)
    assert.equal(decoder.next(), i === octets.length - 1)
  }
  assert.equal(decoder.available, 125)
})
