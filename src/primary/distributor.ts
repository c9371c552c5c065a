// Gives accepted sockets to workers, each hand-over acknowledged. No I/O: sockets are opaque, the clock is passed in.

import type { Admission } from '../messages.js'
import type { EndCause } from '../metrics/catalogue.js'
import type { Settings } from '../settings.js'
import { AdmissionControl, type Limits } from './admission.js'
import { Lane, MOST_IN_FLIGHT, type Recipient, type Taken, type Untaken } from './lane.js'
import { STRATEGIES, type Strategy } from './strategy.js'

/** A hand-over that is not acknowledged within this many milliseconds goes to another worker. */
export const ACKNOWLEDGEMENT_TIMEOUT = 1000

/** Milliseconds for which a worker without a free file descriptor gets no connections. */
export const OUT_OF_FILES_PAUSE = 500

export interface DistributorOptions<Socket, Worker> {
  readonly distribution: Settings['distribution']
  readonly limits: Limits
  /** Closes the primary's copy; the connection itself lives on when a worker holds another. */
  readonly closeSocket: (socket: Socket) => void
  /** Whether the peer has left while we had the only copy, so that there is nothing to hand over. */
  readonly isGone: (socket: Socket) => boolean
  /** A worker stopped speaking, or spoke again. */
  readonly onResponsive: (recipient: Worker, responsive: boolean) => void
  /** A worker got a hand-over without its socket. */
  readonly onUndelivered: (recipient: Worker) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export class Distributor<Socket, Worker extends Recipient<Socket>> {
  readonly #options: DistributorOptions<Socket, Worker>
  readonly #strategy: Strategy
  readonly #admission: AdmissionControl
  readonly #lanes: Lane<Socket, Worker>[] = []
  readonly #laneOf = new Map<Worker, Lane<Socket, Worker>>()
  /** Admitted connections that no worker can be given at the moment. */
  #waiting: Untaken<Socket>[] = []
  /** Connections that a worker took. */
  #opened = 0
  readonly #ended: Record<EndCause, number> = { closed: 0, lost: 0 }
  #held = 0
  #lastChosen = -1
  #lastHandover = 0
  #closed = false

  constructor(options: DistributorOptions<Socket, Worker>) {
    this.#strategy = STRATEGIES[options.distribution]
    this.#admission = new AdmissionControl(options.limits)
    this.#options = options
  }

  /** Whether `accept` needs the peer's address. */
  get needsAddress(): boolean {
    return this.#admission.needsAddress
  }

  /** Connections that workers took so far. */
  get openedTotal(): number {
    return this.#opened
  }

  /** Those of them that are no more: the rest is what the workers have now. */
  get endedTotal(): Readonly<Record<EndCause, number>> {
    return this.#ended
  }

  /** Sockets that no worker has taken yet: our copies are open. */
  get held(): number {
    return this.#held
  }

  /**
   * Takes charge of an accepted socket. Without any eligible worker it waits for one, unless it is to be refused.
   *
   * @param address undefined where its worker will know it, see `admitClient`
   */
  accept(socket: Socket, address: string | undefined): void {
    this.#held++
    const admission = this.#closed ? 503 : this.#admission.admit(address)
    this.#place({ admission, address, socket, deadline: 0 })
  }

  /** The worker is ready for connections. */
  join(recipient: Worker): void {
    const lane = new Lane<Socket, Worker>(recipient)
    this.#laneOf.set(recipient, lane)
    this.#lanes.push(lane)
    this.#placeWaiting()
  }

  /** The worker gets no more connections; it keeps those it has. */
  retire(recipient: Worker): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    lane.retired = true
    this.#placeElsewhere(lane, lane.queue.splice(0))
  }

  /** The worker is dead: what it had is lost, what it had not taken goes to others. Returns how many are lost. */
  remove(recipient: Worker): number {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return 0
    this.#laneOf.delete(recipient)
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    for (const connection of lane.taken.values()) this.#release(connection)
    for (const connection of [...lane.inFlight.values(), ...lane.queue]) this.#place(connection)
    this.#ended.lost += lane.taken.size
    return lane.taken.size
  }

