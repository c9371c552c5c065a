// What a connection counts and notes in its report, for what came and what went.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CounterName, histogramAt, offsetOf } from '../../../src/metrics/layout.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../../src/protocol/opcodes.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { Recorder } from '../../../src/report/recorder.js'
import { deflateMessage } from '../../support/deflate-message.js'
import {
  type Bench,
  FakeTransport,
  feed,
  NO_TAKEOVER,
  openConnection,
  openRecorded,
  openSharing,
} from '../../support/fake-transport.js'
import { clientFrame, closePayload, type FrameParts } from '../../support/raw-client.js'
import { sampleOpened } from '../../support/sample-opened.js'

const LONG = 'a text worth compressing '.repeat(20)

const STREAM: FrameParts[] = [
  { opcode: TEXT, payload: 'whole' },
  { opcode: TEXT, fin: false, payload: 'abc' },
  { opcode: PING, payload: 'p' },
  { opcode: CONTINUATION, payload: 'de' },
  { opcode: BINARY, payload: Buffer.alloc(300) },
  { opcode: PONG, payload: 'unasked' },
  { opcode: CLOSE, payload: closePayload(4000, 'done') },
]

/** All series of these families that are not 0, by direction and opcode. */
function counted({ counters, traffic }: Bench, name: CounterName): Record<string, number> {
  traffic.addWholeEchoes()
  const labels = ['received', 'sent'].flatMap(direction =>
    ['continuation', 'text', 'binary', 'close', 'ping', 'pong'].map(opcode => ({ direction, opcode })),
  )
  const values = labels.flatMap(({ direction, opcode }) => {
    const isThere = !name.startsWith('message') || opcode === 'text' || opcode === 'binary'
    const value = isThere ? counters.values[offsetOf(name, { direction, opcode } as never)] : 0
    return value === 0 ? [] : [[`${direction} ${opcode}`, value]]
  })
  return Object.fromEntries(values)
}

/** How many echoes were timed, and the sum of their seconds. */
function echoes({ counters }: Bench, compressed: 'true' | 'false'): [count: number, seconds: number] {
  const { offset, buckets } = histogramAt('echo_duration_seconds', { compressed })
  const counts = counters.values.subarray(offset, offset + buckets.length + 1)
  return [counts.reduce((sum, count) => sum + count, 0), counters.values[offset + buckets.length + 1]]
}

for (const cut of ['whole', 'octet by octet'] as const) {
  test(`frames, payload and messages of both directions, ${cut}`, () => {
    const bench = openConnection()
    const octets = Buffer.concat(STREAM.map(clientFrame))
    if (cut === 'whole') feed(bench, octets)
    else for (const octet of octets) feed(bench, Buffer.from([octet]))
    assert.deepEqual(counted(bench, 'frames_total'), {
      'received continuation': 1,
      'received text': 2,
      'received binary': 1,
      'received close': 1,
      'received ping': 1,
      'received pong': 1,
      'sent continuation': 1,
      'sent text': 2,
      'sent binary': 1,
      'sent close': 1,
      'sent pong': 1,
    })
    assert.deepEqual(counted(bench, 'frame_payload_bytes_total'), {
      'received continuation': 2,
      'received text': 8,
      'received binary': 300,
      'received close': 6,
      'received ping': 1,
      'received pong': 7,
      'sent continuation': 2,
      'sent text': 8,
      'sent binary': 300,
      'sent close': 6,
      'sent pong': 1,
    })
    const both = (text: number, binary: number) => ({
      'received text': text,
      'received binary': binary,
      'sent text': text,
      'sent binary': binary,
    })
    assert.deepEqual(counted(bench, 'messages_total'), both(2, 1))
    assert.deepEqual(counted(bench, 'message_bytes_total'), both(10, 300))
  })
}

