import assert from 'node:assert/strict'
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, connect, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Handover } from '../../../src/messages.js'
import { type Accepted, addressOf, closeAccepted, sendAccepted, takeAccepted } from '../../../src/primary/accepted.js'
import { createListener, listen } from '../../../src/primary/listener.js'

const MESSAGE: Handover = { type: 'handover', id: 1, admission: 0, deadline: 0 }

interface Internals {
  _handle: { onconnection?: (status: number, handle: object) => void }
}

function fakeWorker(sent: unknown[][]): Worker {
  return { send: (...args: unknown[]) => sent.push(args) } as unknown as Worker
}

/** Accepts one connection; `tamper` may spoil the listening handle before anything looks at it. */
async function acceptOne(
  t: TestContext,
  tamper: (handle: Internals['_handle']) => void = () => {},
): Promise<{ accepted: Accepted; client: Socket }> {
  const listener = createListener()
  t.after(() => listener.close())
  await listen(listener, '127.0.0.1', 0)
  tamper((listener as unknown as Internals)._handle)
  const taken = new Promise<Accepted>(resolve => takeAccepted(listener, resolve))
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => client.destroy())
  const accepted = await taken
  t.after(() => closeAccepted(accepted))
  return { accepted, client }
}

/** From now on, what listens to the handle is given connections of an unknown class. */
function makeStrange(handle: Internals['_handle']): void {
  let listener = handle.onconnection
  const strange = (status: number, connection: object): void => {
    Object.defineProperty(connection, 'constructor', { value: class Strange {} })
    listener?.call(handle, status, connection)
  }
  let given = listener
  Object.defineProperty(handle, 'onconnection', {
    get: () => given,
    set: set => {
      listener = set
      given = strange
    },
  })
}

describe('an accepted connection', () => {
  it('is a bare handle, on every version of Node that is supported', async t => {
    const { accepted } = await acceptOne(t)
    assert.equal(accepted.constructor.name, 'TCP')
    assert.equal(addressOf(accepted), '127.0.0.1')
    const sent: unknown[][] = []
    sendAccepted(fakeWorker(sent), MESSAGE, accepted)
    assert.deepEqual(sent, [[MESSAGE, accepted]])
  })

  it('is a socket, sent and kept open, where handles are not as expected', async t => {
    const { accepted } = await acceptOne(t, makeStrange)
    assert.ok(accepted instanceof Socket)
    assert.equal(addressOf(accepted), '127.0.0.1')
    const sent: unknown[][] = []
    sendAccepted(fakeWorker(sent), MESSAGE, accepted)
    assert.deepEqual(sent, [[MESSAGE, accepted, { keepOpen: true }]])
  })

  it('is gone for the peer once it is closed', async t => {
    const { accepted, client } = await acceptOne(t)
    closeAccepted(accepted)
    await once(client.resume(), 'close')
  })
})
