// Which deadline a connection has missed. Deadlines go by progress: who takes or sends octets steadily misses none.
//
// Looked at a few times a second for each connection, so instants are whole monotonic milliseconds and nothing here
// allocates.

import type { Settings } from '../settings.js'

/** A peer that takes less than this many octets in a second is held to take none: or one now and then would do for ever. */
const LEAST_RATE = 1000

export type DeadlineSettings = Pick<Settings, 'handshakeTimeout' | 'pingInterval' | 'pingTimeout' | 'slowReaderTimeout'>

/** What a deadline depends on, of one connection. */
export interface Watched {
  /** Octets written that the kernel has not taken. */
  readonly pending: number
  /** Octets that it has taken so far. */
  readonly octetsSent: number
  /** Whether octets from the peer would be seen. */
  readonly reading: boolean
  /** Whether the peer owes a Close or a FIN. */
  readonly owesEnd: boolean
  /** Whether a ping can be sent now. */
  readonly canPing: boolean
}

export const NOTHING_DUE = 0
/** The peer was silent for ping-interval: ping it. */
export const PING_DUE = 1
/** The peer was silent for ping-timeout as well. */
export const SILENT = 2
/** The peer took next to nothing of what waits for it until slow-reader-timeout. */
export const SLOW_READER = 3
/** The peer did not end the connection until handshake-timeout, although it had nothing left to read. */
export const END_OVERDUE = 4

export type Due = typeof NOTHING_DUE | typeof PING_DUE | typeof SILENT | typeof SLOW_READER | typeof END_OVERDUE

export class Deadlines {
  readonly #settings: DeadlineSettings
  #heard = true
  #lastHeard = 0
  /** 0 if no ping waits for an answer. */
  #pingedAt = 0
  /** When the stretch began in which the peer must take its due; 0 if nothing waits for it. */
  #stretchAt = 0
  /** Octets sent by which the peer has taken its due. */
  #stretchGoal = 0
  /** Since when the peer owes its end; 0 if it owes none, or still has something to read. */
  #owesSince = 0

  constructor(settings: DeadlineSettings) {
    this.#settings = settings
  }

  /** Octets came. */
  heard(): void {
    this.#heard = true
  }

  /** What is due at `now`. PING_DUE is said once for each silence. */
  sweep(now: number, watched: Watched): Due {
    if (this.#isSlow(now, watched)) return SLOW_READER
    if (watched.owesEnd) return this.#isEndOverdue(now, watched) ? END_OVERDUE : NOTHING_DUE
    return this.#silence(now, watched)
  }

  /** In each stretch of slow-reader-timeout the peer must take what LEAST_RATE makes of it, or all there was. */
  #isSlow(now: number, watched: Watched): boolean {
    const { slowReaderTimeout } = this.#settings
    const { pending } = watched
    if (pending === 0 || slowReaderTimeout === 0) {
      this.#stretchAt = 0
      return false
    }
    const { octetsSent } = watched
    if (this.#stretchAt === 0 || octetsSent >= this.#stretchGoal) {
      this.#stretchAt = now
      this.#stretchGoal = octetsSent + Math.min(pending, Math.ceil((LEAST_RATE * slowReaderTimeout) / 1000))
      return false
    }
    return now - this.#stretchAt >= slowReaderTimeout
  }

  #isEndOverdue(now: number, { pending }: Watched): boolean {
    if (pending > 0) {
      this.#owesSince = 0
      return false
    }
    if (this.#owesSince === 0) this.#owesSince = now
    return now - this.#owesSince >= this.#settings.handshakeTimeout
  }

  #silence(now: number, { reading, canPing }: Watched): Due {
    if (this.#heard || !reading) {
      this.#heard = false
      this.#lastHeard = now
      this.#pingedAt = 0
      return NOTHING_DUE
    }
    const { pingInterval, pingTimeout } = this.#settings
    const silence = now - this.#lastHeard
    if (pingInterval === 0 || silence < pingInterval) return NOTHING_DUE
    if (this.#pingedAt === 0 && canPing) {
      this.#pingedAt = now
      return PING_DUE
    }
    // Where no ping can be sent, inside an unfinished frame, the peer has as long as one that was pinged in time.
    const since = this.#pingedAt === 0 ? this.#lastHeard + pingInterval : this.#pingedAt
    return pingTimeout > 0 && now - since >= pingTimeout ? SILENT : NOTHING_DUE
  }
}
