// What can fail around an accepted connection: the accept itself, and the question who the peer is.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Accepted, takeAccepted } from '../../../src/primary/accepted.js'
import { AdmissionControl } from '../../../src/primary/admission.js'
import { listen } from '../../../src/primary/listener.js'

const EMFILE = -24
const ENOTCONN = -107

test('an accept that fails is an error of the server, and brings no connection', async t => {
  const server = createServer()
  t.after(() => server.close())
  await listen(server, '127.0.0.1', 0)
  takeAccepted(server, () => assert.fail('a connection'))
  const { _handle: handle } = server as unknown as { _handle: { onconnection(status: number, handle: unknown): void } }
  const errors: (string | undefined)[] = []
  server.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code))
  handle.onconnection(EMFILE, undefined)
  assert.deepEqual(errors, ['EMFILE'])
})

test('a server without a handle as expected goes the way that Node has for it', () => {
  const server = createServer()
  takeAccepted(server, () => {})
  assert.equal(server.listenerCount('connection'), 1)
})

test('a peer that reset the connection meanwhile has no address, and is admitted as nobody else', () => {
  let closed = 0
  const gone = new Accepted({ close: () => closed++, getpeername: () => ENOTCONN })
  assert.deepEqual([gone.address, gone.gone], ['', false])
  assert.equal(new Accepted({ close() {}, getpeername: () => 0 }).address, '')
  const admission = new AdmissionControl({ maxConnections: 0, maxConnectionsPerIp: 1 })
  assert.equal(admission.admit(gone.address), 0)
  assert.equal(admission.admit('192.0.2.1'), 0)
  assert.equal(admission.admit(gone.address), 429)
  admission.release(gone.address)
  assert.equal(admission.admit(gone.address), 0)
  gone.close()
  assert.equal(closed, 1)
})
