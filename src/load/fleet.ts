// The connections of one thread: opens them, replaces those that end, lets some come and go, and ends them all.

import { Connection, type Shared } from './connection.js'
import type { Orders } from './orders.js'

/** Opening handshakes under way at a time, when nothing says how fast connections are to be opened. */
const OPENING_AT_A_TIME = 64
/** Milliseconds before a connection is tried again that could not be opened, or ended at once. */
const RETRY_PAUSE = 1000
/** Milliseconds between looks for what took too long. */
const SWEEP_INTERVAL = 100

/** Where connections may go. */
export interface Place {
  readonly orders: Orders
  makeKey(): string
  /** Begins to connect: gives `connection` its wire. */
  dial(connection: Connection): void
}

export interface FleetOptions {
  readonly size: number
  /** Milliseconds over which the connections are opened. */
  readonly ramp: number
  /** Connections per second that leave, for others to come. */
  readonly churn: number
  /** Taken in turn. */
  readonly places: readonly Place[]
  /** Number of the first connection, and what the numbers go up by: they are unique among all threads. */
  readonly firstId: number
  readonly idStep: number
}

export class Fleet {
  /** Those that messages can be sent on. */
  readonly open: Connection[] = []
  readonly #options: FleetOptions
  readonly #shared: Shared
  /** All that are not ended. */
  readonly #alive = new Set<Connection>()
  /** Those open, the oldest first. */
  readonly #byAge = new Set<Connection>()
  /** Those that leave when nothing of them is under way. */
  readonly #retiring = new Set<Connection>()
  /** Times at which connections are to be opened again. */
  #vacancies: number[] = []
  #begun = 0
  #opening = 0
  #ids = 0
  #cursor = 0
  #start = 0
  #churnStart = Number.POSITIVE_INFINITY
  #churned = 0
  #lastSweep = 0
  #isEnding = false

  constructor(options: FleetOptions, shared: Shared) {
    this.#options = options
    this.#shared = shared
  }

  /** Whether each connection has been tried once, with whatever success. */
  get isSettled(): boolean {
    return this.#begun >= this.#options.size && this.#opening === 0
  }

  get alive(): number {
    return this.#alive.size
  }

  get flying(): number {
    let sum = 0
    for (const { flight } of this.#alive) sum += flight.flying
    return sum
  }

  get isBusy(): boolean {
    for (const connection of this.#alive) if (connection.isBusy) return true
    return false
  }

  /** Opens the first connections; further ones with each `tick`. */
  start(now: number): void {
    this.#start = now
    this.tick(now)
  }

  /** From now on connections come and go. */
  startChurn(now: number): void {
    this.#churnStart = now
  }

  /** The next connection in turn; undefined when none is open. */
  pick(): Connection | undefined {
    if (this.open.length === 0) return undefined
    if (this.#cursor >= this.open.length) this.#cursor = 0
    return this.open[this.#cursor++]
  }

  tick(now: number): void {
    if (!this.#isEnding) {
      this.#openDue(now)
      this.#refill(now)
      this.#churn(now)
    }
    for (const connection of this.#retiring) if (!connection.isBusy) connection.leave(now)
    if (now - this.#lastSweep < SWEEP_INTERVAL) return
    this.#lastSweep = now
    for (const connection of this.#alive) connection.sweep(now)
  }

  onOpened(connection: Connection): void {
    this.#opening--
    connection.index = this.open.length
    this.open.push(connection)
    this.#byAge.add(connection)
    if (this.#isEnding) connection.leave(this.#shared.now())
  }

  onEnded(connection: Connection): void {
    this.#alive.delete(connection)
    const wasOpen = connection.index >= 0
    const hadRetired = this.#retiring.delete(connection)
    if (wasOpen) this.#close(connection)
    else if (!hadRetired) this.#opening--
    if (this.#isEnding || hadRetired) return
    this.#vacancies.push(this.#shared.now() + RETRY_PAUSE)
  }

  /** Begins the closing handshakes. */
  end(now: number): void {
    this.#isEnding = true
    for (const connection of this.#alive) connection.leave(now)
  }

  /** Ends what is left without a handshake. */
  abandon(): void {
    this.#isEnding = true
    for (const connection of this.#alive) connection.abandon()
  }

  /** The first round: by the ramp, or as fast as handshakes succeed. */
  #openDue(now: number): void {
    const { size, ramp } = this.#options
    const due = ramp === 0 ? size : Math.min(size, Math.ceil((size * (now - this.#start)) / ramp))
    while (this.#begun < due && (ramp > 0 || this.#opening < OPENING_AT_A_TIME)) {
      this.#begun++
      this.#openOne()
    }
  }

  #refill(now: number): void {
    if (this.#vacancies.length === 0 || this.#vacancies[0] > now) return
    const due = this.#vacancies.filter(time => time <= now).length
    this.#vacancies = this.#vacancies.slice(due)
    for (let i = 0; i < due; i++) this.#openOne()
  }

  #churn(now: number): void {
    const due = Math.floor(((now - this.#churnStart) * this.#options.churn) / 1000)
    for (; this.#churned < due; this.#churned++) {
      const [oldest] = this.#byAge
      if (oldest === undefined) return
      this.#close(oldest)
      this.#retiring.add(oldest)
      this.#openOne()
    }
  }

  #openOne(): void {
    const { places, firstId, idStep } = this.#options
    const place = places[this.#ids % places.length]
    const id = firstId + this.#ids++ * idStep
    const connection = new Connection(this.#shared, id, place.makeKey(), place.orders)
    this.#opening++
    this.#alive.add(connection)
    place.dial(connection)
  }

  /** Takes it out of those that messages are sent on. */
  #close(connection: Connection): void {
    this.#byAge.delete(connection)
    const last = this.open.pop()
    if (last !== undefined && last !== connection) {
      this.open[connection.index] = last
      last.index = connection.index
    }
    connection.index = -1
  }
}
