// One connection against a wire of its own: what it sends, what it makes of what comes, and how it ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trafficReport } from '../../../src/load/traffic.js'
import { serverFrame } from './frames.js'
import { nonZero, receive, Stage } from './stage.js'

const BINARY = 0x82

function echoOf({ first, payload }: { first: number; payload: Buffer }): Buffer {
  return serverFrame(first, payload)
}

/** One value was recorded, in microseconds to three digits. */
function assertOnce(sparse: readonly number[], microseconds: number): void {
  assert.equal(sparse.length, 2)
  assert.equal(sparse[1], 1)
  assert.ok(sparse[0] <= microseconds && sparse[0] > microseconds * 0.999, `${sparse}`)
}

test('an echo is verified, counted, and timed from when it was due', () => {
  const stage = new Stage()
  const pair = stage.open()
  stage.time = 1000
  pair.connection.add(990)
  pair.connection.send(1000)
  const [frame] = pair.wire.take()
  assert.equal(frame.first, BINARY)
  assert.equal(frame.payload.length, 64)
  stage.time = 1005
  receive(pair.connection, echoOf(frame))
  assert.deepEqual(stage.tally.counts.messages, { due: 1, sent: 1, echoed: 1 })
  assert.deepEqual(stage.faults, {})
  assertOnce(stage.tally.latencies.echo.sparse(), 15_000)
  assertOnce(stage.tally.latencies.waiting.sparse(), 10_000)
})

test('every frame is masked with a key of its own', () => {
  const stage = new Stage()
  const frames = stage.send(stage.open(), 100)
  assert.equal(frames.length, 100)
  assert.ok(new Set(frames.map(({ key }) => key)).size > 95)
})

test('what is sent together is one write', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  for (let i = 0; i < 10; i++) connection.add(0)
  connection.send(0)
  assert.equal(wire.writes.length, 1)
})

test('each kind of wrong is told from the others', () => {
  const stage = new Stage()
  const pair = stage.open()
  const frames = stage.send(pair, 6)
  const [a, , c, d, e, f] = frames.map(echoOf)
  const damaged = Buffer.from(f)
  damaged[40] ^= 1
  // b never comes, d comes before c, e twice.
  receive(pair.connection, a, d, c, e, e, damaged)
  assert.deepEqual(stage.faults, { outOfOrder: 1, duplicated: 1, corrupted: 1 })
  receive(pair.connection, serverFrame(BINARY, 'nobody asked for this'))
  assert.deepEqual(stage.faults, { outOfOrder: 1, duplicated: 1, corrupted: 1, unasked: 1 })
  pair.connection.leave(0)
  pair.connection.onClosed(undefined)
  assert.deepEqual(stage.faults, { lost: 1, outOfOrder: 1, duplicated: 1, corrupted: 1, unasked: 1, closes: 1 })
  assert.equal(stage.tally.counts.messages.echoed, 4)
})

test('an echo of another connection is none of this one', () => {
  const stage = new Stage()
  const [one, other] = [stage.open(), stage.open()]
  const [mine] = stage.send(one)
  const [theirs] = stage.send(other)
  assert.notDeepEqual(mine.payload, theirs.payload)
  receive(one.connection, echoOf(theirs))
  assert.deepEqual(stage.faults, { corrupted: 1 })
})

test('binary that comes back as text is corrupted', () => {
  const stage = new Stage()
  const pair = stage.open()
  const [frame] = stage.send(pair)
  receive(pair.connection, serverFrame(0x81, frame.payload))
  assert.deepEqual(stage.faults, { corrupted: 1 })
})

test('an echo may be cut into any frames and chunks', () => {
  const stage = new Stage({ size: 1000 })
  const pair = stage.open()
  const [{ payload }] = stage.send(pair)
  const stream = Buffer.concat([
    serverFrame(0x02, payload.subarray(0, 5)),
    serverFrame(0x00, payload.subarray(5, 5)),
    serverFrame(0x89, 'between'),
    serverFrame(0x00, payload.subarray(5, 400)),
    serverFrame(0x80, payload.subarray(400)),
  ])
  for (let i = 0; i < stream.length; i += 7) receive(pair.connection, stream.subarray(i, i + 7))
  assert.deepEqual(stage.faults, {})
  assert.equal(stage.tally.counts.messages.echoed, 1)
  assert.deepEqual(
    pair.wire.take().map(({ first, payload }) => [first, payload.toString()]),
    [[0x8a, 'between']],
  )
})

