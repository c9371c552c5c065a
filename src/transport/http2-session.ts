// One HTTP/2 session on a connection (RFC 9113), of which Node's http2 has the frames: takes the socket over, bounds what its
// peer may ask for, counts its octets, and ends it. Its streams are connections of their own (see http2-stream-transport).

import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SessionEnd } from '../metrics/catalogue.js'
import { Http2StreamTransport } from './http2-stream-transport.js'
import { SocketOctets } from './socket-octets.js'
import type { OctetObserver, ReleasedSocket } from './transport.js'

/** Streams of a session at a time. */
const MOST_STREAMS = 256

/** Octets of a header list, and fields beside the pseudo-header fields: as of an HTTP/1.1 head, about. */
const MOST_HEADER_OCTETS = 16 * 1024
const MOST_HEADER_PAIRS = 128

/**
 * Streams that came to nothing, reset by the peer before they were answered or refused: so many at once, and so many more
 * each second (CVE-2023-44487, "rapid reset"). Some Node versions have a limit of their own, others leave a session that
 * went over it open and dead.
 */
const MOST_WASTED = 500
const WASTED_PER_SECOND = 50

const OPTIONS = {
  settings: {
    enableConnectProtocol: true,
    maxConcurrentStreams: MOST_STREAMS,
    maxHeaderListSize: MOST_HEADER_OCTETS,
  },
  maxHeaderListPairs: MOST_HEADER_PAIRS,
  maxSettings: 32,
}

export interface SessionHandler {
  /** A request came; `rawHeaders` are its fields, those with a colon first, names and values in turn. */
  onStream(transport: Http2StreamTransport, rawHeaders: readonly string[]): void
  /** The socket is gone, and every stream before it. */
  onClosed(end: SessionEnd): void
}

export class Http2Session {
  readonly peer: string
  readonly secure: boolean
  readonly tlsVersion: string | undefined
  readonly #session: ServerHttp2Session
  readonly #socket: Socket
  readonly #octets: SocketOctets
  readonly #observer: OctetObserver
  readonly #streams = new Set<Http2StreamTransport>()
  #end: SessionEnd = 'peer'
  #set = false
  /** Octets that streams carried, those on their way to the socket among them, and overhead that is counted. */
  #carriedReceived = 0
  #carriedSent = 0
  #overheadReceived = 0
  #overheadSent = 0
  #wasted = 0
  #wastedAt = performance.now()

  /**
   * @param peer address and port
   * @param octets what was read so far: the connection preface, or its beginning
   */
  constructor(
    { socket, carrier }: ReleasedSocket,
    peer: string,
    octets: Buffer,
    observer: OctetObserver,
    handler: SessionHandler,
  ) {
    this.peer = peer
    this.#socket = carrier
    this.#octets = new SocketOctets(carrier, observer, 'so far')
    this.#observer = observer
    this.secure = socket instanceof TLSSocket
    this.tlsVersion = socket instanceof TLSSocket ? (socket.getProtocol() ?? undefined) : undefined
    // Without a `tls.Server` around it a socket does not learn that its handshake is done, and http2 waits for that.
    if (this.secure) (socket as TLSSocket & { secureConnecting: boolean }).secureConnecting = false
    socket.unshift(octets)
    const session = performServerHandshake(socket, OPTIONS)
    this.#session = session
    session.on('connect', () => {
      this.#set = true
    })
    session.on('stream', (stream: ServerHttp2Stream, _headers: object, _flags: number, rawHeaders: readonly string[]) =>
      this.#onStream(stream, rawHeaders, handler),
    )
    // What is wrong with a session or its socket ends it.
    session.on('error', () => {
      this.#octets.cancelled = true
    })
    carrier.on('error', () => {
      this.#octets.cancelled = true
    })
    session.on('close', () => {
      this.count()
      handler.onClosed(this.#end)
    })
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams.size
  }

  /** Whether no further stream can come. */
  get closed(): boolean {
    return this.#session.closed || this.#session.destroyed
  }

  /** GOAWAY: streams go on, others do not come, and the socket ends after the last. */
  close(end: SessionEnd): void {
    if (this.closed) return
    this.#end = end
    this.#whenSet(() => this.#session.close())
  }

  /** Drops the session now, with a GOAWAY that has `code`, and with it its streams. */
  destroy(end: SessionEnd, code: number = constants.NGHTTP2_NO_ERROR): void {
    if (this.#session.destroyed) {
      this.count()
      this.#octets.cancelled = true
      this.#socket.destroy()
      return
    }
    if (!this.#session.closed) this.#end = end
    this.#whenSet(() => {
      this.count()
      if (code === constants.NGHTTP2_NO_ERROR) this.#session.destroy()
      else this.#session.destroy(new Error(end), code)
    })
  }

  /** Calls `answered` once the peer has answered a PING; not at all where none can be sent. */
  ping(answered: () => void): void {
    if (this.closed) return
    this.#session.ping(error => {
      if (error === null) answered()
    })
  }

  /** A stream was refused, or reset before it was answered. */
  waste(): void {
    const now = performance.now()
    const regained = ((now - this.#wastedAt) / 1000) * WASTED_PER_SECOND
    this.#wastedAt = now
    this.#wasted = Math.max(0, this.#wasted - regained) + 1
    if (this.#wasted > MOST_WASTED) this.destroy('flood', constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /** Tells the observer of the octets since the last time. */
  count(): void {
    this.#octets.count()
    this.#countOverhead()
  }

  carriedReceived(size: number): void {
    this.#carriedReceived += size
  }

  /** @param size octets that Node was given; negative for those that it lost */
  carriedSent(size: number): void {
    this.#carriedSent += size
  }

  /** What a stream has got, or gave, is sometimes known before the socket's octets are looked at: overhead never shrinks. */
  #countOverhead(): void {
    const received = Math.max(this.#overheadReceived, this.#octets.received - this.#carriedReceived)
    const sent = Math.max(this.#overheadSent, this.#octets.sent - this.#carriedSent)
    this.#observer.overheadReceived(received - this.#overheadReceived)
    this.#observer.overheadSent(sent - this.#overheadSent)
    this.#overheadReceived = received
    this.#overheadSent = sent
  }

  #onStream(stream: ServerHttp2Stream, rawHeaders: readonly string[], handler: SessionHandler): void {
    const transport = new Http2StreamTransport(stream, this, this.#observer)
    this.#streams.add(transport)
    stream.once('close', () => this.#streams.delete(transport))
    handler.onStream(transport, rawHeaders)
  }

  /** Node gives the session its first octets in the next tick, and that fails if there is none any more. */
  #whenSet(act: () => void): void {
    if (this.#set) act()
    else this.#session.once('connect', () => setImmediate(act))
  }
}
