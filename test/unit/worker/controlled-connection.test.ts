// A connection with controls, over a transport and a clock that the test moves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { VIOLATION_NAMES, violationOf } from '../../../src/controls/violations.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { ControlledBench, NO_TAKEOVER } from '../../support/controlled-bench.js'
import { serverFrames } from '../../support/fake-transport.js'
import { clientFrame, closePayload } from '../../support/raw-client.js'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

function text(payload: string): Buffer {
  return clientFrame({ opcode: TEXT, payload })
}

function open(query: string, ...flags: string[]): ControlledBench {
  return new ControlledBench(query, undefined, ...flags).start()
}

function deflated(payload: string | Buffer, opcode = TEXT): Buffer {
  const data = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  return clientFrame({ opcode, rsv: 4, payload: data })
}

test('without delay an echo leaves in the write of its chunk, however the message was cut', () => {
  const bench = open('reply=echo')
  bench.feed(Buffer.concat([text('a'), text('b')]))
  assert.equal(bench.transport.written.length, 1)
  assert.deepEqual(bench.sent(), ['1 a', '1 b'])
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(50_000, 'x') })
  bench.feed(clientFrame({ opcode: TEXT, fin: false, payload: 'one ' }), clientFrame({ opcode: 0, payload: 'two' }))
  assert.deepEqual(bench.sent(), ['1 one two'])
  bench.feed(frame.subarray(0, 5), frame.subarray(5, 20_000), frame.subarray(20_000))
  assert.deepEqual(bench.sent(), [`2 ${'x'.repeat(50_000)}`])
  assert.equal(bench.connection.held, 0)
})

test('a long message in many pieces is moved a few times only, as its memory doubles', t => {
  const bench = open('reply=size')
  const payload = Buffer.alloc(1024 * 1024)
  const frame = clientFrame({ opcode: BINARY, payload })
  const allocations = t.mock.method(Buffer, 'allocUnsafe').mock
  for (let at = 0; at < frame.length; at += 16_384) bench.feed(frame.subarray(at, at + 16_384))
  const large = allocations.calls.filter(({ arguments: [size] }) => size >= 16_384)
  assert.ok(large.length > 0 && large.length < 10, String(large.length))
  assert.deepEqual(bench.sent(), [`1 ${payload.length}`])
})

test('a delayed echo comes when it is due, and is held until then', () => {
  const bench = open('delay=200ms')
  bench.feed(text('hello'))
  assert.equal(bench.connection.held, 128 + 5)
  bench.clock.pass(199)
  assert.deepEqual(bench.sent(), [])
  bench.clock.pass(1)
  assert.deepEqual(bench.sent(), ['1 hello'])
  assert.equal(bench.connection.held, 0)
  assert.equal(bench.clock.timers, 0)
})

test('delayed octets count for the high-water mark: a client that sends on is not read', () => {
  const bench = open('delay=1s', '--high-water-mark', '1000B', '--low-water-mark', '100B')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(1001) }))
  assert.equal(bench.transport.paused, true)
  bench.clock.pass(1000)
  assert.equal(bench.sent().length, 1)
  assert.equal(bench.transport.paused, false)
})

test('empty messages and small writes that wait are held too', () => {
  const delayed = open('delay=1m', '--high-water-mark', '1000B', '--low-water-mark', '100B')
  for (let i = 0; i < 7; i++) delayed.feed(text(''))
  assert.equal(delayed.transport.paused, false)
  delayed.feed(text(''))
  assert.ok(delayed.transport.paused)
  const slow = open('rate=100B', '--high-water-mark', '1000B', '--low-water-mark', '100B')
  for (let i = 0; i < 10; i++) slow.feed(clientFrame({ opcode: PING }))
  assert.ok(slow.transport.paused)
})

test('a report that outlives its connection keeps nothing else of it', () => {
  const bench = open('push=1s')
  const { outbox } = bench.controls
  bench.close()
  assert.notEqual(bench.controls.outbox, outbox)
  assert.equal(bench.controls.describe(), '{}')
})

