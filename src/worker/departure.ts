// How a worker takes leave of its connections: at once in small jittered groups, or once they have gone by themselves.

import type { Leave } from '../messages.js'
import type { Connection } from './connection.js'
import type { Handovers } from './handovers.js'
import type { Openings } from './opening/openings.js'

const GOING_AWAY = 1001
const SERVICE_RESTART = 1012

/** Connections closed together: not so many that their clients all come back in the same moment. */
const GROUP = 64
/** Greatest pause between two groups in milliseconds. */
const PAUSE = 20
/** Part of the drain timeout over which the groups are spread at most, however many there are. */
const SPREAD = 0.5
/** Milliseconds that the closing handshakes get of which the drain timeout itself has sent the Close. */
const LAST_GRACE = 1000

export class Departure {
  readonly #connections: ReadonlyMap<number, Connection>
  readonly #openings: Pick<Openings, 'size' | 'sessions' | 'close' | 'goAway' | 'cut'>
  readonly #handovers: Pick<Handovers, 'size'>
  readonly #drainTimeout: number
  readonly #onDone: (cut: number) => void
  #timer: NodeJS.Timeout | undefined
  #groupTimer: NodeJS.Timeout | undefined
  #cut = 0
  #done = false

  /** `onDone` is called once, when no connection is left, with the number of those that had to be cut. */
  constructor(
    connections: ReadonlyMap<number, Connection>,
    openings: Pick<Openings, 'size' | 'sessions' | 'close' | 'goAway' | 'cut'>,
    handovers: Pick<Handovers, 'size'>,
    drainTimeout: number,
    onDone: (cut: number) => void,
  ) {
    this.#connections = connections
    this.#openings = openings
    this.#handovers = handovers
    this.#drainTimeout = drainTimeout
    this.#onDone = onDone
  }

  /**
   * Begins, or turns a departure `later` into one `now`. Only the latter drops opening handshakes: their clients have
   * lost nothing yet, but at a reload nobody is to be turned away.
   */
  leave(when: Leave['when']): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#groupTimer)
    if (when === 'now') {
      this.#openings.close()
      this.#closeInGroups()
      this.#timer = setTimeout(() => this.#endAll(GOING_AWAY), this.#drainTimeout)
    } else {
      // The sessions' streams go on, and new ones go elsewhere.
      this.#openings.goAway()
      this.#timer = setTimeout(() => this.#endAll(SERVICE_RESTART), this.#drainTimeout)
    }
    this.#endWhenEmpty()
  }

  /** A connection is gone, in its opening handshake or after it; `cut` if it did not end by itself. */
  onGone(cut: boolean): void {
    if (cut) this.#cut++
    this.#endWhenEmpty()
  }

  #endWhenEmpty(): void {
    const { size, sessions } = this.#openings
    if (this.#connections.size + size + sessions + this.#handovers.size > 0 || this.#done) return
    this.#done = true
    clearTimeout(this.#timer)
    clearTimeout(this.#groupTimer)
    this.#onDone(this.#cut)
  }

  #closeInGroups(): void {
    const open = [...this.#connections.values()]
    const pause = Math.min(PAUSE, (this.#drainTimeout * SPREAD) / Math.ceil(open.length / GROUP))
    const closeGroup = (): void => {
      for (const connection of open.splice(0, GROUP)) connection.goAway(GOING_AWAY)
      if (open.length > 0) this.#groupTimer = setTimeout(closeGroup, Math.random() * pause)
    }
    // What peers had sent before lies in their sockets: a timer lets the event loop read it before the first Close.
    this.#groupTimer = setTimeout(closeGroup, Math.random() * pause)
  }

  /** Who has had a Close is cut; the others get theirs now, in the middle of whatever they are at. */
  #endAll(code: number): void {
    this.#openings.close()
    for (const connection of [...this.#connections.values()]) if (!connection.goAwayNow(code)) connection.destroy(OVER)
    this.#timer = setTimeout(() => this.#cutAll(), LAST_GRACE)
  }

  #cutAll(): void {
    for (const connection of [...this.#connections.values()]) connection.destroy(OVER)
    this.#openings.cut()
  }
}

const OVER = 'the drain timeout was over'
