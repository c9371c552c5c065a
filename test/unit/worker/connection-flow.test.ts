// When a connection is read and when it is not, what is held for it, and how it goes away.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offsetOf } from '../../../src/metrics/layout.js'
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from '../../../src/protocol/opcodes.js'
import { BLOCK } from '../../../src/worker/message-blocks.js'
import { deflateMessage } from '../../support/deflate-message.js'
import {
  type Bench,
  feed,
  NO_TAKEOVER,
  openConnection,
  openSharing,
  serverFrames,
} from '../../support/fake-transport.js'
import { noise } from '../../support/plain-texts.js'
import { clientFrame, closePayload } from '../../support/raw-client.js'

const LONG = 'a text worth compressing '.repeat(20)
const THREADS = ['--offload', 'always', '--codec-threads', '1']

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function opcodes({ transport }: Bench): number[] {
  return serverFrames(transport.output).map(({ opcode }) => opcode)
}

test('what came behind the handshake is worked on at the start', () => {
  const bench = openConnection()
  assert.equal(bench.connection.id, 1)
  assert.equal(bench.transport.handler, bench.connection)
  assert.equal(bench.transport.paused, false)
  const frame = clientFrame({ opcode: TEXT, payload: 'behind' })
  bench.connection.start(frame)
  assert.deepEqual(opcodes(bench), [TEXT])
})

test('with a Close of ours behind echoes that codec threads do, nothing more is read until it is sent', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS)
  feed(bench, clientFrame({ opcode: TEXT, payload: LONG }))
  bench.connection.goAway(1001)
  assert.equal(bench.transport.paused, true)
  while (opcodes(bench).length < 2) await nextTurn()
  assert.deepEqual(opcodes(bench), [TEXT, CLOSE])
  assert.equal(bench.transport.paused, false)
  await bench.codec.close()
})

test('the message at hand is still read, and no frame behind it', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS)
  feed(bench, clientFrame({ opcode: TEXT, fin: false, payload: 'half' }))
  bench.connection.goAway(1001)
  assert.equal(bench.transport.paused, false)
  const end = clientFrame({ opcode: CONTINUATION, payload: ' whole' })
  feed(bench, Buffer.concat([end, clientFrame({ opcode: TEXT, payload: 'behind' })]))
  assert.equal(bench.transport.paused, true)
  while (opcodes(bench).length < 2) await nextTurn()
  assert.deepEqual(opcodes(bench), [TEXT, CLOSE])
  assert.equal(serverFrames(bench.transport.output)[0].payload.toString(), 'half whole')
  await bench.codec.close()
})

test('going away now waits for nothing but cannot be inside a frame', () => {
  const free = openConnection()
  feed(free, clientFrame({ opcode: TEXT, fin: false, payload: 'begun' }))
  assert.equal(free.connection.goAwayNow(1001), true)
  assert.deepEqual(opcodes(free), [TEXT, CLOSE])
  assert.equal(free.connection.goAwayNow(1001), false)
  const half = openConnection()
  feed(half, clientFrame({ opcode: BINARY, payload: Buffer.alloc(100) }).subarray(0, 50))
  const before = half.transport.output.length
  assert.equal(half.connection.goAwayNow(1001), false)
  assert.equal(half.transport.output.length, before)
})

test('with our Close sent, messages are read and not echoed, pings not answered', () => {
  const bench = openConnection()
  bench.connection.goAway(1001)
  feed(bench, clientFrame({ opcode: TEXT, payload: 'crossing' }), clientFrame({ opcode: PING }))
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(100) }).subarray(0, 50))
  assert.deepEqual(opcodes(bench), [CLOSE])
  assert.equal(bench.transport.ended, false)
})

