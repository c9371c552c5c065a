// CostEstimate: follows what a connection's messages really take, and recovers from what they took once.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CostEstimate, HOP, SMALL_LENGTH } from '../../../src/codec/cost-estimate.js'

/** Milliseconds for a message on a machine that does 100 octets in a microsecond. */
const taken = (length: number) => 0.005 + length * 10e-6

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.1 * expected, `${actual} is not near ${expected}`)
}

describe('CostEstimate', () => {
  it('begins with small messages inline and large ones on a thread', () => {
    const estimate = new CostEstimate()
    for (const compressed of [true, false]) {
      assert.ok(estimate.isSmall(256, compressed))
      assert.ok(!estimate.isSmall(12 * 1024, compressed))
    }
  })

  it('takes deflated octets for dearer than plain ones, and learns the two apart', () => {
    const estimate = new CostEstimate()
    assert.ok(estimate.cost(1000, true) > estimate.cost(1000, false))
    const before = estimate.cost(1000, false)
    for (let i = 0; i < 50; i++) estimate.learn(1000, true, 0.5)
    assertNear(estimate.cost(1000, true), 0.5)
    assert.equal(estimate.cost(1000, false), before)
  })

  it('comes to what messages of any length take', () => {
    for (const length of [512, 1024, 16 * 1024]) {
      const estimate = new CostEstimate()
      for (let i = 0; i < 50; i++) estimate.learn(length, true, taken(length))
      assertNear(estimate.cost(length, true), taken(length))
    }
  })

  it('does not take the work that even the shortest message is for what octets cost', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 50; i++) for (const length of [0, 5]) estimate.learn(length, true, 0.012)
    assert.ok(estimate.isSmall(1024, true))
    assert.ok(estimate.cost(1024, true) > 0.012)
  })

  it('is not thrown by one message that took a thousand times too long', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 50; i++) estimate.learn(256, true, taken(256))
    estimate.learn(256, true, 1000 * taken(256))
    assert.ok(estimate.isSmall(256, true))
  })

  it('takes two dozen messages to believe that all are dear, and to forget it', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 25; i++) estimate.learn(1024, true, 20)
    assert.ok(estimate.cost(256, true) > HOP)
    for (let i = 0; i < 60; i++) estimate.learn(256, true, taken(256))
    assert.ok(estimate.isSmall(256, true))
  })

  it('never finds a message small that is long, however cheap the ones before it were', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 100; i++) for (const compressed of [true, false]) estimate.learn(2 ** 24, compressed, 0)
    for (const compressed of [true, false]) {
      assert.ok(estimate.isSmall(SMALL_LENGTH, compressed))
      assert.ok(!estimate.isSmall(SMALL_LENGTH + 1, compressed))
    }
  })
})

describe('one message', () => {
  it('makes up a tenth of the guess, compressed or not', () => {
    for (const compressed of [true, false]) {
      const estimate = new CostEstimate()
      const before = estimate.cost(1000, compressed)
      estimate.learn(1000, compressed, before * 2)
      assert.ok(Math.abs(estimate.cost(1000, compressed) - before * 1.1) < 1e-9)
    }
  })
})
