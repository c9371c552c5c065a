// How long connections were not read, and why: of all of a worker together, so that no connection has to remember when
// its pause began, and a pause that goes on is counted all the same.

import type { Counters } from '../metrics/counters.js'
import { offsetOf } from '../metrics/layout.js'
import { PAUSE_REASONS } from '../pause-reasons.js'
import { CLOSE_WAITS, CODEC_FULL, HIGH_WATER, MEMORY, NEXT_TURN } from './flow-control.js'

const PAUSED = offsetOf('paused_seconds_total', { reason: PAUSE_REASONS[0] })

const BITS = {
  memory: MEMORY,
  codec: CODEC_FULL,
  high_water: HIGH_WATER,
  closing: CLOSE_WAITS,
  turn: NEXT_TURN,
} as const

/** Stands for the place of a reason where there is none. */
export const NOT_PAUSED = -1

/** Place in `PAUSE_REASONS` of the one that counts, by all reasons that there are. */
const PLACES: readonly number[] = Array.from({ length: 32 }, (_, reasons) =>
  PAUSE_REASONS.findIndex(reason => (reasons & BITS[reason]) !== 0),
)

/** @param reasons sum of the reasons of flow-control; 0 for none */
export function pausePlace(reasons: number): number {
  return PLACES[reasons]
}

export class Pauses {
  readonly #values: Float64Array
  /** Connections that are paused now, by place. */
  readonly #paused = PAUSE_REASONS.map(() => 0)
  /** Up to when each place is counted; monotonic milliseconds. */
  readonly #countedTo = new Float64Array(PAUSE_REASONS.length)
  readonly #now: () => number

  constructor({ values }: Counters, now: () => number = () => performance.now()) {
    this.#values = values
    this.#now = now
  }

  /** Connections that are not read now. */
  get connections(): number {
    return this.#paused.reduce((sum, paused) => sum + paused, 0)
  }

  /** The reasons of one connection have become others; each of both is a sum, and 0 for none. */
  change(before: number, after: number): void {
    const from = PLACES[before]
    const to = PLACES[after]
    const now = this.#now()
    if (from !== NOT_PAUSED) {
      this.#count(from, now)
      this.#paused[from]--
    }
    if (to !== NOT_PAUSED) {
      this.#count(to, now)
      this.#paused[to]++
    }
  }

  /** Brings the counters up to date; to be called before they are read. */
  addUp(): void {
    const now = this.#now()
    for (const place of PAUSE_REASONS.keys()) this.#count(place, now)
  }

  #count(place: number, now: number): void {
    this.#values[PAUSED + place] += (this.#paused[place] * (now - this.#countedTo[place])) / 1000
    this.#countedTo[place] = now
  }
}
