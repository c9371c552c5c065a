// CostEstimate: follows what messages really take, and recovers from what they took once.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CostEstimate, HOP } from '../../../src/codec/cost-estimate.js'

/** Milliseconds for a message on a machine that does 100 octets in a microsecond. */
const taken = (length: number) => 0.005 + length * 10e-6

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.1 * expected, `${actual} is not near ${expected}`)
}

describe('CostEstimate', () => {
  it('begins with small messages inline and large ones on a thread', () => {
    const estimate = new CostEstimate()
    for (const compressed of [true, false]) {
      assert.ok(estimate.cost(256, compressed) < HOP)
      assert.ok(estimate.cost(64 * 1024, compressed) > HOP)
    }
  })

  it('takes deflated octets for dearer than plain ones, and learns the two apart', () => {
    const estimate = new CostEstimate()
    assert.ok(estimate.cost(1000, true) > estimate.cost(1000, false))
    const before = estimate.cost(1000, false)
    for (let i = 0; i < 500; i++) estimate.learn({ length: 1000, compressed: true }, 0.5)
    assertNear(estimate.cost(1000, true), 0.5)
    assert.equal(estimate.cost(1000, false), before)
  })

  it('comes to what messages of any length take', () => {
    for (const length of [64, 1024, 16 * 1024]) {
      const estimate = new CostEstimate()
      for (let i = 0; i < 500; i++) estimate.learn({ length, compressed: true }, taken(length))
      assertNear(estimate.cost(length, true), taken(length))
    }
  })

  it('is not thrown by one message that took a thousand times too long', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 500; i++) estimate.learn({ length: 256, compressed: true }, taken(256))
    estimate.learn({ length: 256, compressed: true }, 1000 * taken(256))
    assert.ok(estimate.cost(256, true) < HOP)
  })

  it('forgets costly messages once cheap ones follow, though they are done by threads', () => {
    const estimate = new CostEstimate()
    for (let i = 0; i < 500; i++) estimate.learn({ length: 1024, compressed: true }, 20)
    assert.ok(estimate.cost(256, true) > HOP)
    const batch = Array(10).fill({ length: 256, compressed: true })
    for (let i = 0; i < 100; i++) estimate.learnTogether(batch, 10 * taken(256))
    assertNear(estimate.cost(256, true), taken(256))
  })

  it('learns nothing from an empty message', () => {
    const estimate = new CostEstimate()
    const before = estimate.cost(1000, true)
    estimate.learn({ length: 0, compressed: true }, 1)
    estimate.learnTogether([{ length: 0, compressed: true }], 1)
    assert.equal(estimate.cost(1000, true), before)
  })
})
