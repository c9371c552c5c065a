// Where the time of one connection went: how long the server had something to do for it, how long the peer left octets
// unread, how long it was not read and why; its slowest echo, and the round trips of its pings.

import { PAUSE_REASONS } from '../pause-reasons.js'
import type { PingReport, SlowestEcho, TimeReport } from './report.js'

// Places in `rest`. Times are milliseconds, instants monotonic ones, and 0 where there is none.
const SERVER_SINCE = 0
const UNREAD = 1
const UNREAD_SINCE = 2
const PINGS = 3
const PING_SUM = 4
const PING_LEAST = 5
const PING_MOST = 6
const PAUSE_SINCE = 7
const PAUSE_PLACE = 8
const PAUSED = 9

const NOTHING: readonly number[] = Array.from({ length: PAUSED + PAUSE_REASONS.length }, () => 0)

export class TimeAccount {
  // What every connection with a message has: whole microseconds, since small integers take no memory of their own.
  #worked = 0
  #server = 0
  #slowest = 0
  /** When the slowest echo was written; whole monotonic milliseconds. */
  #slowestAt = 0
  /** What many connections never have. A plain array: a typed one of this size takes twice the memory. */
  #rest: number[] | undefined

  /** The server worked from `from` to `to`; `owes` if it still has something to do for the connection. */
  worked(from: number, to: number, owes: boolean): void {
    const duration = microseconds(to - from)
    this.#worked += duration
    if (this.#isOwing) this.owes(owes, to)
    else if (owes) this.#others[SERVER_SINCE] = from
    else this.#server += duration
  }

  /** Whether the server has something to do for the connection, from `now` on. */
  owes(owes: boolean, now: number): void {
    if (owes === this.#isOwing) return
    const rest = this.#others
    if (!owes) this.#server += microseconds(now - rest[SERVER_SINCE])
    rest[SERVER_SINCE] = owes ? now : 0
  }

  /** Whether octets wait for the peer to take them, from `now` on. */
  unread(unread: boolean, now: number): void {
    const since = this.#rest?.[UNREAD_SINCE] ?? 0
    if (unread === since > 0) return
    const rest = this.#others
    if (!unread) rest[UNREAD] += now - since
    rest[UNREAD_SINCE] = unread ? now : 0
  }

  /** The connection is not read from `now` on, for the reason at this place of `PAUSE_REASONS`; below 0 it is read. */
  paused(place: number, now: number): void {
    const rest = this.#others
    if (rest[PAUSE_SINCE] > 0) rest[PAUSED + rest[PAUSE_PLACE]] += now - rest[PAUSE_SINCE]
    rest[PAUSE_SINCE] = place < 0 ? 0 : now
    rest[PAUSE_PLACE] = place
  }

  /** An echo was written at `now`, `duration` after its message had been read. */
  echoed(duration: number, now: number): void {
    const whole = microseconds(duration)
    if (whole <= this.#slowest) return
    this.#slowest = whole
    this.#slowestAt = Math.trunc(now)
  }

  pingAnswered(roundTrip: number): void {
    const rest = this.#others
    rest[PING_LEAST] = rest[PINGS] === 0 ? roundTrip : Math.min(rest[PING_LEAST], roundTrip)
    rest[PING_MOST] = Math.max(rest[PING_MOST], roundTrip)
    rest[PING_SUM] += roundTrip
    rest[PINGS]++
  }

  /** Nothing goes on any more. */
  closed(now: number): void {
    if (this.#rest === undefined) return
    this.owes(false, now)
    this.unread(false, now)
    this.paused(-1, now)
  }

  /** @param duration of the connection until `now` */
  describe(duration: number, now: number): TimeReport {
    const rest = (this.#rest ?? NOTHING).slice()
    const going = (since: number): number => (rest[since] > 0 ? now - rest[since] : 0)
    if (rest[PAUSE_SINCE] > 0) rest[PAUSED + rest[PAUSE_PLACE]] += going(PAUSE_SINCE)
    const server = this.#server / 1000 + going(SERVER_SINCE)
    const paused = PAUSE_REASONS.map((reason, place) => [reason, rounded(rest[PAUSED + place])])
    return {
      server: rounded(server),
      worked: this.#worked / 1000,
      client: rounded(Math.max(0, duration - server)),
      unread: rounded(rest[UNREAD] + going(UNREAD_SINCE)),
      paused: Object.fromEntries(paused),
    }
  }

  /** @param openedAt instant from which `at` is counted */
  slowestEcho(openedAt: number): SlowestEcho | null {
    if (this.#slowestAt === 0) return null
    return { at: Math.max(0, Math.round(this.#slowestAt - openedAt)), duration: this.#slowest / 1000 }
  }

  get pings(): PingReport | null {
    const rest = this.#rest ?? NOTHING
    if (rest[PINGS] === 0) return null
    return {
      answered: rest[PINGS],
      least: rounded(rest[PING_LEAST]),
      mean: rounded(rest[PING_SUM] / rest[PINGS]),
      most: rounded(rest[PING_MOST]),
    }
  }

  get #isOwing(): boolean {
    return this.#rest !== undefined && this.#rest[SERVER_SINCE] > 0
  }

  get #others(): number[] {
    this.#rest ??= NOTHING.slice()
    return this.#rest
  }
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000)
}

/** To microseconds. */
function rounded(milliseconds: number): number {
  return microseconds(milliseconds) / 1000
}
