// Connections that are opened, replaced, exchanged and ended, on a clock of the test's; and the loops that feed them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../../src/load/connection.js'
import { Fleet, type FleetOptions } from '../../../src/load/fleet.js'
import { ClosedLoop, OpenLoop } from '../../../src/load/loops.js'
import { RateCurve, stretches } from '../../../src/load/rate-curve.js'
import { Schedule } from '../../../src/load/schedule.js'
import { serverFrame } from './frames.js'
import { FakeWire, receive, Stage } from './stage.js'

const CLOSE = serverFrame(0x88, Buffer.from([0x03, 0xe8]))

/** A fleet whose connections are opened by the test. */
class Dock {
  readonly stage = new Stage()
  readonly fleet: Fleet
  readonly dialled: { connection: Connection; wire: FakeWire; place: number }[] = []
  onRoom: (connection: Connection, count: number) => void = () => {}

  constructor(options: Partial<FleetOptions>, places = 1) {
    const shared = {
      ...this.stage.shared,
      onRoom: (connection: Connection, count: number) => this.onRoom(connection, count),
      onOpened: (connection: Connection) => this.fleet.onOpened(connection),
      onEnded: (connection: Connection) => this.fleet.onEnded(connection),
    }
    const makePlace = (place: number) => ({
      orders: this.stage.orders,
      makeKey: () => 'key',
      dial: (connection: Connection) => {
        const wire = new FakeWire()
        connection.attach(wire)
        this.dialled.push({ connection, wire, place })
      },
    })
    this.fleet = new Fleet(
      {
        ...{ size: 1, ramp: 0, churn: 0, firstId: 0, idStep: 1 },
        places: Array.from({ length: places }, (_, place) => makePlace(place)),
        ...options,
      },
      shared,
    )
  }

  at(time: number): this {
    this.stage.time = time
    this.fleet.tick(time)
    return this
  }

  open(from = 0, to = this.dialled.length): void {
    for (const { connection } of this.dialled.slice(from, to))
      if (connection.stage === 'opening')
        connection.onUpgraded({ subprotocol: undefined, deflate: undefined }, { sent: 0, received: 0 })
  }
}

test('as fast as they open is 64 at a time', () => {
  const dock = new Dock({ size: 100 })
  dock.fleet.start(0)
  assert.equal(dock.dialled.length, 64)
  dock.open(0, 10)
  dock.at(1)
  assert.equal(dock.dialled.length, 74)
  assert.ok(!dock.fleet.isSettled)
  dock.open()
  dock.at(2)
  dock.open()
  assert.ok(dock.fleet.isSettled)
  assert.equal(dock.fleet.open.length, 100)
})

test('a ramp opens by the clock, however long handshakes take', () => {
  const dock = new Dock({ size: 1000, ramp: 10_000 })
  dock.fleet.start(0)
  assert.equal(dock.at(1).dialled.length, 1)
  assert.equal(dock.at(5000).dialled.length, 500)
  assert.equal(dock.at(20_000).dialled.length, 1000)
})

test('URLs are taken in turn, and numbers are unique among threads', () => {
  const dock = new Dock({ size: 5, firstId: 1, idStep: 3 }, 2)
  dock.fleet.start(0)
  assert.deepEqual(
    dock.dialled.map(({ place, connection }) => [place, connection.id]),
    [
      [0, 1],
      [1, 4],
      [0, 7],
      [1, 10],
      [0, 13],
    ],
  )
})

test('messages go to the connections in turn, also when some have ended', () => {
  const dock = new Dock({ size: 3 })
  dock.fleet.start(0)
  assert.equal(dock.fleet.pick(), undefined)
  dock.open()
  const [a, b, c] = dock.dialled.map(({ connection }) => connection)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => dock.fleet.pick()),
    [a, b, c, a],
  )
  a.onClosed('ECONNRESET')
  assert.deepEqual(new Set([dock.fleet.pick(), dock.fleet.pick()]), new Set([b, c]))
  assert.deepEqual(new Set(dock.fleet.open), new Set([b, c]))
  c.onClosed('ECONNRESET')
  assert.deepEqual(dock.fleet.open, [b])
})

test('one that ended or could not be opened is tried again after a second', () => {
  const dock = new Dock({ size: 2 })
  dock.fleet.start(0)
  const [a, b] = dock.dialled
  dock.open(0, 1)
  b.connection.onClosed('ECONNREFUSED')
  assert.ok(dock.fleet.isSettled)
  assert.equal(dock.at(999).dialled.length, 2)
  assert.equal(dock.at(1000).dialled.length, 3)
  a.connection.onClosed('ECONNRESET')
  assert.equal(dock.at(1999).dialled.length, 3)
  assert.equal(dock.at(2000).dialled.length, 4)
})

test('churn: the oldest leaves once its echoes are back, and another comes at once', () => {
  const dock = new Dock({ size: 2, churn: 10 })
  dock.fleet.start(0)
  dock.open()
  const [a, b] = dock.dialled
  a.connection.add(0)
  a.connection.send(0)
  const [frame] = a.wire.take()
  dock.fleet.startChurn(0)
  dock.at(99)
  assert.equal(dock.dialled.length, 2)
  dock.at(100)
  assert.equal(dock.dialled.length, 3)
  assert.deepEqual(dock.fleet.open, [b.connection])
  assert.equal(a.connection.stage, 'open')
  receive(a.connection, serverFrame(frame.first, frame.payload))
  dock.at(101)
  assert.equal(a.connection.stage, 'leaving')
  receive(a.connection, CLOSE)
  a.connection.onClosed(undefined)
  dock.at(150)
  assert.equal(dock.dialled.length, 3)
  // One that left is not replaced a second time.
  dock.fleet.startChurn(Number.POSITIVE_INFINITY)
  assert.equal(dock.at(5000).dialled.length, 3)
  assert.deepEqual(dock.stage.faults, {})
})

