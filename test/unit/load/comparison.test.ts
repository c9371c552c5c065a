// Client or server: what the load counted beside what the service counted, and where the time went.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Metrics, parseMetrics, type ServiceReport, sumOf } from '../../../src/load/admin-client.js'
import { blameOf, serviceQuantile } from '../../../src/load/blame.js'
import { compare, type Evidence } from '../../../src/load/comparison.js'
import { addSparse, eachLatency, makeHistogram } from '../../../src/load/latencies.js'
import type { Outcome } from '../../../src/load/outcome.js'
import { makeCounts } from '../../../src/load/tally.js'
import {
  FRAMES,
  MESSAGE_OCTETS,
  MESSAGES,
  makeTraffic,
  PAYLOAD,
  RECEIVED,
  SENT,
  trafficReport,
  WIRE,
} from '../../../src/load/traffic.js'

/** Books of a connection that sent 10 text messages of 5 octets and got them back. */
function books(): Float64Array {
  const traffic = makeTraffic()
  for (const [direction, octets] of [
    [SENT, 300],
    [RECEIVED, 200],
  ]) {
    traffic[direction + WIRE] = octets
    traffic[direction + FRAMES + 1] = 10
    traffic[direction + PAYLOAD + 1] = 50
    traffic[direction + MESSAGES] = 10
    traffic[direction + MESSAGE_OCTETS] = 50
  }
  return traffic
}

/** The service's report of the same connection: what the client sent it received. */
function report(change: (report: ServiceReport) => void = () => {}): ServiceReport {
  const { sent, received } = trafficReport(books())
  const report: ServiceReport = { id: 7, key: 'k', state: 'closed', sent: received, received: sent }
  change(report)
  return report
}

/** Metrics of a service that has seen that connection `times` over. */
function metrics(times: number, change: Readonly<Record<string, number>> = {}): Metrics {
  const all = new Map<string, number>([
    ['echobahn_connections{worker="1"}', 0],
    ['echobahn_connections_total', times],
  ])
  for (const [direction, octets] of Object.entries({ received: 300, sent: 200 })) {
    all.set(`echobahn_wire_bytes_total{direction="${direction}"}`, octets * times)
    for (const [name, count] of Object.entries({
      frames: 10,
      frame_payload_bytes: 50,
      messages: 10,
      message_bytes: 50,
    }))
      all.set(`echobahn_${name}_total{direction="${direction}",opcode="text"}`, count * times)
  }
  for (const [series, value] of Object.entries(change)) all.set(series, value)
  return all
}

function outcome(): Outcome {
  const counts = makeCounts()
  Object.assign(counts.connections, { attempted: 1, opened: 1, ended: 1 })
  const latencies = eachLatency(() => makeHistogram())
  addSparse(latencies.echo, [10_000, 1])
  addSparse(latencies.waiting, [2000, 1])
  return {
    ...{ descriptions: [], loop: 'open', startedAt: 0, seconds: 1, asked: 1, counts, traffic: books(), latencies },
    ...{ timeline: [], slowest: [{ key: 'k', due: 0, sent: 2, back: 10 }], notes: [], comparison: undefined },
    effort: { cpu: 0, threads: 1, busiest: 0, memory: 0 },
  }
}

function evidence(change: Partial<Evidence> = {}): Evidence {
  return {
    ...{ before: metrics(3), after: metrics(4), reports: [report()], books: new Map([['k', books()]]) },
    comparesOctets: true,
    ...change,
  }
}

test('what agrees agrees, connection by connection and in all', () => {
  const { compared, missing, totals, mismatches } = compare(outcome(), evidence())
  assert.deepEqual(
    { compared, missing, totals, mismatches },
    { compared: 1, missing: 0, totals: 'compared', mismatches: [] },
  )
})

test('one octet, frame or message of difference is told, and which', () => {
  const changed = report(it => {
    Object.assign(it.received, { octets: 301 })
    Object.assign(it.sent.frames, { text: 9 })
    Object.assign(it.sent.payload, { text: 45 })
    Object.assign(it.received.messages, { binary: 1 })
    Object.assign(it.received.messageOctets, { text: 49 })
  })
  assert.deepEqual(compare(outcome(), evidence({ reports: [changed] })).mismatches, [
    'connection 7: octets: the client sent 300, the service received 301',
    'connection 7: octets of text messages: the client sent 50, the service received 49',
    'connection 7: binary messages: the client sent 0, the service received 1',
    'connection 7: text frames: the client received 10, the service sent 9',
    'connection 7: payload octets of text frames: the client received 50, the service sent 45',
  ])
})

