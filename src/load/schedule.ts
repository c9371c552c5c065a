// When messages are due: the open loop. Asks nothing of the server's answers, which is the point of it.

import type { RateCurve } from './rate-curve.js'

export interface ScheduleOptions {
  readonly curve: RateCurve
  /** `constant` is evenly spaced, `poisson` is as independent users are. */
  readonly arrivals: 'constant' | 'poisson'
  /** Most messages of all threads together. */
  readonly messages: number
  /** This thread's number, from 0, and how many there are. */
  readonly thread: number
  readonly threads: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** One thread's share. Constant arrivals of all threads together are exactly those of one. */
export class Schedule {
  /** Milliseconds from the beginning at which the next message is due; Infinity when there are no more. */
  next = 0
  readonly #options: ScheduleOptions
  /** Place of the next message among all threads' messages, as the curve counts them. */
  #place = 0
  #left: number

  constructor(options: ScheduleOptions) {
    const { messages, thread, threads } = options
    this.#options = options
    this.#left = Math.ceil((messages - thread) / threads)
    // Evenly spaced messages are due in turn. Independent ones of all threads are again as of one.
    this.#place = options.arrivals === 'constant' ? thread : this.#gap()
    this.#look()
  }

  /** Goes to the next message. */
  advance(): void {
    this.#left--
    this.#place += this.#gap()
    this.#look()
  }

  #gap(): number {
    const { arrivals, threads, random } = this.#options
    return arrivals === 'constant' ? threads : -Math.log(1 - random()) * threads
  }

  #look(): void {
    this.next = this.#left > 0 ? this.#options.curve.timeOf(this.#place) * 1000 : Number.POSITIVE_INFINITY
  }
}
