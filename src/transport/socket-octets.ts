// Octets of a TCP socket, told to an observer as they become known.

import type { Socket } from 'node:net'
import { handleOf } from './tcp-handle.js'
import type { OctetObserver } from './transport.js'

export class SocketOctets {
  received: number
  /** Those that the kernel has taken. */
  sent: number
  /** Octets were dropped with the socket: what the system cancels leaves its queue as if the kernel had taken it. */
  cancelled = false
  readonly #socket: Socket
  readonly #handle: ReturnType<typeof handleOf>
  readonly #observer: OctetObserver

  /** @param counted octets that somebody else has counted; by default none */
  constructor(socket: Socket, observer: OctetObserver, counted?: 'so far') {
    this.#socket = socket
    this.#handle = handleOf(socket)
    this.#observer = observer
    this.received = counted === undefined ? 0 : (this.#source.bytesRead ?? 0)
    this.sent = counted === undefined ? 0 : (this.#source.bytesWritten ?? 0)
  }

  /** Tells of the octets since the last time. */
  count(): void {
    const { bytesRead, bytesWritten } = this.#source
    const received = Math.max(this.received, bytesRead ?? 0)
    const taken = this.cancelled ? 0 : (bytesWritten ?? 0) - (this.#handle?.writeQueueSize ?? 0)
    const sent = Math.max(this.sent, taken)
    this.#observer.wireReceived(received - this.received)
    this.#observer.wireSent(sent - this.sent)
    this.received = received
    this.sent = sent
  }

  /** A handle that is closed tells nothing any more; its socket still does. */
  get #source(): { readonly bytesRead: number | undefined; readonly bytesWritten: number | undefined } {
    return this.#handle?.bytesRead === undefined ? this.#socket : this.#handle
  }
}
