// A connection without a socket: what goes out for what comes in, however it is cut.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { offsetOf } from '../../../src/metrics/layout.js'
import {
  type Bench,
  feed,
  NO_TAKEOVER,
  openConnection,
  openSharing,
  serverFrames,
} from '../../support/fake-transport.js'
import { clientFrame, closePayload } from '../../support/raw-client.js'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
const RSV1 = 4

function deflate(text: string | Buffer): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
}

/** The messages in server frames, as `opcode:payload in hex`, control frames among them; inflated where RSV1 is set. */
function messagesOf({ transport }: Bench): string[] {
  const messages: string[] = []
  let open: { opcode: number; rsv: number; parts: Buffer[] } | undefined
  for (const { fin, rsv, opcode, payload } of serverFrames(transport.output)) {
    if (opcode >= CLOSE) {
      assert.ok(fin)
      messages.push(`${opcode}:${payload.toString('hex')}`)
      continue
    }
    assert.equal(opcode === CONTINUATION, open !== undefined, 'fragmentation')
    open ??= { opcode, rsv, parts: [] }
    open.parts.push(payload)
    if (!fin) continue
    const whole = Buffer.concat(open.parts)
    messages.push(`${open.opcode}:${(open.rsv === RSV1 ? inflate(whole) : whole).toString('hex')}`)
    open = undefined
  }
  assert.equal(open, undefined, 'a message has no end')
  return messages
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function message(opcode: number, payload: string | Buffer): string {
  return `${opcode}:${Buffer.from(payload as Buffer).toString('hex')}`
}

const EURO = 'Grüße für 5 €, 😀'
const LONG = 'x€'.repeat(60)

const PLAIN_STREAM = Buffer.concat([
  clientFrame({ opcode: TEXT, payload: EURO }),
  clientFrame({ opcode: BINARY, payload: Buffer.from([0, 255, 1]) }),
  clientFrame({ opcode: TEXT, payload: '' }),
  clientFrame({ opcode: TEXT, fin: false, payload: LONG }),
  clientFrame({ opcode: PING, payload: 'between' }),
  clientFrame({ opcode: CONTINUATION, fin: false, payload: '' }),
  clientFrame({ opcode: CONTINUATION, payload: EURO }),
  clientFrame({ opcode: BINARY, fin: false, payload: LONG }),
  clientFrame({ opcode: CONTINUATION, payload: 'end' }),
  clientFrame({ opcode: PONG, payload: 'unasked' }),
  clientFrame({ opcode: CLOSE, payload: closePayload(1000, 'bye') }),
  clientFrame({ opcode: TEXT, payload: 'after the Close' }),
])
const PLAIN_ECHOES = [
  message(TEXT, EURO),
  message(BINARY, Buffer.from([0, 255, 1])),
  message(TEXT, ''),
  message(PONG, 'between'),
  message(TEXT, LONG + EURO),
  message(BINARY, `${LONG}end`),
  message(CLOSE, closePayload(1000, 'bye')),
]

test('every cut of a stream of frames gives the same echoes', () => {
  for (let cut = 0; cut <= PLAIN_STREAM.length; cut++) {
    const bench = openConnection()
    feed(bench, PLAIN_STREAM.subarray(0, cut), PLAIN_STREAM.subarray(cut))
    assert.deepEqual(messagesOf(bench), PLAIN_ECHOES, `cut at ${cut}`)
    assert.ok(bench.transport.ended)
    assert.deepEqual(bench.errors, [])
  }
})

test('octet by octet, a stream of frames gives the same echoes', () => {
  const bench = openConnection()
  for (const octet of PLAIN_STREAM) feed(bench, Buffer.from([octet]))
  assert.deepEqual(messagesOf(bench), PLAIN_ECHOES)
})

const COMPRESSED_STREAM = Buffer.concat([
  clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflate(LONG) }),
  clientFrame({ opcode: TEXT, payload: LONG }),
  clientFrame({ opcode: BINARY, rsv: RSV1, fin: false, payload: deflate(LONG).subarray(0, 3) }),
  clientFrame({ opcode: PING, payload: 'p' }),
  clientFrame({ opcode: CONTINUATION, payload: deflate(LONG).subarray(3) }),
  clientFrame({ opcode: TEXT, rsv: RSV1, payload: Buffer.from([0]) }),
  clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflate('tiny') }),
  clientFrame({ opcode: CLOSE, payload: closePayload(4711) }),
])
const COMPRESSED_ECHOES = [
  message(TEXT, LONG),
  message(TEXT, LONG),
  message(PONG, 'p'),
  message(BINARY, LONG),
  message(TEXT, ''),
  message(TEXT, 'tiny'),
  message(CLOSE, closePayload(4711)),
]