test('the totals are compared where nobody else was there', () => {
  const off = metrics(4, { 'echobahn_frames_total{direction="sent",opcode="ping"}': 1 })
  assert.deepEqual(compare(outcome(), evidence({ after: off })).mismatches, [
    'totals: ping frames: the client received 0, the service sent 1',
  ])
  const others = compare(outcome(), evidence({ after: metrics(5) }))
  assert.deepEqual([others.totals, others.mismatches], ['not compared, since others were connected too', []])
  const before = metrics(3, { 'echobahn_connections{worker="1"}': 1 })
  assert.match(compare(outcome(), evidence({ before })).totals, /others/)
  const failed = outcome()
  failed.counts.connections.attempted = 2
  assert.equal(compare(failed, evidence()).totals, 'not compared, since handshakes failed')
})

test('octets are left out where the client cannot see them', () => {
  const changed = report(it => Object.assign(it.received, { octets: 999 }))
  assert.deepEqual(compare(outcome(), evidence({ reports: [changed], comparesOctets: false })).mismatches, [])
})

test('connections whose report is gone are counted, and those of others ignored', () => {
  const two = new Map([
    ['k', books()],
    ['gone', books()],
  ])
  const { compared, missing } = compare(
    outcome(),
    evidence({ books: two, reports: [report(), { ...report(), key: 'x' }] }),
  )
  assert.deepEqual([compared, missing], [1, 1])
})

test('many mismatches are cut short', () => {
  const all = Array.from({ length: 30 }, (_, id) => report(it => Object.assign(it, { id, key: `k${id}` })))
  const wrong = new Map(all.map(({ key }) => [key, makeTraffic()]))
  const { mismatches } = compare(outcome(), evidence({ reports: all, books: wrong }))
  assert.equal(mismatches.length, 21)
  assert.match(mismatches[20], /^and \d+ more$/)
})

/** A histogram of the service: so many echoes up to each bound. */
function durations(...counts: readonly number[]): Metrics {
  const bounds = ['0.0001', '0.001', '0.01', '+Inf']
  return new Map(
    counts.map((count, i) => [`echobahn_echo_duration_seconds_bucket{compressed="no",le="${bounds[i]}"}`, count]),
  )
}

test("the service's own time is what its histogram grew by", () => {
  assert.equal(serviceQuantile(durations(0, 0, 0, 0), durations(99, 99, 100, 100), 0.99), 0.0001)
  assert.equal(serviceQuantile(durations(99, 99, 100, 100), durations(99, 189, 200, 200), 0.99), 0.01)
  assert.equal(serviceQuantile(durations(5, 5, 5, 5), durations(5, 5, 5, 6), 0.99), Number.POSITIVE_INFINITY)
  assert.equal(serviceQuantile(durations(5, 5, 5, 5), durations(5, 5, 5, 5), 0.99), undefined)
})

test('the time of the slowest is divided', () => {
  const proof = { before: durations(0, 0, 0, 0), after: durations(0, 100, 100, 100) }
  const lines = (change: Partial<Evidence>) => blameOf(outcome(), evidence({ ...proof, ...change })).join('\n')
  const paused = { ...report(), time: { paused: { high_water: 400, turn: 100 } } }
  assert.match(
    lines({ reports: [paused] }),
    /until back {2}10\.0 ms\n.*to be sent {3}2\.00 ms\n.*own {4}1\.00 ms at most\n/,
  )
  assert.match(lines({ reports: [paused] }), /network and kernel {3}7\.0\d ms, the rest\n {2}paused {15}500 ms at most/)
  const slowest = [paused.key, 'other'].map(key => ({ key, due: 0, sent: 2, back: 10 }))
  const other = { ...report(), key: 'other', time: { paused: { turn: 20 } } }
  assert.match(
    blameOf({ ...outcome(), slowest }, evidence({ ...proof, reports: [other, paused] })).join('\n'),
    /paused {15}500 ms at most/,
  )
  assert.match(
    lines({ reports: [paused] }),
    /slowest: 10\.0 ms, of it 2\.00 ms waiting and 8\.00 ms under way, on connection 7$/,
  )
  assert.match(lines({}), /paused {15}unknown, the service's reports do not tell it/)
  assert.match(lines({ reports: [] }), /no reports of these connections/)
  assert.match(lines({ after: proof.before }), /its metrics do not tell\n {2}network and kernel {3}unknown/)
})

test('metrics are read from their text form', () => {
  const read = parseMetrics('# HELP a b\na 1\na{x="1",y="2"} 2.5\na{x="2"} +Inf\nab 7\n')
  assert.equal(read.get('a{x="1",y="2"}'), 2.5)
  assert.equal(sumOf(read, 'a', { x: '1' }), 2.5)
  assert.equal(sumOf(read, 'a', { x: '2' }), Number.POSITIVE_INFINITY)
  assert.equal(sumOf(read, 'ab'), 7)
  assert.equal(sumOf(read, 'missing'), 0)
})
