// Transport for TLS, and for sockets whose handle cannot be taken: ordinary stream events, same connection behind it.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { handleOf, octetsSent, type TcpHandle } from './socket-handle.js'
import type { Traffic } from './traffic.js'
import type { Transport, TransportHandler } from './transport.js'

export class StreamTransport implements Transport {
  readonly #stream: Duplex
  readonly #socket: Socket
  readonly #handle: TcpHandle | undefined
  readonly #traffic: Traffic
  readonly #handler: TransportHandler
  #received = 0
  #sent = 0
  readonly #onTaken = () => {
    if (!this.#stream.destroyed) this.#handler.onProgress()
  }

  /**
   * @param stream what carries the WebSocket octets
   * @param socket the TCP socket under it (the same if there is no TLS), whose octets are counted
   */
  constructor(stream: Duplex, socket: Socket, traffic: Traffic, handler: TransportHandler) {
    this.#stream = stream
    this.#socket = socket
    this.#handle = handleOf(socket)
    this.#traffic = traffic
    this.#handler = handler
    stream.on('data', this.#onData)
    stream.on('error', () => stream.destroy())
    stream.on('close', this.#onClose)
    // A socket may end before the stream above it has seen the end.
    socket.once('close', () => stream.destroy())
    stream.pause()
    this.#count()
  }

  get pending(): number {
    return this.#stream.writableLength
  }

  /** Always copies: when TLS is done with the memory is not to be seen. */
  write(bytes: Buffer): boolean {
    if (this.#stream.destroyed) return true
    this.#traffic.write(bytes.length)
    this.#stream.write(Buffer.from(bytes), this.#onTaken)
    this.#count()
    return true
  }

  settle(): number {
    this.#count()
    return this.#sent
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    if (this.#stream.destroyed) return
    this.#count()
    this.#stream.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#traffic.read(chunk.length)
    this.#handler.onChunk(chunk, chunk.length)
    this.#count()
  }

  readonly #onClose = (): void => {
    this.#count()
    this.#handler.onClosed()
  }

  /** Octets of the TCP socket: with TLS those are more than what is read and written here. */
  #count(): void {
    const received = this.#handle?.bytesRead ?? this.#socket.bytesRead
    const sent = this.#handle === undefined ? this.#socket.bytesWritten : (octetsSent(this.#handle) ?? this.#sent)
    this.#traffic.wireReceived(received - this.#received)
    this.#traffic.wireSent(sent - this.#sent)
    this.#received = received
    this.#sent = sent
  }
}