for (const takeover of [false, true])
  test(`every cut of a compressed stream gives the same echoes ${takeover ? 'with' : 'without'} context takeover`, () => {
    const agreement = { ...NO_TAKEOVER, serverContextTakeover: false, clientContextTakeover: takeover }
    for (let cut = 0; cut <= COMPRESSED_STREAM.length; cut++) {
      const bench = openConnection(agreement, '--offload', 'never')
      feed(bench, COMPRESSED_STREAM.subarray(0, cut), COMPRESSED_STREAM.subarray(cut))
      assert.deepEqual(messagesOf(bench), COMPRESSED_ECHOES, `cut at ${cut}`)
    }
  })

test('messages of any length are echoed inline, long and short in turn', () => {
  const payloads = [70_000, 10, 200_000, 100_000].map(length => randomBytes(length))
  const bench = openConnection(NO_TAKEOVER, '--offload', 'never', '--high-water-mark', '1MiB')
  for (const payload of payloads) feed(bench, clientFrame({ opcode: BINARY, payload }))
  assert.deepEqual(
    messagesOf(bench),
    payloads.map(payload => message(BINARY, payload)),
  )
})

test('replies are compressed where that makes them smaller, whatever the message was', () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'never')
  feed(bench, COMPRESSED_STREAM)
  const rsv = serverFrames(bench.transport.output).map(frame => frame.rsv)
  assert.deepEqual(rsv, [RSV1, RSV1, 0, RSV1, 0, 0, 0])
})

test('a binary frame is cut through: its echo begins before it is whole', () => {
  const bench = openConnection()
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000, 7) })
  feed(bench, frame.subarray(0, 500))
  assert.equal(bench.transport.output.length, 4 + (500 - 8))
  feed(bench, frame.subarray(500))
  assert.deepEqual(messagesOf(bench), [message(BINARY, Buffer.alloc(1000, 7))])
})

test('a large text frame in pieces comes back as fragments, and can still be failed with 1007', () => {
  const bench = openConnection()
  const payload = Buffer.concat([Buffer.alloc(70_000, 'a'), Buffer.from([0xff])])
  const frame = clientFrame({ opcode: TEXT, payload })
  feed(bench, frame.subarray(0, 40_000), frame.subarray(40_000, 69_000))
  const before = serverFrames(bench.transport.output)
  assert.deepEqual(
    before.map(({ fin, opcode }) => [fin, opcode]),
    [
      [false, TEXT],
      [false, CONTINUATION],
    ],
  )
  feed(bench, frame.subarray(69_000))
  const last = serverFrames(bench.transport.output).at(-1)
  assert.equal(last?.opcode, CLOSE)
  assert.equal(last.payload.readUInt16BE(), 1007)
})

test('a small text frame in pieces comes back in one', () => {
  const bench = openConnection()
  const frame = clientFrame({ opcode: TEXT, payload: LONG })
  feed(bench, frame.subarray(0, 20), frame.subarray(20, 40), frame.subarray(40))
  assert.equal(serverFrames(bench.transport.output).length, 1)
})

test('what came before a violation is echoed, then comes the Close, then nothing', () => {
  const bench = openConnection()
  feed(
    bench,
    Buffer.concat([
      clientFrame({ opcode: TEXT, payload: 'good' }),
      clientFrame({ opcode: 3, payload: 'bad' }),
      clientFrame({ opcode: TEXT, payload: 'ignored' }),
    ]),
  )
  feed(bench, clientFrame({ opcode: PING }))
  const [echo, close, ...rest] = serverFrames(bench.transport.output)
  assert.equal(String(echo.payload), 'good')
  assert.equal(close.payload.readUInt16BE(), 1002)
  assert.deepEqual(rest, [])
  assert.ok(bench.transport.ended)
})

test('one chunk leaves in one write', () => {
  const bench = openConnection()
  feed(
    bench,
    Buffer.concat(Array.from({ length: 50 }, (_, i) => clientFrame({ opcode: TEXT, payload: `message ${i}` }))),
  )
  assert.equal(bench.transport.written.length, 1)
  assert.equal(serverFrames(bench.transport.output).length, 50)
})

