// What is taken for a usable handle, and what is not.

import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { handleOf, isUsable, peerName } from '../../../src/transport/tcp-handle.js'
import { connected } from '../../support/accept-transport.js'

const METHODS = [
  'readStart',
  'readStop',
  'useUserBuffer',
  'writeBuffer',
  'shutdown',
  'setNoDelay',
  'getpeername',
  'close',
]
const COUNTS = ['bytesRead', 'bytesWritten', 'writeQueueSize']

test("Node's handle is usable, on every Node that runs this; without any one of its parts it is not", async t => {
  await connected(t, 'tcp', handle => {
    assert.ok(isUsable(handle), 'Node-internals are not as expected: connections would take the slow way')
    for (const part of [...METHODS, ...COUNTS]) {
      Object.defineProperty(handle, part, { value: undefined, configurable: true })
      assert.equal(isUsable(handle), false, part)
      Reflect.deleteProperty(handle, part)
    }
    assert.ok(isUsable(handle))
  })
})

test('anything else is not usable', () => {
  for (const other of [undefined, null, 'text', {}, new Socket()]) assert.equal(isUsable(other), false)
  assert.equal(handleOf(new Socket()), undefined)
  const handle = { bytesRead: 0, bytesWritten: 0, writeQueueSize: 0 }
  assert.equal(handleOf({ _handle: handle } as unknown as Socket), handle)
  for (const part of COUNTS)
    assert.equal(handleOf({ _handle: { ...handle, [part]: undefined } } as unknown as Socket), undefined, part)
})

test('a peer that is gone has no name', () => {
  assert.equal(peerName({ getpeername: () => -107 }), '')
})
