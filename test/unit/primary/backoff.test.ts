import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Backoff, STABLE_AFTER } from '../../../src/primary/backoff.js'

describe('Backoff', () => {
  it('doubles from 100 ms to 5 s while workers die early', () => {
    const backoff = new Backoff()
    const delays = Array.from({ length: 8 }, () => backoff.delayAfter(0))
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000])
  })

  it('restarts at once after a stable spell and begins anew', () => {
    const backoff = new Backoff()
    backoff.delayAfter(0)
    backoff.delayAfter(STABLE_AFTER)
    assert.equal(backoff.delayAfter(STABLE_AFTER + 1), 0)
    assert.equal(backoff.delayAfter(STABLE_AFTER), 100)
  })
})
