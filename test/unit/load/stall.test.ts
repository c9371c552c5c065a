// A server that stalls for a known time, on a clock of the test's: what the open loop must show of it by arithmetic, and
// what the closed loop hides.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../../src/load/connection.js'
import { Fleet } from '../../../src/load/fleet.js'
import { addSparse, makeHistogram, percentile } from '../../../src/load/latencies.js'
import { ClosedLoop, type Loop, OpenLoop } from '../../../src/load/loops.js'
import { RateCurve, stretches } from '../../../src/load/rate-curve.js'
import { Schedule } from '../../../src/load/schedule.js'
import { serverFrame } from './frames.js'
import { FakeWire, receive, Stage } from './stage.js'

/** Messages per second, and milliseconds. */
const RATE = 1000
const DURATION = 20_000
const STALL_BEGINS = 5000
const STALL = 1000
const CONNECTIONS = 10

/** Runs a load against a server that echoes within the same millisecond, but for the stall. */
function simulate(makeLoop: (fleet: Fleet, stage: Stage) => Loop): Stage {
  const stage = new Stage()
  const wires = new Map<Connection, FakeWire>()
  let loop: Loop | undefined
  const shared = {
    ...stage.shared,
    onRoom: (connection: Connection, count: number) => loop?.onRoom(connection, count, stage.time),
    onOpened: (connection: Connection) => fleet.onOpened(connection),
    onEnded: (connection: Connection) => fleet.onEnded(connection),
  }
  const place = {
    orders: stage.orders,
    makeKey: () => 'key',
    dial: (connection: Connection) => {
      const wire = new FakeWire()
      wires.set(connection, wire)
      connection.attach(wire)
      connection.onUpgraded({ subprotocol: undefined, deflate: undefined }, { sent: 0, received: 0 })
    },
  }
  const fleet: Fleet = new Fleet(
    { size: CONNECTIONS, ramp: 0, churn: 0, places: [place], firstId: 0, idStep: 1 },
    shared,
  )
  fleet.start(0)
  loop = makeLoop(fleet, stage)
  loop.start(0)
  for (; stage.time < DURATION + STALL; stage.time++) {
    loop.dispatch(stage.time)
    const isStalled = stage.time >= STALL_BEGINS && stage.time < STALL_BEGINS + STALL
    if (isStalled) continue
    for (const [connection, wire] of wires) {
      const frames = wire.take()
      if (frames.length > 0) receive(connection, ...frames.map(({ first, payload }) => serverFrame(first, payload)))
    }
  }
  return stage
}

function echoes(stage: Stage) {
  const histogram = makeHistogram()
  addSparse(histogram, stage.tally.latencies.echo.sparse())
  return histogram
}

function openLoop(fleet: Fleet, stage: Stage): Loop {
  const curve = new RateCurve(stretches(RATE, RATE, DURATION / 1000, 0))
  const schedule = new Schedule({
    ...{ curve, arrivals: 'constant', messages: Number.POSITIVE_INFINITY, thread: 0, threads: 1, random: Math.random },
  })
  return new OpenLoop(schedule, fleet, stage.tally, stage.orders)
}

test('the open loop shows the stall as arithmetic says', () => {
  const stage = simulate(openLoop)
  const histogram = echoes(stage)
  assert.deepEqual(stage.faults, {})
  assert.equal(histogram.totalCount, 20_000)
  // Of 20,000 messages the 1,000 that were due in the stall waited for its end: 1000 ms, 999 ms … 1 ms. The slowest
  // 0.1 %, 20 messages, waited from 981 ms on; the slowest 1 % from 801; 95 % of all waited for nothing.
  const near = (at: number, milliseconds: number) =>
    assert.ok(Math.abs(percentile(histogram, at) - milliseconds) <= 1, `p${at} is ${percentile(histogram, at)}`)
  near(100, 1000)
  near(99.9, 980)
  near(99, 800)
  near(95, 0)
  // The schedule itself was never late: it is not the tool that waited.
  const lateness = makeHistogram()
  addSparse(lateness, stage.tally.latencies.lateness.sparse())
  assert.ok(percentile(lateness, 100) <= 1)
})

test('the closed loop asks nothing of a server that stalls, and so hides it', () => {
  const stage = simulate(fleet => {
    return new ClosedLoop({ inFlight: 1, think: 10, duration: DURATION, messages: Number.POSITIVE_INFINITY }, fleet)
  })
  const histogram = echoes(stage)
  // One message of each connection met the stall, of some 2,000 each.
  assert.ok(histogram.totalCount > 18_000 && histogram.totalCount <= 20_000, `${histogram.totalCount}`)
  assert.ok(percentile(histogram, 100) > 900)
  assert.ok(percentile(histogram, 99.9) < 10, `${percentile(histogram, 99.9)}`)
})