test('an octet too many or too few is corrupted, also in pieces', () => {
  for (const change of [(p: Buffer) => p.subarray(1), (p: Buffer) => Buffer.concat([p, p.subarray(0, 1)])])
    for (const cut of [1, 30, 1000]) {
      const stage = new Stage({ size: 100 })
      const pair = stage.open()
      const [{ payload }] = stage.send(pair)
      const wrong = change(payload)
      receive(pair.connection, serverFrame(0x02, wrong.subarray(0, cut)), serverFrame(0x80, wrong.subarray(cut)))
      assert.deepEqual(stage.faults, { corrupted: 1 }, `${wrong.length} at ${cut}`)
    }
})

test('a message that goes on as the pool does is too long all the same, and one that ends early too short', () => {
  for (const length of [99, 101]) {
    const stage = new Stage({ size: 100 })
    const pair = stage.open()
    const [{ payload }] = stage.send(pair)
    // What would come next, were the message longer.
    let octet = 0
    while (!stage.source.matches(Buffer.from([octet]), 0, 1, 100, 0, 0)) octet++
    const wrong = Buffer.concat([payload, Buffer.from([octet])]).subarray(0, length)
    receive(pair.connection, serverFrame(0x02, wrong.subarray(0, 50)), serverFrame(0x80, wrong.subarray(50)))
    assert.deepEqual(stage.faults, { corrupted: 1 }, `${length}`)
  }
})

test('after a damaged message the next is an echo again, whole or in pieces', () => {
  for (const inPieces of [true, false])
    for (const at of [3, 50]) {
      const stage = new Stage({ size: 64 })
      const pair = stage.open()
      const [a, b] = stage.send(pair, 2)
      a.payload[at] ^= 1
      for (const { payload } of [a, b])
        if (inPieces)
          receive(pair.connection, serverFrame(0x02, payload.subarray(0, 30)), serverFrame(0x80, payload.subarray(30)))
        else receive(pair.connection, serverFrame(BINARY, payload))
      assert.deepEqual([stage.faults, stage.tally.counts.messages.echoed], [{ corrupted: 1 }, 1])
      assert.equal(trafficReport(stage.tally.traffic).received.messageOctets.binary, 128)
      assert.ok(!pair.connection.isBusy)
      assert.equal(pair.connection.flight.missing, 0)
    }
})

test('a message that is not sent yet is unasked', () => {
  const stage = new Stage()
  const pair = stage.open()
  const [frame] = stage.send(pair)
  const early = Buffer.alloc(64)
  stage.source.write(early, 0, pair.connection.id, 1, 0)
  receive(pair.connection, serverFrame(BINARY, early), echoOf(frame), serverFrame(BINARY, early))
  assert.deepEqual(stage.faults, { unasked: 2 })
  assert.equal(stage.tally.counts.messages.echoed, 1)
})

test('large messages and many fragments are written whole, in writes of a bounded size', () => {
  const stage = new Stage({ size: 600_000, fragment: 100_000 })
  const pair = stage.open()
  const payload = Buffer.concat(stage.send(pair).map(frame => frame.payload))
  assert.ok(stage.source.matches(payload, 0, 600_000, 0, pair.connection.id, 0))
  const many = new Stage({ size: 100_000 })
  const { connection, wire } = many.open()
  for (let i = 0; i < 5; i++) connection.add(0)
  connection.send(0)
  assert.ok(wire.writes.every(({ length }) => length <= 256 * 1024))
  assert.equal(wire.take().length, 5)
})

test('messages too short for a number are known by content and order', () => {
  const stage = new Stage({ size: 6 })
  const pair = stage.open()
  const [a, , c] = stage.send(pair, 4).map(echoOf)
  receive(pair.connection, a, a, c, serverFrame(BINARY, 'wrong!'))
  assert.deepEqual(stage.faults, { duplicated: 1, corrupted: 1 })
  assert.equal(stage.tally.counts.messages.echoed, 2)
  assert.equal(pair.connection.flight.missing, 1)
})

