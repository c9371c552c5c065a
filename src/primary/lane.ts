// One worker as the distributor sees it: the connections that it has, that are on their way to it, and that wait for it.

import type { Admission, Handover } from '../messages.js'

/** What the distributor asks of a worker. */
export interface Recipient<Socket> {
  /** Sends the socket; our copy of it stays open. */
  handOver(message: Handover, socket: Socket): void
  /** Hand-over `id` counts no more. */
  revoke(id: number): void
}

/** A connection that no worker has taken yet. */
export interface Untaken<Socket> {
  readonly admission: Admission
  /** Undefined where the connection is not counted by an address yet: a trusted proxy has to tell it first. */
  readonly address: string | undefined
  readonly socket: Socket
  /** When the hand-over under way counts as missed. */
  deadline: number
}

/** A connection that a worker serves. */
export type Taken = Pick<Untaken<never>, 'admission' | 'address'>

/**
 * Hand-overs under way per worker: enough that a worker has work while its acknowledgements travel, and few, since a worker
 * reads one handle in each turn of its event loop, so that the last waits for as many turns. Each has to be revoked when the
 * worker stands still; a socket that waits here can go elsewhere without further ado.
 */
export const MOST_IN_FLIGHT = 8

export class Lane<Socket, Worker extends Recipient<Socket>> {
  readonly recipient: Worker
  /** By the number of the hand-over. */
  readonly taken = new Map<number, Taken>()
  /** Hand-overs under way by number, oldest first. */
  readonly inFlight = new Map<number, Untaken<Socket>>()
  /** Reserved for the worker, to be sent when fewer are under way. */
  readonly queue: Untaken<Socket>[] = []
  responsive = true
  retired = false
  /** Until when the worker is taken to be out of file descriptors; undefined when it is not. */
  outOfFilesUntil: number | undefined

  constructor(recipient: Worker) {
    this.recipient = recipient
  }

  get eligible(): boolean {
    return this.responsive && !this.retired && this.outOfFilesUntil === undefined
  }

  get load(): number {
    return this.taken.size + this.inFlight.size + this.queue.length
  }
}