  /** The worker serves the connections from now on. Numbers that were revoked meanwhile are passed over. */
  taken(recipient: Worker, ids: readonly number[]): void {
    this.#answered(recipient, ids, (lane, { admission, address, socket }, id) => {
      lane.taken.set(id, { admission, address })
      this.#opened++
      this.#close(socket)
    })
  }

  /**
   * The worker knows now whom its connection `id` is from. Counted by that address, it may be one too many: then it does not
   * count any more, though the worker tells of its end.
   */
  admitClient(recipient: Worker, id: number, address: string): Admission {
    const taken = this.#laneOf.get(recipient)?.taken
    const connection = taken?.get(id)
    if (taken === undefined || connection === undefined) return 503
    if (connection.admission !== 0 || connection.address !== undefined) return connection.admission
    const admission = this.#admission.admitAddress(address)
    if (admission !== 0) this.#release(connection)
    taken.set(id, { admission, address })
    return admission
  }

  /**
   * A stream of the session that the worker has as connection `session` is another of its connections from now on, also if
   * it is to be refused: it counts by the session's address, and the worker tells of its end. Without such a session it is
   * none, and has the number 0.
   */
  openStream(recipient: Worker, session: number): { readonly id: number; readonly admission: Admission } {
    const lane = this.#laneOf.get(recipient)
    const carrier = lane?.taken.get(session)
    if (lane === undefined || carrier === undefined) return { id: 0, admission: 503 }
    const { address } = carrier
    const admission = this.#closed ? 503 : this.#admission.admit(address)
    const id = ++this.#lastHandover
    lane.taken.set(id, { admission, address })
    this.#opened++
    return { id, admission }
  }

  /** The worker gave them back. */
  refused(recipient: Worker, ids: readonly number[]): void {
    this.#answered(recipient, ids, (lane, connection) => this.#place(connection, lane))
  }

  /** They came without their sockets, which is so when the worker has no file descriptor left: it gets a pause. */
  undelivered(recipient: Worker, ids: readonly number[]): void {
    this.#answered(recipient, ids, (lane, connection) => {
      if (this.#options.isGone(connection.socket)) return this.#drop(connection)
      this.#options.onUndelivered(recipient)
      lane.outOfFilesUntil = this.#options.now() + OUT_OF_FILES_PAUSE
      this.#place(connection, lane)
    })
  }

  /** Connections ended. Numbers that the worker does not own, such as revoked ones, are passed over. */
  ended(recipient: Worker, ids: readonly number[]): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    for (const id of ids) {
      const connection = lane.taken.get(id)
      if (connection === undefined) continue
      lane.taken.delete(id)
      this.#ended.closed++
      this.#release(connection)
    }
  }

  /** The worker said something, whatever it was: it is responsive. */
  heard(recipient: Worker): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane || lane.responsive) return
    lane.responsive = true
    this.#options.onResponsive(recipient, true)
    this.#placeWaiting()
  }

  /** The worker gets nothing until it is heard again. What is on its way to it stays there until its deadline. */
  suspend(recipient: Worker): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane?.responsive) return
    lane.responsive = false
    this.#options.onResponsive(recipient, false)
    this.#placeElsewhere(lane, lane.queue.splice(0))
  }

  /**
   * Takes back the hand-overs that missed their deadline, suspends their workers, and ends the pauses of those that were out
   * of files. To be called several times a second, when all is read that was in the channels at the instant `now` (see
   * watchdog): a hand-over must not be taken back that a worker has taken in time.
   */
  expire(now: number): void {
    for (const lane of this.#lanes) {
      if (lane.outOfFilesUntil !== undefined && lane.outOfFilesUntil <= now) lane.outOfFilesUntil = undefined
      this.#takeBack(lane, now)
    }
    if (this.#waiting.length > 0) this.#placeWaiting()
  }

  /** Closes every socket that no worker has got yet, and those still to come. */
  close(): void {
    this.#closed = true
    this.#placeWaiting()
    for (const lane of this.#lanes) this.#placeElsewhere(lane, lane.queue.splice(0))
  }

  isResponsive(recipient: Worker): boolean {
    return this.#laneOf.get(recipient)?.responsive ?? false
  }

  /** Connections that the worker took and has. */
  open(recipient: Worker): number {
    return this.#laneOf.get(recipient)?.taken.size ?? 0
  }

  /** Connections of the worker, those reserved for it included. */
  load(recipient: Worker): number {
    return this.#laneOf.get(recipient)?.load ?? 0
  }

  /** Takes those of `ids` that are under way to the worker out of flight, gives them to `settle`, and sends the next. */
  #answered(
    recipient: Worker,
    ids: readonly number[],
    settle: (lane: Lane<Socket, Worker>, connection: Untaken<Socket>, id: number) => void,
  ): void {
    const lane = this.#laneOf.get(recipient)
    if (!lane) return
    for (const id of ids) {
      const connection = lane.inFlight.get(id)
      if (connection === undefined) continue
      lane.inFlight.delete(id)
      settle(lane, connection, id)
    }
    while (lane.inFlight.size < MOST_IN_FLIGHT) {
      const next = lane.queue.shift()
      if (next === undefined) return
      this.#send(lane, next)
    }
  }

  #takeBack(lane: Lane<Socket, Worker>, now: number): void {
    const missed: Untaken<Socket>[] = []
    for (const [id, connection] of lane.inFlight) {
      if (connection.deadline > now) break
      lane.inFlight.delete(id)
      lane.recipient.revoke(id)
      missed.push(connection)
    }
    if (missed.length === 0) return
    this.suspend(lane.recipient)
    this.#placeElsewhere(lane, missed)
  }

  #place(connection: Untaken<Socket>, except?: Lane<Socket, Worker>): void {
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

  #placeElsewhere(from: Lane<Socket, Worker>, connections: readonly Untaken<Socket>[]): void {
    for (const connection of connections) this.#place(connection, from)
  }

  /** The lane `except` is taken only when there is no other. */
  #choose(except: Lane<Socket, Worker> | undefined): Lane<Socket, Worker> | undefined {
    const index = this.#strategy(this.#lanes, this.#lastChosen)
    if (index < 0) return undefined
    this.#lastChosen = index
    const lane = this.#lanes[index]
    if (lane !== except) return lane
    const others = this.#lanes.filter(other => other !== except)
    return others[this.#strategy(others, -1)] ?? lane
  }

  #reserve(lane: Lane<Socket, Worker>, connection: Untaken<Socket>): void {
    if (lane.inFlight.size >= MOST_IN_FLIGHT) lane.queue.push(connection)
    else this.#send(lane, connection)
  }

  #send(lane: Lane<Socket, Worker>, connection: Untaken<Socket>): void {
    const id = ++this.#lastHandover
    // Whole milliseconds: in the message they are shorter.
    connection.deadline = Math.ceil(this.#options.now()) + ACKNOWLEDGEMENT_TIMEOUT
    lane.inFlight.set(id, connection)
    const { admission, deadline, socket } = connection
    lane.recipient.handOver({ type: 'handover', id, admission, deadline }, socket)
  }

  #drop(connection: Untaken<Socket>): void {
    this.#close(connection.socket)
    this.#release(connection)
  }

  #close(socket: Socket): void {
    this.#held--
    this.#options.closeSocket(socket)
  }

  #release({ admission, address }: Taken): void {
    if (admission === 0) this.#admission.release(address)
  }
}
