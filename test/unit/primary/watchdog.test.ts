// When the primary looks for workers that say nothing: behind what was in the channels.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWatchdog } from '../../../src/primary/watchdog.js'

test('it looks every 100 ms, for the instant at which the timer ran, once all that came before is read', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let seconds = 5
  t.mock.method(process, 'hrtime', () => [seconds, 0])
  const looks: number[] = []
  const timer = startWatchdog(instant => void looks.push(instant))
  t.mock.timers.tick(99)
  await new Promise(setImmediate)
  assert.deepEqual(looks, [])
  t.mock.timers.tick(1)
  seconds = 6
  assert.deepEqual(looks, [])
  await new Promise(setImmediate)
  assert.deepEqual(looks, [5000])
  clearInterval(timer)
})