test('the closing handshake waits for delayed echoes', () => {
  const bench = open('delay=200ms')
  bench.feed(Buffer.concat([text('a'), clientFrame({ opcode: CLOSE, payload: closePayload(1000, 'bye') })]))
  assert.deepEqual(bench.sent(), [])
  bench.clock.pass(200)
  assert.deepEqual(bench.sent(), ['1 a', '8 1000bye'])
  assert.ok(bench.transport.ended)
})

test('what comes while the peer reads nothing waits for it, and nothing is lost', () => {
  const bench = open('delay=1ms', '--high-water-mark', '1000B', '--low-water-mark', '0')
  bench.transport.taking = false
  for (let i = 0; i < 5; i++) bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(400, `${i}`) }))
  bench.clock.pass(10)
  assert.equal(serverFrames(Buffer.concat(bench.transport.written)).length, 3)
  for (let i = 0; i < 10; i++) {
    bench.transport.take()
    bench.transport.handler.onProgress()
    bench.clock.pass(5)
  }
  assert.equal(bench.sent().length, 5)
  assert.equal(bench.connection.held, 0)
})

test('a message goes out in frames of fragment octets', () => {
  const bench = open('fragment=3')
  bench.feed(text('abcdefg'), text('abc'), text(''))
  assert.deepEqual(bench.sent(), ['1 abc…', '0 def…', '0 g', '1 abc', '1 '])
  assert.deepEqual(bench.controls.book.uses, { fragment: 1 })
})

test('many fragments are spread over turns, and no other message comes between', () => {
  const bench = open('fragment=1&push=10ms')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000, 'f') }))
  assert.equal(bench.sent().length, 256)
  bench.clock.pass(1)
  assert.equal(bench.sent().length, 256)
  bench.clock.pass(100)
  const rest = bench.sent()
  assert.equal(rest.indexOf('0 f'), 488 - 1)
  assert.ok(rest.slice(0, 487).every(frame => frame === '0 f…'))
  assert.equal(rest[488], '1 1')
})

test('one chunk makes at most a turn of frames', () => {
  const bench = open('duplicate=100%')
  bench.feed(Buffer.concat(Array.from({ length: 300 }, (_, i) => text(`${i}`))))
  bench.clock.pass(20)
  const sent = bench.sent()
  assert.deepEqual(sent.slice(0, 3), ['1 0', '1 0', '1 1'])
  assert.equal(sent.length, 600)
})

test('messages of the server come each period, up to the high-water mark', () => {
  const bench = open('push=100ms&push-size=500B', '--high-water-mark', '1000B', '--low-water-mark', '0')
  bench.clock.pass(250)
  const sent = bench.sent()
  assert.deepEqual(
    sent.map(message => message.slice(0, 4)),
    ['1 1 ', '1 2 '],
  )
  bench.transport.taking = false
  bench.clock.pass(10_000)
  assert.equal(bench.transport.written.length, 2)
  // The first write that waits pins the slab that it lies in.
  const slab = 64 * 1024
  assert.ok(bench.transport.pending < 2000, String(bench.transport.pending))
  assert.ok(bench.connection.held < 2000 + slab, String(bench.connection.held))
  bench.close()
  assert.equal(bench.clock.timers, 0)
})

test('pings come each period', () => {
  const bench = open('ping=1s')
  bench.clock.pass(2500)
  assert.deepEqual(bench.sent(), ['9 ', '9 '])
  assert.deepEqual(bench.controls.book.uses, { ping: 2 })
})

test('a pong is left out, or late with its payload', () => {
  const off = open('pong=off')
  off.feed(clientFrame({ opcode: PING, payload: 'p' }), text('a'))
  off.clock.pass(60_000)
  assert.deepEqual(off.sent(), ['1 a'])
  const late = open('pong=2s')
  late.feed(clientFrame({ opcode: PING, payload: 'p' }), text('a'))
  late.clock.pass(1999)
  assert.deepEqual(late.sent(), ['1 a'])
  late.clock.pass(1)
  assert.deepEqual(late.sent(), ['10 p'])
  const told = [off, late].flatMap(({ controls }) => controls.book.events.map(({ what }) => what))
  assert.deepEqual(told, ['a ping goes unanswered', '2000 ms late'])
  assert.deepEqual(late.controls.book.uses, { pong: 1 })
})

