import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, type Server, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { HandleChannel } from '../../../src/handle-channel.js'
import type { Handover } from '../../../src/messages.js'
import { type Accepted, takeAccepted } from '../../../src/primary/accepted.js'
import { createListener, listen } from '../../../src/primary/listener.js'

const MESSAGE: Handover = { type: 'handover', id: 1, admission: 0, deadline: 0 }

interface Internals {
  _handle: { onconnection?: (status: number, handle: object) => void }
}

/** Writes of the channel, each with what is to be called when it is done. */
interface Write {
  readonly message: Handover
  readonly connection: object
  readonly written: () => void
}

function fakeChannel(writes: Write[]): HandleChannel {
  return {
    send: (message: Handover, connection: object, written: () => void) => writes.push({ message, connection, written }),
  } as unknown as HandleChannel
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
  return { accepted: await taken, client }
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
    assert.equal(accepted.connection.constructor.name, 'TCP')
    assert.equal(accepted.address, '127.0.0.1')
    assert.equal(accepted.gone, false)
    accepted.close()
  })

  it('is a socket where handles are not as expected', async t => {
    const { accepted } = await acceptOne(t, makeStrange)
    assert.ok(accepted.connection instanceof Socket)
    assert.equal(accepted.address, '127.0.0.1')
    assert.equal(accepted.gone, false)
    accepted.close()
    assert.equal(accepted.gone, true)
  })

  it('goes the way that Node has for it where it is no handle, or there is none', () => {
    class TCP {
      close(): void {}
      getpeername(): number {
        return 0
      }
    }
    const nodes: unknown[][] = []
    const taken: unknown[] = []
    const listening = { onconnection: (...given: unknown[]) => void nodes.push(given) }
    const server = Object.assign(new EventEmitter(), { _handle: listening })
    takeAccepted(server as unknown as Server, ({ connection }) => void taken.push(connection))
    const handle = new TCP()
    listening.onconnection(0, handle)
    const strange = [undefined, null, 'text', {}, { close() {}, getpeername() {} }, Object.create(TCP.prototype)]
    Object.assign(strange[5] as object, { close: undefined })
    for (const each of strange) listening.onconnection(0, each)
    listening.onconnection(-24, handle)
    assert.deepEqual(taken, [handle])
    assert.deepEqual(nodes, [...strange.map(each => [0, each]), [-24, handle]])
  })

  it('is gone for the peer once it is closed', async t => {
    const { accepted, client } = await acceptOne(t)
    accepted.close()
    await once(client.resume(), 'close')
  })

  it('stays open until the last write that needs it is done', async t => {
    const { accepted } = await acceptOne(t, makeStrange)
    const writes: Write[] = []
    accepted.sendTo(fakeChannel(writes), MESSAGE)
    accepted.sendTo(fakeChannel(writes), MESSAGE)
    assert.deepEqual(
      writes.map(({ message, connection }) => [message, connection]),
      [MESSAGE, MESSAGE].map(message => [message, accepted.connection]),
    )
    writes[0].written()
    accepted.close()
    assert.equal(accepted.gone, false)
    writes[1].written()
    assert.equal(accepted.gone, true)
  })
})
