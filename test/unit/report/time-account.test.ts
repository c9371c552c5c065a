import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PAUSE_REASONS } from '../../../src/pause-reasons.js'
import { TimeAccount } from '../../../src/report/time-account.js'

const NOT_PAUSED = { memory: 0, codec: 0, high_water: 0, closing: 0, turn: 0 }
const TURN = PAUSE_REASONS.indexOf('turn')
const HIGH_WATER = PAUSE_REASONS.indexOf('high_water')

test('a connection of which nothing is known was the client’s all the time', () => {
  const account = new TimeAccount()
  account.owes(false, 10)
  account.unread(false, 10)
  account.closed(20)
  assert.deepEqual(account.describe(100, 1000), { server: 0, worked: 0, client: 100, unread: 0, paused: NOT_PAUSED })
  assert.equal(account.slowestEcho(0), null)
  assert.equal(account.pings, null)
})

test('the server’s time goes from the first work until it owes nothing, its work is part of it', () => {
  const account = new TimeAccount()
  account.worked(1000, 1002, false)
  account.worked(1010, 1013, true)
  account.worked(1020, 1021, true)
  account.owes(true, 1025)
  account.owes(false, 1030)
  account.owes(false, 1090)
  account.worked(1100, 1101, false)
  assert.deepEqual(account.describe(200, 1150), { server: 23, worked: 7, client: 177, unread: 0, paused: NOT_PAUSED })
})

test('what goes on counts up to now, and once closed no more', () => {
  const account = new TimeAccount()
  account.worked(1000, 1001, true)
  account.unread(true, 1002)
  account.unread(true, 1008)
  account.paused(TURN, 1004)
  const now = { server: 10, worked: 1, client: 40, unread: 8, paused: { ...NOT_PAUSED, turn: 6 } }
  assert.deepEqual(account.describe(50, 1010), now)
  assert.deepEqual(account.describe(50, 1010), now)
  account.closed(1010)
  assert.deepEqual(account.describe(50, 2000), now)
})

test('a pause counts for one reason at a time', () => {
  const account = new TimeAccount()
  account.paused(TURN, 1000)
  account.paused(HIGH_WATER, 1001)
  account.paused(TURN, 1003)
  account.paused(-1, 1007)
  account.paused(HIGH_WATER, 1020)
  account.paused(-1, 1030)
  assert.deepEqual(account.describe(1, 2000).paused, { ...NOT_PAUSED, turn: 5, high_water: 12 })
})

test('octets left unread add up', () => {
  const account = new TimeAccount()
  account.unread(true, 1000)
  account.unread(false, 1003)
  account.unread(true, 1010)
  account.unread(false, 1011)
  assert.equal(account.describe(50, 2000).unread, 4)
})

test('the slowest echo has its time', () => {
  const account = new TimeAccount()
  account.echoed(2, 1010)
  account.echoed(5.0004, 1020)
  account.echoed(3, 1030)
  assert.deepEqual(account.slowestEcho(1000), { at: 20, duration: 5 })
})

test('round trips have their least, their mean and their most', () => {
  const account = new TimeAccount()
  for (const roundTrip of [4, 2, 9]) account.pingAnswered(roundTrip)
  assert.deepEqual(account.pings, { answered: 3, least: 2, mean: 5, most: 9 })
})

test('what begins in the first millisecond counts as well', () => {
  const account = new TimeAccount()
  account.owes(true, 0.5)
  account.unread(true, 0.25)
  const { server, unread } = account.describe(20, 10)
  assert.deepEqual([server, unread], [9.5, 9.75])
})
