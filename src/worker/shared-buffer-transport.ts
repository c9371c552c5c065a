// Transport for plain TCP: every connection of the worker reads into one shared buffer, and a read allocates nothing.

import { Socket } from 'node:net'
import { handleOf, octetsSent, type TcpHandle } from './socket-handle.js'
import type { Traffic } from './traffic.js'
import type { Transport, TransportHandler } from './transport.js'

/**
 * Octets that one read can bring. Larger ones save reads and writes, but while one is echoed all other connections wait.
 * The page beyond 256 KiB is for frame headers: payloads are mostly powers of two, and a few of them fit exactly.
 */
export const READ_BUFFER = 260 * 1024

/** Free again whenever a read's callback returns, since nothing that is written lies in it. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER)

/** A socket that reads into the shared buffer from its first octet on. */
export class SharedBufferSocket extends Socket {
  #transport: SharedBufferTransport | undefined

  constructor(handle: unknown) {
    super({
      handle,
      readable: true,
      writable: true,
      onread: { buffer: readBuffer, callback: (length: number) => this.#onRead(length) },
    } as ConstructorParameters<typeof Socket>[0])
  }

  /** From now on reads go to `transport`, which hears of the end. */
  serve(transport: SharedBufferTransport): void {
    this.#transport = transport
    // The first listener after the handshake also has Node take off what its HTTP server had put over `on` and the like.
    this.on('close', onClose)
  }

  /** Node destroys a socket by itself too; what the kernel took before is still to be counted. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // A handle that cannot be read has Node destroy the socket before anything of this class is there.
    if (#transport in this) this.#transport?.settle()
    super._destroy(error, callback)
  }

  onClose(): void {
    this.#transport?.onClose()
  }

  /**
   * While Node's HTTP parser has the handle to itself, its reads do not come here. Where it has not, the opening handshake
   * is read like that of any other socket.
   */
  #onRead(length: number): boolean {
    if (this.#transport !== undefined) return this.#transport.onRead(length)
    this.push(Buffer.from(readBuffer.subarray(0, length)))
    return true
  }
}

export class SharedBufferTransport implements Transport {
  readonly #socket: SharedBufferSocket
  readonly #handle: TcpHandle
  readonly #traffic: Traffic
  readonly #handler: TransportHandler
  /** Octets sent that are counted. */
  #settled = 0
  #paused = true
  #onTaken: (() => void) | undefined

  /** Octets of the connection so far, the handshake's, are counted here. */
  private constructor(socket: SharedBufferSocket, handle: TcpHandle, traffic: Traffic, handler: TransportHandler) {
    this.#socket = socket
    this.#handle = handle
    this.#traffic = traffic
    this.#handler = handler
    traffic.wireReceived(handle.bytesRead)
    socket.serve(this)
    this.settle()
  }

  /** Undefined when the socket cannot be served so. */
  static over(socket: Socket, traffic: Traffic, handler: TransportHandler): SharedBufferTransport | undefined {
    const handle = handleOf(socket)
    if (!(socket instanceof SharedBufferSocket) || handle === undefined) return undefined
    return new SharedBufferTransport(socket, handle, traffic, handler)
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (socket.destroyed) return true
    this.#traffic.write(bytes.length)
    if (socket.writableLength > 0) {
      socket.write(bytes, this.#whenTaken())
      return false
    }
    socket.write(bytes)
    if (socket.writableLength === 0) {
      this.#settled += bytes.length
      this.#traffic.wireSent(bytes.length)
      return true
    }
    // The write waits. Its end is learned from an empty one behind it: a callback on every write would cost all of them.
    socket.write(NOTHING, this.#whenTaken())
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
    this.#socket.destroy()
  }

  /** `length` octets are in the shared buffer; false stops reading. */
  onRead(length: number): boolean {
    this.#traffic.wireReceived(length)
    this.#traffic.read(length)
    this.#handler.onChunk(readBuffer, length)
    if (length < READ_BUFFER) return true
    // There is more, and libuv would read it up to 32 times over before it looks at any other connection.
    setImmediate(readOn, this)
    return false
  }

  onClose(): void {
    this.#handler.onClosed()
  }

  readOn(): void {
    if (!this.#paused && !this.#socket.destroyed) this.#socket.resume()
  }

  #whenTaken(): () => void {
    this.#onTaken ??= () => {
      if (this.#socket.destroyed) return
      this.settle()
      this.#handler.onProgress()
    }
    return this.#onTaken
  }
}

const NOTHING = Buffer.alloc(0)

/** A listener has its socket as `this`: one function for all of them. */
function onClose(this: SharedBufferSocket): void {
  this.onClose()
}

function readOn(transport: SharedBufferTransport): void {
  transport.readOn()
}
