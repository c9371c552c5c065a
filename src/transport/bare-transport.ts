// Plain TCP on the bare handle: every connection of the worker reads into one shared buffer, and neither a read nor a
// write that the kernel takes at once allocates anything.

import type { Proxied } from '../proxied.js'
import {
  END_OF_FILE,
  type HandleRequest,
  lastWriteWaits,
  peerName,
  readResult,
  shutdownRequest,
  socketOver,
  type TcpHandle,
  type WriteRequest,
  writeRequest,
} from './tcp-handle.js'
import type { OctetObserver, ReleasedSocket, Transport, TransportHandler } from './transport.js'

/**
 * Octets that one read can bring. Larger ones save reads and writes, but while one is echoed all other connections wait.
 * The page beyond 256 KiB is for frame headers: payloads are mostly powers of two, and a few of them fit exactly.
 */
export const READ_BUFFER = 260 * 1024

/** Free again whenever `onChunk` returns, since nothing that is written lies in it. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER)

/** The request of all writes that the kernel takes at once; one that waits keeps it, and the next gets a new one. */
let spareRequest: WriteRequest | undefined

export class BareTransport implements Transport {
  readonly kind = 'tcp'
  readonly open = true
  handler: TransportHandler
  proxied: Proxied | undefined
  readonly #handle: TcpHandle
  readonly #observer: OctetObserver
  /** Octets written that are not counted as sent. */
  #pending = 0
  /** Octets that were written in vain. */
  #lost = 0
  /** Octets of the whole connection, known once the handle is closed. */
  #received = 0
  #sent = 0
  #reading = false
  /** A FIN came, or was sent. */
  #readEnded = false
  #ending = false
  #writeEnded = false
  #closing = false

  /** `handle` must be usable (see tcp-handle), and is nobody else's from now on. */
  constructor(handle: TcpHandle, observer: OctetObserver, handler: TransportHandler) {
    this.#handle = handle
    this.#observer = observer
    this.handler = handler
    handle.owner = this
    handle.onread = onRead
    handle.useUserBuffer(readBuffer)
    handle.setNoDelay(true)
  }

  get peer(): string {
    return this.proxied?.peer ?? peerName(this.#handle)
  }

  get octetsReceived(): number {
    return this.#closing ? this.#received : (this.#handle.bytesRead ?? 0)
  }

  get octetsSent(): number {
    return this.#closing ? this.#sent : (this.#handle.bytesWritten ?? 0) - (this.#handle.writeQueueSize ?? 0)
  }

  /** It waits in the kernel. */
  get unread(): number {
    return 0
  }

  get pending(): number {
    if (this.#pending > 0 && !this.#closing) this.#countSent()
    return this.#pending
  }

  get writable(): boolean {
    return !this.#ending && !this.#closing
  }

  get unsent(): number {
    return this.#lost + this.pending
  }

  write(bytes: Buffer): boolean {
    if (!this.writable) return this.#lose(bytes)
    spareRequest ??= writeRequest()
    const request = spareRequest
    this.#observer.write(bytes.length)
    if (this.#handle.writeBuffer(request, bytes) !== 0) {
      this.destroy()
      return this.#lose(bytes)
    }
    if (!lastWriteWaits()) {
      this.#observer.wireSent(bytes.length)
      this.#observer.taken(0)
      return true
    }
    spareRequest = undefined
    request.handle = this.#handle
    request.bytes = bytes
    request.writtenAt = performance.now()
    request.oncomplete = onWritten
    this.#pending += bytes.length
    this.#countSent()
    return false
  }

  pause(): void {
    if (!this.#reading) return
    this.#reading = false
    if (!this.#closing) this.#handle.readStop()
  }

  resume(): void {
    if (this.#reading || this.#readEnded || this.#closing) return
    this.#reading = true
    if (this.#handle.readStart() !== 0) this.destroy()
  }

  end(): void {
    if (this.#ending || this.#closing) return
    this.#ending = true
    // Closing sends FIN as well, and saves a request, where there is nothing left to read or to send.
    if (this.#readEnded && this.#pending === 0) return this.destroy()
    const request = shutdownRequest()
    request.handle = this.#handle
    request.oncomplete = onShutdown
    if (this.#handle.shutdown(request) !== 0) this.destroy()
  }

  destroy(): void {
    if (this.#closing) return
    this.#beginClosing()
    this.#handle.close(onClosed)
  }

  /** libuv resets no handle whose FIN is under way. */
  reset(): void {
    if (this.#ending) return this.destroy()
    if (this.#closing) return
    this.#beginClosing()
    this.#handle.reset(onClosed)
  }

  release(): ReleasedSocket {
    this.pause()
    this.#beginClosing()
    const socket = socketOver(this.#handle)
    return { socket, carrier: socket }
  }

  #beginClosing(): void {
    if (this.#pending > 0) this.#countSent()
    this.#received = this.octetsReceived
    this.#sent = this.octetsSent
    this.#closing = true
    this.#reading = false
  }

  onRead(): void {
    const size = readResult()
    if (size > 0) this.#onOctets(size)
    else if (size === END_OF_FILE) this.#onEnd()
    else if (size < 0) this.destroy()
  }

  onWritten(status: number, writtenAt: number): void {
    if (this.#closing) return
    if (status < 0) return this.destroy()
    this.#observer.taken((performance.now() - writtenAt) / 1000)
    this.#countSent()
    this.handler.onProgress()
  }

  onShutdown(status: number): void {
    if (this.#closing) return
    this.#writeEnded = true
    if (status < 0 || this.#readEnded) this.destroy()
  }

  onClosed(): void {
    this.handler.onClosed()
  }

  readOn(): void {
    if (this.#reading && !this.#closing && this.#handle.readStart() !== 0) this.destroy()
  }

  #onOctets(size: number): void {
    this.#observer.wireReceived(size)
    this.#observer.read(size)
    this.handler.onChunk(readBuffer, size)
    if (size < READ_BUFFER || !this.#reading || this.#closing) return
    // There is more, and libuv would read it up to 32 times over before it looks at any other connection.
    this.#handle.readStop()
    setImmediate(readOn, this)
  }

  #onEnd(): void {
    this.#reading = false
    this.#readEnded = true
    if (this.#writeEnded) this.destroy()
    else this.handler.onEnd()
  }

  #lose(bytes: Buffer): true {
    this.#lost += bytes.length
    return true
  }

  /** Counts what the kernel has taken since the last time. */
  #countSent(): void {
    const waiting = this.#handle.writeQueueSize ?? this.#pending
    this.#observer.wireSent(this.#pending - waiting)
    this.#pending = waiting
  }
}

// Handles and requests call with themselves as `this`: one function each for all of them.

function onRead(this: TcpHandle): void {
  ;(this.owner as BareTransport).onRead()
}

function onClosed(this: TcpHandle): void {
  ;(this.owner as BareTransport).onClosed()
}

function onWritten(this: WriteRequest, status: number): void {
  ;((this.handle as TcpHandle).owner as BareTransport).onWritten(status, this.writtenAt as number)
}

function onShutdown(this: HandleRequest, status: number): void {
  ;((this.handle as TcpHandle).owner as BareTransport).onShutdown(status)
}

function readOn(transport: BareTransport): void {
  transport.readOn()
}
