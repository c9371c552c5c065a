// A stream of an HTTP/2 session as a connection (RFC 8441): DATA frames are its octets, END_STREAM is FIN, RST_STREAM is RST.
//
// Node's stream tells that octets are sent only when the whole of a write is, and a write may be large. So it gets pieces of
// one DATA frame, and the next when the one before is with the kernel: what the peer's windows hold back waits here, is
// known to the octet, and progress is seen as it comes.
//
// What comes while nothing is to be read lies in Node's stream, up to a window of it and a little more. Node tells nobody, so
// its `push` is watched: it alone knows each chunk.

import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Proxied } from '../proxied.js'
import type { Http2Session } from './http2-session.js'
import type { OctetObserver, Transport, TransportHandler } from './transport.js'

/** Octets of a piece: the largest DATA frame that every peer takes (RFC 9113 section 4.2). */
const PIECE = 16 * 1024

/** Octets of memory that a chunk which lies unread takes beside its own. */
const UNREAD_OVERHEAD = 256

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants

export interface StreamOwner
  extends Pick<Http2Session, 'secure' | 'tlsVersion' | 'peer' | 'carriedReceived' | 'carriedSent'> {}

/** The part of Node's stream that is used here. */
export type CarryingStream = Pick<
  ServerHttp2Stream,
  | 'on'
  | 'once'
  | 'pause'
  | 'resume'
  | 'write'
  | 'end'
  | 'close'
  | 'destroy'
  | 'respond'
  | 'destroyed'
  | 'closed'
  | 'writableEnded'
  | 'push'
  | 'read'
  | 'unshift'
  | 'readableLength'
>

const NOBODY: TransportHandler = { onChunk() {}, onProgress() {}, onEnd() {}, onClosed() {} }

export class Http2StreamTransport implements Transport {
  handler: TransportHandler = NOBODY
  readonly kind: 'h2c' | 'h2'
  readonly open = true
  proxied: Proxied | undefined
  readonly #stream: CarryingStream
  readonly #session: StreamOwner
  readonly #observer: OctetObserver
  readonly #push: CarryingStream['push']
  /** Chunks that lie unread. */
  #unreadChunks = 0
  #received = 0
  #sent = 0
  /** Octets written that the kernel has not taken. */
  #pending = 0
  /** Octets that were written in vain. */
  #lost = 0
  /** What waits for its turn, oldest first; of the first one the octets from `#at` on. */
  readonly #queue: Buffer[] = []
  #at = 0
  /** Octets that Node has; 0 when it can have the next. */
  #piece = 0
  /** When the write began of which octets wait; monotonic milliseconds. */
  #writtenAt = 0
  #ending = false
  #finishing = false
  #dropped = false
  #reading = false
  /** END_STREAM came while nothing was to be read. */
  #endWaits = false

