// Watches the event loop of a worker: how late it runs, and how long its turns are.
//
// Whatever stops the process, work of its own or SIGSTOP, a timer is late by as much. Each stall is observed once: by the
// timer, or, where the primary's question for a snapshot is read first, by the snapshot.

import type { Counters } from '../metrics/counters.js'
import { type HistogramSlot, histogramAt } from '../metrics/layout.js'

/** Milliseconds. */
export const WATCH_INTERVAL = 20

const DELAY = histogramAt('event_loop_delay_seconds')
const TURN = histogramAt('event_loop_turn_seconds')

export class LoopWatch {
  readonly #counters: Counters
  readonly #timer: NodeJS.Timeout
  /** When the timer is due; monotonic milliseconds. */
  #due: number
  /** When the turn at hand began; 0 outside of one that is looked at. */
  #turnBegan = 0
  readonly #endTurn = (): void => {
    this.#observe(TURN, performance.now() - this.#turnBegan)
    this.#turnBegan = 0
  }

  constructor(counters: Counters) {
    this.#counters = counters
    this.#due = performance.now() + WATCH_INTERVAL
    this.#timer = setTimeout(() => this.#onTimer(), WATCH_INTERVAL)
  }

  /** Observes a stall that the timer has not seen yet; to be called before the counters are read. */
  look(now = performance.now()): void {
    if (now - this.#due < WATCH_INTERVAL) return
    this.#observe(DELAY, now - this.#due)
    this.#due = now
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /**
   * Timers run before sockets are looked at, and immediates after: between the two lies one turn. In a long one the timer
   * may come several times.
   */
  #onTimer(): void {
    const now = performance.now()
    this.#observe(DELAY, Math.max(0, now - this.#due))
    this.#due = now + WATCH_INTERVAL
    this.#timer.refresh()
    if (this.#turnBegan > 0) return
    this.#turnBegan = now
    setImmediate(this.#endTurn)
  }

  #observe(slot: HistogramSlot, milliseconds: number): void {
    this.#counters.observe(slot, milliseconds / 1000)
  }
}
