import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { processGauges, watchCollections } from '../../../src/worker/process-gauges.js'

test('time that collections take adds up', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  watchCollections()
  let before = processGauges().garbageSeconds
  assert.equal(before, 0)
  for (let i = 0; i < 3; i++) {
    let now = before
    while (now === before) {
      collect()
      await new Promise(setImmediate)
      now = processGauges().garbageSeconds
    }
    assert.ok(now > before)
    before = now
  }
})

test('what a process spends is there, in seconds and octets', () => {
  const gauges = processGauges()
  const { user, system } = process.cpuUsage()
  assert.ok(gauges.cpuUserSeconds > 0 && gauges.cpuUserSeconds <= user / 1e6)
  assert.ok(gauges.cpuSystemSeconds >= 0 && gauges.cpuSystemSeconds <= system / 1e6)
  assert.ok(gauges.heapBytes > 0 && gauges.heapBytes < gauges.residentBytes)
  assert.ok(Math.abs(gauges.startedAt * 1000 - performance.timeOrigin) < 1)
})
