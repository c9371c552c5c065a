import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrameHeader } from '../../../src/report/frame-scanner.js'
import { FrameScanner } from '../../../src/report/frame-scanner.js'
import { WireLog } from '../../../src/report/wire-log.js'
import { clientFrame } from '../../support/raw-client.js'

const MASK = Buffer.from('01020304', 'hex')
const FRAMES = [
  { opcode: 1, payload: 'hello', mask: MASK },
  { opcode: 2, fin: false, rsv: 4, payload: Buffer.alloc(300), mask: MASK },
  { opcode: 9, mask: MASK },
  { opcode: 0, payload: Buffer.alloc(70_000), mask: MASK },
  { opcode: 8, payload: Buffer.from([3, 232]), mask: MASK },
]
const OCTETS = Buffer.concat(FRAMES.map(clientFrame))
const HEADERS: FrameHeader[] = [
  { fin: true, rsv: 0, opcode: 1, length: 5, mask: '01020304' },
  { fin: false, rsv: 4, opcode: 2, length: 300, mask: '01020304' },
  { fin: true, rsv: 0, opcode: 9, length: 0, mask: '01020304' },
  { fin: true, rsv: 0, opcode: 0, length: 70_000, mask: '01020304' },
  { fin: true, rsv: 0, opcode: 8, length: 2, mask: '01020304' },
]

function scan(...chunks: Buffer[]): FrameHeader[] {
  const scanner = new FrameScanner()
  const found: FrameHeader[] = []
  for (const chunk of chunks) scanner.scan(chunk, chunk.length, header => found.push(header))
  return found
}

test('every frame header is found, however the octets are cut', () => {
  assert.deepEqual(scan(OCTETS), HEADERS)
  for (const cut of [...Array(400).keys(), OCTETS.length - 8, OCTETS.length - 1])
    assert.deepEqual(scan(OCTETS.subarray(0, cut), OCTETS.subarray(cut)), HEADERS, `cut at ${cut}`)
})

test('server frames have no mask', () => {
  assert.deepEqual(scan(Buffer.from([0x81, 1, 0x61, 0x88, 0])), [
    { fin: true, rsv: 0, opcode: 1, length: 1, mask: null },
    { fin: true, rsv: 0, opcode: 8, length: 0, mask: null },
  ])
})

test('octets are cut to 64 in hex, and the log to 64 events', () => {
  const log = new WireLog(performance.now())
  log.read(Buffer.alloc(100, 0xff), 70)
  assert.deepEqual(log.events[0].event, 'octets received')
  assert.equal('hex' in log.events[0] && log.events[0].hex, 'ff'.repeat(64))
  assert.equal('length' in log.events[0] && log.events[0].length, 70)
  for (let i = 0; i < 100; i++) log.wrote(Buffer.from([0x81, 0]))
  assert.equal(log.events.length, 64)
  assert.ok(log.cut)
})

test('a frame seen within the log is there with what the octets say', () => {
  const log = new WireLog(performance.now())
  log.read(OCTETS, OCTETS.length)
  log.close('received', 1000, 'bye')
  assert.deepEqual(
    log.events.map(({ at, ...event }) => event.event),
    ['octets received', ...HEADERS.map(() => 'frame received'), 'close received'],
  )
})
