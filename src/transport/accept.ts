// Which way a connection that the primary handed over is served.

import { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { BareTransport } from './bare-transport.js'
import { StreamTransport } from './stream-transport.js'
import { isUsable, socketOver } from './tcp-handle.js'
import type { OctetObserver, Transport, TransportHandler } from './transport.js'

/**
 * Puts a transport over what came with a hand-over: a bare handle, or a socket where the primary could not send one.
 *
 * @param secureContext certificate and key; undefined for plain TCP
 * @param http2 whether TLS may agree on HTTP/2
 */
export function acceptTransport(
  handle: unknown,
  secureContext: SecureContext | undefined,
  observer: OctetObserver,
  handler: TransportHandler,
  http2 = false,
): Transport {
  if (secureContext === undefined && isUsable(handle)) return new BareTransport(handle, observer, handler)
  const socket = halfOpenSocket(handle)
  const stream = secureContext === undefined ? socket : secure(socket, secureContext, http2)
  return new StreamTransport(stream, socket, observer, handler)
}

/** A connection on which something comes before TLS. */
export interface BeforeTls {
  readonly transport: StreamTransport
  /** What comes from now on is TLS, beginning with `behind`; nothing must be read at the time. */
  startTls(behind: Buffer): void
}

/** As `acceptTransport`, plain until TLS is started. */
export function acceptBeforeTls(
  handle: unknown,
  secureContext: SecureContext,
  observer: OctetObserver,
  handler: TransportHandler,
  http2: boolean,
): BeforeTls {
  const socket = halfOpenSocket(handle)
  const transport = new StreamTransport(socket, socket, observer, handler)
  return {
    transport,
    startTls: behind => transport.startTls(plain => secure(plain, secureContext, http2), behind),
  }
}

function halfOpenSocket(handle: unknown): Socket {
  const socket = handle instanceof Socket ? handle : socketOver(handle)
  socket.allowHalfOpen = true
  return socket
}

/** Renegotiation, which TLS 1.2 has, would let a client have the server do handshakes for next to nothing. */
function secure(socket: Socket, secureContext: SecureContext, http2: boolean): TLSSocket {
  const protocols = http2 ? ['h2', 'http/1.1'] : ['http/1.1']
  const stream = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: protocols })
  stream.disableRenegotiation()
  // Without a `tls.Server` around it a socket tells of its errors here, and goes on.
  stream.on('_tlsError', () => stream.destroy())
  return stream
}
