// Where the octets of one connection come from and go to: one interface, whatever carries them.
//
// Each way (bare-transport: TCP; stream-transport: TLS, and TCP where bare handles cannot be used; http2-stream-transport: a
// stream of an HTTP/2 session) keeps the other half open: the peer's FIN ends reading, and what is written after it still
// goes out. Of a stream END_STREAM is the FIN, and RST_STREAM the RST (RFC 8441 section 5).

import type { Socket } from 'node:net'

import type { Proxied } from '../proxied.js'

/** Hears what happens on a transport. */
export interface TransportHandler {
  /** Octets from the peer: 0…`length` of `chunk`, which is lent for the call only. */
  onChunk(chunk: Buffer, length: number): void
  /** The kernel took some of what a write had to leave waiting. */
  onProgress(): void
  /** Octets came that nobody reads now: more is `unread`. */
  onUnread?(): void
  /** The peer will send nothing more (FIN). */
  onEnd(): void
  /** The connection is gone. Called exactly once, and never from inside a call to the transport. */
  onClosed(): void
}

export interface Transport {
  /** Whom a trusted proxy speaks for; undefined for who is connected. */
  proxied?: Proxied | undefined
  /** Whoever serves the connection at the time: first its opening handshake, then the connection. */
  handler: TransportHandler
  readonly kind: TransportKind
  /** Whether octets can be exchanged: not before the handshake of TLS is done. */
  readonly open: boolean
  /** Address and port of the peer, or of the client that is `proxied`, such as `127.0.0.1:50000`. May cost a system call. */
  readonly peer: string
  /** Such as `TLSv1.3`; undefined without TLS. */
  readonly tlsVersion?: string | undefined
  /** TLS has agreed on HTTP/2 (ALPN). */
  readonly wantsHttp2?: boolean
  /** Octets of the socket so far, those of TLS itself included; of a stream, what its DATA frames carried. */
  readonly octetsReceived: number
  /** Those of them that the kernel has taken. */
  readonly octetsSent: number
  /** Octets that were written and that the kernel has not taken yet; an upper bound. */
  readonly pending: number
  /** Octets of memory that hold what came while nothing was read; 0 where that waits in the kernel. */
  readonly unread: number
  /** Whether what is written now can still go out. */
  readonly writable: boolean
  /** Octets that were written and did not go out, and never will if the transport is gone. */
  readonly unsent: number
  /**
   * Writes all of `bytes`; they are lost where the transport is not `writable`.
   *
   * @returns true if the caller may use the memory again, false if it belongs to the write until that is done
   */
  write(bytes: Buffer): boolean
  /** Stops reading. A transport begins so. */
  pause(): void
  resume(): void
  /** Sends FIN behind everything that was written. Once the peer has sent its own, the connection is gone. */
  end(): void
  /** Drops the connection now, with what is still waiting to be sent. */
  destroy(): void
  /** The same with RST, so that the peer learns of it as an error. */
  reset(): void
  /** Gives the socket up, for an HTTP/2 session to take over: nothing of it comes here any more. A stream has none. */
  release?(): ReleasedSocket
}

/** What carries a connection that nobody serves any more, half-open no longer: with TLS, above its TCP socket. */
export interface ReleasedSocket {
  readonly socket: Socket
  /** The TCP socket. Its octets up to now are counted. */
  readonly carrier: Socket
}

/** `tcp` is the bare handle, `stream` its fallback; `h2c` and `h2` are streams of HTTP/2 over TCP and over TLS. */
export type TransportKind = 'tcp' | 'stream' | 'tls' | 'h2c' | 'h2'

/** Counts the octets of all transports of a process. */
export interface OctetObserver {
  /** One read; under TLS and HTTP/2, of what they carry. */
  read(size: number): void
  /** One write, handed over; `wireSent` counts what the kernel took of it. */
  write(size: number): void
  /** The kernel has taken the whole of a write, `seconds` after it was handed over; 0 where it did at once. */
  taken(seconds: number): void
  tlsHandshake(result: 'completed' | 'failed'): void
  /** Octets of the socket. */
  wireReceived(size: number): void
  wireSent(size: number): void
  /** Those of them that are an HTTP/2 session's own: all but what its streams carried. */
  overheadReceived(size: number): void
  overheadSent(size: number): void
}
