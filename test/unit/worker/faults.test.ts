// What fails inside of the server on one connection: that connection ends with 1011, or is dropped where no Close may stand,
// and nothing of a half-built echo goes out.

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { offsetOf } from '../../../src/metrics/layout.js'
import { ControlledBench } from '../../support/controlled-bench.js'
import { deflateMessage } from '../../support/deflate-message.js'
import { type Bench, feed, NO_TAKEOVER, openConnection, serverFrames } from '../../support/fake-transport.js'
import { clientFrame } from '../../support/raw-client.js'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const INTERNAL_ERROR = 1011
const INTERNAL = offsetOf('protocol_errors_total', { code: 'ECHOBAHN_INTERNAL' })

const broken = new Error('broken')
const fail = () => {
  throw broken
}

/** All that came back is a Close with 1011, behind `echoes`; then FIN. */
function assertFailed({ transport, errors, counters }: Bench, ...echoes: string[]): void {
  const frames = serverFrames(transport.output)
  assert.deepEqual(
    frames.slice(0, -1).map(({ payload }) => String(payload)),
    echoes,
  )
  const last = frames[frames.length - 1]
  assert.deepEqual([last.opcode, last.payload.readUInt16BE()], [CLOSE, INTERNAL_ERROR])
  assert.deepEqual([transport.ended, transport.destroyed], [true, false])
  assert.deepEqual([errors, counters.values[INTERNAL]], [[broken], 1])
}

const hello = clientFrame({ opcode: TEXT, payload: 'hello' })

test('a codec that throws is answered with 1011, and what comes behind it with nothing', () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'never')
  mock.method(bench.codec, 'tryInline', fail)
  feed(bench, Buffer.concat([hello, hello]))
  feed(bench, hello)
  assertFailed(bench)
})

test('a codec thread whose answer cannot be dealt with is answered with 1011, behind what came before it', async () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'always', '--codec-threads', '1')
  const compressed = clientFrame({ opcode: TEXT, rsv: 4, payload: deflateMessage('hello') })
  feed(bench, compressed)
  while (bench.transport.output.length === 0) await new Promise(setImmediate)
  mock.method(bench.connection.out.outbox, 'append', fail, { times: 1 })
  feed(bench, Buffer.concat([compressed, compressed]))
  while (!bench.transport.ended) await new Promise(setImmediate)
  const [echo, close] = serverFrames(bench.transport.output)
  assert.deepEqual([echo.opcode, close.opcode, close.payload.readUInt16BE()], [TEXT, CLOSE, INTERNAL_ERROR])
  assert.deepEqual([bench.errors, bench.counters.values[INTERNAL]], [[broken], 1])
  await bench.codec.close()
})

test('with controls, a codec that throws is answered with 1011 as well', () => {
  const bench = new ControlledBench('reply=echo', NO_TAKEOVER).start()
  mock.method(bench.codec, 'tryInline', fail)
  bench.feed(clientFrame({ opcode: TEXT, rsv: 4, payload: deflateMessage('hello') }))
  assert.match(bench.sent()[0], /^8 1011/)
  assert.deepEqual([bench.errors, bench.counters.values[INTERNAL]], [[broken], 1])
})

test('a half-built echo does not go out', () => {
  const bench = openConnection(NO_TAKEOVER, '--offload', 'never')
  mock.method(bench.connection.out.outbox, 'append', fail, { times: 1 })
  feed(bench, hello)
  assertFailed(bench)
})

test('a message that cannot be read is answered with 1011', () => {
  const bench = openConnection()
  mock.method(bench.connection.decoder, 'readPayload', fail, { times: 1 })
  feed(bench, hello)
  assertFailed(bench)
})

test('in the middle of a frame, where a Close would be payload, the connection is dropped', () => {
  const bench = openConnection()
  const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(2_000_000, 7) })
  feed(bench, frame.subarray(0, 1_500_000))
  assert.ok(bench.transport.output.length > 0)
  mock.method(bench.connection.decoder, 'readPayload', fail, { times: 1 })
  feed(bench, frame.subarray(1_500_000))
  assert.deepEqual([bench.errors, bench.transport.destroyed], [[broken], true])
})

test('a write that throws is answered with 1011; where that throws too, the connection is dropped', () => {
  const once = openConnection()
  mock.method(once.transport, 'write', fail, { times: 1 })
  feed(once, hello)
  assertFailed(once)

  const always = openConnection()
  mock.method(always.transport, 'write', fail)
  feed(always, hello)
  assert.deepEqual([always.errors, always.transport.destroyed], [[broken, broken], true])
})
