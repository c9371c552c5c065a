import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type DeadlineSettings,
  Deadlines,
  type Due,
  END_OVERDUE,
  NOTHING_DUE,
  PING_DUE,
  SILENT,
  SLOW_READER,
  type Watched,
} from '../../../src/worker/deadlines.js'

const SETTINGS = { handshakeTimeout: 5_000, pingInterval: 30_000, pingTimeout: 10_000, slowReaderTimeout: 20_000 }
const IDLE = { pending: 0, octetsSent: 0, reading: true, owesEnd: false, canPing: true }

/** Sweeps at an instant, for a connection that is idle but for `changes`. */
function watch(settings: Partial<DeadlineSettings> = {}) {
  const deadlines = new Deadlines({ ...SETTINGS, ...settings })
  deadlines.sweep(1, IDLE)
  const at = (now: number, changes: Partial<Watched> = {}): Due => deadlines.sweep(1 + now, { ...IDLE, ...changes })
  return { at, heard: () => deadlines.heard() }
}

test('a silent peer is pinged once after ping-interval, and given up after ping-timeout more', () => {
  const { at } = watch()
  assert.equal(at(29_999), NOTHING_DUE)
  assert.equal(at(30_000), PING_DUE)
  assert.equal(at(30_250), NOTHING_DUE)
  assert.equal(at(39_999), NOTHING_DUE)
  assert.equal(at(40_000), SILENT)
})

test('the time for an answer counts from the ping, however late that was', () => {
  const { at } = watch()
  assert.equal(at(35_000), PING_DUE)
  assert.equal(at(44_999), NOTHING_DUE)
  assert.equal(at(45_000), SILENT)
})

test('octets of any kind begin the silence anew', () => {
  const { at, heard } = watch()
  at(30_000)
  heard()
  assert.equal(at(39_999), NOTHING_DUE)
  assert.equal(at(69_998), NOTHING_DUE)
  assert.equal(at(69_999), PING_DUE)
})

test('where no ping can be sent, silence ends the connection after both times', () => {
  const { at } = watch()
  assert.equal(at(30_000, { canPing: false }), NOTHING_DUE)
  assert.equal(at(39_999, { canPing: false }), NOTHING_DUE)
  assert.equal(at(40_000, { canPing: false }), SILENT)
})

test('a connection that is not read is not held to be silent, and has all its time afterwards', () => {
  const { at } = watch()
  at(30_000)
  assert.equal(at(50_000, { reading: false }), NOTHING_DUE)
  assert.equal(at(79_999), NOTHING_DUE)
  assert.equal(at(80_000), PING_DUE)
})

test('ping-interval 0 never pings, ping-timeout 0 never gives up', () => {
  const never = watch({ pingInterval: 0 })
  assert.equal(never.at(1e9), NOTHING_DUE)
  const patient = watch({ pingTimeout: 0 })
  assert.equal(patient.at(30_000), PING_DUE)
  assert.equal(patient.at(1e9), NOTHING_DUE)
})

test('a peer that takes less than 1 kB/s is slow; one that takes more is not', () => {
  const { at } = watch({ pingInterval: 0 })
  const pending = 600_000
  assert.equal(at(0, { pending, octetsSent: 1 }), NOTHING_DUE)
  assert.equal(at(19_999, { pending, octetsSent: 20_000 }), NOTHING_DUE)
  assert.equal(at(20_000, { pending, octetsSent: 20_001 }), NOTHING_DUE)
  assert.equal(at(39_999, { pending, octetsSent: 40_000 }), NOTHING_DUE)
  assert.equal(at(40_000, { pending, octetsSent: 40_000 }), SLOW_READER)
})

test('a peer that takes all of the little that waits for it is not slow', () => {
  const { at } = watch({ pingInterval: 0 })
  at(0, { pending: 100 })
  assert.equal(at(19_000, { pending: 7, octetsSent: 100 }), NOTHING_DUE)
  assert.equal(at(38_999, { pending: 7, octetsSent: 100 }), NOTHING_DUE)
  assert.equal(at(39_000, { pending: 7, octetsSent: 100 }), SLOW_READER)
})

test('with nothing waiting the time begins anew, and slow-reader-timeout 0 waits for ever', () => {
  const { at } = watch({ pingInterval: 0 })
  at(0, { pending: 100 })
  at(10_000)
  at(15_000, { pending: 100 })
  assert.equal(at(34_999, { pending: 100 }), NOTHING_DUE)
  assert.equal(at(35_000, { pending: 100 }), SLOW_READER)
  const patient = watch({ slowReaderTimeout: 0, pingInterval: 0 })
  patient.at(0, { pending: 100 })
  assert.equal(patient.at(1e9, { pending: 100 }), NOTHING_DUE)
})

test('a peer that owes its end has handshake-timeout from when it has nothing left to read', () => {
  const { at } = watch()
  assert.equal(at(0, { owesEnd: true, pending: 10_000 }), NOTHING_DUE)
  assert.equal(at(10_000, { owesEnd: true, pending: 5_000, octetsSent: 30_000 }), NOTHING_DUE)
  assert.equal(at(12_000, { owesEnd: true }), NOTHING_DUE)
  assert.equal(at(16_999, { owesEnd: true }), NOTHING_DUE)
  assert.equal(at(17_000, { owesEnd: true }), END_OVERDUE)
})

test('a peer that owes its end is not pinged', () => {
  const { at } = watch({ handshakeTimeout: 60_000 })
  assert.equal(at(31_000, { owesEnd: true }), NOTHING_DUE)
})

test('times of one millisecond are times', () => {
  const { at } = watch({ pingInterval: 1, pingTimeout: 1 })
  assert.equal(at(1), PING_DUE)
  assert.equal(at(2), SILENT)
})
