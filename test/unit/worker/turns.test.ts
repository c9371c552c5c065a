import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARE, Share, Turns } from '../../../src/worker/turns.js'

test('a share is used up by frames, and by time at their rate', () => {
  const share = new Share()
  share.begin()
  assert.equal(share.left, SHARE)
  share.charge(0.1)
  assert.ok(Math.abs(share.left - SHARE / 2) < 1e-9)
  share.begin()
  assert.equal(share.left, SHARE)
})

test('who waits gets one turn in the next round of the event loop, in order, and may queue again', async () => {
  const turns = new Turns()
  const log: string[] = []
  const taker = (name: string, rounds: number) => ({
    takeTurn(): void {
      log.push(name)
      if (--rounds > 0) turns.add(this)
    },
  })
  const first = taker('a', 2)
  const second = taker('b', 1)
  turns.add(first)
  turns.add(second)
  assert.deepEqual(log, [])
  await new Promise(setImmediate)
  assert.deepEqual(log, ['a', 'b'])
  await new Promise(setImmediate)
  assert.deepEqual(log, ['a', 'b', 'a'])
})
