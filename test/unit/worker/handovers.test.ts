// What a worker says of hand-overs, and from when on a connection is its own.

import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { type Changes, ENDED_DELAY, type Handover, REFUSAL_MARGIN } from '../../../src/messages.js'
import { Handovers } from '../../../src/worker/handovers.js'

class FakeHandle {
  closed = 0

  close(): void {
    this.closed++
  }
}

let now = 0
let told: Changes[] = []
let written: (() => void)[] = []
let begun: number[] = []
let handovers: Handovers
let handles: FakeHandle[] = []

beforeEach(() => {
  now = 1_000_000
  told = []
  written = []
  begun = []
  handles = []
  handovers = new Handovers(
    {
      onTaken: ({ id }, connection) => {
        assert.ok(connection instanceof FakeHandle)
        begun.push(id)
      },
      tell: (changes, then) => {
        told.push(changes)
        written.push(then)
      },
    },
    () => now,
  )
})

function arrive(id: number, deadline = now + 1000): FakeHandle {
  const handle = new FakeHandle()
  handles.push(handle)
  handovers.arrived({ type: 'handover', id, admission: 0, deadline } satisfies Handover, handle)
  return handle
}

/** Lets the timers and immediates of a test be run by hand. */
function useClock(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
}

describe('hand-overs', () => {
  it('of one turn are told together, and begin when that is in the channel', t => {
    useClock(t)
    for (const id of [1, 2, 3]) arrive(id)
    assert.deepEqual(told, [])
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', taken: [1, 2, 3] }])
    assert.deepEqual(begun, [])
    assert.equal(handovers.size, 3)
    written[0]()
    assert.deepEqual(begun, [1, 2, 3])
    assert.equal(handovers.size, 0)
    arrive(4)
    t.mock.timers.tick(0)
    assert.deepEqual(told[1], { type: 'changes', taken: [4] })
    assert.deepEqual(
      handles.map(({ closed }) => closed),
      [0, 0, 0, 0],
    )
  })

  it('are refused when little time is left, counted from when they would be told', t => {
    useClock(t)
    const late = arrive(1, now + REFUSAL_MARGIN + 9)
    const timely = arrive(2, now + REFUSAL_MARGIN + 10)
    now += 10
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', taken: [2], refused: [1] }])
    assert.equal(late.closed, 1)
    assert.equal(timely.closed, 0)
    written[0]()
    assert.deepEqual(begun, [2])
  })

  it('do not begin when the word was not in the channel by the deadline', t => {
    useClock(t)
    const early = arrive(1, now + 1001)
    const late = arrive(2, now + 1000)
    t.mock.timers.tick(0)
    now += 1000
    written[0]()
    assert.deepEqual(begun, [1])
    assert.equal(early.closed, 0)
    assert.equal(late.closed, 1)
    t.mock.timers.tick(ENDED_DELAY)
    assert.deepEqual(told[1], { type: 'changes', ended: [2] })
  })

  it('without a handle are told as undelivered', t => {
    useClock(t)
    handovers.arrived({ type: 'handover', id: 1, admission: 0, deadline: now + 1000 }, undefined)
    arrive(2)
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', taken: [2], undelivered: [1] }])
    arrive(3)
    t.mock.timers.tick(0)
    assert.deepEqual(told[1], { type: 'changes', taken: [3] })
  })

  it('are refused while the worker leaves', t => {
    useClock(t)
    const handle = arrive(1)
    handovers.leave('later')
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', refused: [1] }])
    assert.equal(handle.closed, 1)
  })

  it('that are told still begin when the worker leaves later, not when it leaves now', t => {
    useClock(t)
    arrive(1)
    handovers.tell()
    handovers.leave('later')
    written[0]()
    assert.deepEqual(begun, [1])

    handovers = new Handovers({ onTaken: ({ id }) => begun.push(id), tell: (_, then) => written.push(then) }, () => now)
    const handle = arrive(2)
    handovers.tell()
    handovers.leave('now')
    written[1]()
    assert.deepEqual(begun, [1])
    assert.equal(handle.closed, 1)
  })

  it('may be revoked before they are told', t => {
    useClock(t)
    const handle = arrive(1)
    arrive(2)
    assert.equal(handovers.revoke(1), true)
    assert.equal(handle.closed, 1)
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', taken: [2] }])
  })

  it('may be revoked before they begin', t => {
    useClock(t)
    const handle = arrive(1)
    arrive(2)
    t.mock.timers.tick(0)
    assert.equal(handovers.revoke(1), true)
    assert.equal(handovers.size, 1)
    assert.equal(handle.closed, 1)
    written[0]()
    assert.deepEqual(begun, [2])
    assert.equal(handle.closed, 1)
    assert.equal(handovers.revoke(2), false)
    assert.equal(handovers.revoke(3), false)
  })
})

describe('ends', () => {
  it('are told together after a while', t => {
    useClock(t)
    handovers.ended(1)
    t.mock.timers.tick(ENDED_DELAY - 1)
    handovers.ended(2)
    assert.deepEqual(told, [])
    t.mock.timers.tick(1)
    assert.deepEqual(told, [{ type: 'changes', ended: [1, 2] }])
    t.mock.timers.tick(10 * ENDED_DELAY)
    assert.equal(told.length, 1)
    handovers.ended(3)
    t.mock.timers.tick(ENDED_DELAY)
    assert.deepEqual(told[1], { type: 'changes', ended: [3] })
  })

  it('go with the next word', t => {
    useClock(t)
    handovers.ended(1)
    arrive(2)
    t.mock.timers.tick(0)
    assert.deepEqual(told, [{ type: 'changes', taken: [2], ended: [1] }])
    t.mock.timers.tick(ENDED_DELAY)
    assert.equal(told.length, 1)
  })

  it('can be told at once, and nothing is said when there is nothing to say', t => {
    useClock(t)
    handovers.tell()
    assert.deepEqual(told, [])
    handovers.ended(1)
    handovers.tell()
    assert.deepEqual(told, [{ type: 'changes', ended: [1] }])
    t.mock.timers.tick(1)
    handovers.ended(2)
    t.mock.timers.tick(ENDED_DELAY - 1)
    assert.equal(told.length, 1)
    t.mock.timers.tick(1)
    assert.deepEqual(told[1], { type: 'changes', ended: [2] })
  })
})