test('no more than 64 pongs wait, and later ones come again', () => {
  const bench = open('pong=1s')
  const pings = Buffer.concat(Array.from({ length: 100 }, () => clientFrame({ opcode: PING, payload: 'p' })))
  bench.feed(pings)
  bench.clock.pass(1000)
  assert.equal(bench.sent().length, 64)
  bench.feed(pings)
  bench.clock.pass(1000)
  assert.equal(bench.sent().length, 64)
})

test('the first message is the description, also before what came behind the request', () => {
  const bench = new ControlledBench('describe').start(text('early'))
  assert.deepEqual(bench.sent(), ['1 {"id":1}', '1 early'])
  assert.deepEqual(bench.controls.book.uses, { describe: 1 })
})

test('a Close comes at once, or after so many messages, octets, or time', () => {
  assert.deepEqual(open('close=4001&reason=bye').sent(), ['8 4001bye'])
  assert.deepEqual(open('close=1005').sent(), ['8 '])
  const messages = open('close=4001&after=2')
  messages.feed(Buffer.concat([text('a'), text('b'), text('c')]))
  assert.deepEqual(messages.sent(), ['1 a', '1 b', '8 4001'])
  const octets = open('close=4001&after=4B')
  octets.feed(text('abc'), text('d'), text('e'))
  assert.deepEqual(octets.sent(), ['1 abc', '1 d', '8 4001'])
  const time = open('close=4001&after=5s&delay=10s')
  time.feed(text('a'))
  time.clock.pass(4999)
  assert.deepEqual(time.sent(), [])
  time.clock.pass(1)
  assert.deepEqual(time.sent(), ['8 4001'])
  time.clock.pass(60_000)
  assert.deepEqual(time.sent(), [])
})

test('a Close after messages waits for their delayed echoes, and cuts off later ones', () => {
  const bench = open('close=4001&after=2&delay=1s')
  bench.feed(Buffer.concat([text('a'), text('b'), text('c')]))
  bench.clock.pass(999)
  assert.deepEqual(bench.sent(), [])
  bench.clock.pass(1)
  assert.deepEqual(bench.sent(), ['1 a', '1 b', '8 4001'])
  assert.equal(bench.transport.ended, false)
  bench.feed(clientFrame({ opcode: CLOSE, payload: closePayload(4001) }))
  assert.ok(bench.transport.ended)
  assert.deepEqual(bench.sent(), [])
})

test('end=fin is FIN without a Close, end=reset is RST', () => {
  const fin = open('end=fin&after=1')
  fin.feed(Buffer.concat([text('a'), text('b')]))
  assert.deepEqual(fin.sent(), ['1 a'])
  assert.ok(fin.transport.ended && !fin.transport.destroyed)
  fin.close()
  assert.equal(fin.counters.values[offsetOf('closes_total', { initiator: 'server', code: '1006' })], 1)
  const reset = open('end=reset&after=20ms')
  reset.clock.pass(20)
  assert.ok(reset.transport.wasReset)
  assert.equal(reset.recorder.report().closing.uncleanReason ?? 'the control end=reset', 'the control end=reset')
})

test('end=vanish leaves TCP open, reads and sends nothing more, up to controls-hold-timeout', () => {
  const bench = open('end=vanish&after=1&ping=1s&push=1s', '--controls-hold-timeout', '1m', '--ping-interval', '10s')
  bench.feed(Buffer.concat([text('a'), text('b')]))
  assert.deepEqual(bench.sent(), ['1 a'])
  bench.clock.pass(59_999)
  for (let now = 1000; now < 100_000; now += 1000) bench.connection.sweep(now)
  assert.deepEqual(bench.sent(), [])
  assert.ok(bench.transport.paused && !bench.transport.ended && !bench.transport.destroyed)
  bench.clock.pass(1)
  assert.ok(bench.transport.destroyed)
  bench.close()
  assert.equal(bench.clock.timers, 0)
  assert.equal(bench.recorder.report().closing.uncleanReason, 'controls-hold-timeout was over')
})