test('messages are cut into frames where that is asked for', () => {
  const stage = new Stage({ size: 250, fragment: 100 })
  const frames = stage.send(stage.open())
  assert.deepEqual(
    frames.map(({ first, payload }) => [first, payload.length]),
    [
      [0x02, 100],
      [0x00, 100],
      [0x80, 50],
    ],
  )
  const { sent } = trafficReport(stage.tally.traffic)
  assert.deepEqual(nonZero(sent.frames), { binary: 1, continuation: 2 })
  assert.deepEqual(nonZero(sent.payload), { binary: 100, continuation: 150 })
  assert.deepEqual(sent.messageOctets, { text: 0, binary: 250 })
})

test('an empty message is a frame too', () => {
  for (const fragment of [0, 10]) {
    const stage = new Stage({ size: 0, fragment })
    const pair = stage.open()
    const frames = stage.send(pair)
    assert.deepEqual(
      frames.map(({ first, payload }) => [first, payload.length]),
      [[BINARY, 0]],
    )
    receive(pair.connection, serverFrame(BINARY))
    assert.deepEqual([stage.faults, stage.tally.counts.messages.echoed], [{}, 1])
  }
})

test('while the socket is full messages wait, and take their waiting time with them', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  wire.pending = 2 ** 20
  connection.add(0)
  connection.send(0)
  assert.deepEqual(wire.take(), [])
  assert.equal(connection.flight.waiting, 1)
  wire.pending = 0
  stage.time = 300
  connection.onDrain()
  assert.equal(wire.take().length, 1)
  assertOnce(stage.tally.latencies.waiting.sparse(), 300_000)
})

test('a socket that takes large messages at once gets all of them', () => {
  const stage = new Stage({ size: 2 ** 20 })
  const pair = stage.open()
  assert.equal(stage.send(pair, 3).length, 3)
  assert.equal(pair.connection.flight.waiting, 0)
})

test('a pong answers its ping and those before, and its time is told', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  connection.ping(0)
  connection.ping(10)
  connection.ping(20)
  const pings = wire.take()
  assert.deepEqual(
    pings.map(({ first }) => first),
    [0x89, 0x89, 0x89],
  )
  stage.time = 25
  receive(
    connection,
    serverFrame(0x8a, pings[1].payload),
    serverFrame(0x8a, pings[1].payload),
    serverFrame(0x8a, 'mine'),
  )
  assert.deepEqual(stage.tally.counts.pings, { sent: 3, answered: 2 })
  assertOnce(stage.tally.latencies.ping.sparse(), 15_000)
  assert.ok(connection.isBusy)
  connection.leave(0)
  connection.onClosed(undefined)
  assert.equal(stage.faults.lostPings, 1)
})

test('leaving is a Close with 1000, and its answer ends it without a fault', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  connection.leave(0)
  const [close] = wire.take()
  assert.deepEqual([close.first, close.payload.readUInt16BE()], [0x88, 1000])
  receive(connection, serverFrame(0x88, Buffer.from([0x03, 0xe8])))
  connection.onClosed(undefined)
  assert.deepEqual(wire.take(), [])
  assert.deepEqual(stage.tally.counts.closes, { '1000 client': 1 })
  assert.deepEqual([stage.faults, stage.ended], [{}, [connection]])
})

test('after a Close nothing is answered, and nothing is read', () => {
  const stage = new Stage()
  const leaving = stage.open()
  leaving.connection.leave(0)
  leaving.wire.take()
  receive(leaving.connection, serverFrame(0x89, 'ping'))
  assert.deepEqual(leaving.wire.take(), [])
  const closed = stage.open()
  receive(closed.connection, serverFrame(0x88, Buffer.from([0x03, 0xe8])))
  receive(closed.connection, serverFrame(0x83))
  assert.deepEqual(stage.faults, { closes: 1 })
})

test("a server's Close is answered with its code, and is a fault", () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  receive(connection, serverFrame(0x88, Buffer.from('\x0f\xa1bye', 'latin1')), serverFrame(BINARY, 'late'))
  const [close] = wire.take()
  assert.deepEqual([close.first, close.payload.readUInt16BE()], [0x88, 4001])
  connection.onClosed(undefined)
  assert.deepEqual(stage.tally.counts.closes, { '4001 server': 1 })
  assert.deepEqual(stage.faults, { closes: 1 })
})

