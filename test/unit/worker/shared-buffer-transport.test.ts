// The fast path needs Node-internals: this shows that it is really taken on the Node version that runs the tests.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import WebSocket from 'ws'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { type Accepted, takeAccepted } from '../../../src/primary/accepted.js'
import { Openings, type Upgraded } from '../../../src/worker/opening.js'
import { SharedBufferSocket, SharedBufferTransport } from '../../../src/worker/shared-buffer-transport.js'
import { handleOf, peerOf, takesReadBuffer } from '../../../src/worker/socket-handle.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { settingsFor } from '../../support/fake-transport.js'

interface Served {
  readonly url: string
  readonly port: number
  readonly traffic: Traffic
  readonly upgraded: Promise<Upgraded>
}

/** The real http server and ws, on handles as the primary accepts them; `tamper` may spoil those. */
async function serve(t: TestContext, tamper: (handle: Accepted) => void = () => {}): Promise<Served> {
  const traffic = new Traffic(new Counters())
  const server = createServer()
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const upgraded = new Promise<Upgraded>(resolve => {
    const openings = new Openings(settingsFor(), undefined, traffic, {
      onUpgraded: (_id, accepted) => resolve(accepted),
      onGone: () => {},
    })
    takeAccepted(server, handle => {
      assert.ok(takesReadBuffer(handle), 'Node-internals are not as expected: connections would take the slow path')
      tamper(handle)
      openings.take(1, new SharedBufferSocket(handle), 0)
    })
  })
  const { port } = server.address() as AddressInfo
  return { url: `ws://127.0.0.1:${port}`, port, traffic, upgraded }
}

const REQUEST = [
  ...['GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')

/** Answers the first 11 octets, a masked `first`, with `hi`, and ends. Resolves with the memory that reads came in. */
function answerOnce(socket: Socket, traffic: Traffic): Promise<Set<ArrayBufferLike>> {
  const memory = new Set<ArrayBufferLike>()
  let received = 0
  return new Promise(resolve => {
    const transport = SharedBufferTransport.over(socket, traffic, {
      onChunk: (chunk, length) => {
        memory.add(chunk.buffer)
        received += length
        if (received < 11) return
        assert.equal(transport?.write(Buffer.from([0x81, 2, 0x68, 0x69])), true)
        assert.equal(transport.pending, 0)
        transport.end()
      },
      onProgress: () => {},
      onClosed: () => resolve(memory),
    })
    assert.ok(transport, 'Node-internals are not as expected: connections would take the slow path')
    transport.resume()
  })
}

function wireOctets({ counters: { values } }: Traffic, direction: 'received' | 'sent'): number {
  return values[offsetOf('wire_bytes_total', { direction })]
}

test('an upgraded socket reads into the shared buffer, and every octet is counted', async t => {
  const { url, traffic, upgraded } = await serve(t)
  const client = new WebSocket(url)
  const { socket } = await upgraded
  const served = answerOnce(socket, traffic)
  await once(client, 'open')
  client.send('first')
  const [echo] = await once(client, 'message')
  assert.equal(String(echo), 'hi')
  assert.equal((await served).size, 1)
  const { bytesRead, bytesWritten } = (client as unknown as { _socket: Socket })._socket
  assert.equal(wireOctets(traffic, 'received'), bytesWritten)
  assert.equal(wireOctets(traffic, 'sent'), bytesRead)
})

test("nothing of Node's HTTP server stays on an upgraded socket", async t => {
  const { url, traffic, upgraded } = await serve(t)
  const client = new WebSocket(url)
  const { socket } = await upgraded
  const served = answerOnce(socket, traffic)
  const { on, addListener, prependListener } = Socket.prototype
  assert.deepEqual([socket.on, socket.addListener, socket.prependListener], [on, addListener, prependListener])
  assert.deepEqual(socket.eventNames().sort(), ['close', 'end', 'error'])
  assert.equal(socket.listenerCount('close'), 1)
  await once(client, 'open')
  client.send('first')
  await served
})

test('the handshake works where the HTTP parser does not get the handle to itself', async t => {
  const { port, upgraded } = await serve(t, handle => Object.assign(handle, { _consumed: true }))
  const client = connect(port, '127.0.0.1')
  t.after(() => client.destroy())
  client.write(`${REQUEST}\r\n\r\nbehind`)
  const { head, socket } = await upgraded
  assert.equal(head.toString(), 'behind')
  socket.destroy()
})

test('of a write that waits, what the kernel took is counted when the client resets the connection', async t => {
  const { port, traffic, upgraded } = await serve(t)
  const client = connect(port, '127.0.0.1')
  client.pause()
  client.write(`${REQUEST}\r\n\r\n`)
  const { socket, response } = await upgraded
  const closed = new Promise<void>(resolve => {
    const handler = { onChunk: () => {}, onProgress: () => {}, onClosed: resolve }
    const transport = SharedBufferTransport.over(socket, traffic, handler)
    assert.equal(transport?.write(Buffer.alloc(64 * 1024 * 1024)), false)
    transport.resume()
  })
  client.resetAndDestroy()
  await closed
  assert.ok(wireOctets(traffic, 'sent') > response.length + 4 + 64 * 1024)
})

test('a handle that cannot be read ends its connection, and nothing else', async t => {
  const EINVAL = -22
  const { port } = await serve(t, handle => Object.assign(handle, { readStart: () => EINVAL }))
  const client = connect(port, '127.0.0.1')
  await once(client.resume(), 'close')
})

test('a socket that is not as expected keeps to the stream path', async t => {
  assert.equal(handleOf(new PassThrough() as unknown as Socket), undefined)
  assert.equal(handleOf({ _handle: { bytesRead: 0 } } as unknown as Socket), undefined)
  for (const handle of [undefined, null, {}, { useUserBuffer: true }]) assert.equal(takesReadBuffer(handle), false)
  const handler = { onChunk: () => {}, onProgress: () => {}, onClosed: () => {} }
  assert.equal(SharedBufferTransport.over(new Socket(), new Traffic(new Counters()), handler), undefined)

  const server = createServer()
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.after(() => [client, socket].forEach(each => void each.destroy()))
  assert.equal(SharedBufferTransport.over(socket, new Traffic(new Counters()), handler), undefined)
  assert.equal(peerOf(socket), `127.0.0.1:${client.localPort}`)
  assert.equal(peerOf({ remoteAddress: '::1', remotePort: 1 } as Socket), '::1:1')
})
