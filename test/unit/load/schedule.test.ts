// When messages are due: curves, steps, arrivals, and the shares of threads.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateCurve, stretches } from '../../../src/load/rate-curve.js'
import { Schedule, type ScheduleOptions } from '../../../src/load/schedule.js'

/** Every time at which a message is due, in milliseconds. */
function timesOf(options: Partial<ScheduleOptions>): number[] {
  const schedule = new Schedule({
    curve: new RateCurve(stretches(100, 100, 1, 0)),
    ...{ arrivals: 'constant', messages: Number.POSITIVE_INFINITY, thread: 0, threads: 1, random: () => 0.5 },
    ...options,
  })
  const times: number[] = []
  for (; schedule.next !== Number.POSITIVE_INFINITY; schedule.advance()) times.push(schedule.next)
  return times
}

/** A sequence in [0, 1) that is the same each time. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('constant arrivals are evenly spaced, the first at once and none at the end', () => {
  const times = timesOf({ curve: new RateCurve(stretches(4, 4, 2, 0)) })
  assert.deepEqual(times, [0, 250, 500, 750, 1000, 1250, 1500, 1750])
})

test('a number of messages ends it earlier', () => {
  assert.deepEqual(timesOf({ messages: 3 }), [0, 10, 20])
  assert.deepEqual(timesOf({ messages: 0 }), [])
})

test('a rate of 0 is no message, for however long', () => {
  assert.deepEqual(timesOf({ curve: new RateCurve(stretches(0, 0, Number.POSITIVE_INFINITY, 0)) }), [])
})

test('a rate without end goes on evenly', () => {
  const curve = new RateCurve(stretches(10, 10, Number.POSITIVE_INFINITY, 0))
  assert.equal(curve.timeOf(1_000_000), 100_000)
})

test('the threads together are as one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 200 }), (threads, messages) => {
      const curve = new RateCurve(stretches(50, 150, 1, 0))
      const all = Array.from({ length: threads }, (_, thread) => timesOf({ curve, messages, thread, threads })).flat()
      assert.deepEqual(
        all.sort((a, b) => a - b),
        timesOf({ curve, messages }),
      )
    }),
  )
})

test('a ramp has the messages of its mean rate, and by any time those that its area says', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (from, to, seconds, share) => {
        const curve = new RateCurve(stretches(from, to, seconds, 0))
        assert.equal(curve.total, ((from + to) / 2) * seconds)
        const time = curve.timeOf(share * curve.total)
        const area = from * time + ((to - from) * time * time) / (2 * seconds)
        assert.ok(Math.abs(area - share * curve.total) < 1e-6 * curve.total, `${area} of ${share * curve.total}`)
        assert.equal(curve.timeOf(curve.total), Number.POSITIVE_INFINITY)
      },
    ),
  )
})

test('steps go from the first rate to the last, each as long', () => {
  assert.deepEqual(stretches(10, 40, 9, 4), [
    { seconds: 2.25, from: 10, to: 10 },
    { seconds: 2.25, from: 20, to: 20 },
    { seconds: 2.25, from: 30, to: 30 },
    { seconds: 2.25, from: 40, to: 40 },
  ])
  assert.deepEqual(stretches(10, 40, 9, 1), [{ seconds: 9, from: 40, to: 40 }])
  const curve = new RateCurve(stretches(1, 3, 4, 2))
  assert.deepEqual(
    [0, 1, 2, 3, 6.5].map(count => curve.timeOf(count)),
    [0, 1, 2, 2 + 1 / 3, 3.5],
  )
})

test('poisson arrivals keep the rate, and are as irregular as independence makes them', () => {
  const curve = new RateCurve(stretches(1000, 1000, 20, 0))
  const times = timesOf({ curve, arrivals: 'poisson', random: sequence(1) })
  assert.ok(Math.abs(times.length - 20_000) < 600, `${times.length}`)
  const gaps = times.slice(1).map((time, i) => time - times[i])
  const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  // Of exponential gaps the standard deviation is the mean; of even ones it is 0.
  assert.ok(Math.abs(deviation / mean - 1) < 0.05, `${deviation} of ${mean}`)
})

test('poisson arrivals of several threads keep the rate together', () => {
  const curve = new RateCurve(stretches(1000, 1000, 20, 0))
  const counts = [0, 1, 2, 3].map(thread => {
    return timesOf({ curve, arrivals: 'poisson', thread, threads: 4, random: sequence(thread + 1) }).length
  })
  for (const count of counts) assert.ok(Math.abs(count - 5000) < 300, `${count}`)
})
