// Counters: buckets, sums, and deltas that lose and repeat nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Counters } from '../../../src/metrics/counters.js'
import { histogramAt, offsetOf, SERIES_COUNT } from '../../../src/metrics/layout.js'

const slot = histogramAt('read_size_bytes')
const infinity = slot.offset + slot.buckets.length
const sum = infinity + 1

test('a value on a bound belongs to that bucket, one above all bounds to +Inf', () => {
  const counters = new Counters()
  counters.observe(slot, 64)
  counters.observe(slot, 65)
  counters.observe(slot, 2 ** 30)
  assert.equal(counters.values[slot.offset], 1)
  assert.equal(counters.values[slot.offset + 1], 1)
  assert.equal(counters.values[infinity], 1)
  assert.equal(counters.values[sum], 64 + 65 + 2 ** 30)
})

test('a value may be observed several times at once', () => {
  const counters = new Counters()
  counters.observe(slot, 100, 7)
  assert.deepEqual(counters.takeDeltas(), [slot.offset + 1, 7, sum, 700])
})

test('deltas hold what changed since the last take and nothing else', () => {
  const counters = new Counters()
  const slowReaders = offsetOf('slow_reader_closes_total')
  const wire = offsetOf('wire_bytes_total', { direction: 'sent' })
  assert.deepEqual(counters.takeDeltas(), [])
  counters.add(slowReaders, 2)
  counters.values[wire] += 10
  assert.deepEqual(counters.takeDeltas(), [wire, 10, slowReaders, 2])
  assert.deepEqual(counters.takeDeltas(), [])
  counters.add(slowReaders, 1)
  assert.deepEqual(counters.takeDeltas(), [slowReaders, 1])
})

test('whenever deltas are taken, they add up to what was counted', () => {
  const additions = fc.array(fc.tuple(fc.nat(SERIES_COUNT - 1), fc.nat(1e9), fc.boolean()))
  fc.assert(
    fc.property(additions, steps => {
      const counters = new Counters()
      const totals = new Float64Array(SERIES_COUNT)
      const take = () => {
        const deltas = counters.takeDeltas()
        for (let i = 0; i < deltas.length; i += 2) totals[deltas[i]] += deltas[i + 1]
      }
      for (const [index, n, taken] of steps) {
        counters.add(index, n)
        if (taken) take()
      }
      take()
      assert.deepEqual(totals, counters.values)
    }),
  )
})
