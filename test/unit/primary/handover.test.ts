import assert from 'node:assert/strict'
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, connect, type Server, Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Handover } from '../../../src/messages.js'
import { sendSocket } from '../../../src/primary/handover.js'
import { createListener, listen } from '../../../src/primary/listener.js'

const MESSAGE: Handover = { type: 'handover', id: 1, admission: 0, deadline: 0 }

function fakeWorker(sent: unknown[][]): Worker {
  return { send: (...args: unknown[]) => sent.push(args) } as unknown as Worker
}

describe('sendSocket', () => {
  let listener: Server
  let accepted: Socket
  let client: Socket

  before(async () => {
    listener = createListener(socket => {
      accepted = socket
    })
    await listen(listener, '127.0.0.1', 0)
    client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
    await once(listener, 'connection')
  })

  after(() => {
    client.destroy()
    accepted.destroy()
    listener.close()
  })

  it('sends the native handle of an accepted socket', () => {
    const sent: unknown[][] = []
    sendSocket(fakeWorker(sent), MESSAGE, accepted)
    const [message, handle] = sent[0]
    assert.equal(message, MESSAGE)
    assert.equal(handle?.constructor.name, 'TCP')
  })

  it('sends the socket, kept open, when its handle is not as expected', () => {
    const sent: unknown[][] = []
    const socket = new Socket()
    sendSocket(fakeWorker(sent), MESSAGE, socket)
    assert.deepEqual(sent, [[MESSAGE, socket, { keepOpen: true }]])
  })
})
