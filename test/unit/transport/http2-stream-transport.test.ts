// A stream as a transport, over a fake stream: what waits is known to the octet, ends are what they are over TCP.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeStreamTransport } from '../../support/fake-stream.js'

const PIECE = 16 * 1024

function bench(...early: readonly Buffer[]) {
  const { stream, owner, counters, transport } = fakeStreamTransport(...early)
  const events: string[] = []
  transport.handler = {
    onChunk: (chunk, length) => void events.push(`chunk ${chunk.subarray(0, length)}`),
    onProgress: () => void events.push(`progress ${transport.pending}`),
    onEnd: () => void events.push('end'),
    onClosed: () => void events.push('closed'),
  }
  stream.calls.length = 0
  return { stream, owner, counters, transport, events }
}

const close = (stream: { emit(event: string): void; destroyed: boolean }): void => {
  stream.destroyed = true
  stream.emit('close')
}

test('what it is', () => {
  const { transport } = bench()
  assert.deepEqual([transport.kind, transport.open, transport.peer], ['h2c', true, '192.0.2.1:50000'])
  assert.deepEqual([transport.writable, transport.pending, transport.unsent], [true, 0, 0])
})

test('what comes is given on and counted, here and for the session', () => {
  const { stream, owner, transport, events } = bench()
  transport.handler.onUnread = () => events.push('unread')
  transport.resume()
  stream.push(Buffer.from('hello'))
  assert.deepEqual([events, transport.octetsReceived, owner.received], [['chunk hello'], 5, 5])
  assert.equal(transport.unread, 0)
})

test('what nobody reads is told, counted with what each chunk costs, and kept apart from what came with it', () => {
  const { stream, owner, transport, events } = bench()
  let told = 0
  transport.handler.onUnread = () => {
    told++
  }
  const read = Buffer.from('first, second, and much else that is not for this stream')
  stream.push(read.subarray(0, 5))
  stream.push(read.subarray(7, 13))
  read.fill('x')
  assert.deepEqual([told, transport.unread, events], [2, 5 + 6 + 2 * 256, []])
  assert.deepEqual([transport.octetsReceived, owner.received], [11, 11])
  const { onChunk } = transport.handler
  // The reader has enough after one.
  transport.handler.onChunk = (chunk, length) => {
    onChunk(chunk, length)
    transport.pause()
  }
  transport.resume()
  assert.deepEqual([events, transport.unread], [['chunk first'], 6 + 256])
  transport.resume()
  assert.deepEqual([events, transport.unread], [['chunk first', 'chunk second'], 0])
  stream.push(Buffer.from('third'))
  assert.deepEqual([told, transport.unread, transport.octetsReceived], [3, 5 + 256, 16])
})

test('what came with the request counts, is one chunk, and comes first', () => {
  const { stream, owner, transport, events } = bench(Buffer.from('a'), Buffer.from('b'))
  assert.deepEqual([transport.unread, transport.octetsReceived, owner.received], [2 + 256, 2, 2])
  stream.push(Buffer.from('c'))
  transport.resume()
  assert.deepEqual([events, transport.unread, transport.octetsReceived], [['chunk ab', 'chunk c'], 0, 3])
})

test('a small write is copied, and its memory free at once', () => {
  const { stream, owner, transport, events } = bench()
  const bytes = Buffer.from('hello')
  assert.equal(transport.write(bytes), true)
  bytes.fill(0)
  // The session's count has what is on its way.
  assert.deepEqual([transport.pending, transport.octetsSent, owner.sent], [5, 0, 5])
  assert.equal(String(stream.take()), 'hello')
  assert.deepEqual([transport.pending, transport.octetsSent, owner.sent, events], [0, 5, 5, ['progress 0']])
})

test('a large write goes piece by piece, and each that is done is progress', () => {
  const { stream, transport, events } = bench()
  const bytes = Buffer.alloc(2 * PIECE + 5, 'abc')
  assert.equal(transport.write(bytes), false)
  assert.equal(stream.writes.length, 1)
  const pieces = [stream.take(), stream.take(), stream.take()]
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [PIECE, PIECE, 5],
  )
  assert.deepEqual(Buffer.concat(pieces), bytes)
  assert.deepEqual(events, [`progress ${PIECE + 5}`, 'progress 5', 'progress 0'])
  assert.equal(stream.writes.length, 0)
})

test('small writes that gather go together, in order, and no further than a piece', () => {
  const { stream, transport } = bench()
  for (const text of ['first', 'second', 'third']) transport.write(Buffer.from(text))
  transport.write(Buffer.alloc(PIECE - 11, 'x'))
  transport.write(Buffer.from('last'))
  assert.equal(transport.pending, 5 + 6 + 5 + PIECE - 11 + 4)
  const pieces = [stream.take(), stream.take(), stream.take()].map(String)
  assert.deepEqual(pieces, ['first', `secondthird${'x'.repeat(PIECE - 11)}`, 'last'])
  assert.equal(transport.octetsSent, 5 + PIECE + 4)
})

test('a small write whose next one is large goes alone', () => {
  const { stream, transport } = bench()
  transport.write(Buffer.from('first'))
  transport.write(Buffer.from('second'))
  transport.write(Buffer.alloc(PIECE, 'x'))
  const pieces = [stream.take(), stream.take(), stream.take()].map(String)
  assert.deepEqual(pieces, ['first', 'second', 'x'.repeat(PIECE)])
})

