import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameScanner } from '../../../src/report/frame-scanner.js'
import { BLOCK, LogBlocks } from '../../../src/report/log-blocks.js'
import type { WireEvent } from '../../../src/report/report.js'
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
const HEADERS = ['818501020304', '42fe012c01020304', '898001020304', '80ff000000000001117001020304', '888201020304']

/** Header octets that are found, in hex. */
function scan(...chunks: Buffer[]): string[] {
  const scanner = new FrameScanner()
  const found: string[] = []
  const header = (_: FrameScanner, octets: Uint8Array, start: number, size: number): void => {
    found.push(Buffer.from(octets.subarray(start, start + size)).toString('hex'))
  }
  for (const chunk of chunks) scanner.scan(chunk, chunk.length, { header })
  return found
}

function untimed(events: readonly WireEvent[]): unknown[] {
  return events.map(({ at, ...event }) => event)
}

test('every frame header is found, however the octets are cut', () => {
  assert.deepEqual(scan(OCTETS), HEADERS)
  for (const cut of [...Array(400).keys(), OCTETS.length - 8, OCTETS.length - 1])
    assert.deepEqual(scan(OCTETS.subarray(0, cut), OCTETS.subarray(cut)), HEADERS, `cut at ${cut}`)
})

test('server frames have no mask', () => {
  const log = new WireLog(new LogBlocks())
  log.wrote(0, Buffer.from([0x81, 1, 0x61, 0x88, 0]))
  assert.deepEqual(untimed(log.events), [
    { event: 'octets sent', length: 5, hex: '8101618800' },
    { event: 'frame sent', fin: true, rsv: 0, opcode: 1, length: 1, mask: null },
    { event: 'frame sent', fin: true, rsv: 0, opcode: 8, length: 0, mask: null },
  ])
})

test('octets are cut to 64 in hex, and the log to 64 events', () => {
  const log = new WireLog(new LogBlocks())
  log.read(0, Buffer.alloc(100, 0xff), 70)
  assert.deepEqual(untimed(log.events)[0], { event: 'octets received', length: 70, hex: 'ff'.repeat(64) })
  for (let i = 0; i < 100; i++) log.wrote(0, Buffer.from([0x81, 0]))
  assert.equal(log.events.length, 64)
  assert.ok(log.cut)
})

test('events are told with their time, in the order in which they came', () => {
  const log = new WireLog(new LogBlocks())
  const close = { code: 1000, reason: 'r'.repeat(123) }
  log.read(1500, OCTETS, OCTETS.length)
  log.close(2_000_000_001, 'received', close)
  log.close(2 ** 47, 'sent', { code: 1005, reason: '' })
  log.wrote(2 ** 47, Buffer.from([0x88, 0]))
  const mask = '01020304'
  assert.deepEqual(log.events, [
    { at: 1.5, event: 'octets received', length: OCTETS.length, hex: OCTETS.toString('hex', 0, 64) },
    { at: 1.5, event: 'frame received', fin: true, rsv: 0, opcode: 1, length: 5, mask },
    { at: 1.5, event: 'frame received', fin: false, rsv: 4, opcode: 2, length: 300, mask },
    { at: 1.5, event: 'frame received', fin: true, rsv: 0, opcode: 9, length: 0, mask },
    { at: 1.5, event: 'frame received', fin: true, rsv: 0, opcode: 0, length: 70_000, mask },
    { at: 1.5, event: 'frame received', fin: true, rsv: 0, opcode: 8, length: 2, mask },
    { at: 2_000_000.001, event: 'close received', ...close },
    { at: 2 ** 47 / 1000, event: 'close sent', code: 1005, reason: '' },
    { at: 2 ** 47 / 1000, event: 'octets sent', length: 2, hex: '8800' },
    { at: 2 ** 47 / 1000, event: 'frame sent', fin: true, rsv: 0, opcode: 8, length: 0, mask: null },
  ])
})

test('logs that share memory, and give it back, never see each other', () => {
  const writes = fc.array(fc.tuple(fc.nat(2), fc.uint8Array({ minLength: 1, maxLength: 80 })), { maxLength: 200 })
  fc.assert(
    fc.property(writes, script => {
      const blocks = new LogBlocks()
      const logs = Array.from({ length: 3 }, () => ({ log: new WireLog(blocks), hex: [] as string[] }))
      for (const [which, octets] of script) {
        const each = logs[which]
        if (octets[0] < 20) {
          each.log.release()
          logs[which] = { log: new WireLog(blocks), hex: [] }
        } else if (each.hex.length < 20) {
          // Each is two events: the octets and their frame.
          const frame = Buffer.concat([Buffer.from([0x82, octets.length]), octets])
          each.log.wrote(0, frame)
          each.hex.push(frame.toString('hex', 0, 64))
        }
      }
      for (const { log, hex } of logs)
        assert.deepEqual(
          log.events.flatMap(event => ('hex' in event ? [event.hex] : [])),
          hex,
        )
    }),
  )
})

test('memory that was given back is used again', () => {
  const blocks = new LogBlocks()
  const first = blocks.take()
  for (let i = 0; i < 5; i++) {
    const log = new WireLog(blocks)
    for (let j = 0; j < 30; j++) log.wrote(0, Buffer.from([0x82, 60, ...Array(60).fill(j)]))
    assert.ok(30 * 60 > 4 * BLOCK)
    log.release()
  }
  assert.ok(blocks.take() - first <= 30)
})