test('compressed messages count inflated as messages, and as they went as frames', () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'never')
  const payload = deflateMessage(LONG)
  feed(bench, clientFrame({ opcode: TEXT, rsv: 4, payload }))
  assert.deepEqual(counted(bench, 'messages_total'), { 'received text': 1, 'sent text': 1 })
  assert.deepEqual(counted(bench, 'message_bytes_total'), { 'received text': LONG.length, 'sent text': LONG.length })
  assert.equal(counted(bench, 'frame_payload_bytes_total')['received text'], payload.length)
  assert.equal(counted(bench, 'frame_payload_bytes_total')['sent text'], bench.transport.output.length - 2)
})

test('a message is timed once, from the read that ended it, also where it waited for its turn', async t => {
  const clock = { now: 1000 }
  t.mock.method(performance, 'now', () => clock.now)
  const bench = openSharing(2)
  feed(bench, Buffer.concat(Array.from({ length: 5 }, () => clientFrame({ opcode: BINARY, payload: 'x' }))))
  assert.deepEqual(echoes(bench, 'false'), [2, 0])
  clock.now += 3000
  await new Promise(setImmediate)
  assert.deepEqual(echoes(bench, 'false'), [4, 6])
  clock.now += 1000
  await new Promise(setImmediate)
  assert.deepEqual(echoes(bench, 'false'), [5, 10])
  assert.deepEqual(echoes(bench, 'true'), [0, 0])
})

test('compressed messages are timed as such, inline and on codec threads', async () => {
  const inline = openConnection(NO_TAKEOVER, '--offload', 'never')
  feed(inline, clientFrame({ opcode: TEXT, payload: LONG }))
  assert.equal(echoes(inline, 'true')[0], 1)
  const threads = openConnection(NO_TAKEOVER, '--offload', 'always', '--codec-threads', '1')
  for (let i = 0; i < 3; i++) feed(threads, clientFrame({ opcode: TEXT, payload: LONG }))
  while (counted(threads, 'messages_total')['sent text'] !== 3) await new Promise(setImmediate)
  assert.equal(echoes(threads, 'true')[0], 3)
  assert.equal(echoes(threads, 'false')[0], 0)
  await threads.codec.close()
})

test('violations are counted once, by their code, and none behind a Close', () => {
  const errors = ({ counters }: Bench) =>
    counters.values[offsetOf('protocol_errors_total', { code: 'ECHOBAHN_RESERVED_OPCODE' })]
  const bad = clientFrame({ opcode: 3 })
  const first = openConnection()
  feed(first, Buffer.concat([bad, bad]), bad)
  assert.equal(errors(first), 1)
  const closed = openConnection()
  feed(closed, Buffer.concat([clientFrame({ opcode: CLOSE }), bad]))
  assert.equal(errors(closed), 0)
  const left = openConnection()
  left.connection.goAway(1001)
  feed(left, bad)
  assert.equal(errors(left), 1)
})

test('the end of a connection is counted by initiator and code, with its duration in seconds', t => {
  const clock = { now: 5000 }
  t.mock.method(performance, 'now', () => clock.now)
  const bench = openConnection()
  feed(bench, clientFrame({ opcode: CLOSE, payload: closePayload(1000) }))
  clock.now += 7500
  bench.connection.onClosed()
  const { values } = bench.counters
  assert.equal(values[offsetOf('closes_total', { initiator: 'client', code: '1000' })], 1)
  const { offset, buckets } = histogramAt('connection_duration_seconds')
  assert.equal(values[offset + buckets.length + 1], 7.5)
  assert.deepEqual(bench.gone, [1])
})

