// What a worker and the primary agree on about connections: which ones the worker takes, refuses, and has ended.
//
// A connection belongs to the worker once `taken` is in the channel before the hand-over's deadline. Nothing of it is read
// or written earlier, since until then it may be given to another worker. All that came in one event-loop turn is answered
// together.

import { closeCopy } from '../handle-channel.js'
import { type Changes, ENDED_DELAY, type Handover, type Leave, monotonicNow, REFUSAL_MARGIN } from '../messages.js'

export interface HandoverHandler {
  /** The connection is this worker's: it may be read and written now. `connection` is a bare TCP handle or a socket. */
  onTaken(handover: Handover, connection: object): void
  /** Sends to the primary, and calls `written` when the message is in the channel. */
  tell(changes: Changes, written: () => void): void
}

interface Arrival {
  readonly handover: Handover
  readonly connection: object
}

export class Handovers {
  readonly #handler: HandoverHandler
  /** Monotonic milliseconds. */
  readonly #now: () => number
  /** Came in this turn. */
  #arrivals: Arrival[] = []
  /** Told to be taken, but the message is not in the channel yet. By number. */
  readonly #telling = new Map<number, Arrival>()
  #undelivered: number[] = []
  #ended: number[] = []
  #immediate: NodeJS.Immediate | undefined
  #endedTimer: NodeJS.Timeout | undefined
  #leaving: Leave['when'] | undefined

  constructor(handler: HandoverHandler, now: () => number = monotonicNow) {
    this.#handler = handler
    this.#now = now
  }

  /** Connections that are told to be taken and that `onTaken` has not been called for. */
  get size(): number {
    return this.#telling.size
  }

  /** A hand-over came; `connection` is undefined when the handle did not come with it. */
  arrived(handover: Handover, connection: object | undefined): void {
    if (connection === undefined) this.#undelivered.push(handover.id)
    else this.#arrivals.push({ handover, connection })
    this.#immediate ??= setImmediate(() => this.tell())
  }

  /**
   * The primary gives the connection to somebody else. Returns false when `onTaken` was called for it already, or nothing is
   * known of it.
   */
  revoke(id: number): boolean {
    const index = this.#arrivals.findIndex(({ handover }) => handover.id === id)
    const arrival = index < 0 ? this.#telling.get(id) : this.#arrivals.splice(index, 1)[0]
    if (arrival === undefined) return false
    this.#telling.delete(id)
    closeCopy(arrival.connection)
    return true
  }

  /** A connection that was taken is gone. */
  ended(id: number): void {
    this.#ended.push(id)
    this.#endedTimer ??= setTimeout(() => this.tell(), ENDED_DELAY)
  }

  /** Refuses what comes from now on; `now` also gives up what is told to be taken but has not begun. */
  leave(when: Leave['when']): void {
    this.#leaving = when
  }

  /** Tells the primary at once what it does not know yet. */
  tell(): void {
    clearImmediate(this.#immediate)
    clearTimeout(this.#endedTimer)
    this.#immediate = undefined
    this.#endedTimer = undefined
    const arrivals = this.#arrivals
    const taken: Arrival[] = []
    const refused: number[] = []
    const now = arrivals.length > 0 ? this.#now() : 0
    for (const arrival of arrivals) {
      const { id, deadline } = arrival.handover
      if (this.#leaving === undefined && now <= deadline - REFUSAL_MARGIN) {
        this.#telling.set(id, arrival)
        taken.push(arrival)
      } else {
        closeCopy(arrival.connection)
        refused.push(id)
      }
    }
    const changes = {
      type: 'changes' as const,
      ...(taken.length > 0 && { taken: taken.map(({ handover }) => handover.id) }),
      ...(refused.length > 0 && { refused }),
      ...(this.#undelivered.length > 0 && { undelivered: this.#undelivered }),
      ...(this.#ended.length > 0 && { ended: this.#ended }),
    }
    this.#arrivals = []
    this.#undelivered = []
    this.#ended = []
    if (Object.keys(changes).length > 1) this.#handler.tell(changes, () => this.#begin(taken))
  }

  /** `taken` is in the channel. */
  #begin(taken: readonly Arrival[]): void {
    if (taken.length === 0) return
    const now = this.#now()
    for (const { handover, connection } of taken) {
      const { id, deadline } = handover
      if (!this.#telling.delete(id)) continue
      // The message had to wait so long for the channel that the primary may have given up before it could read it.
      if (now < deadline && this.#leaving !== 'now') this.#handler.onTaken(handover, connection)
      else {
        closeCopy(connection)
        this.ended(id)
      }
    }
  }
}
