import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox } from '../../../src/worker/outbox.js'

const SLAB = 512 * 1024

function fill(outbox: Outbox, size: number, value: number): Buffer {
  outbox.begin(size)
  outbox.append(Buffer.alloc(size, value), 0, size)
  return outbox.take()
}

test('memory is used again once a write was taken at once', () => {
  const outbox = new Outbox()
  const first = fill(outbox, 1000, 1)
  outbox.release(true)
  const second = fill(outbox, 1000, 2)
  assert.equal(second.byteOffset, first.byteOffset)
})

test('a write that waits keeps its octets, and the next one begins behind them in the same slab', () => {
  const outbox = new Outbox()
  const waiting = fill(outbox, 1000, 1)
  outbox.release(false)
  const next = fill(outbox, 1000, 2)
  outbox.release(true)
  fill(outbox, 1000, 3)
  assert.equal(next.buffer, waiting.buffer)
  assert.equal(next.byteOffset, waiting.byteOffset + 1000)
  assert.deepEqual(waiting, Buffer.alloc(1000, 1))
})

test('a slab that is used up is left to its writes', () => {
  const outbox = new Outbox()
  const waiting = fill(outbox, SLAB - 10, 1)
  outbox.release(false)
  const next = fill(outbox, 100, 2)
  assert.notEqual(next.buffer, waiting.buffer)
  assert.deepEqual(waiting, Buffer.alloc(SLAB - 10, 1))
})

test('what is larger than a slab gets memory of its own, which is not kept', () => {
  const outbox = new Outbox()
  const large = fill(outbox, 3 * SLAB, 1)
  assert.equal(large.length, 3 * SLAB)
  outbox.release(true)
  outbox.begin(100)
  assert.equal(outbox.buffer.length, SLAB)
})

test('drop forgets what was appended, and nothing else', () => {
  const outbox = new Outbox()
  const waiting = fill(outbox, 10, 1)
  outbox.release(false)
  fill(outbox, 10, 2)
  outbox.drop()
  assert.equal(outbox.size, 0)
  assert.deepEqual(waiting, Buffer.alloc(10, 1))
})

test('a slab is kept for as much as it has room for', () => {
  const outbox = new Outbox()
  const { buffer } = outbox
  outbox.begin(SLAB)
  assert.equal(outbox.buffer, buffer)
  outbox.begin(SLAB + 1)
  assert.notEqual(outbox.buffer, buffer)
})

test('what is taken lies in the slab of now, also when its size was taken from another', () => {
  for (const size of [100, 5000]) {
    const outbox = new Outbox()
    fill(outbox, size, 1)
    outbox.release(true)
    outbox.begin(2 * SLAB)
    outbox.begin(SLAB)
    const taken = fill(outbox, size, 2)
    assert.equal(taken.buffer, outbox.buffer.buffer)
    assert.deepEqual(taken, Buffer.alloc(size, 2))
  }
})
