// When a worker tells the primary what it has counted. What it has not told dies with it, so while octets flow it tells
// its counts twenty times a second, and its gauges with them four times a second.

import type { Snapshot } from '../messages.js'
import type { Counters } from '../metrics/counters.js'
import { offsetOf } from '../metrics/layout.js'

/** Milliseconds between two looks at whether there is something to tell. */
export const COUNTS_INTERVAL = 50
/** Looks after which a snapshot is whole, whether there is something new or not. */
export const WHOLE_EVERY = 5

const RECEIVED = offsetOf('wire_bytes_total', { direction: 'received' })
const SENT = offsetOf('wire_bytes_total', { direction: 'sent' })

export class Snapshots {
  readonly #counters: Counters
  readonly #bringUpToDate: () => void
  readonly #gauges: () => number[]
  readonly #send: (snapshot: Snapshot) => void
  /** Since the last whole snapshot. The first look makes one: the primary needs gauges before it can do without. */
  #looks = WHOLE_EVERY - 1
  /** Octets of the wire at the last snapshot. */
  #octets = 0

  /** @param bringUpToDate called before the counters are read */
  constructor(
    counters: Counters,
    bringUpToDate: () => void,
    gauges: () => number[],
    send: (snapshot: Snapshot) => void,
  ) {
    this.#counters = counters
    this.#bringUpToDate = bringUpToDate
    this.#gauges = gauges
    this.#send = send
  }

  /** To be called every `COUNTS_INTERVAL`. */
  look(): void {
    this.#looks = (this.#looks + 1) % WHOLE_EVERY
    if (this.#looks === 0) this.tell(0)
    else if (this.#wireOctets !== this.#octets) this.#tell(0, () => null)
  }

  /** Tells all there is, as an answer to this question; 0 for none. */
  tell(question: number): void {
    this.#tell(question, this.#gauges)
  }

  #tell(question: number, gauges: () => number[] | null): void {
    this.#bringUpToDate()
    this.#octets = this.#wireOctets
    const deltas = this.#counters.takeDeltas()
    this.#send({ type: 'snapshot', question, deltas, gauges: gauges() })
  }

  get #wireOctets(): number {
    return this.#counters.values[RECEIVED] + this.#counters.values[SENT]
  }
}