test('in the end all leave, also one that opens only then, and none is replaced', () => {
  const dock = new Dock({ size: 3, churn: 10 })
  dock.fleet.start(0)
  dock.open(0, 2)
  dock.fleet.end(0)
  assert.deepEqual(
    dock.dialled.map(({ connection }) => connection.stage),
    ['leaving', 'leaving', 'opening'],
  )
  dock.open()
  assert.equal(dock.dialled[2].connection.stage, 'leaving')
  for (const { connection } of dock.dialled) {
    receive(connection, CLOSE)
    connection.onClosed(undefined)
  }
  assert.equal(dock.at(5000).fleet.alive, 0)
  assert.equal(dock.dialled.length, 3)
  assert.deepEqual(dock.stage.faults, {})
})

test('abandoned is ended at once', () => {
  const dock = new Dock({ size: 2 })
  dock.fleet.start(0)
  dock.open(0, 1)
  dock.fleet.abandon()
  assert.ok(dock.dialled.every(({ wire }) => wire.destroyed))
})

function makeOpenLoop(dock: Dock, rate: number, seconds: number): OpenLoop {
  const schedule = new Schedule({
    curve: new RateCurve(stretches(rate, rate, seconds, 0)),
    ...{ arrivals: 'constant', messages: Number.POSITIVE_INFINITY, thread: 0, threads: 1, random: Math.random },
  })
  return new OpenLoop(schedule, dock.fleet, dock.stage.tally, dock.stage.orders)
}

test('the open loop sends what is due by now, each connection in one write', () => {
  const dock = new Dock({ size: 2 })
  dock.fleet.start(0)
  dock.open()
  const loop = makeOpenLoop(dock, 1000, 0.01)
  loop.dispatch(100)
  assert.equal(loop.next(), Number.POSITIVE_INFINITY)
  loop.start(100)
  assert.equal(loop.next(), 100)
  loop.dispatch(104.5)
  assert.equal(loop.next(), 105)
  assert.deepEqual(
    dock.dialled.map(({ wire }) => wire.writes.length),
    [1, 1],
  )
  assert.deepEqual(
    dock.dialled.map(({ wire }) => wire.take().length),
    [3, 2],
  )
  assert.ok(!loop.isOver())
  loop.dispatch(1000)
  assert.ok(loop.isOver())
  assert.equal(dock.stage.tally.counts.messages.sent, 10)
})

test('messages that no connection is there for are lost', () => {
  const dock = new Dock({ size: 1 })
  const loop = makeOpenLoop(dock, 1000, 0.01)
  loop.start(0)
  loop.dispatch(5)
  assert.deepEqual(dock.stage.tally.counts.messages, { due: 6, sent: 0, echoed: 0 })
  assert.deepEqual(dock.stage.faults, { lost: 6 })
  loop.stop()
  assert.ok(loop.isOver())
})

/** Echoes everything that was written. */
function echoAll(dock: Dock): number {
  let count = 0
  for (const { connection, wire } of dock.dialled) {
    const frames = wire.take()
    count += frames.length
    if (frames.length > 0) receive(connection, ...frames.map(({ first, payload }) => serverFrame(first, payload)))
  }
  return count
}

function closedLoopOn(dock: Dock, options: Partial<ConstructorParameters<typeof ClosedLoop>[0]>): ClosedLoop {
  const loop = new ClosedLoop(
    { inFlight: 3, think: 0, duration: 1000, messages: Number.POSITIVE_INFINITY, ...options },
    dock.fleet,
  )
  dock.onRoom = (connection, count) => loop.onRoom(connection, count, dock.stage.time)
  dock.fleet.start(0)
  dock.open()
  loop.start(0)
  return loop
}

test('the closed loop keeps so many in flight on each connection, until its time is over', () => {
  const dock = new Dock({ size: 2 })
  const loop = closedLoopOn(dock, {})
  assert.equal(echoAll(dock), 6)
  assert.equal(echoAll(dock), 6)
  dock.stage.time = 1000
  assert.ok(loop.isOver(1000))
  assert.equal(loop.next(), 1000)
  assert.equal(echoAll(dock), 6)
  assert.equal(echoAll(dock), 0)
})

test('the closed loop ends after so many messages', () => {
  const dock = new Dock({ size: 2 })
  const loop = closedLoopOn(dock, { messages: 10 })
  assert.deepEqual([echoAll(dock), echoAll(dock), echoAll(dock)], [6, 4, 0])
  assert.ok(loop.isOver(5))
})

test('thinking is a pause before each next message, which counts as due when the pause is over', () => {
  const dock = new Dock({ size: 1 })
  const loop = closedLoopOn(dock, { inFlight: 1, think: 50 })
  assert.equal(echoAll(dock), 1)
  assert.equal(loop.next(), 50)
  loop.dispatch(49)
  assert.equal(echoAll(dock), 0)
  dock.stage.time = 55
  loop.dispatch(55)
  assert.equal(echoAll(dock), 1)
  assert.deepEqual(dock.stage.tally.latencies.echo.sparse().slice(2), [5000, 1])
  loop.stop()
  loop.dispatch(500)
  assert.equal(echoAll(dock), 0)
})

test('a connection that is to leave is given no more', () => {
  const dock = new Dock({ size: 1, churn: 10 })
  closedLoopOn(dock, {})
  dock.fleet.startChurn(0)
  dock.at(100)
  assert.equal(echoAll(dock), 3)
  assert.equal(echoAll(dock), 0)
})