test('at a shutdown a connection that vanished is dropped at once', () => {
  const bench = open('end=vanish')
  assert.equal(bench.connection.goAwayNow(1001), false)
  bench.connection.goAway(1001)
  assert.ok(bench.transport.destroyed)
  assert.deepEqual(bench.sent(), [])
})

test('stall reads nothing after so many messages, not even the rest of the chunk', async () => {
  const bench = open('stall=2', '--controls-hold-timeout', '1m')
  bench.feed(Buffer.concat([text('a'), text('b'), text('c')]))
  assert.deepEqual(bench.sent(), ['1 a', '1 b'])
  assert.ok(bench.transport.paused)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(bench.sent(), [])
  bench.connection.onProgress()
  assert.ok(bench.transport.paused)
  bench.clock.pass(60_000)
  assert.ok(bench.transport.destroyed)
})

test('stall=0 reads nothing at all, what came behind the request included', () => {
  const bench = new ControlledBench('stall=0').start(text('early'))
  assert.deepEqual(bench.sent(), [])
  assert.ok(bench.transport.paused)
})

test('a Close of the client goes unanswered, or is answered late', () => {
  const close = clientFrame({ opcode: CLOSE, payload: closePayload(1000, 'bye') })
  const off = open('close-reply=off', '--controls-hold-timeout', '1m', '--handshake-timeout', '5s')
  off.feed(close)
  for (let now = 1000; now < 100_000; now += 1000) off.connection.sweep(now)
  off.clock.pass(59_999)
  assert.deepEqual(off.sent(), [])
  assert.ok(!off.transport.ended && !off.transport.destroyed)
  off.clock.pass(1)
  assert.ok(off.transport.destroyed)
  const late = open('close-reply=2s')
  late.feed(close)
  late.clock.pass(1999)
  assert.ok(!late.transport.ended)
  late.clock.pass(1)
  assert.deepEqual(late.sent(), ['8 1000bye'])
  assert.ok(late.transport.ended)
})

test('close-reply has nothing to do with a Close of the server', () => {
  const bench = open('close=4001&close-reply=off')
  assert.deepEqual(bench.sent(), ['8 4001'])
  bench.feed(clientFrame({ opcode: CLOSE, payload: closePayload(4001) }))
  assert.ok(bench.transport.ended)
})

test('close-wait holds TCP open after both Closes, until the client ends it', () => {
  const close = clientFrame({ opcode: CLOSE, payload: closePayload(1000) })
  const bench = open('close-wait=10s', '--handshake-timeout', '1s')
  bench.feed(close)
  assert.deepEqual(bench.sent(), ['8 1000'])
  for (let now = 1000; now < 9000; now += 1000) bench.connection.sweep(now)
  bench.clock.pass(9999)
  assert.ok(!bench.transport.ended && !bench.transport.destroyed)
  bench.clock.pass(1)
  assert.ok(bench.transport.ended)
  const gone = open('close-wait=10s&close-reply=1s')
  gone.feed(close)
  gone.clock.pass(1000)
  assert.deepEqual(gone.sent(), ['8 1000'])
  assert.ok(!gone.transport.ended)
  gone.transport.handler.onEnd()
  assert.ok(gone.transport.ended)
})

test('chop makes writes of so many octets, so far apart', () => {
  const bench = open('chop=2&chop-delay=5ms')
  bench.feed(text('abcdef'))
  assert.deepEqual(
    bench.transport.written.map(({ length }) => length),
    [2],
  )
  assert.equal(bench.connection.held, 128 + 6)
  bench.clock.pass(5)
  assert.equal(bench.transport.written.length, 2)
  bench.clock.pass(10)
  assert.deepEqual(bench.sent(), ['1 abcdef'])
  assert.equal(bench.connection.held, 0)
})

test('chop without delay spreads many writes over turns, and FIN comes behind them', () => {
  const bench = open('chop=1')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(100, 'c') }), clientFrame({ opcode: CLOSE }))
  assert.equal(bench.transport.written.length, 1)
  bench.clock.pass(1)
  assert.equal(bench.transport.written.length, 65)
  assert.equal(bench.transport.ended, false)
  bench.clock.pass(5)
  assert.deepEqual(bench.sent(), [`2 ${'c'.repeat(100)}`, '8 '])
  assert.ok(bench.transport.ended)
})

