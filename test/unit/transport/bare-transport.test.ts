// The bare transport over a handle of which the test says what it reads, takes and fails with.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BareTransport, READ_BUFFER } from '../../../src/transport/bare-transport.js'
import { END_OF_FILE } from '../../../src/transport/tcp-handle.js'
import type { TransportHandler } from '../../../src/transport/transport.js'
import { FakeHandle } from '../../support/fake-handle.js'

const ECONNRESET = -104

class Counting {
  readonly reads: number[] = []
  readonly writes: number[] = []
  received = 0
  sent = 0

  read(size: number): void {
    this.reads.push(size)
  }

  write(size: number): void {
    this.writes.push(size)
  }

  wireReceived(size: number): void {
    this.received += size
  }

  wireSent(size: number): void {
    this.sent += size
  }

  taken(): void {}

  tlsHandshake(): void {}

  overheadReceived(): void {}

  overheadSent(): void {}
}

function bench() {
  const handle = new FakeHandle()
  const observer = new Counting()
  const events: string[] = []
  const handler: TransportHandler = {
    onChunk: (chunk: Buffer, length: number) => void events.push(`chunk ${chunk.subarray(0, length)}`),
    onProgress: () => void events.push('progress'),
    onEnd: () => void events.push('end'),
    onClosed: () => void events.push('closed'),
  }
  const transport = new BareTransport(handle, observer, handler)
  handle.calls.length = 0
  return { handle, observer, events, handler, transport }
}

test('a fresh transport sets TCP_NODELAY, and does not read', () => {
  const handle = new FakeHandle()
  new BareTransport(handle, new Counting(), bench().handler)
  assert.deepEqual(handle.calls, ['setNoDelay true'])
})

test('its peer, whether it is open, and what it is', () => {
  const { transport } = bench()
  assert.deepEqual([transport.peer, transport.open, transport.kind], ['192.0.2.7:4711', true, 'tcp'])
})

test('reading starts and stops once each', () => {
  const { handle, transport } = bench()
  transport.pause()
  transport.resume()
  transport.resume()
  transport.pause()
  transport.pause()
  assert.deepEqual(handle.calls, ['readStart', 'readStop'])
})

test('what is read is handed on, and counted', () => {
  const { handle, observer, events, transport } = bench()
  transport.resume()
  handle.receive('abc')
  handle.receive('defgh')
  assert.deepEqual(events, ['chunk abc', 'chunk defgh'])
  assert.deepEqual([observer.reads, observer.received, transport.octetsReceived], [[3, 5], 8, 8])
})

test('a read of nothing means nothing', () => {
  const { handle, events, transport } = bench()
  transport.resume()
  handle.tellRead(0)
  assert.deepEqual([events, handle.calls], [[], ['readStart']])
})

test('a read that fails ends the connection; one that was at its end tells so once', () => {
  const failed = bench()
  failed.transport.resume()
  failed.handle.tellRead(ECONNRESET)
  assert.deepEqual(failed.handle.calls, ['readStart', 'close'])
  failed.handle.tellClosed()
  assert.deepEqual(failed.events, ['closed'])

  const ended = bench()
  ended.transport.resume()
  ended.handle.tellRead(END_OF_FILE)
  ended.transport.resume()
  ended.transport.pause()
  assert.deepEqual([ended.events, ended.handle.calls], [['end'], ['readStart']])
})

test('a read that fills the buffer stops reading for the rest of the turn', async () => {
  const { handle, transport, handler } = bench()
  handler.onChunk = () => {}
  transport.resume()
  handle.receive(Buffer.alloc(READ_BUFFER - 1))
  assert.deepEqual(handle.calls, ['readStart'])
  handle.receive(Buffer.alloc(READ_BUFFER))
  assert.deepEqual(handle.calls, ['readStart', 'readStop'])
  await new Promise(setImmediate)
  assert.deepEqual(handle.calls, ['readStart', 'readStop', 'readStart'])
})