test('above the high-water mark the connection is not read, at the low-water mark it is again', () => {
  const bench = openConnection(undefined, '--high-water-mark', '1000B', '--low-water-mark', '100B')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(990) }))
  assert.equal(bench.transport.paused, false)
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(50) }))
  assert.equal(bench.transport.paused, true)
  bench.transport.take(101)
  bench.connection.onProgress()
  assert.equal(bench.transport.paused, true)
  bench.transport.take(100)
  bench.connection.onProgress()
  assert.equal(bench.transport.paused, false)
})

test('a message being put together never pauses its own connection', () => {
  const bench = openConnection(NO_TAKEOVER, '--high-water-mark', '1000B', '--low-water-mark', '0')
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(100_000, 1) })
  feed(bench, frame.subarray(0, 50_000))
  assert.equal(bench.transport.paused, false)
  assert.equal(bench.connection.held, 64 * 1024)
})

test('a peer that takes nothing until the deadline is dropped; one that takes all there was is not', () => {
  const slow = offsetOf('slow_reader_closes_total')
  const bench = openConnection(undefined, '--slow-reader-timeout', '10s')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000) }))
  bench.connection.sweep(1_000)
  bench.transport.take(0)
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000) }))
  bench.connection.sweep(10_999)
  bench.connection.sweep(20_998)
  assert.equal(bench.transport.destroyed, false)
  bench.connection.sweep(20_999)
  assert.equal(bench.transport.destroyed, true)
  assert.equal(bench.counters.values[slow], 1)
})

test('an idle peer is pinged, a silent one dropped, an active one left alone', () => {
  const bench = openConnection(undefined, '--ping-interval', '10s', '--ping-timeout', '2s')
  bench.connection.sweep(1_000)
  bench.connection.sweep(10_999)
  assert.equal(bench.transport.output.length, 0)
  bench.connection.sweep(11_000)
  assert.deepEqual(messagesOf(bench), [message(PING, '')])
  feed(bench, clientFrame({ opcode: PONG }))
  bench.connection.sweep(13_000)
  assert.equal(bench.transport.destroyed, false)
  bench.connection.sweep(23_000)
  bench.connection.sweep(24_999)
  assert.equal(bench.transport.destroyed, false)
  bench.connection.sweep(25_000)
  assert.equal(bench.transport.destroyed, true)
})

test('going away waits for the end of a frame that is cut through', () => {
  const bench = openConnection()
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000, 7) })
  feed(bench, frame.subarray(0, 500))
  bench.connection.goAway(1001)
  feed(bench, Buffer.concat([frame.subarray(500), clientFrame({ opcode: TEXT, payload: 'too late' })]))
  assert.deepEqual(messagesOf(bench), [message(BINARY, Buffer.alloc(1000, 7)), message(CLOSE, closePayload(1001))])
  assert.equal(bench.transport.ended, false)
  feed(bench, clientFrame({ opcode: CLOSE, payload: closePayload(1001) }))
  assert.equal(bench.transport.ended, true)
})

test('a peer that does not answer our Close, or does not go after its own, is dropped at the deadline', () => {
  for (const begin of [
    (bench: Bench) => bench.connection.goAway(1001),
    (bench: Bench) => feed(bench, clientFrame({ opcode: CLOSE })),
  ]) {
    const bench = openConnection(undefined, '--handshake-timeout', '5s', '--ping-interval', '0')
    begin(bench)
    bench.connection.sweep(1_000)
    bench.connection.sweep(5_999)
    assert.equal(bench.transport.destroyed, false)
    bench.connection.sweep(6_000)
    assert.equal(bench.transport.destroyed, true)
  }
})

test('a turn ends with the share; the rest of the chunk goes on in the next ones, unread meanwhile', async () => {
  const bench = openSharing(10)
  const frames = Array.from({ length: 25 }, (_, i) => clientFrame({ opcode: TEXT, payload: `message ${i}` }))
  feed(bench, Buffer.concat(frames))
  assert.equal(serverFrames(bench.transport.output).length, 10)
  assert.ok(bench.transport.paused)
  assert.ok(bench.connection.held > 0)
  await nextTurn()
  assert.equal(serverFrames(bench.transport.output).length, 20)
  assert.ok(bench.transport.paused)
  await nextTurn()
  assert.deepEqual(
    messagesOf(bench),
    frames.map((_, i) => message(TEXT, `message ${i}`)),
  )
  assert.equal(bench.transport.paused, false)
  assert.equal(bench.connection.held, 0)
})

