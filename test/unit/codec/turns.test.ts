// How far a thread goes with a batch: by time, by octets, and always with the first message of a group.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from '../../../src/codec/turns.js'

const ROOM = 1000
const MIB = 2 ** 20

test('the first message of a group that begins is never left, though there is no room', () => {
  const turns = new Turns(100)
  assert.equal(turns.begin(100, 0, 0), true)
  assert.deepEqual([turns.isOver(500, 5000), turns.isOver(100, 0)], [false, true])
})

test('a group goes on for 4 ms, and until its replies take its room', () => {
  const turns = new Turns(100)
  turns.begin(102, 50, ROOM)
  turns.isOver(102, 50)
  assert.deepEqual([turns.isOver(105.9, 50), turns.isOver(106, 50)], [false, true])
  assert.deepEqual([turns.isOver(102, 50 + ROOM - 1), turns.isOver(102, 50 + ROOM)], [false, true])
})

test('no group begins after 16 ms, or 4 MiB of results, and none of its messages is done then', () => {
  for (const [now, octets, begins] of [
    [115.9, 4 * MIB - 1, true],
    [116, 0, false],
    [100, 4 * MIB, false],
  ] as const) {
    const turns = new Turns(100)
    assert.equal(turns.begin(now, octets, ROOM), begins)
    assert.equal(turns.isOver(now, octets), !begins)
  }
})