  constructor(stream: CarryingStream, session: StreamOwner, observer: OctetObserver) {
    this.#stream = stream
    this.#session = session
    this.#observer = observer
    this.kind = session.secure ? 'h2' : 'h2c'
    this.#push = stream.push
    this.#takeEarly()
    stream.push = this.#onPush
    stream.on('data', this.#onData)
    stream.on('end', this.#onEnd)
    // What is wrong with a stream ends it: `close` tells.
    stream.on('error', () => {})
    stream.on('close', this.#onClose)
    stream.pause()
  }

  get peer(): string {
    return this.proxied?.peer ?? this.#session.peer
  }

  get tlsVersion(): string | undefined {
    return this.#session.tlsVersion
  }

  get octetsReceived(): number {
    return this.#received
  }

  get octetsSent(): number {
    return this.#sent
  }

  get pending(): number {
    return this.#pending
  }

  get unread(): number {
    return this.#stream.readableLength + this.#unreadChunks * UNREAD_OVERHEAD
  }

  get writable(): boolean {
    return !this.#ending && !this.#dropped
  }

  get unsent(): number {
    return this.#lost + this.#pending
  }

  /** Whether the peer, or this end, has closed the stream. */
  get closed(): boolean {
    return this.#dropped || this.#stream.closed || this.#stream.destroyed
  }

  /** Sends the response head; `fields` are names and values. False where the stream is gone. */
  respond(status: number, fields: readonly (readonly [name: string, value: string])[]): boolean {
    if (this.closed) return false
    const headers: Record<string, number | string[]> = { ':status': status }
    for (const [name, value] of fields) {
      const lines = headers[name.toLowerCase()] as string[] | undefined
      if (lines === undefined) headers[name.toLowerCase()] = [value]
      else lines.push(value)
    }
    this.#stream.respond(headers as unknown as Record<string, string[]>, { sendDate: false } as object)
    return true
  }

  write(bytes: Buffer): boolean {
    if (!this.writable) {
      this.#lost += bytes.length
      return true
    }
    this.#observer.write(bytes.length)
    if (this.#pending === 0) this.#writtenAt = performance.now()
    this.#pending += bytes.length
    // A small one would have the caller keep much more memory than it is.
    const isSmall = bytes.length <= PIECE
    this.#queue.push(isSmall ? Buffer.from(bytes) : bytes)
    this.#pump()
    return isSmall
  }

  pause(): void {
    this.#reading = false
    this.#stream.pause()
  }

  resume(): void {
    if (this.#dropped) return
    this.#reading = true
    this.#stream.resume()
    if (!this.#endWaits) return
    this.#endWaits = false
    setImmediate(this.#onEnd)
  }

  end(): void {
    if (!this.writable) return
    this.#ending = true
    if (this.#pending === 0) this.#endStream()
  }

  /** The same, and has the peer send nothing more (RFC 9113 section 8.1): the stream is gone then. */
  finish(): void {
    this.#finishing = true
    this.end()
  }

  destroy(): void {
    this.#drop(this.#pending > 0 ? NGHTTP2_CANCEL : NGHTTP2_NO_ERROR)
  }

  reset(): void {
    this.#drop(NGHTTP2_CANCEL)
  }

  /** Ends the stream as one of which nothing was done: the peer may try again elsewhere (RFC 9113 section 8.7). */
  refuse(): void {
    this.#drop(NGHTTP2_REFUSED_STREAM)
  }

  #drop(code: number): void {
    if (this.#dropped) return
    this.#dropped = true
    this.#loseQueue()
    this.#stream.close(code)
    // Node would wait for what is unread, or unsent, to be read and sent.
    this.#stream.destroy()
  }

  /** Gives Node the next piece; small writes that have gathered go together. */
  #pump(): void {
    if (this.#piece > 0) return
    const piece = this.#nextPiece()
    if (piece === undefined) {
      if (this.#ending && !this.#dropped) this.#endStream()
      return
    }
    this.#piece = piece.length
    this.#session.carriedSent(piece.length)
    this.#stream.write(piece, this.#onWritten)
  }

  #endStream(): void {
    this.#stream.end()
    if (this.#finishing) this.#stream.close(NGHTTP2_NO_ERROR)
  }

  #nextPiece(): Buffer | undefined {
    const [first, second] = this.#queue
    if (first === undefined) return undefined
    if (first.length - this.#at > PIECE) {
      this.#at += PIECE
      return first.subarray(this.#at - PIECE, this.#at)
    }
    const parts = [this.#shift()]
    if (second === undefined) return parts[0]
    let size = parts[0].length
    while (this.#queue.length > 0 && size + this.#queue[0].length <= PIECE) {
      const part = this.#shift()
      size += part.length
      parts.push(part)
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, size)
  }

  /** The rest of the first one. */
  #shift(): Buffer {
    const first = this.#queue.shift() as Buffer
    const at = this.#at
    this.#at = 0
    return at === 0 ? first : first.subarray(at)
  }

  readonly #onWritten = (error?: Error | null): void => {
    const size = this.#piece
    if (size === 0) return
    this.#piece = 0
    this.#pending -= size
    // Of a stream that is destroyed Node calls every write done.
    if (error || this.#stream.destroyed || this.#dropped) {
      this.#lost += size
      this.#session.carriedSent(-size)
      return
    }
    this.#sent += size
    if (this.#pending === 0) this.#observer.taken((performance.now() - this.#writtenAt) / 1000)
    this.#pump()
    this.handler.onProgress()
  }

  /** What came right behind the request is there already, in chunks whose number nobody knows: they become one. */
  #takeEarly(): void {
    const chunks: Buffer[] = []
    // From Node 26 on each read gives one of them, before it all.
    for (let chunk = this.#stream.read(); chunk !== null; chunk = this.#stream.read()) chunks.push(chunk)
    if (chunks.length === 0) return
    const early = Buffer.concat(chunks)
    this.#arrived(early.length)
    this.#unreadChunks++
    this.#stream.unshift(early)
  }

  #arrived(size: number): void {
    this.#received += size
    this.#session.carriedReceived(size)
  }

  readonly #onPush = (chunk: Buffer | null): boolean => {
    const stream = this.#stream
    if (chunk === null) return this.#push.call(stream, null)
    this.#arrived(chunk.length)
    if (this.#reading && stream.readableLength === 0) return this.#push.call(stream, chunk)
    this.#unreadChunks++
    const isMore = this.#push.call(stream, ownCopy(chunk))
    this.handler.onUnread?.()
    return isMore
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#unreadChunks > 0) this.#unreadChunks--
    if (this.#dropped) return
    const size = chunk.length
    this.#observer.read(size)
    this.handler.onChunk(chunk, size)
  }

  readonly #onEnd = (): void => {
    if (this.#dropped || this.#stream.destroyed) return
    if (this.#reading) this.handler.onEnd()
    else this.#endWaits = true
  }

  readonly #onClose = (): void => {
    this.#dropped = true
    this.#loseQueue()
    this.handler.onClosed()
  }

  #loseQueue(): void {
    this.#lost += this.#pending
    this.#session.carriedSent(-this.#piece)
    this.#pending = 0
    this.#piece = 0
    this.#queue.length = 0
  }
}

/** Node's chunk is a view of all that was read of the socket with it, which one octet would keep. */
function ownCopy(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.length)
  chunk.copy(copy)
  return copy
}