test('what fits into a piece is copied, and one octet more is kept', () => {
  for (const [size, free] of [
    [PIECE, true],
    [PIECE + 1, false],
  ] as const) {
    const { stream, transport } = bench()
    const bytes = Buffer.alloc(size, 'a')
    assert.equal(transport.write(bytes), free)
    bytes.fill('b')
    assert.equal(stream.take()[0], (free ? 'a' : 'b').charCodeAt(0))
  }
})

test('the rest of a large write and a small one behind it go together', () => {
  const { stream, transport } = bench()
  transport.write(Buffer.alloc(PIECE + 3, 'x'))
  transport.write(Buffer.from('end'))
  assert.equal(stream.take().length, PIECE)
  assert.equal(String(stream.take()), 'xxxend')
  assert.equal(transport.pending, 0)
})

test('END_STREAM goes behind what was written', () => {
  const { stream, transport } = bench()
  transport.write(Buffer.from('hello'))
  transport.end()
  assert.deepEqual([stream.calls, transport.writable], [[], false])
  stream.take()
  assert.deepEqual(stream.calls, ['end'])
  transport.end()
  assert.deepEqual(stream.calls, ['end'])
})

test('what is written behind the end is lost, and told as unsent', () => {
  const { stream, transport } = bench()
  transport.end()
  assert.equal(transport.write(Buffer.from('late')), true)
  assert.deepEqual([stream.writes.length, transport.unsent, transport.pending], [0, 4, 0])
})

test('finish ends it and wants no more of the peer', () => {
  const { stream, transport } = bench()
  transport.write(Buffer.from('refused'))
  transport.finish()
  assert.deepEqual(stream.calls, [])
  stream.take()
  assert.deepEqual(stream.calls, ['end', 'close 0'])
})

test('destroy tells nothing wrong where nothing waits, else that something was cut', () => {
  const idle = bench()
  idle.transport.destroy()
  assert.deepEqual(idle.stream.calls, ['close 0', 'destroy'])
  const busy = bench()
  busy.transport.write(Buffer.from('hello'))
  busy.transport.destroy()
  busy.transport.destroy()
  assert.deepEqual(busy.stream.calls, ['close 8', 'destroy'])
  assert.deepEqual([busy.transport.pending, busy.transport.unsent, busy.transport.writable], [0, 5, false])
})

test('reset is CANCEL, and refuse REFUSED_STREAM', () => {
  const { stream, transport } = bench()
  transport.reset()
  assert.deepEqual(stream.calls, ['close 8', 'destroy'])
  const other = bench()
  other.transport.refuse()
  assert.deepEqual(other.stream.calls, ['close 7', 'destroy'])
})

test('what Node calls done of a stream that is gone was not sent', () => {
  const { stream, owner, transport, events } = bench()
  transport.write(Buffer.alloc(PIECE + 3))
  transport.reset()
  stream.take()
  assert.deepEqual([transport.octetsSent, transport.unsent, owner.sent], [0, PIECE + 3, 0])
  close(stream)
  assert.deepEqual([events, stream.writes.length], [['closed'], 0])

  const other = bench()
  other.transport.write(Buffer.alloc(5))
  other.stream.destroyed = true
  other.stream.take()
  assert.deepEqual([other.transport.octetsSent, other.transport.unsent, other.owner.sent], [0, 5, 0])
})

test('a write that fails was not sent, and the session is told to take it back', () => {
  const { stream, owner, transport } = bench()
  transport.write(Buffer.from('hello'))
  stream.writes[0].done(new Error('broken'))
  assert.deepEqual([transport.octetsSent, transport.unsent, transport.pending, owner.sent], [0, 5, 0, 0])
})

test('a stream that its peer resets has lost what waited', () => {
  const { stream, transport, events } = bench()
  transport.write(Buffer.alloc(PIECE + 3))
  stream.take()
  stream.closed = true
  close(stream)
  assert.deepEqual([transport.octetsSent, transport.unsent, transport.closed], [PIECE, 3, true])
  assert.deepEqual(events, ['progress 3', 'closed'])
})

test('an error is nothing by itself', () => {
  const { stream, events } = bench()
  stream.emit('error', new Error('reset'))
  assert.deepEqual(events, [])
})

test('END_STREAM is told once it is wanted, since octets before it may still be kept', async () => {
  const { stream, transport, events } = bench()
  transport.resume()
  transport.pause()
  stream.push(null)
  assert.deepEqual(events, [])
  transport.resume()
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(events, ['end'])
  const reading = bench()
  reading.transport.resume()
  reading.stream.push(null)
  assert.deepEqual(reading.events, ['end'])
})

test('nothing is told of a stream that was dropped but its end', () => {
  const { stream, owner, transport, events } = bench()
  transport.resume()
  transport.destroy()
  stream.calls.length = 0
  stream.push(Buffer.from('late'))
  stream.push(null)
  transport.resume()
  assert.deepEqual([events, stream.calls, owner.received], [[], [], 4])
  close(stream)
  assert.deepEqual(events, ['closed'])

  const other = bench()
  other.transport.resume()
  other.stream.destroyed = true
  other.stream.push(null)
  assert.deepEqual(other.events, [])
})

test('the response head: lines of one name together, and none of a stream that is gone', () => {
  const { stream, transport } = bench()
  const fields = [
    ['a', '1'],
    ['Set-Cookie', 'x'],
    ['set-cookie', 'y'],
  ] as const
  assert.equal(transport.respond(200, fields), true)
  assert.deepEqual(stream.headers, { ':status': 200, a: ['1'], 'set-cookie': ['x', 'y'] })
  const gone = bench()
  gone.stream.closed = true
  assert.equal(gone.transport.respond(200, []), false)
  assert.equal(gone.stream.headers, undefined)
})
