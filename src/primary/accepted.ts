// Accepted connections as the primary has them, from accept to hand-over: bare TCP handles, nothing of which is read here.
//
// A `net.Socket` around each would be most of what accepting costs, in time and in garbage, and nobody here reads or
// writes it. The handle is not public: where it is not as expected, connections are sockets, and the rest works with either.

import { type Server, Socket } from 'node:net'
import { closeCopy, type HandleChannel } from '../handle-channel.js'
import type { Handover } from '../messages.js'

/** The part of Node's TCP handle that is used here. */
interface BareHandle {
  close(): void
  /** Fills in `address`; returns the system's error number, or 0. */
  getpeername(name: { address?: string }): number
}

interface ListeningHandle {
  onconnection?: (this: unknown, status: number, handle: unknown) => void
}

/** The primary's copy of one connection. */
export class Accepted {
  readonly connection: BareHandle | Socket
  /** Writes that bring it to a worker and are not done. */
  #writes = 0
  #closed = false

  constructor(connection: BareHandle | Socket) {
    this.connection = connection
  }

  /** The peer's address; empty when the peer has reset the connection meanwhile. Costs a system call. */
  get address(): string {
    if (this.connection instanceof Socket) return this.connection.remoteAddress ?? ''
    const name: { address?: string } = {}
    return this.connection.getpeername(name) === 0 ? (name.address ?? '') : ''
  }

  /** Whether there is nothing left to send: Node destroys a socket whose peer has reset it. */
  get gone(): boolean {
    return this.connection instanceof Socket && this.connection.destroyed
  }

  /** Sends a copy; this one stays open. */
  sendTo(channel: HandleChannel, handover: Handover): void {
    this.#writes++
    channel.send(handover, this.connection, () => {
      this.#writes--
      this.#closeWhenUnused()
    })
  }

  /** Closes this copy, as soon as no write needs it: a pipe to a worker that stands still may be full. To be called once. */
  close(): void {
    this.#closed = true
    this.#closeWhenUnused()
  }

  #closeWhenUnused(): void {
    if (this.#closed && this.#writes === 0) closeCopy(this.connection)
  }
}

/** Gives the connections of a listening server to `take`. What is not a handle as expected goes the way that Node has for it. */
export function takeAccepted(server: Server, take: (accepted: Accepted) => void): void {
  server.on('connection', socket => take(new Accepted(socket)))
  const { _handle: listening } = server as Server & { readonly _handle?: ListeningHandle }
  const onConnection = listening?.onconnection
  if (listening === undefined || onConnection === undefined) return
  listening.onconnection = (status, handle) => {
    if (status === 0 && isBare(handle)) take(new Accepted(handle))
    else onConnection.call(listening, status, handle)
  }
}

function isBare(handle: unknown): handle is BareHandle {
  if (typeof handle !== 'object' || handle === null || handle.constructor.name !== 'TCP') return false
  const { close, getpeername } = handle as Partial<BareHandle>
  return typeof close === 'function' && typeof getpeername === 'function'
}
