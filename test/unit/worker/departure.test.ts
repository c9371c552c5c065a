// How a worker takes leave, on a clock that the test moves.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Connection } from '../../../src/worker/connection.js'
import { Departure } from '../../../src/worker/departure.js'

const DRAIN = 10_000

/** A departure of so many connections and openings; the jitter is the most there can be. */
function bench(t: TestContext, count: number, openingCount = 0, drainTimeout = DRAIN) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { mock: jitter } = t.mock.method(Math, 'random', () => 1)
  const calls: string[] = []
  const late = new Set<number>()
  const connections = new Map<number, Connection>()
  for (let id = 1; id <= count; id++) {
    const connection = {
      goAway: (code: number) => void calls.push(`${id} goAway ${code}`),
      goAwayNow: (code: number) => {
        calls.push(`${id} goAwayNow ${code}`)
        return !late.has(id)
      },
      destroy: (reason: string) => void calls.push(`${id} destroy ${reason}`),
    }
    connections.set(id, connection as unknown as Connection)
  }
  const openings = {
    size: openingCount,
    sessions: 0,
    close(): void {
      calls.push('openings closed')
    },
    goAway(): void {
      calls.push('sessions go away')
    },
    cut(): void {
      calls.push('sessions cut')
    },
  }
  const done: number[] = []
  const handovers = { size: 0 }
  const departure = new Departure(connections, openings, handovers, drainTimeout, cut => done.push(cut))
  const gone = (id: number, cut: boolean): void => {
    connections.delete(id)
    departure.onGone(cut)
  }
  // One by one: a timer that another one sets counts from where the clock stands then.
  const tick = (milliseconds: number): void => {
    for (let i = 0; i < milliseconds; i++) t.mock.timers.tick(1)
  }
  return { departure, jitter, calls, late, openings, handovers, done, gone, tick }
}

test('with nobody there it is done at once, once', t => {
  const { departure, done, calls, tick } = bench(t, 0)
  departure.leave('now')
  assert.deepEqual(done, [0])
  departure.onGone(false)
  tick(60_000)
  assert.deepEqual([done, calls], [[0], ['openings closed']])
})

test('now: openings are dropped, and every connection gets its 1001 in groups of 64, a short pause before each', t => {
  const { departure, jitter, calls, tick } = bench(t, 130)
  departure.leave('now')
  assert.deepEqual(calls, ['openings closed'])
  tick(19)
  assert.equal(calls.length, 1)
  tick(1)
  assert.deepEqual(calls.slice(1, 3), ['1 goAway 1001', '2 goAway 1001'])
  assert.equal(calls.length, 1 + 64)
  tick(19)
  assert.equal(calls.length, 1 + 64)
  tick(1)
  assert.equal(calls.length, 1 + 128)
  tick(20)
  assert.equal(calls.at(-1), '130 goAway 1001')
  assert.equal(calls.length, 1 + 130)
  tick(1000)
  assert.equal(calls.length, 1 + 130)
  assert.equal(jitter.callCount(), 3)
})

test('a last group of one gets its Close too', t => {
  const { departure, calls, tick } = bench(t, 65)
  departure.leave('now')
  tick(40)
  assert.equal(calls.at(-1), '65 goAway 1001')
})

test('the groups take half of a short drain timeout at most', t => {
  const { departure, calls, tick } = bench(t, 256, 0, 80)
  departure.leave('now')
  tick(10)
  assert.equal(calls.length, 1 + 64)
  tick(30)
  assert.equal(calls.length, 1 + 256)
})

test('later: nobody is told anything until the drain timeout, then 1012', t => {
  const { departure, calls, tick } = bench(t, 2, 1)
  departure.leave('later')
  assert.deepEqual(calls, ['sessions go away'])
  tick(DRAIN - 1)
  assert.deepEqual(calls.splice(0), ['sessions go away'])
  tick(1)
  assert.deepEqual(calls, ['openings closed', '1 goAwayNow 1012', '2 goAwayNow 1012'])
})

test('at the drain timeout who had a Close is cut, the others get theirs; all are cut a second later', t => {
  const { departure, calls, late, tick } = bench(t, 2)
  departure.leave('now')
  tick(100)
  calls.length = 0
  late.add(1)
  tick(DRAIN - 101)
  assert.deepEqual(calls, [])
  tick(1)
  assert.deepEqual(calls, [
    'openings closed',
    '1 goAwayNow 1001',
    '1 destroy the drain timeout was over',
    '2 goAwayNow 1001',
  ])
  calls.length = 0
  tick(999)
  assert.deepEqual(calls, [])
  tick(1)
  assert.deepEqual(calls, [
    '1 destroy the drain timeout was over',
    '2 destroy the drain timeout was over',
    'sessions cut',
  ])
})

test('later becomes now, with all its time', t => {
  const { departure, calls, tick } = bench(t, 1)
  departure.leave('later')
  tick(DRAIN - 1)
  departure.leave('now')
  tick(20)
  assert.deepEqual(calls, ['sessions go away', 'openings closed', '1 goAway 1001'])
  tick(DRAIN - 21)
  assert.equal(calls.length, 3)
  tick(1)
  assert.equal(calls.at(-1), '1 goAwayNow 1001')
})

test('it is done when the last connection, opening and session are gone, and tells how many were cut', t => {
  const { departure, calls, openings, done, gone, tick } = bench(t, 3, 1)
  departure.leave('later')
  gone(1, true)
  gone(2, false)
  gone(3, true)
  assert.deepEqual(done, [])
  openings.size = 0
  openings.sessions = 1
  departure.onGone(false)
  assert.deepEqual(done, [])
  openings.sessions = 0
  departure.onGone(true)
  assert.deepEqual(done, [3])
  departure.onGone(false)
  tick(60_000)
  assert.deepEqual([done, calls], [[3], ['sessions go away']])
})

test('a group that is still to come does not outlive the last connection', t => {
  const { departure, calls, done, gone, tick } = bench(t, 1)
  departure.leave('now')
  gone(1, false)
  tick(60_000)
  assert.deepEqual([done, calls], [[0], ['openings closed']])
})

test('connections that are told to be taken and have not begun are waited for', t => {
  const { departure, handovers, done, gone } = bench(t, 1)
  handovers.size = 1
  departure.leave('later')
  gone(1, false)
  assert.deepEqual(done, [])
  handovers.size = 0
  departure.onGone(false)
  assert.deepEqual(done, [0])
})