test('no ping goes into a frame that is half written, nor behind our Close', () => {
  const flags = ['--ping-interval', '10s', '--ping-timeout', '5s', '--handshake-timeout', '60s']
  const half = openConnection(undefined, ...flags)
  feed(half, clientFrame({ opcode: BINARY, payload: Buffer.alloc(100) }).subarray(0, 50))
  const before = half.transport.output.length
  half.connection.sweep(1_000)
  half.connection.sweep(11_000)
  half.connection.sweep(15_999)
  assert.equal(half.transport.output.length, before)
  assert.equal(half.transport.destroyed, false)
  half.connection.sweep(16_000)
  assert.equal(half.transport.destroyed, true)
  assert.equal(half.connection.dropped, true)

  const left = openConnection(undefined, ...flags)
  left.connection.goAway(1001)
  left.connection.sweep(1_000)
  left.connection.sweep(12_000)
  assert.deepEqual(opcodes(left), [CLOSE])
})

test('a connection that is not read is not held to be silent', () => {
  const flags = ['--ping-interval', '10s', '--ping-timeout', '5s', '--slow-reader-timeout', '0']
  const bench = openConnection(undefined, ...flags, '--high-water-mark', '100B', '--low-water-mark', '0')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: BINARY, payload: Buffer.alloc(200) }))
  assert.equal(bench.transport.paused, true)
  for (const now of [1_000, 20_000, 40_000, 60_000]) bench.connection.sweep(now)
  assert.equal(bench.transport.destroyed, false)
  assert.deepEqual(opcodes(bench), [BINARY])
})

test('messages that wait for the codec count for the high-water mark; what is done makes room again', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS, '--high-water-mark', '1000B', '--low-water-mark', '500B')
  for (let i = 0; i < 3; i++) feed(bench, clientFrame({ opcode: TEXT, payload: LONG }))
  assert.equal(bench.transport.paused, true)
  assert.equal(bench.connection.held, 3 * LONG.length)
  while (bench.transport.paused) await nextTurn()
  while (opcodes(bench).length < 3) await nextTurn()
  assert.equal(bench.connection.held, 0)
  await bench.codec.close()
})

test('what the peer does not read keeps further messages from the codec threads', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS, '--high-water-mark', '1000B', '--low-water-mark', '0')
  bench.transport.taking = false
  feed(bench, clientFrame({ opcode: PING, payload: Buffer.alloc(125) }))
  for (let i = 0; i < 8; i++) feed(bench, clientFrame({ opcode: PING, payload: Buffer.alloc(125) }))
  assert.ok(bench.connection.replyRoom <= 0)
  feed(bench, clientFrame({ opcode: TEXT, payload: LONG }))
  for (let turn = 0; turn < 50; turn++) await nextTurn()
  assert.equal(opcodes(bench).includes(TEXT), false)
  bench.transport.take()
  bench.connection.onProgress()
  while (!opcodes(bench).includes(TEXT)) await nextTurn()
  await bench.codec.close()
})

test('a full codec queue stops the reading until there is room', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS, '--codec-queue', '1')
  const frame = clientFrame({ opcode: TEXT, payload: LONG })
  feed(bench, Buffer.concat([frame, frame]))
  assert.equal(bench.transport.paused, true)
  while (bench.transport.paused) await nextTurn()
  await bench.codec.close()
})

test('a connection that is gone holds nothing, and takes no turn any more', async () => {
  const bench = openSharing(2)
  feed(bench, Buffer.concat(Array.from({ length: 9 }, () => clientFrame({ opcode: BINARY, payload: 'x' }))))
  assert.ok(bench.connection.held > 0)
  bench.connection.onClosed()
  assert.equal(bench.connection.held, 0)
  await nextTurn()
  assert.equal(opcodes(bench).length, 2)
})

test('an end that comes from elsewhere drops the rest of a chunk', async () => {
  const bench = openSharing(2)
  feed(bench, Buffer.concat(Array.from({ length: 9 }, () => clientFrame({ opcode: BINARY, payload: 'x' }))))
  bench.connection.onInternalError(new Error('broken'))
  assert.equal(bench.connection.held, 0)
  await nextTurn()
  assert.deepEqual(opcodes(bench), [BINARY, BINARY, CLOSE])
  assert.equal(bench.transport.paused, false)
})

