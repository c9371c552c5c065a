import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { PAUSE_REASONS, type PauseReason } from '../../../src/pause-reasons.js'
import { CLOSE_WAITS, CODEC_FULL, HIGH_WATER, MEMORY, NEXT_TURN } from '../../../src/worker/flow-control.js'
import { NOT_PAUSED, Pauses, pausePlace } from '../../../src/worker/pauses.js'

function start() {
  const counters = new Counters()
  const clock = { now: 5000 }
  const pauses = new Pauses(counters, () => clock.now)
  const seconds = () => {
    pauses.addUp()
    const counted = PAUSE_REASONS.map(reason => [reason, counters.values[offsetOf('paused_seconds_total', { reason })]])
    return Object.fromEntries(counted.filter(([, value]) => value !== 0)) as Partial<Record<PauseReason, number>>
  }
  return { pauses, clock, seconds }
}

test('a pause is counted while it lasts, once, and not before or after', () => {
  const { pauses, clock, seconds } = start()
  assert.deepEqual(seconds(), {})
  clock.now += 1000
  pauses.change(0, HIGH_WATER)
  assert.equal(pauses.connections, 1)
  clock.now += 250
  assert.deepEqual(seconds(), { high_water: 0.25 })
  assert.deepEqual(seconds(), { high_water: 0.25 })
  clock.now += 500
  pauses.change(HIGH_WATER, 0)
  assert.equal(pauses.connections, 0)
  clock.now += 1000
  assert.deepEqual(seconds(), { high_water: 0.75 })
})

test('connections add up', () => {
  const { pauses, clock, seconds } = start()
  pauses.change(0, NEXT_TURN)
  clock.now += 1000
  pauses.change(0, NEXT_TURN)
  pauses.change(0, CLOSE_WAITS)
  clock.now += 1000
  assert.equal(pauses.connections, 3)
  assert.deepEqual(seconds(), { turn: 3, closing: 1 })
})

test('of several reasons the weightiest counts, and its time is nobody else’s', () => {
  const { pauses, clock, seconds } = start()
  pauses.change(0, NEXT_TURN)
  clock.now += 1000
  pauses.change(NEXT_TURN, NEXT_TURN + HIGH_WATER)
  clock.now += 2000
  pauses.change(NEXT_TURN + HIGH_WATER, NEXT_TURN + HIGH_WATER + MEMORY)
  clock.now += 4000
  pauses.change(NEXT_TURN + HIGH_WATER + MEMORY, HIGH_WATER + MEMORY)
  clock.now += 8000
  pauses.change(HIGH_WATER + MEMORY, HIGH_WATER)
  clock.now += 16_000
  assert.deepEqual(seconds(), { memory: 12, high_water: 18, turn: 1 })
  assert.equal(pauses.connections, 1)
})

test('each reason has its place', () => {
  const places = [MEMORY, CODEC_FULL, HIGH_WATER, CLOSE_WAITS, NEXT_TURN].map(
    reason => PAUSE_REASONS[pausePlace(reason)],
  )
  assert.deepEqual(places, ['memory', 'codec', 'high_water', 'closing', 'turn'])
  assert.equal(pausePlace(0), NOT_PAUSED)
})