test('ends without a Close: reset, and FIN', () => {
  for (const [error, fault] of [
    ['ECONNRESET', 'resets'],
    ['EPIPE', 'resets'],
    [undefined, 'closes'],
  ] as const) {
    const stage = new Stage()
    const pair = stage.open()
    stage.send(pair, 3)
    pair.connection.onClosed(error)
    pair.connection.onClosed(error)
    assert.deepEqual(stage.faults, { [fault]: 1, lost: 3 })
    assert.deepEqual(stage.tally.counts.closes, { '1006 server': 1 })
    assert.equal(stage.tally.counts.connections.ended, 1)
  }
})

test('what was due and never sent is lost too', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  wire.pending = 2 ** 20
  connection.add(0)
  connection.send(0)
  connection.leave(0)
  connection.onClosed(undefined)
  assert.equal(stage.faults.lost, 1)
})

test('a violation is counted by its code and answered with a Close', () => {
  const stage = new Stage()
  const { connection, wire } = stage.open()
  receive(connection, Buffer.from([0x81, 0x80, 0, 0, 0, 0]))
  const [close] = wire.take()
  assert.deepEqual([close.first, close.payload.readUInt16BE()], [0x88, 1002])
  assert.ok(wire.ended)
  receive(connection, serverFrame(0x83))
  connection.onClosed(undefined)
  assert.deepEqual(stage.tally.counts.violations, { ECHOBAHN_MASKED_FRAME: 1 })
  assert.deepEqual(stage.faults, { violations: 1 })
})

test('handshakes that fail are counted by what failed', () => {
  const stage = new Stage()
  const refused = stage.connect()
  refused.connection.onRefused('503')
  refused.connection.onRefused('503')
  assert.ok(refused.wire.destroyed)
  refused.connection.onClosed(undefined)
  stage.connect().connection.onClosed('ECONNREFUSED')
  stage.connect().connection.onClosed(undefined)
  assert.deepEqual(stage.tally.counts.handshakes, { '503': 1, ECONNREFUSED: 1, ended: 1 })
  assert.deepEqual(stage.faults, { handshakes: 3 })
  assert.deepEqual(stage.tally.counts.connections, { attempted: 3, opened: 0, ended: 3 })
})

test('an opening or a closing that takes too long is a time-out, and ended', () => {
  const stage = new Stage({ timeout: 100 })
  const opening = stage.connect()
  const leaving = stage.open()
  leaving.connection.leave(0)
  for (const { connection } of [opening, leaving]) connection.sweep(99)
  assert.deepEqual(stage.faults, {})
  for (const { connection, wire } of [opening, leaving]) {
    connection.sweep(100)
    connection.sweep(101)
    assert.ok(wire.destroyed)
    connection.onClosed(undefined)
  }
  assert.deepEqual(stage.faults, { timeOuts: 2 })
  assert.deepEqual(stage.tally.counts.handshakes, { 'time-out': 1 })
})

test('an echo that takes too long is a time-out and makes room; should it come, it is an echo all the same', () => {
  const stage = new Stage({ timeout: 100 })
  const pair = stage.open()
  let room = 0
  stage.onRoom = (_, count) => {
    room += count
  }
  const [frame] = stage.send(pair)
  pair.connection.sweep(100)
  assert.equal(room, 0)
  pair.connection.sweep(101)
  assert.deepEqual([room, stage.faults], [1, { timeOuts: 1 }])
  receive(pair.connection, echoOf(frame))
  assert.equal(stage.tally.counts.messages.echoed, 1)
  pair.connection.leave(0)
  receive(pair.connection, serverFrame(0x88))
  pair.connection.onClosed(undefined)
  assert.deepEqual(stage.faults, { timeOuts: 1 })
})

test('a message that others overtook is lost once its time is over, and counted once', () => {
  const stage = new Stage({ timeout: 100 })
  const pair = stage.open()
  const [a, b, c] = stage.send(pair, 3).map(echoOf)
  receive(pair.connection, b, c)
  pair.connection.sweep(100)
  assert.deepEqual(stage.faults, {})
  pair.connection.sweep(101)
  pair.connection.sweep(102)
  assert.deepEqual(stage.faults, { lost: 1 })
  receive(pair.connection, a)
  assert.equal(stage.tally.counts.messages.echoed, 3)
  pair.connection.leave(0)
  receive(pair.connection, serverFrame(0x88))
  pair.connection.onClosed(undefined)
  assert.deepEqual(stage.faults, { lost: 1 })
})

