// Assembly and MessageBlocks: a message that comes in pieces, and the memory that it is put together in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameDecoder } from '../../../src/protocol/frame-decoder.js'
import { Assembly } from '../../../src/worker/assembly.js'
import { BLOCK, MessageBlocks } from '../../../src/worker/message-blocks.js'
import { noise } from '../../support/plain-texts.js'
import { clientFrame } from '../../support/raw-client.js'

const RULES = { maxMessage: 2 ** 24, maxFragments: 0, compression: true }

/** Feeds the octets of a message, cut into chunks of `sizes` in turn, to a new assembly. */
function assemble(blocks: MessageBlocks, octets: Buffer, sizes: readonly number[]): Assembly {
  const decoder = new FrameDecoder(RULES)
  const assembly = new Assembly(blocks)
  for (let at = 0, i = 0; at < octets.length; i++) {
    const end = Math.min(octets.length, at + sizes[i % sizes.length])
    decoder.feed(octets, at, end)
    while (decoder.next()) assert.ok(assembly.read(decoder))
    assert.equal(decoder.error, undefined)
    at = end
  }
  return assembly
}

test('a message is what its pieces were, however it is cut and fragmented', () => {
  const blocks = new MessageBlocks()
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 * BLOCK }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 1, maxLength: 5 }),
      (lengths, sizes) => {
        const payloads = lengths.map((length, i) => noise(length, i + 1))
        const frames = payloads.map((payload, i) =>
          clientFrame({ fin: i === payloads.length - 1, opcode: i === 0 ? 2 : 0, payload }),
        )
        const assembly = assemble(blocks, Buffer.concat(frames), sizes)
        const whole = Buffer.concat(payloads)
        assert.equal(assembly.length, whole.length)
        assert.ok(Buffer.concat(assembly.pieces).equals(whole))
        assert.ok(assembly.held >= whole.length && assembly.held <= whole.length + 2 * BLOCK)
        assembly.release()
        assert.deepEqual([assembly.length, assembly.held, assembly.pieces], [0, 0, []])
      },
    ),
    { numRuns: 40 },
  )
})

test('a short message takes little, and lies in one piece', () => {
  const blocks = new MessageBlocks()
  const one = assemble(blocks, clientFrame({ opcode: 2, payload: noise(300) }), [100])
  assert.deepEqual([one.pieces.length, one.held], [1, 300])
  const begun = clientFrame({ fin: false, opcode: 2, payload: noise(10) })
  const many = assemble(blocks, Buffer.concat([begun, clientFrame({ opcode: 0, payload: noise(2000) })]), [100])
  assert.deepEqual([many.pieces.length, many.held], [1, 2048])
  const block = assemble(blocks, clientFrame({ opcode: 2, payload: noise(BLOCK) }), [1000])
  assert.deepEqual([block.pieces.length, block.held], [1, BLOCK])
  const announced = assemble(blocks, clientFrame({ opcode: 2, payload: noise(2 * BLOCK) }).subarray(0, 100), [50])
  assert.equal(announced.held, 64 * 1024)
  one.release()
  many.release()
  assert.equal(blocks.idleOctets, 0)
  block.release()
  assert.equal(blocks.idleOctets, BLOCK)
})

test('blocks are used again, and two messages never share one', () => {
  const blocks = new MessageBlocks()
  const first = assemble(blocks, clientFrame({ opcode: 2, payload: noise(4 * BLOCK) }), [BLOCK])
  const kept = first.pieces
  const second = assemble(blocks, clientFrame({ opcode: 2, payload: noise(2 * BLOCK, 2) }), [BLOCK])
  assert.ok(second.pieces.every(piece => !kept.includes(piece)))
  first.release()
  assert.equal(blocks.idleOctets, 4 * BLOCK)
  const third = assemble(blocks, clientFrame({ opcode: 2, payload: noise(3 * BLOCK, 3) }), [BLOCK])
  assert.equal(blocks.idleOctets, BLOCK)
  assert.ok(Buffer.concat(second.pieces).equals(noise(2 * BLOCK, 2)))
  assert.ok(Buffer.concat(third.pieces).equals(noise(3 * BLOCK, 3)))
})

test('blocks that nothing has needed between two looks are let go of, and never more than 32 MiB are kept', () => {
  const blocks = new MessageBlocks()
  const taken = Array.from({ length: 150 }, () => blocks.take())
  for (const block of taken) blocks.giveBack(block)
  assert.equal(blocks.idleOctets, 128 * BLOCK)
  blocks.sweep(1000)
  assert.equal(blocks.idleOctets, 128 * BLOCK)
  for (let i = 0; i < 12; i++) blocks.giveBack(blocks.take())
  const used = Array.from({ length: 40 }, () => blocks.take())
  for (const block of used) blocks.giveBack(block)
  blocks.sweep(1999)
  assert.equal(blocks.idleOctets, 128 * BLOCK)
  blocks.sweep(2000)
  assert.equal(blocks.idleOctets, 40 * BLOCK)
  blocks.sweep(3000)
  assert.equal(blocks.idleOctets, 0)
})
