// A connection without a socket: what goes out for what comes in, however it is cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { offsetOf } from '../../../src/metrics/layout.js'
import type { DeflateAgreement } from '../../../src/protocol/deflate-negotiation.js'
import { type Bench, feed, openConnection, serverFrames } from '../../support/fake-transport.js'
import { clientFrame, closePayload } from '../../support/raw-client.js'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
const RSV1 = 4

const NO_TAKEOVER: DeflateAgreement = {
  response: '',
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverWindowBits: 15,
  clientWindowBits: 15,
}

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
  assert.ok(bench.connection.paused)
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
  assert.equal(bench.connection.buffered, 50_000 - 14)
})

test('a peer that takes nothing until the deadline is dropped; one that takes a little is not', () => {
  const slow = offsetOf('slow_reader_closes_total')
  const bench = openConnection(undefined, '--slow-reader-timeout', '10s')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(1000) }))
  bench.connection.sweep(1_000)
  bench.transport.take(900)
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
    const now = performance.now()
    bench.connection.sweep(now + 4_000)
    assert.equal(bench.transport.destroyed, false)
    bench.connection.sweep(now + 5_001)
    assert.equal(bench.transport.destroyed, true)
  }
})
