// When a worker tells its counts, and when its gauges too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../../src/messages.js'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { COUNTS_INTERVAL, Snapshots, WHOLE_EVERY } from '../../../src/worker/snapshots.js'

const RECEIVED = offsetOf('wire_bytes_total', { direction: 'received' })
const SENT = offsetOf('wire_bytes_total', { direction: 'sent' })
const TURNS_CUT = offsetOf('turns_cut_total')

function setUp(bringUpToDate: (counters: Counters) => void = () => {}) {
  const counters = new Counters()
  const sent: Snapshot[] = []
  const snapshots = new Snapshots(
    counters,
    () => bringUpToDate(counters),
    () => [sent.length],
    snapshot => sent.push(snapshot),
  )
  return { counters, snapshots, sent }
}

test('the first look tells all, and then every fifth does, even if nothing happens', () => {
  const { counters, snapshots, sent } = setUp()
  snapshots.look()
  assert.deepEqual(sent, [{ type: 'snapshot', question: 0, deltas: [], gauges: [0] }])
  counters.add(TURNS_CUT, 1)
  for (let look = 1; look < WHOLE_EVERY; look++) snapshots.look()
  assert.equal(sent.length, 1)
  snapshots.look()
  assert.deepEqual(sent[1], { type: 'snapshot', question: 0, deltas: [TURNS_CUT, 1], gauges: [1] })
})

for (const [name, index] of Object.entries({ received: RECEIVED, sent: SENT }))
  test(`a look after octets were ${name} tells all counts, without gauges`, () => {
    const { counters, snapshots, sent } = setUp()
    snapshots.look()
    counters.add(index, 7)
    counters.add(TURNS_CUT, 2)
    snapshots.look()
    const { deltas, ...rest } = sent[1]
    assert.deepEqual(rest, { type: 'snapshot', question: 0, gauges: null })
    assert.deepEqual(
      [index, TURNS_CUT].map(series => deltas[deltas.indexOf(series) + 1]),
      [7, 2],
    )
    assert.equal(deltas.length, 4)
    snapshots.look()
    assert.equal(sent.length, 2)
  })

test('counters are brought up to date first, and an answer bears the number of its question', () => {
  const { snapshots, sent } = setUp(counters => counters.add(TURNS_CUT, 1))
  snapshots.tell(12)
  assert.deepEqual(sent, [{ type: 'snapshot', question: 12, deltas: [TURNS_CUT, 1], gauges: [0] }])
})

test('counts are told every 50 ms, gauges four times a second', () => {
  assert.deepEqual([COUNTS_INTERVAL, COUNTS_INTERVAL * WHOLE_EVERY], [50, 250])
})
