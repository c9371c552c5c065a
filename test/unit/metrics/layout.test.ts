// The layout gives each summed series its own place, in the order that hot code counts on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CounterDescription, type HistogramDescription, SUMMED } from '../../../src/metrics/catalogue.js'
import {
  histogramAt,
  labelSets,
  offsetOf,
  SERIES_COUNT,
  type SummedName,
  seriesOf,
} from '../../../src/metrics/layout.js'
import { OPCODE_NAMES } from '../../../src/protocol/opcodes.js'

test('the last label varies fastest', () => {
  assert.deepEqual(labelSets({ a: ['1', '2'], b: ['x', 'y'] }), [
    { a: '1', b: 'x' },
    { a: '1', b: 'y' },
    { a: '2', b: 'x' },
    { a: '2', b: 'y' },
  ])
  assert.deepEqual(labelSets({}), [{}])
})

test('series cover the array without gap or overlap', () => {
  const owners = new Array<number>(SERIES_COUNT).fill(0)
  for (const [name, metric] of Object.entries<CounterDescription | HistogramDescription>(SUMMED)) {
    const width = metric.type === 'histogram' ? metric.buckets.length + 2 : 1
    for (const { offset } of seriesOf(name as SummedName)) {
      for (let i = offset; i < offset + width; i++) owners[i]++
    }
  }
  assert.deepEqual([...new Set(owners)], [1])
})

test('opcodes of one direction lie side by side in their order', () => {
  for (const name of ['frames_total', 'frame_payload_bytes_total'] as const) {
    const first = offsetOf(name, { direction: 'sent', opcode: 'continuation' })
    const places = OPCODE_NAMES.map(opcode => offsetOf(name, { direction: 'sent', opcode }) - first)
    assert.deepEqual(places, [0, 1, 2, 3, 4, 5])
  }
})

test('opcodes are in the order of their numbers', () => {
  assert.deepEqual([...OPCODE_NAMES], ['continuation', 'text', 'binary', 'close', 'ping', 'pong'])
})

test('a histogram has a place for each label set', () => {
  const compressed = histogramAt('echo_duration_seconds', { compressed: 'true' })
  const plain = histogramAt('echo_duration_seconds', { compressed: 'false' })
  assert.equal(plain.offset - compressed.offset, compressed.buckets.length + 2)
  assert.deepEqual([compressed.buckets[0], compressed.buckets.at(-1)], [0.000001, 10])
})

test('buckets ascend', () => {
  for (const metric of Object.values<CounterDescription | HistogramDescription>(SUMMED)) {
    if (metric.type !== 'histogram') continue
    assert.deepEqual(
      metric.buckets,
      [...new Set(metric.buckets)].sort((a, b) => a - b),
    )
  }
})

test('labels that are not in the catalogue are refused', () => {
  assert.throws(
    () => offsetOf('closes_total', { initiator: 'client', code: '1004' }),
    /closes_total has no series .*1004/,
  )
  // @ts-expect-error the compiler knows the values, too
  assert.throws(() => offsetOf('frames_total', { direction: 'up', opcode: 'text' }), RangeError)
  // @ts-expect-error labels may be left out only where there are none
  assert.throws(() => offsetOf('wire_bytes_total'), RangeError)
  assert.equal(offsetOf('slow_reader_closes_total'), offsetOf('slow_reader_closes_total', {}))
})
