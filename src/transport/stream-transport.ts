// TLS, and plain TCP where bare handles cannot be used: a Node stream's events, with the same connection behind them.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Proxied } from '../proxied.js'
import { SocketOctets } from './socket-octets.js'
import type { OctetObserver, ReleasedSocket, Transport, TransportHandler } from './transport.js'

/** Octets, and when they were handed over; monotonic milliseconds. */
interface Write {
  readonly size: number
  readonly at: number
}

export class StreamTransport implements Transport {
  handler: TransportHandler
  kind: 'stream' | 'tls' = 'stream'
  open = true
  proxied: Proxied | undefined
  #stream: Socket
  readonly #socket: Socket
  /** With TLS those are more than what is read and written here. */
  readonly #octets: SocketOctets
  readonly #observer: OctetObserver
  /** Each write that Node has not done, oldest first. */
  readonly #writes: Write[] = []
  /** Octets of writes that were in vain, whole though the kernel may have taken a part of the first. */
  #lost = 0
  #reading = false
  /** The peer's FIN came while nothing was to be read. */
  #endWaits = false

  /**
   * @param stream what carries the WebSocket octets: the socket itself, or TLS on it. Both must allow half-open connections
   * @param socket the TCP socket, whose octets are counted
   */
  constructor(stream: Socket, socket: Socket, observer: OctetObserver, handler: TransportHandler) {
    this.#stream = stream
    this.#socket = socket
    this.#octets = new SocketOctets(socket, observer)
    this.#observer = observer
    this.handler = handler
    socket.setNoDelay(true)
    this.#listen()
  }

  /**
   * What comes from now on, beginning with `behind`, is TLS: only for a plain stream that is paused.
   *
   * @param secure puts TLS over the socket
   */
  startTls(secure: (socket: Socket) => TLSSocket, behind: Buffer): void {
    const socket = this.#socket
    // Nobody who has ended already does a handshake.
    if (socket.readableEnded || socket.destroyed) return this.destroy()
    socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // What a socket has buffered TLS reads first.
    if (behind.length > 0) socket.unshift(behind)
    this.#stream = secure(socket)
    this.#listen()
  }

  #listen(): void {
    const [stream, socket] = [this.#stream, this.#socket]
    stream.on('data', this.#onData)
    stream.on('end', this.#onEnd)
    stream.on('error', () => stream.destroy())
    stream.on('close', this.#onClose)
    if (stream instanceof TLSSocket) {
      this.kind = 'tls'
      this.open = false
      stream.on('secure', () => {
        this.open = true
        this.#observer.tlsHandshake('completed')
      })
      // A socket may end before the stream above it has seen the end.
      socket.on('error', () => stream.destroy())
      socket.once('close', () => stream.destroy())
    }
    stream.pause()
  }

  get peer(): string {
    return this.proxied?.peer ?? `${this.#socket.remoteAddress}:${this.#socket.remotePort}`
  }

  get tlsVersion(): string | undefined {
    return this.#stream instanceof TLSSocket ? (this.#stream.getProtocol() ?? undefined) : undefined
  }

  get wantsHttp2(): boolean {
    return this.#stream instanceof TLSSocket && this.#stream.alpnProtocol === 'h2'
  }

  get octetsReceived(): number {
    this.#octets.count()
    return this.#octets.received
  }

  get octetsSent(): number {
    this.#octets.count()
    return this.#octets.sent
  }

  /** It waits in the kernel. */
  get unread(): number {
    return 0
  }

  get pending(): number {
    return this.#stream.writableLength
  }

  get writable(): boolean {
    return this.#stream.writable
  }

  get unsent(): number {
    return this.#lost + this.pending
  }

  /** Copies `bytes`: Node does not tell when it has read them for the last time. */
  write(bytes: Buffer): boolean {
    if (!this.#stream.writable) {
      this.#lost += bytes.length
      return true
    }
    this.#observer.write(bytes.length)
    this.#writes.push({ size: bytes.length, at: performance.now() })
    this.#stream.write(Buffer.from(bytes), this.#onWritten)
    this.#octets.count()
    return true
  }

  pause(): void {
    this.#reading = false
    this.#stream.pause()
  }

  resume(): void {
    this.#reading = true
    this.#stream.resume()
    if (!this.#endWaits) return
    this.#endWaits = false
    setImmediate(this.#onEnd)
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#octets.count()
    this.#stream.destroy()
    this.#socket.destroy()
  }

  reset(): void {
    this.#octets.count()
    // The socket first: TLS would say goodbye.
    this.#socket.resetAndDestroy()
    this.#stream.destroy()
  }

  release(): ReleasedSocket {
    this.#octets.count()
    const stream = this.#stream
    stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).pause()
    for (const each of [stream, this.#socket]) each.allowHalfOpen = false
    return { socket: stream, carrier: this.#socket }
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#observer.read(chunk.length)
    this.handler.onChunk(chunk, chunk.length)
    this.#octets.count()
  }

  /** Node ends a stream that is paused too, if nothing is buffered: what the handler kept of a chunk would come after the end. */
  readonly #onEnd = (): void => {
    if (this.#stream.destroyed) return
    if (this.#reading) this.handler.onEnd()
    else this.#endWaits = true
  }

  readonly #onWritten = (error?: Error | null): void => {
    const { size, at } = this.#writes.shift() as Write
    // Of a stream that is destroyed Node calls every write done, before it closes.
    if (error || this.#stream.destroyed) {
      this.#lost += size
      this.#octets.cancelled = true
    } else {
      this.#observer.taken((performance.now() - at) / 1000)
      this.handler.onProgress()
    }
  }

  readonly #onClose = (): void => {
    this.#octets.count()
    if (!this.open) this.#observer.tlsHandshake('failed')
    this.handler.onClosed()
  }
}
