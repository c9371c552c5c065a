// The only place that reaches into a socket for its handle, a Node-internal that has been stable since Node 12.
//
// It is needed twice: to give an accepted socket to `onread`, which Node offers for outgoing sockets only, and to know
// how many octets the kernel has taken of a write that waits. Whatever is not as expected makes callers use plain streams.

import type { Socket } from 'node:net'

/** The part of Node's TCP handle that is used here. */
export interface TcpHandle {
  /** Octets read since the connection was accepted. */
  readonly bytesRead: number
  /** Octets given to the handle for writing. */
  readonly bytesWritten: number
  /** Octets of them that the kernel has not taken. */
  readonly writeQueueSize: number
  /** Fills in the peer's address; returns the system's error number, or 0. */
  getpeername(name: PeerName): number
}

interface PeerName {
  address?: string
  port?: number
}

interface SocketInternals {
  _handle?: Partial<TcpHandle> | null
}

function isUsable(handle: Partial<TcpHandle> | null | undefined): handle is TcpHandle {
  return (
    typeof handle?.bytesRead === 'number' &&
    typeof handle.bytesWritten === 'number' &&
    typeof handle.writeQueueSize === 'number' &&
    typeof handle.getpeername === 'function'
  )
}

/** The handle of a plain TCP socket, which keeps it; undefined when it is not as expected. */
export function handleOf(socket: Socket): TcpHandle | undefined {
  const { _handle: handle } = socket as unknown as SocketInternals
  return isUsable(handle) ? handle : undefined
}

/** Address and port of the peer, as one flat string: one that is put together keeps its parts. Asks the handle itself where it can: the socket's own properties cost more than the system call. */
export function peerOf(socket: Socket): string {
  const name: PeerName = {}
  if (handleOf(socket)?.getpeername(name) === 0) return [name.address, name.port].join(':')
  return `${socket.remoteAddress}:${socket.remotePort}`
}

/** Octets that the kernel has taken; undefined once the handle is closed and knows no more. */
export function octetsSent(handle: TcpHandle): number | undefined {
  const sent = handle.bytesWritten - handle.writeQueueSize
  return Number.isNaN(sent) ? undefined : sent
}