test('after a full read nothing is read where the connection was paused or dropped meanwhile', async () => {
  for (const action of ['pause', 'destroy'] as const) {
    const inside = bench()
    inside.handler.onChunk = () => inside.transport[action]()
    inside.transport.resume()
    inside.handle.receive(Buffer.alloc(READ_BUFFER))
    const behind = bench()
    behind.handler.onChunk = () => {}
    behind.transport.resume()
    behind.handle.receive(Buffer.alloc(READ_BUFFER))
    behind.transport[action]()
    await new Promise(setImmediate)
    const last = action === 'pause' ? 'readStop' : 'close'
    assert.deepEqual(inside.handle.calls, ['readStart', last])
    assert.equal(behind.handle.calls.at(-1), last)
  }
})

test('reading that cannot start ends the connection, at once or in the next turn', async () => {
  const { handle, transport, handler } = bench()
  handle.errors.readStart = ECONNRESET
  transport.resume()
  assert.deepEqual(handle.calls, ['readStart', 'close'])
  const later = bench()
  later.handler.onChunk = handler.onChunk
  later.transport.resume()
  later.handle.receive(Buffer.alloc(READ_BUFFER))
  later.handle.errors.readStart = ECONNRESET
  await new Promise(setImmediate)
  assert.equal(later.handle.calls.at(-1), 'close')
})

test('a write that is taken at once is sent, leaves its memory free, and its request for the next', () => {
  const { handle, observer, transport } = bench()
  assert.equal(transport.write(Buffer.alloc(5)), true)
  assert.equal(transport.write(Buffer.alloc(7)), true)
  assert.equal(handle.writes[0].request, handle.writes[1].request)
  assert.deepEqual([observer.writes, observer.sent, transport.octetsSent, transport.pending], [[5, 7], 12, 12, 0])
})

test('a write that waits keeps its memory and its request; what the kernel takes of it is counted once', () => {
  const { handle, observer, events, transport } = bench()
  handle.takes = 4
  const bytes = Buffer.alloc(10)
  assert.equal(transport.write(bytes), false)
  assert.deepEqual([observer.writes, observer.sent], [[10], 4])
  const [{ request }] = handle.writes
  assert.equal(request.bytes, bytes)
  assert.deepEqual([transport.pending, transport.unsent, transport.octetsSent], [6, 6, 4])
  assert.equal(transport.write(Buffer.alloc(1)), false)
  assert.notEqual(handle.writes[1].request, request)
  handle.take(3)
  assert.deepEqual([transport.pending, transport.octetsSent, observer.sent], [3, 8, 8])
  handle.take()
  handle.complete(request)
  assert.deepEqual([events, observer.sent, transport.pending], [['progress'], 11, 0])
})

test('a write that fails ends the connection, and its octets were never sent', () => {
  const atOnce = bench()
  atOnce.handle.errors.write = ECONNRESET
  assert.equal(atOnce.transport.write(Buffer.alloc(5)), true)
  assert.deepEqual(atOnce.handle.calls, ['write 5', 'close'])
  assert.deepEqual([atOnce.transport.unsent, atOnce.transport.pending, atOnce.observer.sent], [5, 0, 0])

  const later = bench()
  later.handle.takes = 0
  later.transport.write(Buffer.alloc(5))
  later.handle.complete(later.handle.writes[0].request, ECONNRESET)
  assert.equal(later.handle.calls.at(-1), 'close')
  assert.deepEqual([later.events, later.transport.unsent], [[], 5])
})

test('what is written behind the end or after the drop is lost, and not handed to the system', () => {
  for (const action of ['end', 'destroy'] as const) {
    const { handle, observer, transport } = bench()
    assert.equal(transport.writable, true)
    transport[action]()
    assert.equal(transport.writable, false)
    assert.equal(transport.write(Buffer.alloc(3)), true)
    assert.deepEqual([handle.writes, observer.writes, transport.unsent], [[], [], 3])
  }
})

test('the end is sent once, and closes the handle only when the peer has ended too', () => {
  const { handle, transport } = bench()
  transport.resume()
  transport.end()
  transport.end()
  assert.deepEqual(handle.calls, ['readStart', 'shutdown'])
  handle.complete(handle.shutdownRequest ?? {})
  assert.deepEqual(handle.calls, ['readStart', 'shutdown'])
  handle.tellRead(END_OF_FILE)
  assert.deepEqual(handle.calls, ['readStart', 'shutdown', 'close'])
})