test('a text that is kept until it is whole is given up with its connection', () => {
  const bench = openConnection()
  feed(bench, clientFrame({ opcode: TEXT, payload: LONG }).subarray(0, 50))
  assert.equal(bench.connection.held, LONG.length + 4)
  bench.connection.onClosed()
  assert.equal(bench.connection.held, 0)
})

test('the rest of a chunk is copied once, not in each turn', async () => {
  const bench = openSharing(1)
  feed(bench, Buffer.concat(Array.from({ length: 4 }, () => clientFrame({ opcode: BINARY, payload: 'x' }))))
  const { held } = bench.connection
  await nextTurn()
  assert.equal(bench.connection.held, held)
  await nextTurn()
  assert.equal(bench.connection.held, held)
  await nextTurn()
  assert.equal(bench.connection.held, 0)
  assert.equal(bench.transport.paused, false)
})

test('a Close cannot be written where the transport is gone', () => {
  const bench = openConnection()
  bench.transport.destroyed = true
  feed(bench, clientFrame({ opcode: CLOSE, payload: closePayload(1000) }))
  assert.deepEqual(opcodes(bench), [])
})

test('nothing is heard of what comes behind a violation, but for its octets', () => {
  const bench = openConnection(undefined, '--handshake-timeout', '5s')
  feed(bench, clientFrame({ opcode: 3 }), clientFrame({ opcode: TEXT, payload: 'x' }))
  assert.deepEqual(opcodes(bench), [CLOSE])
  assert.ok(bench.transport.ended)
  assert.equal(bench.transport.paused, false)
})

test('what comes behind a Close in a later chunk is no frame any more: not read, not counted, not answered', () => {
  const bench = openConnection()
  feed(bench, clientFrame({ opcode: CLOSE, payload: closePayload(1000) }))
  const { length } = bench.transport.written
  feed(bench, clientFrame({ opcode: PING, payload: 'p' }), clientFrame({ opcode: TEXT, payload: 'x' }))
  feed(bench, clientFrame({ opcode: 3 }))
  assert.equal(bench.transport.written.length, length)
  const frames = (['close', 'ping', 'text'] as const).map(
    opcode => bench.counters.values[offsetOf('frames_total', { direction: 'received', opcode })],
  )
  assert.deepEqual(frames, [1, 0, 0])
})

/** A message that needs three blocks on the wire. */
const THREE_BLOCKS = clientFrame({ rsv: 4, opcode: BINARY, payload: deflateMessage(noise(3 * BLOCK)) })

test('the memory in which a long message was put together is free again once it is echoed', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS, '--high-water-mark', '16MiB')
  feed(bench, THREE_BLOCKS.subarray(0, BLOCK), THREE_BLOCKS.subarray(BLOCK, 2 * BLOCK))
  assert.ok(bench.connection.held >= 2 * BLOCK)
  feed(bench, THREE_BLOCKS.subarray(2 * BLOCK))
  while (opcodes(bench).length < 1) await nextTurn()
  assert.ok(bench.blocks.idleOctets >= 3 * BLOCK)
  assert.equal(bench.connection.held, 0)
  await bench.codec.close()
})

test('it is free again when the connection is gone: of what is with the threads, what waits, and what still comes', async () => {
  const bench = openConnection(NO_TAKEOVER, ...THREADS)
  feed(bench, THREE_BLOCKS.subarray(0, BLOCK), THREE_BLOCKS.subarray(BLOCK))
  feed(bench, THREE_BLOCKS.subarray(0, BLOCK), THREE_BLOCKS.subarray(BLOCK))
  feed(bench, THREE_BLOCKS.subarray(0, 2 * BLOCK))
  assert.equal(bench.blocks.idleOctets, 0)
  bench.connection.onClosed()
  assert.ok(bench.blocks.idleOctets >= 8 * BLOCK)
  await bench.codec.close()
})
