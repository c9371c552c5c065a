// Accepted connections as the primary has them, from accept to hand-over: bare TCP handles, nothing of which is read here.
//
// The one place of the primary that touches Node's handles. A `net.Socket` around each would be most of what accepting
// costs, in time and in garbage, and nobody here reads or writes it. The handle is not public: where it is not as
// expected, connections are sockets, and all the rest works with either.

import type { Worker } from 'node:cluster'
import { type Server, Socket } from 'node:net'
import type { Handover } from '../messages.js'

/** The part of Node's TCP handle that is used here. */
interface BareHandle {
  close(): void
  /** Fills in `address`; returns the system's error number, or 0. */
  getpeername(name: { address?: string }): number
}

export type Accepted = BareHandle | Socket

interface ListeningHandle {
  onconnection?: (this: unknown, status: number, handle: unknown) => void
}

/** Gives the connections of a listening server to `take`. What is not a handle as expected goes the way that Node has for it. */
export function takeAccepted(server: Server, take: (accepted: Accepted) => void): void {
  server.on('connection', take)
  const { _handle: listening } = server as Server & { readonly _handle?: ListeningHandle }
  const onConnection = listening?.onconnection
  if (listening === undefined || onConnection === undefined) return
  listening.onconnection = (status, handle) => {
    if (status === 0 && isBare(handle)) take(handle)
    else onConnection.call(listening, status, handle)
  }
}

/** The peer's address; empty when the peer has reset the connection meanwhile. Costs a system call. */
export function addressOf(accepted: Accepted): string {
  if (accepted instanceof Socket) return accepted.remoteAddress ?? ''
  const name: { address?: string } = {}
  return accepted.getpeername(name) === 0 ? (name.address ?? '') : ''
}

/** Closes the primary's copy. */
export function closeAccepted(accepted: Accepted): void {
  if (accepted instanceof Socket) accepted.destroy()
  else accepted.close()
}

/**
 * Sends a copy with `message`; ours stays open. The worker must expect what comes with the message to be a handle or a
 * socket. For sockets Node keeps a list per server on both sides, and asks the workers when the server closes.
 */
export function sendAccepted(worker: Worker, message: Handover, accepted: Accepted): void {
  if (accepted instanceof Socket) worker.send(message, accepted, { keepOpen: true })
  // `send` takes native handles too, but its types do not say so.
  else worker.send(message, accepted as unknown as Socket)
}

function isBare(handle: unknown): handle is BareHandle {
  if (typeof handle !== 'object' || handle === null || handle.constructor.name !== 'TCP') return false
  const { close, getpeername } = handle as Partial<BareHandle>
  return typeof close === 'function' && typeof getpeername === 'function'
}
