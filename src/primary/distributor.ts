// Gives accepted sockets to workers, each hand-over acknowledged. No I/O: sockets are opaque, the clock is passed in.

import type { Admission, Handover } from '../messages.js'
import type { Settings } from '../settings.js'
import { AdmissionControl, type Limits } from './admission.js'
import { STRATEGIES, type Strategy } from './strategy.js'

/** A hand-over that is not acknowledged within this many milliseconds goes to another worker. */
export const ACKNOWLEDGEMENT_TIMEOUT = 1000

/**
 * The worker itself refuses a hand-over older than this (milliseconds). The gap to the timeout above is the time its
 * acknowledgement has to reach us; without one, two workers could believe they own the connection.
 */
const ACCEPTANCE_WINDOW = ACKNOWLEDGEMENT_TIMEOUT / 2

/** What the distributor asks of a worker. */
export interface Recipient<Socket> {
  /** Sends the socket; our copy of it stays open. */
  handOver(message: Handover, socket: Socket): void
  revoke(id: number): void
}

export interface DistributorOptions<Socket> {
  readonly distribution: Settings['distribution']
  readonly limits: Limits
  /** Closes the primary's copy; the connection itself lives on when a worker holds another. */
  readonly closeSocket: (socket: Socket) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

interface Connection<Socket> {
  readonly id: number
  readonly admission: Admission
  readonly address: string
  /** Our copy; undefined once a worker has taken the connection. */
  socket: Socket | undefined
  /** When the hand-over under way counts as missed. */
  deadline: number
}

/**
 * Hand-overs under way per worker. Node sends one handle at a time, the next when the worker's Node has acknowledged it:
 * with a few in its queue nothing waits for us as well. A socket that still waits here can go elsewhere without a `revoke`.
 */
export const MOST_IN_FLIGHT = 4

/** One worker as the distributor sees it. */
class Lane<Socket> {
  readonly recipient: Recipient<Socket>
  /** Every connection from its reservation until it is gone. */
  readonly connections = new Map<number, Connection<Socket>>()
  readonly queue: Connection<Socket>[] = []
  /** Hand-overs under way, oldest first. */
  readonly inFlight = new Map<number, Connection<Socket>>()
  responsive = true
  retired = false

  constructor(recipient: Recipient<Socket>) {
    this.recipient = recipient
  }

  get eligible(): boolean {
    return this.responsive && !this.retired
  }

  get load(): number {
    return this.connections.size
  }
}

export class Distributor<Socket> {
  readonly #strategy: Strategy
  readonly #admission: AdmissionControl
  readonly #closeSocket: (socket: Socket) => void
  readonly #now: () => number
  readonly #lanes: Lane<Socket>[] = []
  readonly #laneOf = new Map<Recipient<Socket>, Lane<Socket>>()
  /** Admitted connections that no worker can be given at the moment. */
  #waiting: Connection<Socket>[] = []
  #lastChosen = -1
  #lastId = 0
  #closed = false

  constructor(options: DistributorOptions<Socket>) {
    this.#strategy = STRATEGIES[options.distribution]
    this.#admission = new AdmissionControl(options.limits)
    this.#closeSocket = options.closeSocket
    this.#now = options.now
  }

  /** Whether `accept` needs the peer's address. */
  get needsAddress(): boolean {
    return this.#admission.needsAddress
  }

  /** Takes charge of an accepted socket. Without any eligible worker it waits for one, unless it is to be refused. */
  accept(socket: Socket, address: string): void {
    const admission = this.#closed ? 503 : this.#admission.admit(address)
    this.#place({ id: ++this.#lastId, admission, address, socket, deadline: 0 })
  }

  /** The worker is ready for connections. */
  join(recipient: Recipient<Socket>): void {
    const lane = new Lane(recipient)
    this.#laneOf.set(recipient, lane)
    this.#lanes.push(lane)
    this.#placeWaiting()
  }

  /** The worker gets no more connections; it keeps those it has. */
  retire(recipient: Recipient<Socket>): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    lane.retired = true
    this.#placeElsewhere(lane, lane.queue.splice(0))
  }

