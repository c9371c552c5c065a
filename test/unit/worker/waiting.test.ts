// What is counted of waiting: pauses, turns that ended by share, and the round trips of pings.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { histogramAt, offsetOf } from '../../../src/metrics/layout.js'
import { type Bench, feed, openConnection, openSharing } from '../../support/fake-transport.js'
import { clientFrame } from '../../support/raw-client.js'

const TEXT = 1
const PONG = 10

const ROUND_TRIPS = histogramAt('ping_round_trip_seconds')

function roundTrips({ counters }: Bench): number {
  const { offset, buckets } = ROUND_TRIPS
  return counters.values.subarray(offset, offset + buckets.length + 1).reduce((sum, count) => sum + count, 0)
}

/** Brings the connection to its next ping; `start` is monotonic milliseconds. */
function pinged(bench: Bench, start: number): void {
  bench.connection.sweep(start)
  bench.connection.sweep(start + 10_000)
}

test('the first empty pong after a ping is its answer, and no other is', () => {
  const bench = openConnection(undefined, '--ping-interval', '10s')
  feed(bench, clientFrame({ opcode: PONG }))
  pinged(bench, 1_000)
  assert.equal(roundTrips(bench), 0)
  feed(bench, clientFrame({ opcode: PONG, payload: 'unasked' }))
  assert.equal(roundTrips(bench), 0)
  feed(bench, clientFrame({ opcode: PONG }), clientFrame({ opcode: PONG }))
  assert.equal(roundTrips(bench), 1)
  assert.ok(bench.counters.values[ROUND_TRIPS.offset + ROUND_TRIPS.buckets.length + 1] > 0)
  pinged(bench, 20_000)
  feed(bench, clientFrame({ opcode: PONG }))
  assert.equal(roundTrips(bench), 2)
})

test('a connection that is gone is not remembered with its ping, nor as paused', () => {
  const bench = openConnection(undefined, '--ping-interval', '10s', '--high-water-mark', '10B', '--low-water-mark', '0')
  pinged(bench, 1_000)
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: TEXT, payload: 'more than ten' }))
  assert.equal(bench.pauses.connections, 1)
  bench.connection.onClosed()
  assert.equal(bench.pauses.connections, 0)
  feed(bench, clientFrame({ opcode: PONG }))
  assert.equal(roundTrips(bench), 0)
})

test('a turn that ends by share is counted as such, and one that ends for another reason is not', async () => {
  const cut = offsetOf('turns_cut_total')
  const chunk = Buffer.concat(Array.from({ length: 25 }, () => clientFrame({ opcode: TEXT, payload: 'message' })))
  const bench = openSharing(10)
  feed(bench, chunk)
  assert.equal(bench.counters.values[cut], 1)
  assert.equal(bench.pauses.connections, 1)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.equal(bench.counters.values[cut], 2)
  assert.equal(bench.pauses.connections, 0)

  const slow = openConnection(undefined, '--high-water-mark', '10B', '--low-water-mark', '0')
  slow.transport.taking = false
  feed(slow, chunk)
  assert.equal(slow.pauses.connections, 1)
  assert.equal(slow.counters.values[cut], 0)
})
