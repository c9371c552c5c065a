import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameScanner } from '../../../src/report/frame-scanner.js'
import { BLOCK, LogBlocks } from '../../../src/report/log-blocks.js'
import type { WireEvent } from '../../../src/report/report.js'
import { TailLog } from '../../../src/report/tail-log.js'
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
  // What is behind a chunk in its memory is none of it.
  for (const chunk of chunks) scanner.scan(Buffer.concat([chunk, Buffer.alloc(20, 0x81)]), chunk.length, { header })
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

test('a header that comes octet by octet is whole with its last one, and not before', () => {
  const [short, long] = FRAMES.slice(0, 2).map(clientFrame)
  const octets = [...short, ...long].map(octet => Buffer.from([octet]))
  assert.deepEqual(scan(...octets), HEADERS.slice(0, 2))
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

test('events share a block as long as it has room', () => {
  const blocks = new LogBlocks()
  const log = new WireLog(blocks)
  for (let size = 1; size <= 2; size++) log.wrote(size, Buffer.from([0x81, 1, 0x61]).subarray(0, size))
  assert.equal(log.events.length, 2)
  assert.equal(blocks.take(), 1)
})

test('there are as many blocks as are asked for, with memory of their own', () => {
  const blocks = new LogBlocks()
  const places = new Set<string>()
  const slabs: Buffer[] = []
  for (let i = 0; i < 10_000; i++) {
    const block = blocks.take()
    const slab = blocks.slab(block)
    if (!slabs.includes(slab)) slabs.push(slab)
    assert.ok(blocks.end(block) <= slab.length)
    places.add(`${slabs.indexOf(slab)} ${blocks.start(block)}`)
  }
  assert.equal(places.size, 10_000)
})

/** Header of a frame that goes on for longer than any test. */
const LARGE = Buffer.from('827f0000010000000000', 'hex')

test('octets are cut to 64 in hex, and the log to 64 events', () => {
  const log = new WireLog(new LogBlocks())
  log.read(0, Buffer.alloc(100, 0xff), 70)
  assert.deepEqual(untimed(log.events)[0], { event: 'octets received', length: 70, hex: 'ff'.repeat(64) })
  log.wrote(0, LARGE)
  for (let i = 0; i < 60; i++) log.wrote(0, Buffer.from([1]))
  assert.equal(log.events.length, 64)
  assert.equal(log.cut, false)
})

for (const more of [1, 4, 5, 31, 32, 33, 36, 100]) {
  test(`of ${more} events beyond the first 64 the last 32 are kept, behind a gap`, () => {
    const log = new WireLog(new LogBlocks())
    log.wrote(0, LARGE)
    for (let i = 2; i < 64; i++) log.wrote(i * 1000, Buffer.from([1]))
    for (let i = 0; i < more; i++) {
      const octets = Buffer.from([i, ...Array(30).fill(7)])
      if (i % 2 === 0) log.read((100 + i) * 1000, octets, 31)
      else log.wrote((100 + i) * 1000, octets)
    }
    assert.ok(log.cut)
    const kept = Math.min(more, 32)
    const expected = Array.from({ length: kept }, (_, k) => {
      const i = more - kept + k
      const hex = Buffer.from([i, ...Array(19).fill(7)]).toString('hex')
      return { at: 100 + i, event: i % 2 === 0 ? 'octets received' : 'octets sent', length: 31, hex }
    })
    assert.deepEqual(log.events.slice(64), [{ at: 63, event: 'gap', events: more - kept }, ...expected])
  })
}

test('the last events keep times and lengths of any size', () => {
  const log = new WireLog(new LogBlocks())
  log.wrote(0, LARGE)
  for (let i = 2; i < 64; i++) log.wrote(0, Buffer.from([1]))
  const late = 0x123456789abc
  log.read(late, Buffer.alloc(0x012345), 0x012345)
  assert.deepEqual(log.events.at(-1), {
    ...{ at: late / 1000, event: 'octets received', length: 0x012345 },
    hex: '00'.repeat(20),
  })
})

test('Closes come last, also where the log of the first events is full; few octets are shown as they are', () => {
  const log = new WireLog(new LogBlocks())
  for (let i = 0; i < 80; i++) log.wrote(0, Buffer.from([0x81, 5]))
  log.close(5000, 'received', { code: 1000, reason: 'bye' })
  log.close(6000, 'sent', { code: 1000, reason: 'bye' })
  assert.deepEqual(log.events.slice(-3), [
    { at: 0, event: 'octets sent', length: 2, hex: '8105' },
    { at: 5, event: 'close received', code: 1000, reason: 'bye' },
    { at: 6, event: 'close sent', code: 1000, reason: 'bye' },
  ])
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

test('a log that is released gives all of its memory back, that of the last events as well', () => {
  const blocks = new LogBlocks()
  const log = new WireLog(blocks)
  for (let i = 0; i < 200; i++) log.wrote(0, Buffer.alloc(30))
  const used = blocks.take()
  log.release()
  const again = Array.from({ length: used }, () => blocks.take())
  assert.ok(Math.max(...again) < used)
  assert.equal(blocks.take(), used + 1)
})

test('what is released once more is not given back again', () => {
  const blocks = new LogBlocks()
  const [log, tail] = [new WireLog(blocks), new TailLog(blocks)]
  for (let i = 0; i < 100; i++) {
    log.wrote(0, Buffer.alloc(30))
    tail.add(1, 0)
  }
  for (const each of [log, tail, log, tail]) each.release()
  const taken = Array.from({ length: 200 }, () => blocks.take())
  assert.equal(new Set(taken).size, 200)
  assert.deepEqual([tail.missing, tail.events], [0, []])
})
