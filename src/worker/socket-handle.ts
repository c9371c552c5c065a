// The only place that knows a socket's handle, a Node-internal that has been stable since Node 12.
//
// It is needed for an accepted connection to read into memory of ours, which Node offers for outgoing ones only, to know
// how many octets the kernel has taken of a write that waits, and for the peer's address at the price of one system call.
// Whatever is not as expected makes callers use plain streams.

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

/** Whether a socket made of this handle can have its reads go into a buffer that it is given. */
export function takesReadBuffer(handle: unknown): boolean {
  return typeof (handle as { useUserBuffer?: unknown } | null)?.useUserBuffer === 'function'
}

/**
 * Address and port of the peer, as one flat string: one that is put together keeps its parts. Asks the handle itself where
 * it can, since the socket's own properties cost more than the system call.
 */
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
