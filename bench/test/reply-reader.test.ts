// Frames of a server, however their octets are cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyReader } from '../src/reply-reader.js'

type Event = readonly unknown[]

function read(chunks: readonly Buffer[]): Event[] {
  const events: Event[] = []
  const reader = new ReplyReader({
    onMessage: (opcode, compressed, octets, payload) =>
      events.push(['message', opcode, compressed, octets, payload?.toString()]),
    onControl: (opcode, payload) => events.push(['control', opcode, payload.toString()]),
  })
  for (const chunk of chunks) reader.push(chunk)
  return events
}

// A message in two frames with a ping between them, a compressed one of 200 octets, an empty one.
const STREAM = Buffer.concat([
  Buffer.from([0x01, 3]),
  Buffer.from('abc'),
  Buffer.from([0x89, 2]),
  Buffer.from('hi'),
  Buffer.from([0x80, 1]),
  Buffer.from('d'),
  Buffer.from([0xc2, 126, 0, 200]),
  Buffer.alloc(200),
  Buffer.from([0x81, 0]),
])
const EVENTS: Event[] = [
  ['control', 9, 'hi'],
  ['message', 1, false, 4, 'abcd'],
  ['message', 2, true, 200, undefined],
  ['message', 1, false, 0, undefined],
]

test('messages and control frames, the payload of the first message kept', () => {
  assert.deepEqual(read([STREAM]), EVENTS)
})

test('the same at every split', () => {
  for (let cut = 1; cut < STREAM.length; cut++)
    assert.deepEqual(read([STREAM.subarray(0, cut), STREAM.subarray(cut)]), EVENTS, `cut at ${cut}`)
})

test('a length of 64 bits', () => {
  const header = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])
  assert.deepEqual(read([header, Buffer.alloc(65_536, 'x')]), [['message', 2, false, 65_536, 'x'.repeat(65_536)]])
})

test('a masked frame and a continuation of nothing are errors', () => {
  assert.throws(() => read([Buffer.from([0x81, 0x80])]), /masked/)
  assert.throws(() => read([Buffer.from([0x80, 0])]), /sequence/)
})
