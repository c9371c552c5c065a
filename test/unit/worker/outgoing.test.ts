// What a connection sends: frames in the outbox, one write for all of them, and memory that is let go or kept.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { FIN } from '../../../src/protocol/frame-encoder.js'
import { BINARY, CLOSE, type OpcodeName, PING, TEXT } from '../../../src/protocol/opcodes.js'
import type { Recorder } from '../../../src/report/recorder.js'
import { Outbox } from '../../../src/worker/outbox.js'
import { Outgoing } from '../../../src/worker/outgoing.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { FakeTransport, serverFrames } from '../../support/fake-transport.js'

const SLAB = 320 * 1024

function bench() {
  const outbox = new Outbox()
  const transport = new FakeTransport()
  const counters = new Counters()
  const noted: number[] = []
  const unread: boolean[] = []
  const recorder = {
    wrote: (octets: Buffer) => void noted.push(octets.length),
    time: { unread: (is: boolean) => void unread.push(is) },
  } as unknown as Recorder
  const out = new Outgoing(outbox, transport, new Traffic(counters), recorder)
  const frame = (opcode: number, payload: Buffer): void => {
    out.header(FIN, opcode, payload.length)
    outbox.append(payload, 0, payload.length)
  }
  const counted = (name: 'frames_total' | 'frame_payload_bytes_total' | 'messages_total', opcode: OpcodeName): number =>
    counters.values[offsetOf(name, { direction: 'sent', opcode })]
  return { outbox, transport, out, frame, counted, noted, unread }
}

test('frames leave together, are counted and noted', () => {
  const { transport, out, frame, counted, noted } = bench()
  out.begin(100)
  frame(TEXT, Buffer.from('abc'))
  out.messageSent(TEXT, 3)
  frame(BINARY, Buffer.from('defgh'))
  assert.equal(out.waiting, 2 + 3 + 2 + 5)
  assert.equal(transport.written.length, 0)
  out.flush()
  out.flush()
  assert.deepEqual([transport.written.length, noted, out.waiting], [1, [12], 0])
  assert.deepEqual(
    serverFrames(transport.output).map(({ opcode, payload }) => `${opcode} ${payload}`),
    ['1 abc', '2 defgh'],
  )
  assert.deepEqual([counted('frames_total', 'text'), counted('frame_payload_bytes_total', 'binary')], [1, 5])
  assert.deepEqual([out.messages, counted('messages_total', 'text')], [1, 1])
  out.begin(100)
  assert.equal(out.messages, 0)
})

test('a control frame makes its own room', () => {
  const { outbox, transport, out, frame, counted } = bench()
  out.begin(SLAB)
  frame(BINARY, Buffer.alloc(SLAB - 14 - 6))
  out.frame(CLOSE, Buffer.from('ab'))
  assert.equal(transport.written.length, 0)
  out.frame(PING, Buffer.alloc(125))
  assert.equal(transport.written.length, 1)
  assert.equal(outbox.size, 127)
  out.flush()
  assert.deepEqual(
    serverFrames(transport.output).map(({ fin, opcode, payload }) => [fin, opcode, payload.length]),
    [
      [true, BINARY, SLAB - 20],
      [true, CLOSE, 2],
      [true, PING, 125],
    ],
  )
  assert.deepEqual([counted('frames_total', 'close'), counted('frames_total', 'ping')], [1, 1])
})

test('a write that waits keeps its memory; those behind it are copies, and leave the outbox free', () => {
  const { outbox, transport, out, frame } = bench()
  transport.taking = false
  out.begin(100)
  frame(TEXT, Buffer.from('first'))
  out.flush()
  const { position } = outbox
  assert.equal(position, 7)
  frame(TEXT, Buffer.from('second'))
  assert.equal(out.waiting, 7 + 8)
  out.flush()
  assert.equal(outbox.position, position)
  assert.equal(out.waiting, 7 + 8)
  outbox.buffer.fill(0xee, position)
  assert.deepEqual(
    serverFrames(transport.output).map(({ payload }) => String(payload)),
    ['first', 'second'],
  )
})

test('a frame in a buffer of its own goes behind what is in the outbox', () => {
  const { transport, out, frame, counted, noted } = bench()
  out.begin(100)
  frame(TEXT, Buffer.from('first'))
  out.ownedFrame(Buffer.from([0x81, 2, 0x68, 0x69]), TEXT, 2)
  assert.deepEqual(
    serverFrames(transport.output).map(({ payload }) => String(payload)),
    ['first', 'hi'],
  )
  assert.deepEqual([noted, counted('frames_total', 'text')], [[7, 4], 2])
  assert.equal(counted('frame_payload_bytes_total', 'text'), 7)
})

test('room is made only where there is too little', () => {
  const { outbox, transport, out, frame } = bench()
  out.begin(SLAB)
  frame(BINARY, Buffer.alloc(SLAB - 10 - 127))
  out.frame(PING, Buffer.alloc(125))
  assert.deepEqual([transport.written.length, outbox.room], [0, 0])
  out.flush()
  out.begin(SLAB)
  frame(BINARY, Buffer.alloc(SLAB - 10 - 126))
  out.frame(PING, Buffer.alloc(125))
  assert.equal(transport.written.length, 2)
  out.flush()
  assert.equal(serverFrames(transport.output).length, 4)
})

test('to begin is to have room', () => {
  const { outbox, transport, out } = bench()
  transport.taking = false
  out.begin(SLAB)
  outbox.position = SLAB - 10
  out.flush()
  assert.equal(outbox.room, 10)
  out.begin(20_000)
  assert.equal(outbox.room, SLAB)
})

test('the report hears of octets that the peer does not read, and of none where all went out', () => {
  const { transport, out, frame, unread } = bench()
  out.begin(100)
  frame(TEXT, Buffer.from('first'))
  out.flush()
  assert.deepEqual(unread, [])
  transport.taking = false
  out.begin(100)
  frame(TEXT, Buffer.from('second'))
  out.flush()
  assert.deepEqual(unread, [true])
})
