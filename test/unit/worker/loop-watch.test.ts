import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { histogramAt } from '../../../src/metrics/layout.js'
import { LoopWatch, WATCH_INTERVAL } from '../../../src/worker/loop-watch.js'

const DELAY = histogramAt('event_loop_delay_seconds')
const TURN = histogramAt('event_loop_turn_seconds')

function watch(t: TestContext) {
  const counters = new Counters()
  const loop = new LoopWatch(counters)
  t.after(() => loop.stop())
  /** Observations above a bound, which must be one of the buckets'. */
  const above = ({ offset, buckets }: typeof DELAY, bound: number) =>
    counters.values.slice(offset + buckets.indexOf(bound) + 1, offset + buckets.length + 1).reduce((a, b) => a + b, 0)
  const sum = ({ offset, buckets }: typeof DELAY) => counters.values[offset + buckets.length + 1]
  return { loop, above, sum }
}

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** Resolves in a turn after the one that timers which are due now run in. */
async function laterTurn(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 1))
  await new Promise(setImmediate)
}

test('a stall is seen by the next snapshot, and only once', t => {
  const { loop, above } = watch(t)
  const now = performance.now()
  loop.look(now + WATCH_INTERVAL)
  assert.equal(above(DELAY, 0.001), 0)
  loop.look(now + 700)
  assert.deepEqual([above(DELAY, 0.5), above(DELAY, 1)], [1, 0])
  loop.look(now + 700)
  loop.look(now + 710)
  assert.equal(above(DELAY, 0.001), 1)
  loop.look(now + 4000)
  assert.deepEqual([above(DELAY, 0.5), above(DELAY, 2.5)], [2, 1])
})

test('the timer sees a stall that no snapshot has seen, and goes on', async t => {
  const { above } = watch(t)
  for (const stalls of [1, 2]) {
    block(140)
    await laterTurn()
    assert.ok(above(DELAY, 0.1) >= stalls)
  }
})

test('what a snapshot has seen the timer does not observe again', async t => {
  const { loop, above } = watch(t)
  block(3100)
  loop.look()
  await laterTurn()
  assert.equal(above(DELAY, 2.5), 1)
})

test('a turn is as long as what is done in it', async t => {
  const started = performance.now()
  const { above, sum } = watch(t)
  // The watch's timer is due, so that it runs before what is blocking here, and its immediate after.
  await new Promise<void>(resolve => {
    setTimeout(() => {
      block(110)
      resolve()
    }, WATCH_INTERVAL)
    block(WATCH_INTERVAL * 2)
  })
  await laterTurn()
  assert.ok(above(TURN, 0.1) >= 1)
  // The timer came more than once in that turn, and all turns together are no longer than the time that has passed.
  assert.ok(sum(TURN) <= (performance.now() - started) / 1000)
})
