import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleCollector } from '../../../src/worker/idle-collector.js'

const MIB = 2 ** 20

/** A collector over memory that the test sets; a collection leaves `least` octets. */
function collector(least = 0) {
  const state = { external: least, heapUsed: 8 * MIB, heapSize: 10 * MIB, collections: 0, compacts: false }
  const idle = new IdleCollector(
    () => ({ buffers: state.external, heapUsed: state.heapUsed, heapSize: state.heapSize }),
    compacts => {
      state.collections++
      state.compacts = compacts
      state.external = least
      state.heapSize = 10 * MIB
    },
  )
  return { state, idle }
}

test('a burst of handshakes is collected once it is over, if its connections stay', () => {
  for (const [open, collections] of [
    [500, 1],
    [499, 0],
  ]) {
    const { state, idle } = collector()
    for (let i = 0; i < 500; i++) idle.handshakeDone()
    idle.sweep(1_000, open, 0)
    idle.sweep(1_999, open, 0)
    assert.equal(state.collections, 0)
    idle.sweep(2_000, open, 0)
    assert.equal(state.collections, collections)
    idle.sweep(9_000, open, 0)
    assert.equal(state.collections, collections)
  }
})

test('a few handshakes are not worth a collection, and one more begins the wait anew', () => {
  const { state, idle } = collector()
  for (let i = 0; i < 499; i++) idle.handshakeDone()
  idle.sweep(1_000, 1000, 0)
  idle.sweep(5_000, 1000, 0)
  assert.equal(state.collections, 0)
  idle.handshakeDone()
  idle.sweep(5_500, 1000, 0)
  idle.sweep(6_499, 1000, 0)
  assert.equal(state.collections, 0)
  idle.sweep(6_500, 1000, 0)
  assert.equal(state.collections, 1)
  assert.ok(state.compacts)
})

test('buffers that nothing holds are collected once they do not grow any more', () => {
  const { state, idle } = collector(MIB)
  idle.sweep(1_000, 0, 0)
  state.external = 100 * MIB
  idle.sweep(1_500, 0, 0)
  state.external = 120 * MIB
  idle.sweep(2_000, 0, 0)
  assert.equal(state.collections, 0)
  idle.sweep(2_499, 0, 0)
  assert.equal(state.collections, 0)
  idle.sweep(2_500, 0, 0)
  assert.equal(state.collections, 1)
  assert.ok(!state.compacts)
  idle.sweep(3_000, 0, 0)
  assert.equal(state.collections, 1)
})

test('buffers that are held, and a little more, are left alone', () => {
  const { state, idle } = collector(MIB)
  state.external = 100 * MIB
  for (let now = 1_000; now < 9_000; now += 500) idle.sweep(now, 0, 85 * MIB)
  assert.equal(state.collections, 0)
  idle.sweep(9_500, 0, 82 * MIB)
  idle.sweep(10_000, 0, 82 * MIB)
  assert.equal(state.collections, 1)
})

test('a heap that grew under load is collected once the load is over', () => {
  const { state, idle } = collector()
  idle.sweep(1_000, 0, 0)
  state.heapSize = 44 * MIB
  for (let now = 2_000; now < 9_000; now += 500) {
    state.heapUsed = (now % 1000 === 0 ? 30 : 20) * MIB
    idle.sweep(now, 0, 0)
  }
  assert.equal(state.collections, 0)
  state.heapUsed = 21 * MIB
  idle.sweep(9_500, 0, 0)
  idle.sweep(10_000, 0, 0)
  assert.equal(state.collections, 0)
  idle.sweep(10_500, 0, 0)
  assert.equal(state.collections, 1)
  for (let now = 11_000; now < 20_000; now += 500) idle.sweep(now, 0, 0)
  assert.equal(state.collections, 1)
})
