// The two ways to decide when a message goes. In the open loop a schedule does, whatever the server does. In the closed
// loop the echo of the one before does, so that a server which stalls is asked less: its latency looks better than it is.

import type { Connection } from './connection.js'
import type { Fleet } from './fleet.js'
import type { Orders } from './orders.js'
import type { Schedule } from './schedule.js'
import type { Tally } from './tally.js'

export interface Loop {
  start(now: number): void
  /** Sends what is due by now. */
  dispatch(now: number): void
  /** When `dispatch` is wanted next; Infinity when it is not. */
  next(): number
  /** Whether no more messages will become due. */
  isOver(now: number): boolean
  /** No more messages, from now on. */
  stop(): void
  onOpened(connection: Connection, now: number): void
  onRoom(connection: Connection, count: number, now: number): void
}

export class OpenLoop implements Loop {
  readonly #schedule: Schedule
  readonly #fleet: Fleet
  readonly #tally: Tally
  /** For messages that no connection is there for. */
  readonly #orders: Orders
  readonly #dirty: Connection[] = []
  #start = Number.POSITIVE_INFINITY
  #isStopped = false

  constructor(schedule: Schedule, fleet: Fleet, tally: Tally, orders: Orders) {
    this.#schedule = schedule
    this.#fleet = fleet
    this.#tally = tally
    this.#orders = orders
  }

  start(now: number): void {
    this.#start = now
  }

  dispatch(now: number): void {
    if (this.next() > now) return
    const dirty = this.#dirty
    while (this.next() <= now) {
      const due = this.next()
      this.#schedule.advance()
      this.#tally.latencies.lateness.record(now - due)
      const connection = this.#fleet.pick()
      if (connection === undefined) this.#lose()
      else {
        if (connection.flight.waiting === 0) dirty.push(connection)
        connection.add(due)
      }
    }
    for (const connection of dirty) connection.send(now)
    dirty.length = 0
  }

  next(): number {
    return this.#isStopped ? Number.POSITIVE_INFINITY : this.#start + this.#schedule.next
  }

  isOver(): boolean {
    return this.next() === Number.POSITIVE_INFINITY
  }

  stop(): void {
    this.#isStopped = true
  }

  onOpened(): void {}

  onRoom(): void {}

  #lose(): void {
    this.#tally.counts.messages.due++
    this.#tally.fault('lost', this.#orders)
  }
}

export interface ClosedLoopOptions {
  /** Messages in flight on each connection. */
  readonly inFlight: number
  /** Milliseconds between an echo and the next message. */
  readonly think: number
  readonly duration: number
  /** Most messages of this thread. */
  readonly messages: number
}

interface Thought {
  readonly connection: Connection
  readonly until: number
}

export class ClosedLoop implements Loop {
  readonly #options: ClosedLoopOptions
  readonly #fleet: Fleet
  /** Those that think, in the order in which they are done, since all think as long. */
  #thinking: Thought[] = []
  #left: number
  #end = Number.POSITIVE_INFINITY
  #isRunning = false

  constructor(options: ClosedLoopOptions, fleet: Fleet) {
    this.#options = options
    this.#fleet = fleet
    this.#left = options.messages
  }

  start(now: number): void {
    this.#isRunning = true
    this.#end = now + this.#options.duration
    for (const connection of [...this.#fleet.open]) this.onOpened(connection, now)
  }

  dispatch(now: number): void {
    let done = 0
    while (done < this.#thinking.length && this.#thinking[done].until <= now) {
      const { connection, until } = this.#thinking[done++]
      this.#send(connection, 1, until, now)
    }
    if (done > 0) this.#thinking = this.#thinking.slice(done)
  }

  next(): number {
    return Math.min(this.#thinking[0]?.until ?? Number.POSITIVE_INFINITY, this.#end)
  }

  isOver(now: number): boolean {
    return !this.#isRunning || this.#left <= 0 || now >= this.#end
  }

  stop(): void {
    this.#isRunning = false
    this.#thinking = []
  }

  onOpened(connection: Connection, now: number): void {
    if (this.#isRunning) this.#send(connection, this.#options.inFlight, now, now)
  }

  onRoom(connection: Connection, count: number, now: number): void {
    const { think } = this.#options
    if (!this.#isRunning) return
    if (think === 0) return this.#send(connection, count, now, now)
    for (let i = 0; i < count; i++) this.#thinking.push({ connection, until: now + think })
  }

  #send(connection: Connection, count: number, due: number, now: number): void {
    // One that leaves is not given more.
    if (connection.index < 0 || this.isOver(now)) return
    const most = Math.min(count, this.#left)
    for (let i = 0; i < most; i++) connection.add(due)
    this.#left -= most
    connection.send(now)
  }
}
