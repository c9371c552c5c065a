// What the controls of one connection did, and when: for its report and for the metric.

import { CONTROL_NAMES, type ControlName } from '../control-names.js'

/** Milliseconds after the connection was opened. */
export interface ControlEvent {
  readonly at: number
  readonly control: ControlName
  readonly what: string
}

/** Events that are kept; the counts go on. */
const MOST_EVENTS = 64

export class Book {
  readonly #now: () => number
  readonly #onUse: (control: ControlName) => void
  readonly #openedAt: number
  readonly #events: ControlEvent[] = []
  readonly #uses = new Map<ControlName, number>()

  /** @param onUse told of each use, for the metric */
  constructor(now: () => number, onUse: (control: ControlName) => void) {
    this.#now = now
    this.#onUse = onUse
    this.#openedAt = now()
  }

  /** The control did `what`. */
  did(control: ControlName, what: string): void {
    this.#uses.set(control, (this.#uses.get(control) ?? 0) + 1)
    this.#onUse(control)
    if (this.#events.length < MOST_EVENTS)
      this.#events.push({ at: Math.round((this.#now() - this.#openedAt) * 1000) / 1000, control, what })
  }

  get events(): readonly ControlEvent[] {
    return this.#events
  }

  /** How often each control did something, in the order of the schema. */
  get uses(): Readonly<Record<string, number>> {
    const used = CONTROL_NAMES.filter(name => this.#uses.has(name))
    return Object.fromEntries(used.map(name => [name, this.#uses.get(name) ?? 0]))
  }
}