test('rate is kept, and a slow rate is not the fault of a peer that reads', () => {
  const bench = open('rate=100B', '--slow-reader-timeout', '1s')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(298) }))
  let sweeps = 0
  const octets = () => bench.transport.written.reduce((sum, { length }) => sum + length, 0)
  for (let now = 1000; now < 3000; now += 100) {
    bench.clock.pass(100)
    bench.connection.sweep(now)
    sweeps++
  }
  assert.equal(sweeps, 20)
  assert.ok(octets() >= 195 && octets() <= 206, String(octets()))
  assert.equal(bench.transport.destroyed, false)
  bench.clock.pass(1100)
  assert.equal(octets(), 302)
})

test('a client that has said Close gets all that a slow rate still holds back', () => {
  const bench = open('rate=100B', '--handshake-timeout', '1s')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(494) }), clientFrame({ opcode: CLOSE }))
  for (let now = 1000; now < 5000; now += 100) {
    bench.clock.pass(100)
    bench.connection.sweep(now)
  }
  assert.equal(bench.transport.destroyed, false)
  bench.clock.pass(1100)
  assert.equal(bench.sent().length, 2)
  assert.ok(bench.transport.ended)
})

test('octets that a control held back when the connection was reset are unsent', () => {
  const bench = open('rate=100B&end=reset&after=1')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(98) }))
  assert.ok(bench.transport.wasReset)
  assert.equal(bench.recorder.report().unsentOctets, 98)
  bench.close()
  assert.equal(bench.recorder.report().unsentOctets, 98)
})

test('a peer that does not read is dropped at its deadline, rate or not', () => {
  const bench = open('rate=1MB', '--slow-reader-timeout', '1s')
  bench.transport.taking = false
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(100_000) }))
  bench.clock.pass(10_000)
  assert.equal(bench.transport.written.length, 1)
  for (let now = 1000; now <= 3000; now += 500) bench.connection.sweep(now)
  assert.ok(bench.transport.destroyed)
})

test('read-rate reads on when the octets read were due', () => {
  const bench = open('read-rate=1kB')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(494) }))
  assert.equal(bench.sent().length, 1)
  assert.ok(bench.transport.paused)
  bench.clock.pass(501)
  assert.ok(bench.transport.paused)
  bench.clock.pass(2)
  assert.equal(bench.transport.paused, false)
})

test('a connection that is not read for another reason stays so when read-rate has its octets', () => {
  const bench = open('read-rate=1kB&delay=1m', '--high-water-mark', '100B', '--low-water-mark', '0')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(494) }))
  bench.clock.pass(1000)
  assert.ok(bench.transport.paused)
  bench.clock.pass(60_000)
  assert.equal(bench.transport.paused, false)
})

test('counters are exact: a dropped message is received and not sent, a duplicate is sent twice', () => {
  const count = (bench: ControlledBench, direction: 'received' | 'sent') => [
    bench.counters.values[offsetOf('messages_total', { direction, opcode: 'text' })],
    bench.counters.values[offsetOf('frames_total', { direction, opcode: 'text' })],
    bench.counters.values[offsetOf('frame_payload_bytes_total', { direction, opcode: 'text' })],
  ]
  const dropped = open('drop=100%')
  dropped.feed(text('ab'))
  assert.deepEqual(count(dropped, 'received'), [1, 1, 2])
  assert.deepEqual(count(dropped, 'sent'), [0, 0, 0])
  const twice = open('duplicate=100%')
  twice.feed(text('ab'))
  assert.deepEqual(count(twice, 'received'), [1, 1, 2])
  assert.deepEqual(count(twice, 'sent'), [2, 2, 4])
  assert.deepEqual(twice.recorder.report().sent.messages, { text: 2, binary: 0 })
})