test("after the peer's end, ours closes the handle: at once, or when what waits is sent", () => {
  const idle = bench()
  idle.transport.resume()
  idle.handle.tellRead(END_OF_FILE)
  idle.transport.end()
  assert.deepEqual(idle.handle.calls, ['readStart', 'close'])

  const busy = bench()
  busy.transport.resume()
  busy.handle.tellRead(END_OF_FILE)
  busy.handle.takes = 0
  busy.transport.write(Buffer.alloc(5))
  busy.transport.end()
  assert.equal(busy.handle.calls.at(-1), 'shutdown')
  busy.handle.complete(busy.handle.shutdownRequest ?? {})
  assert.equal(busy.handle.calls.at(-1), 'close')
})

test('an end that fails, at once or later, ends the connection', () => {
  const atOnce = bench()
  atOnce.handle.errors.shutdown = ECONNRESET
  atOnce.transport.end()
  assert.deepEqual(atOnce.handle.calls, ['shutdown', 'close'])
  const later = bench()
  later.transport.end()
  later.handle.complete(later.handle.shutdownRequest ?? {}, ECONNRESET)
  assert.deepEqual(later.handle.calls, ['shutdown', 'close'])
})

test('a drop counts what the kernel took last, keeps the counts, and closes once', () => {
  const { handle, observer, events, transport } = bench()
  transport.resume()
  handle.receive('abc')
  handle.takes = 0
  transport.write(Buffer.alloc(10))
  transport.end()
  handle.take(4)
  const [{ request }] = handle.writes
  transport.destroy()
  transport.destroy()
  transport.pause()
  transport.resume()
  assert.deepEqual(handle.calls, ['readStart', 'write 10', 'shutdown', 'close'])
  assert.deepEqual([transport.octetsReceived, transport.octetsSent, transport.unsent], [3, 6, 4])
  assert.deepEqual([observer.sent, transport.pending], [6, 4])
  // The system cancels what was under way.
  handle.complete(request, ECONNRESET)
  handle.complete(request)
  handle.complete(handle.shutdownRequest ?? {})
  assert.deepEqual(events, ['chunk abc'])
  handle.tellClosed()
  assert.deepEqual(events, ['chunk abc', 'closed'])
  assert.equal(handle.calls.filter(call => call === 'close').length, 1)
})

test('a drop counts the last octet as well', () => {
  const { handle, observer, transport } = bench()
  handle.takes = 0
  transport.write(Buffer.alloc(1))
  handle.take()
  transport.destroy()
  assert.deepEqual([observer.sent, transport.unsent], [1, 0])
})

test('the last octet that waits is known to be sent once it is asked for', () => {
  const { handle, transport } = bench()
  handle.takes = 0
  transport.write(Buffer.alloc(1))
  assert.equal(transport.pending, 1)
  handle.take()
  assert.equal(transport.pending, 0)
})

test('a reset is a drop with RST, once, and only where no end is under way', () => {
  const { handle, events, transport } = bench()
  transport.resume()
  handle.receive('abc')
  handle.takes = 0
  transport.write(Buffer.alloc(10))
  handle.take(4)
  transport.reset()
  transport.reset()
  transport.destroy()
  assert.deepEqual(handle.calls, ['readStart', 'write 10', 'reset'])
  assert.deepEqual([transport.writable, transport.octetsReceived, transport.unsent], [false, 3, 4])
  handle.tellClosed()
  assert.deepEqual(events, ['chunk abc', 'closed'])
  const ending = bench()
  ending.transport.end()
  ending.transport.reset()
  assert.deepEqual(ending.handle.calls, ['shutdown', 'close'])
  const gone = bench()
  gone.transport.destroy()
  gone.transport.reset()
  assert.deepEqual(gone.handle.calls, ['close'])
})

test('who speaks through a proxy is the peer', () => {
  const { transport } = bench()
  transport.proxied = { peer: '198.51.100.1:2' } as NonNullable<typeof transport.proxied>
  assert.equal(transport.peer, '198.51.100.1:2')
})
