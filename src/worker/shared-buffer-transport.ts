// Transport for plain TCP: every connection of the worker reads into one shared buffer, and a read allocates nothing.

import { Socket } from 'node:net'
import { octetsSent, type TcpHandle } from './socket-handle.js'
import type { Traffic } from './traffic.js'
import type { Transport, TransportHandler } from './transport.js'

/** Octets that one read can bring. */
export const READ_BUFFER = 256 * 1024

/** Free again whenever a read's callback returns, since nothing that is written lies in it. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER)

export class SharedBufferTransport implements Transport {
  readonly #socket: Socket
  readonly #handle: TcpHandle
  readonly #traffic: Traffic
  readonly #handler: TransportHandler
  /** Octets sent that are counted. */
  #settled = 0
  #paused = true
  readonly #onTaken = () => {
    if (this.#socket.destroyed) return
    this.settle()
    this.#handler.onProgress()
  }

  /** Takes over the connection behind `handle`; its octets so far, the handshake's, are counted here. */
  constructor(handle: TcpHandle, traffic: Traffic, handler: TransportHandler) {
    this.#handle = handle
    this.#traffic = traffic
    this.#handler = handler
    traffic.wireReceived(handle.bytesRead)
    this.#socket = new Socket({
      handle,
      readable: true,
      writable: true,
      onread: { buffer: readBuffer, callback: this.#onRead },
    } as ConstructorParameters<typeof Socket>[0])
    // Node destroys the socket by itself; what the kernel took before is still to be counted.
    this.#socket.on('error', () => this.settle())
    this.#socket.on('close', this.#onClose)
    this.settle()
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (socket.destroyed) return true
    this.#traffic.write(bytes.length)
    if (socket.writableLength > 0) {
      socket.write(bytes, this.#onTaken)
      return false
    }
    socket.write(bytes)
    if (socket.writableLength === 0) {
      this.#settled += bytes.length
      this.#traffic.wireSent(bytes.length)
      return true
    }
    // The write waits. Its end is learned from an empty one behind it: a callback on every write would cost all of them.
    socket.write(NOTHING, this.#onTaken)
    return false
  }

  settle(): number {
    const sent = octetsSent(this.#handle) ?? this.#settled
    this.#traffic.wireSent(sent - this.#settled)
    this.#settled = sent
    return sent
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    if (this.#socket.destroyed) return
    this.settle()
    this.#socket.destroy()
  }

  readonly #onRead = (length: number): boolean => {
    this.#traffic.wireReceived(length)
    this.#traffic.read(length)
    this.#handler.onChunk(readBuffer, length)
    if (length < READ_BUFFER) return true
    // There is more, and libuv would read it up to 32 times over before it looks at any other connection.
    setImmediate(this.#readOn)
    return false
  }

  readonly #readOn = (): void => {
    if (!this.#paused && !this.#socket.destroyed) this.#socket.resume()
  }

  readonly #onClose = (): void => {
    this.#handler.onClosed()
  }
}

const NOTHING = Buffer.alloc(0)