test('control frames and empty fragments use up a share as well', () => {
  for (const frame of [{ opcode: PING }, { opcode: CONTINUATION, fin: false }]) {
    const bench = openSharing(10)
    feed(bench, clientFrame({ opcode: TEXT, fin: false }))
    feed(bench, Buffer.concat(Array.from({ length: 25 }, () => clientFrame(frame))))
    assert.ok(bench.transport.paused)
  }
})

test('time in the codec uses up a share', async () => {
  const bench = openSharing(10, NO_TAKEOVER, '--offload', 'never')
  const frames = Array.from({ length: 8 }, () =>
    clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflate('abcdefgh'.repeat(20_000)) }),
  )
  feed(bench, Buffer.concat(frames))
  assert.equal(messagesOf(bench).length, 1)
  for (let turn = 2; turn <= 8; turn++) {
    await nextTurn()
    assert.equal(messagesOf(bench).length, turn)
  }
})

test('the rest of a chunk is forgotten when a violation or a Close in it ends the connection', async () => {
  const bench = openSharing(3)
  const text = clientFrame({ opcode: TEXT, payload: 'x' })
  feed(bench, Buffer.concat([text, text, text, clientFrame({ opcode: CLOSE }), ...Array(20).fill(text)]))
  await nextTurn()
  assert.deepEqual(messagesOf(bench), [...Array(3).fill(message(TEXT, 'x')), message(CLOSE, '')])
  assert.equal(bench.transport.paused, false)
  assert.equal(bench.connection.held, 0)
})

test('a peer that reads nothing pauses between messages, with the rest of its chunk kept', async () => {
  const bench = openConnection(undefined, '--high-water-mark', '1000B', '--low-water-mark', '0')
  bench.transport.taking = false
  const frames = Array.from({ length: 30 }, () => clientFrame({ opcode: BINARY, payload: Buffer.alloc(100) }))
  feed(bench, Buffer.concat(frames))
  assert.ok(bench.transport.paused)
  assert.equal(serverFrames(bench.transport.output).length, 10)
  await nextTurn()
  assert.equal(serverFrames(bench.transport.output).length, 10)
  bench.transport.take()
  bench.connection.onProgress()
  await nextTurn()
  assert.equal(serverFrames(bench.transport.output).length, 20)
})

test('a message that has begun is read to its end, however much waits for the peer', () => {
  const bench = openConnection(
    undefined,
    '--high-water-mark',
    '1000B',
    '--low-water-mark',
    '0',
    '--max-message',
    '9000B',
  )
  bench.transport.taking = false
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(9000) })
  for (let at = 0; at < frame.length; at += 1000) {
    assert.equal(bench.transport.paused, false)
    feed(bench, frame.subarray(at, at + 1000))
  }
  assert.ok(bench.transport.paused)
  assert.deepEqual(messagesOf(bench), [message(BINARY, Buffer.alloc(9000))])
})

test('pings inside an unfinished message cannot make more wait than the mark and one message', () => {
  const flags = ['--high-water-mark', '1000B', '--low-water-mark', '0', '--max-message', '2000B']
  const bench = openConnection(undefined, ...flags)
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: TEXT, fin: false, payload: 'begun' }))
  const pings = Buffer.concat(
    Array.from({ length: 100 }, () => clientFrame({ opcode: PING, payload: 'p'.repeat(125) })),
  )
  feed(bench, pings)
  assert.ok(bench.transport.paused)
  assert.ok(bench.transport.pending <= 3000 + 127)
})

test("the peer's FIN ends reading only: what is owed to it still goes out", async () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'always', '--codec-threads', '1')
  feed(bench, clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflate(LONG) }))
  feed(bench, clientFrame({ opcode: CLOSE, payload: closePayload(1000) }))
  bench.connection.onEnd()
  assert.equal(bench.transport.output.length, 0)
  while (!bench.transport.ended) await nextTurn()
  assert.deepEqual(messagesOf(bench), [message(TEXT, LONG), message(CLOSE, closePayload(1000))])
  await bench.codec.close()
})