test('with compression messages go back as the codec makes them; what is changed goes plain', () => {
  const long = 'abcdefgh'.repeat(20)
  const bench = new ControlledBench('reply=upper', NO_TAKEOVER).start()
  bench.feed(deflated(long), text(long))
  assert.deepEqual(bench.sent(), [`1 ${long.toUpperCase()}`, `1 ${long.toUpperCase()}`])
  const echo = new ControlledBench('delay=1ms', NO_TAKEOVER).start()
  echo.feed(deflated(long))
  echo.clock.pass(1)
  const [frame] = serverFrames(Buffer.concat(echo.transport.written))
  assert.equal(frame.rsv, 4)
  const whole = Buffer.concat([frame.payload, Buffer.from([0, 0, 0xff, 0xff])])
  assert.equal(String(inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH })), long)
})

test('compress=never sends all plain, always sends all compressed', () => {
  const long = 'abcdefgh'.repeat(20)
  const never = new ControlledBench('compress=never', NO_TAKEOVER).start()
  never.feed(deflated(long))
  assert.deepEqual(never.sent(), [`1 ${long}`])
  const always = new ControlledBench('compress=always', NO_TAKEOVER).start()
  always.feed(text('x'), deflated(long), text(''))
  const frames = serverFrames(Buffer.concat(always.transport.written))
  assert.deepEqual(
    frames.map(({ rsv, payload }) => {
      const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])])
      return [rsv, String(inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }))]
    }),
    [
      [4, 'x'],
      [4, long],
      [4, ''],
    ],
  )
})

test('a fragmented compressed message has RSV1 on its first frame alone', () => {
  const bench = new ControlledBench('fragment=5', NO_TAKEOVER).start()
  bench.feed(deflated('abcdefgh'.repeat(20)))
  const frames = serverFrames(Buffer.concat(bench.transport.written))
  assert.ok(frames.length > 1)
  assert.deepEqual(
    frames.map(({ rsv }) => rsv),
    frames.map((_, i) => (i === 0 ? 4 : 0)),
  )
})

test('codec threads give back whole messages, in order', async () => {
  const bench = new ControlledBench('reply=size', NO_TAKEOVER, '--offload', 'always', '--codec-threads', '1').start()
  bench.feed(deflated(Buffer.alloc(300_000, 'a'), BINARY), deflated('b'), text('ccc'))
  assert.ok(bench.connection.held > 0)
  while (bench.transport.written.length < 3) await new Promise(setImmediate)
  assert.deepEqual(bench.sent(), ['1 300000', '1 1', '1 3'])
  assert.equal(bench.connection.held, 0)
  await bench.codec.close()
})

test('a client that breaks the protocol is failed as ever', () => {
  const bad = new ControlledBench('delay=1m', NO_TAKEOVER).start()
  bad.feed(clientFrame({ opcode: TEXT, rsv: 4, payload: Buffer.alloc(8, 0x07) }))
  assert.match(bad.sent()[0], /^8 1007/)
  const utf8 = open('reply=echo')
  utf8.feed(text('a'), clientFrame({ opcode: TEXT, payload: Buffer.from([0xff]) }))
  const [echo, close] = utf8.sent()
  assert.equal(echo, '1 a')
  assert.match(close, /^8 1007/)
})

for (const name of VIOLATION_NAMES)
  test(`send=${name} goes out as it is, after its message, and is counted`, () => {
    const { close, ends, frames } = violationOf(name).make(true, 1000)
    const bench = new ControlledBench(`send=${name === 'bomb' ? 'bomb=1000B' : name}&after=1`, NO_TAKEOVER).start()
    bench.feed(Buffer.concat([text('a'), text('b')]))
    const [first, second, ...others] = bench.transport.written
    const expected = violationOf(name).make(true, 1000).octets
    assert.equal(first.toString('hex'), '810161')
    assert.equal(second.toString('hex'), expected.toString('hex'))
    assert.equal(Buffer.concat(others).toString('hex'), close !== undefined || ends ? '' : '810162')
    assert.equal(bench.transport.ended, ends === true)
    const sent = bench.recorder.report().sent.frames
    const total = Object.values(sent).reduce((sum, count) => sum + count, 0)
    assert.equal(total, 1 + frames.length + others.length)
    assert.deepEqual(bench.controls.book.uses, { send: 1 })
    const { messages } = bench.recorder.report().sent
    assert.equal(
      messages.text + messages.binary,
      1 + Number(violationOf(name).make(true, 1).message !== undefined) + others.length,
    )
    if (close === undefined) return
    assert.deepEqual(bench.recorder.report().closing.sent, { code: close, reason: '' })
    bench.feed(clientFrame({ opcode: CLOSE, payload: closePayload(1002) }))
    assert.ok(bench.transport.ended)
    assert.equal(bench.transport.written.length, 2)
  })

