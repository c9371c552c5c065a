// SocketOctets: what is told of a socket's octets while it is open, when its handle is closed, and when writes were dropped.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { SocketOctets } from '../../../src/transport/socket-octets.js'
import type { OctetObserver } from '../../../src/transport/transport.js'

interface Counts {
  bytesRead: number | undefined
  bytesWritten: number | undefined
  writeQueueSize?: number
}

/** A socket over a handle, both with counts that a test sets, and the sums of what the observer is told. */
function bench(handle: Counts | undefined, counts: Counts, counted?: 'so far') {
  const told = { received: 0, sent: 0 }
  const observer: Pick<OctetObserver, 'wireReceived' | 'wireSent'> = {
    wireReceived: size => (told.received += size),
    wireSent: size => (told.sent += size),
  }
  const socket = { ...counts, _handle: handle }
  return { told, socket, octets: new SocketOctets(socket as unknown as Socket, observer as OctetObserver, counted) }
}

test('octets are told once, and those only that the kernel has taken', () => {
  const handle: Counts = { bytesRead: 10, bytesWritten: 20, writeQueueSize: 5 }
  const { told, octets } = bench(handle, { bytesRead: 0, bytesWritten: 0 })
  octets.count()
  octets.count()
  assert.deepEqual(told, { received: 10, sent: 15 })
  Object.assign(handle, { bytesRead: 12, writeQueueSize: 0 })
  octets.count()
  assert.deepEqual(told, { received: 12, sent: 20 })
  assert.deepEqual([octets.received, octets.sent], [12, 20])
})

test('when the handle is closed the socket still tells', () => {
  const handle: Counts = { bytesRead: 10, bytesWritten: 20, writeQueueSize: 0 }
  const { told, socket, octets } = bench(handle, { bytesRead: 0, bytesWritten: 0 })
  octets.count()
  Object.assign(handle, { bytesRead: undefined, bytesWritten: undefined, writeQueueSize: undefined })
  octets.count()
  assert.deepEqual(told, { received: 10, sent: 20 })
  Object.assign(socket, { bytesRead: 11, bytesWritten: 25 })
  octets.count()
  assert.deepEqual(told, { received: 11, sent: 25 })
})

test('of writes that were dropped nothing counts as sent', () => {
  const handle: Counts = { bytesRead: 0, bytesWritten: 20, writeQueueSize: 20 }
  const { told, octets } = bench(handle, { bytesRead: 0, bytesWritten: 0 })
  octets.cancelled = true
  handle.writeQueueSize = 0
  octets.count()
  assert.deepEqual(told, { received: 0, sent: 0 })
})

test('what somebody else has counted is not told again', () => {
  for (const handle of [{ bytesRead: 10, bytesWritten: 20, writeQueueSize: 0 }, undefined]) {
    const { told, octets } = bench(handle, { bytesRead: 10, bytesWritten: 20 }, 'so far')
    octets.count()
    assert.deepEqual(told, { received: 0, sent: 0 })
    assert.deepEqual([octets.received, octets.sent], [10, 20])
  }
})