test('what the URL orders is counted apart, and late is not too late', () => {
  const stage = new Stage({ orders: 'eb-drop=5%25&eb-duplicate=1%25&eb-close=4001&eb-delay=200ms', timeout: 100 })
  const pair = stage.open()
  const [a, , c] = stage.send(pair, 3).map(echoOf)
  pair.connection.sweep(299)
  receive(pair.connection, a, a, c, serverFrame(0x88, Buffer.from('\x0f\xa1', 'latin1')))
  pair.connection.onClosed(undefined)
  assert.deepEqual(stage.ordered, { duplicated: 1, lost: 1, closes: 1 })
  assert.deepEqual(stage.faults, {})
})

test('what was not ordered is a fault all the same', () => {
  const stage = new Stage({ orders: 'eb-drop=5%25&drop=x' })
  const pair = stage.open()
  const [frame] = stage.send(pair)
  receive(pair.connection, echoOf(frame), echoOf(frame))
  assert.deepEqual(stage.faults, { duplicated: 1 })
})

test('the books of a connection are kept with all it counted', () => {
  const stage = new Stage()
  const pair = stage.open()
  const [frame] = stage.send(pair)
  receive(pair.connection, echoOf(frame))
  pair.connection.leave(0)
  receive(pair.connection, serverFrame(0x88, Buffer.from([0x03, 0xe8])))
  pair.connection.onClosed(undefined)
  const { sent, received } = trafficReport(stage.tally.books.get('key 1') ?? new Float64Array())
  assert.equal(sent.octets, 100 + 70 + 8)
  assert.equal(received.octets, 50 + 66 + 4)
  assert.deepEqual(nonZero(sent.frames), { binary: 1, close: 1 })
  assert.deepEqual(nonZero(received.payload), { binary: 64, close: 2 })
  assert.deepEqual(received.messages, { text: 0, binary: 1 })
  assert.deepEqual(trafficReport(stage.tally.traffic), { sent, received })
})

for (const takeover of [true, false])
  test(`compressed both ways ${takeover ? 'with' : 'without'} context takeover`, async () => {
    const { default: zlib } = await import('node:zlib')
    const deflate = { serverContextTakeover: takeover, clientContextTakeover: takeover, clientWindowBits: 15 }
    const stage = new Stage({ payload: 'json', size: 500, deflate, fragment: 60 })
    const pair = stage.open()
    const lengths: number[] = []
    let dictionary = Buffer.alloc(0)
    for (let i = 0; i < 5; i++) {
      const frames = stage.send(pair)
      assert.equal(frames[0].first & 0x70, 0x40)
      assert.ok(frames.slice(1).every(({ first }) => (first & 0x7f) === 0))
      const payload = Buffer.concat(frames.map(({ payload }) => payload))
      lengths.push(payload.length)
      const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...(takeover && i > 0 && { dictionary }) }
      const plain = zlib.inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), options)
      const back = zlib.deflateRawSync(plain, options)
      dictionary = Buffer.concat([dictionary, plain])
      receive(pair.connection, serverFrame(0x41, back.subarray(0, 20)), serverFrame(0x80, back.subarray(20, -4)))
    }
    assert.deepEqual([stage.faults, stage.tally.counts.messages.echoed], [{}, 5])
    // What went before shortens what comes, or not at all.
    assert.equal(lengths[4] < 0.9 * lengths[0], takeover, `${lengths}`)
  })

test('deflate data that is none is a violation', () => {
  const deflate = { serverContextTakeover: true, clientContextTakeover: true, clientWindowBits: 15 }
  const stage = new Stage({ deflate })
  const pair = stage.open()
  stage.send(pair)
  receive(pair.connection, serverFrame(0xc2, Buffer.from([0xff, 0xff, 0xff])))
  assert.deepEqual(stage.tally.counts.violations, { ECHOBAHN_INVALID_DEFLATE: 1 })
})