test('a report is told of reads, writes, both Closes, the ends and the failure', () => {
  const told = (...octets: Buffer[]) => {
    const recorder = new Recorder(sampleOpened(), 1, new FakeTransport(), new LogBlocks())
    const bench = openRecorded(recorder)
    feed(bench, ...octets)
    return { connection: bench.connection, recorder }
  }
  const text = clientFrame({ opcode: TEXT, payload: 'hello' })
  const closing = told(text, clientFrame({ opcode: CLOSE, payload: closePayload(1000, 'bye') }))
  closing.connection.onEnd()
  closing.connection.onClosed()
  const { clean, received, sent, closing: end } = closing.recorder.report()
  assert.deepEqual([clean, end.droppedBy, end.initiator], [true, 'server', 'client'])
  assert.deepEqual([end.received, end.sent], Array(2).fill({ code: 1000, reason: 'bye' }))
  const chops = [received, sent].map(direction => direction.chops)
  assert.deepEqual(chops, [[{ size: text.length, count: 2 }], [{ size: text.length - 4, count: 2 }]])
  assert.deepEqual([received.messages.text, sent.messages.text, sent.frames.text], [1, 1, 1])

  const ended = told()
  ended.connection.onEnd()
  assert.equal(ended.recorder.report().closing.droppedBy, 'client')

  const failed = told(clientFrame({ opcode: 3 }))
  assert.equal(failed.recorder.report().error, 'ECHOBAHN_RESERVED_OPCODE')

  const dropped = told()
  dropped.connection.destroy('tired of it')
  dropped.connection.onClosed()
  assert.equal(dropped.recorder.report().closing.uncleanReason, 'tired of it')
  assert.equal(dropped.connection.dropped, true)
})

test('a message that breaks the protocol is a frame received, and no message', () => {
  const bad = Buffer.from([0x61, 0xff])
  const whole = openConnection()
  feed(whole, clientFrame({ opcode: TEXT, payload: bad }))
  assert.deepEqual(counted(whole, 'frames_total'), { 'received text': 1, 'sent close': 1 })
  const fragment = openConnection()
  feed(
    fragment,
    Buffer.concat([
      clientFrame({ opcode: TEXT, fin: false, payload: 'a' }),
      clientFrame({ opcode: CONTINUATION, payload: bad }),
    ]),
  )
  assert.deepEqual(counted(fragment, 'frames_total'), {
    'received continuation': 1,
    'received text': 1,
    'sent text': 1,
    'sent close': 1,
  })
  const kept = openConnection()
  const frame = clientFrame({ opcode: TEXT, payload: Buffer.concat([Buffer.alloc(50, 'x'), bad]) })
  feed(kept, frame.subarray(0, 20), frame.subarray(20))
  assert.deepEqual(counted(kept, 'frames_total'), { 'received text': 1, 'sent close': 1 })
  const large = openConnection()
  const larger = clientFrame({ opcode: TEXT, payload: Buffer.concat([Buffer.alloc(70_000, 'x'), bad]) })
  feed(large, larger.subarray(0, 1000), larger.subarray(1000))
  assert.deepEqual(counted(large, 'frames_total'), { 'received text': 1, 'sent text': 1, 'sent close': 1 })
  for (const bench of [whole, fragment, kept, large]) assert.deepEqual(counted(bench, 'messages_total'), {})
})

test('lengths of messages in fragments are those of each message', () => {
  const bench = openConnection()
  for (const payload of ['abc', 'defg']) {
    feed(bench, clientFrame({ opcode: BINARY, fin: false, payload }), clientFrame({ opcode: CONTINUATION, payload }))
  }
  assert.deepEqual(counted(bench, 'message_bytes_total'), { 'received binary': 14, 'sent binary': 14 })
})

test('a report hears whether the peer has all that was sent, to the last octet', () => {
  const recorder = new Recorder(sampleOpened(), 1, new FakeTransport(), new LogBlocks())
  const bench = openRecorded(recorder)
  const unread: boolean[] = []
  recorder.time.unread = is => void unread.push(is)
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: TEXT, payload: 'hello' }))
  for (const left of [1, 0]) {
    unread.length = 0
    bench.transport.take(left)
    bench.transport.handler.onProgress()
    assert.equal(unread.at(-1), left > 0)
  }
})
