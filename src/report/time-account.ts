// Where the time of one connection went: how long the server had something to do for it, how long the peer left octets
// unread, how long it was not read and why; its slowest echo, and the round trips of its pings.

import { PAUSE_REASONS } from '../pause-reasons.js'
import type { PingReport, SlowestEcho, TimeReport } from './report.js'

// Places in `values`. Times are milliseconds, instants monotonic ones, and 0 where there is none.
const WORKED = 0
const SERVER = 1
const UNREAD = 2
const SERVER_SINCE = 3
const UNREAD_SINCE = 4
const SLOWEST = 5
const SLOWEST_AT = 6
const PINGS = 7
const PING_SUM = 8
const PING_LEAST = 9
const PING_MOST = 10
const PAUSE_SINCE = 11
const PAUSE_PLACE = 12
const PAUSED = 13

/** Where the beginning of a stretch stands that is added up at a place. */
const SINCE = { [SERVER]: SERVER_SINCE, [UNREAD]: UNREAD_SINCE } as const

const NOTHING: readonly number[] = Array.from({ length: PAUSED + PAUSE_REASONS.length }, () => 0)

export class TimeAccount {
  /** A plain array, and only once there is something to account for: most idle connections have nothing. */
  #values: number[] | undefined

  /** The server worked from `from` to `to`; `owes` if it still has something to do for the connection. */
  worked(from: number, to: number, owes: boolean): void {
    const values = this.#opened()
    values[WORKED] += to - from
    if (values[SERVER_SINCE] === 0) values[SERVER_SINCE] = from
    if (!owes) end(values, SERVER, to)
  }

  /** Whether the server has something to do for the connection, from `now` on. */
  owes(owes: boolean, now: number): void {
    this.#become(SERVER, owes, now)
  }

  /** Whether octets wait for the peer to take them, from `now` on. */
  unread(unread: boolean, now: number): void {
    this.#become(UNREAD, unread, now)
  }

  /** The connection is not read from `now` on, for the reason at this place of `PAUSE_REASONS`; below 0 it is read. */
  paused(place: number, now: number): void {
    const values = this.#opened()
    if (values[PAUSE_SINCE] > 0) values[PAUSED + values[PAUSE_PLACE]] += now - values[PAUSE_SINCE]
    values[PAUSE_SINCE] = place < 0 ? 0 : now
    values[PAUSE_PLACE] = place
  }

  /** An echo was written at `now`, `duration` after its message had been read. */
  echoed(duration: number, now: number): void {
    const values = this.#opened()
    if (duration <= values[SLOWEST]) return
    values[SLOWEST] = duration
    values[SLOWEST_AT] = now
  }

  pingAnswered(roundTrip: number): void {
    const values = this.#opened()
    values[PING_LEAST] = values[PINGS] === 0 ? roundTrip : Math.min(values[PING_LEAST], roundTrip)
    values[PING_MOST] = Math.max(values[PING_MOST], roundTrip)
    values[PING_SUM] += roundTrip
    values[PINGS]++
  }

  /** Nothing goes on any more. */
  closed(now: number): void {
    if (this.#values === undefined) return
    this.owes(false, now)
    this.unread(false, now)
    this.paused(-1, now)
  }

  /** @param duration of the connection until `now` */
  describe(duration: number, now: number): TimeReport {
    const values = (this.#values ?? NOTHING).slice()
    end(values, SERVER, now)
    end(values, UNREAD, now)
    if (values[PAUSE_SINCE] > 0) values[PAUSED + values[PAUSE_PLACE]] += now - values[PAUSE_SINCE]
    const paused = PAUSE_REASONS.map((reason, place) => [reason, rounded(values[PAUSED + place])])
    return {
      server: rounded(values[SERVER]),
      worked: rounded(values[WORKED]),
      client: rounded(Math.max(0, duration - values[SERVER])),
      unread: rounded(values[UNREAD]),
      paused: Object.fromEntries(paused),
    }
  }

  /** @param openedAt instant from which `at` is counted */
  slowestEcho(openedAt: number): SlowestEcho | null {
    if (this.#values === undefined || this.#values[SLOWEST_AT] === 0) return null
    return { at: rounded(this.#values[SLOWEST_AT] - openedAt), duration: rounded(this.#values[SLOWEST]) }
  }

  get pings(): PingReport | null {
    if (this.#values === undefined || this.#values[PINGS] === 0) return null
    const values = this.#values
    return {
      answered: values[PINGS],
      least: rounded(values[PING_LEAST]),
      mean: rounded(values[PING_SUM] / values[PINGS]),
      most: rounded(values[PING_MOST]),
    }
  }

  #become(place: typeof SERVER | typeof UNREAD, going: boolean, now: number): void {
    if (!going) {
      if (this.#values !== undefined) end(this.#values, place, now)
      return
    }
    const values = this.#opened()
    if (values[SINCE[place]] === 0) values[SINCE[place]] = now
  }

  #opened(): number[] {
    this.#values ??= NOTHING.slice()
    return this.#values
  }
}

/** Ends a stretch, if one goes on. */
function end(values: number[], place: typeof SERVER | typeof UNREAD, now: number): void {
  const since = SINCE[place]
  if (values[since] > 0) values[place] += now - values[since]
  values[since] = 0
}

/** To microseconds. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}
