// Totals: counts outlive their workers, gauges do not, and nothing goes backwards.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../../src/messages.js'
import { WORKER_GAUGES, type WorkerGauge } from '../../../src/metrics/catalogue.js'
import { offsetOf, SERIES_COUNT } from '../../../src/metrics/layout.js'
import { Totals } from '../../../src/primary/totals.js'

const SENT = offsetOf('wire_bytes_total', { direction: 'sent' })

function snapshot(gauges: Partial<Record<WorkerGauge, number>>, deltas: number[] = []): Snapshot {
  return { type: 'snapshot', question: 0, deltas, gauges: WORKER_GAUGES.map(gauge => gauges[gauge] ?? 0) }
}

test('deltas of all workers add up and stay when a worker is gone', () => {
  const totals = new Totals()
  totals.add(1, 100, snapshot({}, [SENT, 5]))
  totals.add(2, 200, snapshot({}, [SENT, 7]))
  totals.forget(100)
  totals.add(1, 101, snapshot({}, [SENT, 1, SENT, 0]))
  assert.equal(totals.values[SENT], 13)
  assert.deepEqual([totals.valuesOf(1)[SENT], totals.valuesOf(2)[SENT], totals.valuesOf(3)[SENT]], [6, 7, 0])
})

test('gauges of a worker are those of its living processes', () => {
  const totals = new Totals()
  totals.add(1, 100, snapshot({ bufferedBytes: 5, openFiles: 50 }))
  totals.add(1, 101, snapshot({ bufferedBytes: 2, openFiles: 10 }))
  totals.add(2, 200, snapshot({ bufferedBytes: 9 }))
  assert.equal(totals.gauge(1, 'bufferedBytes'), 7)
  assert.equal(totals.gauge(1, 'openFiles'), 50)
  totals.forget(100)
  assert.equal(totals.gauge(1, 'bufferedBytes'), 2)
  assert.equal(totals.gauge(1, 'openFiles'), 10)
  totals.forget(101)
  assert.equal(totals.gauge(1, 'bufferedBytes'), 0)
  assert.equal(totals.gauge(2, 'bufferedBytes'), 9)
})

test('counts that come without gauges leave them as they were', () => {
  const totals = new Totals()
  totals.add(1, 100, snapshot({ bufferedBytes: 5, cpuUserSeconds: 4 }, [SENT, 5]))
  totals.add(1, 100, { ...snapshot({}, [SENT, 2]), gauges: null })
  assert.equal(totals.values[SENT], 7)
  assert.equal(totals.gauge(1, 'bufferedBytes'), 5)
  assert.equal(totals.gauge(1, 'cpuUserSeconds'), 4)
  assert.throws(() => totals.add(1, 101, { ...snapshot({}, [SENT, 2]), gauges: null }), RangeError)
  assert.equal(totals.values[SENT], 7)
})

test('CPU time of a worker grows over replacements', () => {
  const totals = new Totals()
  const seen: number[] = []
  const add = (pid: number, cpuUserSeconds: number) => {
    totals.add(1, pid, snapshot({ cpuUserSeconds }))
    seen.push(totals.gauge(1, 'cpuUserSeconds'))
  }
  add(100, 4)
  add(100, 6)
  add(101, 1)
  add(100, 7)
  totals.forget(100)
  seen.push(totals.gauge(1, 'cpuUserSeconds'))
  add(101, 3)
  assert.deepEqual(seen, [4, 6, 7, 8, 8, 10])
})

test('the age is that of the oldest snapshot, and goes on after the process is gone', () => {
  let now = 1000
  const totals = new Totals(() => now)
  assert.equal(totals.snapshotAge(1), 0)
  totals.add(1, 100, snapshot({}))
  now += 2000
  totals.add(1, 101, snapshot({}))
  now += 500
  assert.equal(totals.snapshotAge(1), 2.5)
  totals.forget(100)
  assert.equal(totals.snapshotAge(1), 0.5)
  totals.forget(101)
  now += 1000
  assert.equal(totals.snapshotAge(1), 1.5)
  totals.add(1, 102, snapshot({}))
  now += 1000
  totals.add(1, 103, snapshot({}))
  totals.forget(103)
  assert.equal(totals.snapshotAge(1), 1)
})

for (const [what, deltas, message] of [
  ['an index below 0', [SENT, 1, -1, 1], /series -1 of/],
  ['an index past the end', [SENT, 1, SERIES_COUNT, 1], /names series \d+ of/],
  ['an index between two', [SENT, 1, 0.5, 1], /series 0\.5 of/],
  ['an increment below 0', [SENT, 1, SENT, -1], /adds -1 to/],
  ['an increment that is no number', [SENT, 1, SENT, Number.NaN], /adds NaN to/],
  ['half a pair', [SENT, 1, SENT], /not pairs/],
] as const) {
  test(`a report with ${what} is refused as a whole`, () => {
    const totals = new Totals()
    assert.throws(() => totals.add(1, 100, snapshot({}, [...deltas])), { name: 'RangeError', message })
    assert.equal(totals.values[SENT], 0)
  })
}

test('a report with the wrong gauges is refused as a whole', () => {
  const totals = new Totals()
  const short: Snapshot = { type: 'snapshot', question: 0, deltas: [SENT, 1], gauges: [1] }
  assert.throws(() => totals.add(1, 100, short), /1 gauges/)
  assert.throws(() => totals.add(1, 100, snapshot({ residentBytes: Number.NaN }, [SENT, 1])), /residentBytes/)
  assert.equal(totals.values[SENT], 0)
})

test('WebSocket connections are open, closed, or lost with their process', () => {
  const totals = new Totals()
  const accepted = offsetOf('handshakes_total', { result: 'accepted' })
  const refused = offsetOf('handshakes_total', { result: 'timeout' })
  const [byClient, byServer] = (['client', 'server'] as const).map(initiator =>
    offsetOf('closes_total', { initiator, code: '1006' }),
  )
  totals.add(1, 100, snapshot({}, [accepted, 5, refused, 3]))
  totals.add(1, 100, snapshot({}, [accepted, 2, byClient, 3, byServer, 1]))
  totals.add(2, 200, snapshot({}, [accepted, 4]))
  assert.deepEqual([totals.websockets, totals.websocketsLost], [7, 0])
  totals.forget(100)
  assert.deepEqual([totals.websockets, totals.websocketsLost], [4, 3])
  totals.add(2, 200, snapshot({}, [byServer, 4]))
  totals.forget(200)
  totals.forget(300)
  assert.deepEqual([totals.websockets, totals.websocketsLost], [0, 3])
  assert.equal(totals.values[accepted], totals.values[byClient] + totals.values[byServer] + totals.websocketsLost)
})
