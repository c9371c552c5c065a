import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox } from '../../../src/worker/outbox.js'

const SMALL_SLAB = 64 * 1024
const LARGE_SLAB = 320 * 1024

function fill(outbox: Outbox, size: number, value: number): Buffer {
  outbox.begin(size)
  outbox.append(Buffer.alloc(size, value), 0, size)
  return outbox.take()
}

for (const size of [1000, 8 * 1024, 10_000]) {
  test(`${size} octets: memory is used again once a write was taken at once`, () => {
    const outbox = new Outbox()
    const first = fill(outbox, size, 1)
    outbox.release(true)
    const second = fill(outbox, size, 2)
    assert.equal(second.buffer, first.buffer)
    assert.equal(second.byteOffset, first.byteOffset)
  })

  test(`${size} octets: a write that waits keeps them, and the next begins behind them in the same slab`, () => {
    const outbox = new Outbox()
    const waiting = fill(outbox, size, 1)
    outbox.release(false)
    const next = fill(outbox, size, 2)
    outbox.release(true)
    fill(outbox, size, 3)
    assert.equal(next.buffer, waiting.buffer)
    assert.equal(next.byteOffset, waiting.byteOffset + size)
    assert.deepEqual(waiting, Buffer.alloc(size, 1))
  })
}

test('small writes and others have slabs of their own', () => {
  const outbox = new Outbox()
  const small = fill(outbox, 8 * 1024, 1)
  outbox.release(true)
  const large = fill(outbox, 8 * 1024 + 1, 1)
  assert.equal(small.buffer.byteLength, SMALL_SLAB)
  assert.equal(large.buffer.byteLength, LARGE_SLAB)
})

test('a slab that is used up is left to its writes', () => {
  for (const [used, more, slab] of [
    [8 * 1024, 8 * 1024, SMALL_SLAB],
    [100_000, 100_000, LARGE_SLAB],
  ]) {
    const outbox = new Outbox()
    const first = fill(outbox, used, 1)
    for (let taken = used; taken + more <= slab; taken += more) {
      outbox.release(false)
      assert.equal(fill(outbox, more, 2).buffer, first.buffer)
    }
    outbox.release(false)
    assert.notEqual(fill(outbox, more, 3).buffer, first.buffer)
    assert.deepEqual(first, Buffer.alloc(used, 1))
  }
})

test('what is larger than a slab gets memory of its own, which is not kept', () => {
  const outbox = new Outbox()
  const large = fill(outbox, 3 * LARGE_SLAB, 1)
  assert.equal(large.length, 3 * LARGE_SLAB)
  outbox.release(true)
  assert.equal(fill(outbox, 10_000, 1).buffer.byteLength, LARGE_SLAB)
})

test('writes of a length that came before allocate no view', () => {
  const outbox = new Outbox()
  for (const size of [0, 1, 100, 2047, 2048, 5000, 70_000]) {
    const first = fill(outbox, size, 1)
    outbox.release(true)
    assert.equal(fill(outbox, size, 2), first)
    assert.equal(first.length, size)
    outbox.release(true)
  }
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

test('what is taken lies in the slab of now, also when its size was taken from another', () => {
  for (const size of [100, 5000, 100_000]) {
    const outbox = new Outbox()
    const first = fill(outbox, size, 1)
    while (fill(outbox, size, 2).buffer === first.buffer) outbox.release(false)
    outbox.release(true)
    const taken = fill(outbox, size, 3)
    assert.equal(taken.buffer, outbox.buffer.buffer)
    assert.deepEqual(taken, Buffer.alloc(size, 3))
  }
})

test('what fits exactly into a slab, or into the rest of one, goes there', () => {
  for (const [first, rest] of [
    [8 * 1024, SMALL_SLAB - 8 * 1024],
    [100_000, LARGE_SLAB - 100_000],
  ]) {
    const outbox = new Outbox()
    const waiting = fill(outbox, first, 1)
    const step = first === 8 * 1024 ? first : rest
    for (let left = rest; left > 0; left -= step) {
      outbox.release(false)
      assert.equal(fill(outbox, step, 2).buffer, waiting.buffer)
    }
  }
  const outbox = new Outbox()
  const whole = fill(outbox, LARGE_SLAB, 1)
  outbox.release(true)
  assert.equal(fill(outbox, LARGE_SLAB, 2).buffer, whole.buffer)
})