test('the report tells the controls, what they did, and judges the client', () => {
  const bench = open('send=masked&after=1&delay=10ms')
  bench.feed(text('a'))
  bench.clock.pass(10)
  const before = bench.recorder.report().controls
  assert.equal(before?.controls, 'delay=10ms; send=masked; after=1')
  assert.equal(before.from, 'url')
  assert.deepEqual(before.uses, { delay: 1, send: 1 })
  assert.deepEqual(before.events, [
    { at: 0, control: 'delay', what: 'message 1 by 10 ms' },
    { at: 10, control: 'send', what: 'masked' },
  ])
  assert.deepEqual(before.judgement, {
    violation: 'send=masked',
    source: 'RFC 6455 section 5.1',
    duty: 'must',
    codes: [1002],
    client: 'has done nothing yet',
    right: null,
  })
  bench.feed(clientFrame({ opcode: CLOSE, payload: closePayload(1002) }))
  bench.close()
  const { client, right } = bench.recorder.report().controls?.judgement ?? {}
  assert.deepEqual([client, right], ['failed with 1002', true])
})

test('where chance has a part the seed is told, and gives the same again', () => {
  const first = open('drop=50%')
  const [, seed] = /^drop=50%; seed=(\d+)$/.exec(first.controls.text) ?? []
  const second = open(`drop=50%&seed=${seed}`)
  assert.equal(second.controls.text, first.controls.text)
  for (let i = 0; i < 64; i++) for (const bench of [first, second]) bench.feed(text(`${i}`))
  assert.deepEqual(first.sent(), second.sent())
  assert.match(open('close=1000&after=1s..2s').controls.text, /; seed=\d+$/)
  assert.equal(open('close=1000&after=1s').controls.text, 'close=1000; after=1s')
})

test('no judgement before the violation is out', () => {
  assert.equal(open('send=masked&after=1').recorder.report().controls?.judgement, null)
})

test('an admin may send, ping and close a connection with controls, in its order', () => {
  const bench = open('fragment=1')
  bench.feed(clientFrame({ opcode: BINARY, payload: Buffer.alloc(400, 'f') }))
  bench.sent()
  assert.ok(bench.connection.say(PONG, Buffer.from('y')))
  assert.deepEqual(bench.sent(), ['10 y'])
  assert.ok(bench.connection.say(TEXT, Buffer.from('x')))
  bench.clock.pass(5)
  assert.deepEqual(bench.sent().slice(-2), ['0 f', '1 x'])
  assert.ok(bench.connection.goAwayNow(4000, 'r'))
  assert.deepEqual(bench.sent(), ['8 4000r'])
  assert.equal(bench.connection.say(TEXT, Buffer.from('x')), false)
})

test('when a connection is gone nothing of it is left', () => {
  for (const query of [
    'delay=1m',
    'swap=100%',
    'push=10ms',
    'ping=1s',
    'pong=1m',
    'close=1000&after=1m',
    'rate=100B',
    'fragment=1',
  ]) {
    const bench = open(query)
    bench.feed(
      Buffer.concat([clientFrame({ opcode: PING }), clientFrame({ opcode: BINARY, payload: Buffer.alloc(2000) })]),
    )
    bench.close()
    assert.ok(bench.gone)
    assert.equal(bench.clock.timers, 0, query)
    assert.equal(bench.controls.schedule.size, 0, query)
    assert.equal(bench.connection.held, 0, query)
    assert.deepEqual(bench.errors, [])
  }
})
