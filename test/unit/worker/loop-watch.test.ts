// The watch's timer is a real one, the clock that it looks at the test's own.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { histogramAt } from '../../../src/metrics/layout.js'
import { LoopWatch, WATCH_INTERVAL } from '../../../src/worker/loop-watch.js'

const DELAY = histogramAt('event_loop_delay_seconds')
const TURN = histogramAt('event_loop_turn_seconds')

/** Monotonic milliseconds at which the watch begins. */
const BEGINNING = 5000

function watch(t: TestContext) {
  const clock = { now: BEGINNING }
  t.mock.method(performance, 'now', () => clock.now)
  const counters = new Counters()
  const loop = new LoopWatch(counters)
  t.after(() => loop.stop())
  /** Observations above a bound, which must be one of the buckets'. */
  const above = ({ offset, buckets }: typeof DELAY, bound: number) =>
    counters.values.slice(offset + buckets.indexOf(bound) + 1, offset + buckets.length + 1).reduce((a, b) => a + b, 0)
  const all = ({ offset, buckets }: typeof DELAY) =>
    counters.values.slice(offset, offset + buckets.length + 1).reduce((a, b) => a + b, 0)
  const sum = ({ offset, buckets }: typeof DELAY) => counters.values[offset + buckets.length + 1]
  /** Resolves when something was observed so many times more. */
  const observed = async (slot: typeof DELAY, times: number): Promise<void> => {
    const before = all(slot)
    while (all(slot) < before + times) await new Promise(setImmediate)
  }
  return { clock, loop, above, sum, observed }
}

test('a stall is seen by the next snapshot, and only once', t => {
  const { loop, above } = watch(t)
  loop.look(BEGINNING + WATCH_INTERVAL)
  assert.equal(above(DELAY, 0.001), 0)
  loop.look(BEGINNING + 700)
  assert.deepEqual([above(DELAY, 0.5), above(DELAY, 1)], [1, 0])
  loop.look(BEGINNING + 700)
  loop.look(BEGINNING + 710)
  assert.equal(above(DELAY, 0.001), 1)
  loop.look(BEGINNING + 4000)
  assert.deepEqual([above(DELAY, 0.5), above(DELAY, 2.5)], [2, 1])
})

test('a snapshot sees no stall before the timer is late by an interval', t => {
  const { loop, sum } = watch(t)
  loop.look(BEGINNING + 2 * WATCH_INTERVAL - 1)
  assert.equal(sum(DELAY), 0)
  loop.look(BEGINNING + 2 * WATCH_INTERVAL)
  assert.equal(sum(DELAY), WATCH_INTERVAL / 1000)
})

test('the timer sees a stall that no snapshot has seen, once, and goes on', async t => {
  const { clock, above, observed } = watch(t)
  for (const stalls of [1, 2]) {
    clock.now += 140
    await observed(DELAY, 2)
    assert.equal(above(DELAY, 0.1), stalls)
  }
})

test('what a snapshot has seen the timer does not observe again', async t => {
  const { clock, loop, above, observed } = watch(t)
  clock.now += 3100
  loop.look()
  await observed(DELAY, 2)
  assert.equal(above(DELAY, 2.5), 1)
})

/** Blocks until timers of the watch's interval that were set before are due. */
function untilDue(): void {
  const due = Date.now() + 2 * WATCH_INTERVAL
  while (Date.now() < due);
}

test('a turn is as long as what is done in it', async t => {
  const { clock, above, sum, observed } = watch(t)
  // Set behind the watch's timer, and both are due when they are looked at: one turn, in which the watch's timer comes again.
  await new Promise<void>(resolve => {
    setTimeout(() => {
      clock.now += 110
      untilDue()
      resolve()
    }, WATCH_INTERVAL)
    untilDue()
  })
  // A timer that is set in the turn has Node look at all of them once more.
  await new Promise(resolve => setTimeout(resolve, 1))
  await observed(TURN, 2)
  assert.equal(above(TURN, 0.1), 1)
  assert.ok(Math.abs(sum(TURN) - 0.11) < 1e-9, `${sum(TURN)} s`)
})