test('a FIN without a Close: echoes still go out, then FIN, and no Close', async () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'always', '--codec-threads', '1')
  feed(bench, clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflate(LONG) }))
  bench.connection.onEnd()
  while (!bench.transport.ended) await nextTurn()
  assert.deepEqual(messagesOf(bench), [message(TEXT, LONG)])
  await bench.codec.close()
})

test('an error of our own closes with 1011, and drops the connection where a Close would lie inside a frame', () => {
  const bench = openConnection()
  const broken = {
    get messageOpcode(): number {
      throw new Error('broken')
    },
  }
  Object.defineProperty(
    bench.connection.decoder,
    'messageOpcode',
    Object.getOwnPropertyDescriptor(broken, 'messageOpcode') as PropertyDescriptor,
  )
  feed(bench, clientFrame({ opcode: TEXT, fin: false, payload: 'x' }))
  const [close] = serverFrames(bench.transport.output)
  assert.equal(close.payload.readUInt16BE(), 1011)
  assert.equal(bench.errors.length, 1)
  assert.equal(bench.transport.destroyed, false)

  const half = openConnection()
  feed(half, clientFrame({ opcode: BINARY, payload: Buffer.alloc(100) }).subarray(0, 50))
  half.connection.onInternalError(new Error('broken'))
  assert.ok(half.transport.destroyed)
})

test('a message in the middle of its frames is waited for before our Close; one that begins later is not', () => {
  const bench = openConnection()
  feed(bench, clientFrame({ opcode: TEXT, fin: false, payload: 'a' }))
  bench.connection.goAway(1001)
  assert.deepEqual(serverFrames(bench.transport.output).length, 1)
  feed(
    bench,
    Buffer.concat([clientFrame({ opcode: CONTINUATION, payload: 'b' }), clientFrame({ opcode: TEXT, payload: 'c' })]),
  )
  assert.deepEqual(messagesOf(bench), [message(TEXT, 'ab'), message(CLOSE, closePayload(1001))])
})

test('at the end of the memory budget the connection that holds most gets 1013; one that reads nothing is dropped', () => {
  const budget = ['--memory-budget', '32MiB', '--workers', '1']
  const message = clientFrame({ opcode: BINARY, fin: false, payload: Buffer.alloc(4 * 2 ** 20) })

  const assembling = openConnection(NO_TAKEOVER, ...budget)
  feed(assembling, message)
  assert.ok(assembling.connection.held >= 4 * 2 ** 20)
  assembling.connection.closeForMemory()
  const [close] = serverFrames(assembling.transport.output)
  assert.equal(close.payload.readUInt16BE(), 1013)
  assert.ok(assembling.transport.ended)
  assert.equal(assembling.transport.destroyed, false)
  assert.equal(assembling.connection.held, 0)
  feed(assembling, clientFrame({ opcode: PING }))
  assert.equal(serverFrames(assembling.transport.output).length, 1)

  const unread = openConnection(undefined, ...budget)
  unread.transport.taking = false
  feed(unread, message)
  unread.connection.closeForMemory()
  assert.ok(unread.transport.destroyed)
  assert.equal(unread.counters.values[offsetOf('memory_budget_closes_total')], 1)
  feed(unread, clientFrame({ opcode: PING }))
  assert.equal(unread.counters.values[offsetOf('frames_total', { direction: 'received', opcode: 'ping' })], 0)
  unread.connection.onClosed()
  assert.equal(unread.counters.values[offsetOf('closes_total', { initiator: 'server', code: '1013' })], 1)
})

test('what is held is told to the budget as it grows and shrinks, and a pause for it holds reading', () => {
  const bench = openConnection(undefined, '--memory-budget', '32MiB', '--workers', '1', '--high-water-mark', '30MiB')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(10 * 2 ** 20) }))
  assert.equal(bench.budget.held, bench.connection.held)
  assert.equal(bench.transport.paused, false)
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(14 * 2 ** 20) }))
  assert.ok(bench.transport.paused)
  assert.equal(bench.counters.values[offsetOf('memory_budget_pauses_total')], 1)
  bench.transport.take(2 ** 20)
  bench.connection.onProgress()
  assert.equal(bench.transport.paused, false)
  assert.equal(bench.budget.held, bench.connection.held)
  bench.connection.onClosed()
  assert.equal(bench.budget.held, 0)
})
