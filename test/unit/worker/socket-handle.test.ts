// The fast path needs Node-internals: this shows that it is really taken on the Node version that runs the tests.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import WebSocket from 'ws'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { Openings, type Upgraded } from '../../../src/worker/opening.js'
import { SharedBufferTransport } from '../../../src/worker/shared-buffer-transport.js'
import { handleOf, takeHandle } from '../../../src/worker/socket-handle.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { settingsFor } from '../../support/fake-transport.js'

/** A WebSocket handshake with the real http server and ws on one side and a ws client on the other. */
async function upgrade(): Promise<{ upgraded: Upgraded; client: WebSocket; traffic: Traffic; close: () => void }> {
  const traffic = new Traffic(new Counters())
  let onUpgraded: (upgraded: Upgraded) => void
  const arrived = new Promise<Upgraded>(resolve => {
    onUpgraded = resolve
  })
  const openings = new Openings(settingsFor(), undefined, traffic, {
    onUpgraded: (_id, upgraded) => onUpgraded(upgraded),
    onGone: () => {},
  })
  const server = createServer(socket => openings.take(1, socket, 0))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  await once(client, 'open')
  return { upgraded: await arrived, client, traffic, close: () => server.close() }
}

test('the handle of an upgraded socket can be taken, and reads then go to the shared buffer', async () => {
  const { upgraded, client, traffic, close } = await upgrade()
  const handle = takeHandle(upgraded.socket)
  assert.ok(handle, 'Node-internals are not as expected: connections would take the slow path')
  const chunks: Buffer[] = []
  const buffers = new Set<ArrayBufferLike>()
  const closed = new Promise<void>(resolve => {
    const transport = new SharedBufferTransport(handle, traffic, {
      onChunk: (chunk, length) => {
        buffers.add(chunk.buffer)
        chunks.push(Buffer.from(chunk.subarray(0, length)))
        if (Buffer.concat(chunks).length >= 6 + 5) {
          assert.equal(transport.write(Buffer.from([0x81, 2, 0x68, 0x69])), true)
          assert.equal(transport.pending, 0)
          transport.end()
        }
      },
      onProgress: () => {},
      onClosed: resolve,
    })
    transport.resume()
  })
  client.send('first')
  const [echo] = await once(client, 'message')
  assert.equal(String(echo), 'hi')
  await closed
  assert.equal(buffers.size, 1)
  const { values } = traffic.counters
  const { bytesRead, bytesWritten } = (client as unknown as { _socket: Socket })._socket
  assert.equal(values[offsetOf('wire_bytes_total', { direction: 'received' })], bytesWritten)
  assert.equal(values[offsetOf('wire_bytes_total', { direction: 'sent' })], bytesRead)
  close()
})

test('a socket that is not as expected keeps to the stream path', () => {
  assert.equal(handleOf(new PassThrough() as unknown as Socket), undefined)
  assert.equal(takeHandle({ _handle: { bytesRead: 0 } } as unknown as Socket), undefined)
})
