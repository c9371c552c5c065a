// Server frames: the shortest length there is, and Close frames (RFC 6455 sections 5.2 and 5.5.1).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as ws from 'ws'
import { closePayload, FIN, headerLength, MAX_HEADER, RSV1, writeHeader } from '../../../src/protocol/frame-encoder.js'
import { BINARY, CONTINUATION, TEXT } from '../../../src/protocol/opcodes.js'

/** Payload length, and the octets that must say it. */
const LENGTHS: readonly [number, string][] = [
  [0, '00'],
  [1, '01'],
  [125, '7d'],
  [126, '7e007e'],
  [127, '7e007f'],
  [255, '7e00ff'],
  [256, '7e0100'],
  [65_535, '7effff'],
  [65_536, '7f0000000000010000'],
  [16_777_216, '7f0000000001000000'],
  [2 ** 31, '7f0000000080000000'],
  [2 ** 32 - 1, '7f00000000ffffffff'],
  [2 ** 32, '7f0000000100000000'],
  [Number.MAX_SAFE_INTEGER, '7f001fffffffffffff'],
]

for (const [length, octets] of LENGTHS) {
  test(`a payload of ${length} octets has the length ${octets}`, () => {
    for (const first of [FIN | BINARY, TEXT, FIN | RSV1 | TEXT, CONTINUATION]) {
      const buffer = Buffer.alloc(16, 0xaa)
      const end = writeHeader(buffer, 3, first, length)
      assert.equal(buffer.subarray(3, end).toString('hex'), first.toString(16).padStart(2, '0') + octets)
      assert.equal(end - 3, headerLength(length))
      assert.ok(headerLength(length) <= MAX_HEADER)
      assert.equal(buffer.subarray(0, 3).toString('hex') + buffer.subarray(end).toString('hex'), 'aa'.repeat(19 - end))
    }
  })
}

interface Sender {
  frame(data: Buffer, options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean }): Buffer[]
}

test('headers are those of ws for any length', () => {
  const { Sender } = ws as unknown as { Sender: Sender }
  const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 65_500, max: 65_600 }), fc.nat(1_000_000))
  fc.assert(
    fc.property(lengths, fc.boolean(), fc.boolean(), fc.nat(10), (length, fin, rsv1, opcode) => {
      const [expected] = Sender.frame(Buffer.alloc(length), { fin, rsv1, opcode, mask: false })
      const header = Buffer.alloc(MAX_HEADER)
      const end = writeHeader(header, 0, (fin ? FIN : 0) | (rsv1 ? RSV1 : 0) | opcode, length)
      assert.deepEqual(header.subarray(0, end), expected.subarray(0, headerLength(length)))
    }),
    { numRuns: 200 },
  )
})

const CLOSES: readonly [string, Buffer, string][] = [
  ['a code', closePayload(1000), '03e8'],
  ['a code and a reason', closePayload(4999, 'ok'), '13876f6b'],
  ['a reason beyond ASCII', closePayload(1001, '€'), '03e9e282ac'],
  ['no status', closePayload(1005), ''],
]

for (const [name, payload, octets] of CLOSES) {
  test(`the payload of a Close frame with ${name} is '${octets}'`, () => assert.equal(payload.toString('hex'), octets))
}

test('the longest reason fills a control frame', () => {
  assert.equal(closePayload(1002, 'r'.repeat(123)).length, 125)
})