  /** The worker is dead: what it had is gone, what it had not taken goes to others. */
  remove(recipient: Recipient<Socket>): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    this.#laneOf.delete(recipient)
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    for (const connection of lane.connections.values()) {
      if (connection.socket === undefined) this.#release(connection)
      else this.#place(connection)
    }
  }

  /** The worker owns the connection, unless it was told meanwhile that it went elsewhere. */
  taken(recipient: Recipient<Socket>, id: number): void {
    const lane = this.#laneOf.get(recipient)
    const connection = lane?.inFlight.get(id)
    if (!lane || !connection) return
    lane.inFlight.delete(id)
    this.#closeCopy(connection)
    this.#sendNext(lane)
  }

  refused(recipient: Recipient<Socket>, id: number): void {
    const lane = this.#laneOf.get(recipient)
    const connection = lane?.inFlight.get(id)
    if (!lane || !connection) return
    lane.inFlight.delete(id)
    this.#sendNext(lane)
    this.#placeElsewhere(lane, [connection])
  }

  /** Connections ended. Ids that the worker does not own, such as revoked ones, are passed over. */
  ended(recipient: Recipient<Socket>, ids: readonly number[]): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    for (const id of ids) {
      const connection = lane.connections.get(id)
      if (connection?.socket !== undefined) continue
      lane.connections.delete(id)
      if (connection) this.#release(connection)
    }
  }

  /** The worker said something, whatever it was: it is responsive. */
  heard(recipient: Recipient<Socket>): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane || lane.responsive) return
    lane.responsive = true
    this.#placeWaiting()
  }

  /** The worker gets nothing until it is heard again; what it has not taken goes to others. */
  suspend(recipient: Recipient<Socket>): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane?.responsive) return
    lane.responsive = false
    const pending = [...lane.inFlight.values(), ...lane.queue.splice(0)]
    for (const id of lane.inFlight.keys()) lane.recipient.revoke(id)
    lane.inFlight.clear()
    this.#placeElsewhere(lane, pending)
  }

  /** Suspends the workers that missed an acknowledgement. To be called several times a second. */
  expire(): void {
    const now = this.#now()
    for (const lane of this.#lanes) {
      const [oldest] = lane.inFlight.values()
      if (oldest && oldest.deadline <= now) this.suspend(lane.recipient)
    }
  }

  /** Closes every socket that no worker has got yet, and those still to come. */
  close(): void {
    this.#closed = true
    this.#placeWaiting()
    for (const lane of this.#lanes) this.#placeElsewhere(lane, lane.queue.splice(0))
  }

  isResponsive(recipient: Recipient<Socket>): boolean {
    return this.#laneOf.get(recipient)?.responsive ?? false
  }

  /** Connections of the worker, those reserved for it included. */
  load(recipient: Recipient<Socket>): number {
    return this.#laneOf.get(recipient)?.load ?? 0
  }

  #place(connection: Connection<Socket>, except?: Lane<Socket>): void {
    const lane = this.#closed ? undefined : this.#choose(except)
    if (lane) this.#reserve(lane, connection)
    else if (this.#closed || connection.admission !== 0) this.#drop(connection)
    else this.#waiting.push(connection)
  }

  #placeWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const connection of waiting) this.#place(connection)
  }

  #placeElsewhere(from: Lane<Socket>, connections: readonly Connection<Socket>[]): void {
    for (const connection of connections) {
      from.connections.delete(connection.id)
      this.#place(connection, from)
    }
  }

  /** The lane `except` is taken only when there is no other. */
  #choose(except: Lane<Socket> | undefined): Lane<Socket> | undefined {
    const index = this.#strategy(this.#lanes, this.#lastChosen)
    if (index < 0) return undefined
    this.#lastChosen = index
    const lane = this.#lanes[index]
    if (lane !== except) return lane
    const others = this.#lanes.filter(other => other !== except)
    return others[this.#strategy(others, -1)] ?? lane
  }

  #reserve(lane: Lane<Socket>, connection: Connection<Socket>): void {
    lane.connections.set(connection.id, connection)
    if (lane.inFlight.size >= MOST_IN_FLIGHT) lane.queue.push(connection)
    else this.#send(lane, connection)
  }

  #sendNext(lane: Lane<Socket>): void {
    const next = lane.queue.shift()
    if (next) this.#send(lane, next)
  }

  #send(lane: Lane<Socket>, connection: Connection<Socket>): void {
    const { id, admission, socket } = connection
    if (socket === undefined) return
    const now = this.#now()
    lane.inFlight.set(id, connection)
    connection.deadline = now + ACKNOWLEDGEMENT_TIMEOUT
    lane.recipient.handOver({ type: 'handover', id, admission, deadline: now + ACCEPTANCE_WINDOW }, socket)
  }

  #drop(connection: Connection<Socket>): void {
    this.#closeCopy(connection)
    this.#release(connection)
  }

  #closeCopy(connection: Connection<Socket>): void {
    if (connection.socket !== undefined) this.#closeSocket(connection.socket)
    connection.socket = undefined
  }

  #release(connection: Connection<Socket>): void {
    if (connection.admission === 0) this.#admission.release(connection.address)
  }
}
