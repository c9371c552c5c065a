// A ping that comes while the kernel takes no more of a message: the pong goes between that message and the next one.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { acceptance, acceptValue, frame } from './support/faulty-server.js'
import { runWsload } from './support/run-wsload.js'

/** More than the kernel holds of one connection, both ends together. */
const MESSAGE = 2 ** 24
const BINARY = 0x82
const PING = 0x89
const PONG = 0x8a

/** A connection that tells the frames that it has been sent: first octet and payload length of each. */
class Peer {
  readonly socket: Socket
  readonly frames: [first: number, length: number][] = []
  #header = Buffer.alloc(0)
  #left = 0
  #open = false
  #pinged = false

  /** @param onFrames called after each read once the connection is open */
  constructor(socket: Socket, onFrames: () => void) {
    this.socket = socket
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => {
      if (this.#open) {
        this.#read(chunk)
        onFrames()
      } else {
        this.#accept(chunk.toString('latin1'))
      }
    })
  }

  /** Once. */
  ping(): void {
    if (!this.#pinged) this.socket.write(frame(PING, Buffer.alloc(0)))
    this.#pinged = true
  }

  #accept(head: string): void {
    const key = /^Sec-WebSocket-Key: (\S+)/im.exec(head)?.[1] ?? ''
    this.socket.write(acceptance(acceptValue(key)))
    this.#open = true
  }

  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(this.#left, chunk.length - at)
      this.#left -= taken
      at += taken
      if (at === chunk.length) return
      this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + 1)])
      at++
      this.#endHeader()
    }
  }

  /** With a masking key, and of the lengths that are sent here. */
  #endHeader(): void {
    if (this.#header.length < 2) return
    const long = (this.#header[1] & 0x7f) === 127
    if (this.#header.length < (long ? 14 : 6)) return
    this.#left = long ? Number(this.#header.readBigUInt64BE(2)) : this.#header[1] & 0x7f
    this.frames.push([this.#header[0], this.#left])
    this.#header = Buffer.alloc(0)
  }
}

test('a pong does not go into the middle of a message', async t => {
  const peers: Peer[] = []
  let stalled: Peer | undefined
  const server = createServer(socket => {
    const peer = new Peer(socket, () => {
      if (stalled === undefined) {
        // This one's message stays half written until the other one has answered a later ping: wsload has seen both.
        stalled = peer
        socket.pause()
        peer.ping()
      } else if (peer !== stalled) {
        peer.ping()
        if (peer.frames.some(([first]) => first === PONG)) stalled.socket.resume()
      }
      if (stalled.frames.length === 3) server.emit('done')
    })
    peers.push(peer)
    t.after(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const run = runWsload(['127.0.0.1', port, '/', 2, MESSAGE, 2, 30, '--count', 2, '--binary'])
  await once(server, 'done')
  assert.deepEqual(stalled?.frames, [
    [BINARY, MESSAGE],
    [PONG, 0],
    [BINARY, MESSAGE],
  ])
  for (const { socket } of peers) socket.destroy()
  await run
})
