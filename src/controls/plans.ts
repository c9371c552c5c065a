// When the controls close, end, send and stall have their moment: after so many messages, octets of them, or time.

import type { Dice } from './dice.js'
import type { After } from './kinds.js'
import type { Controls } from './schema.js'

export type Plan = 'send' | 'close' | 'end' | 'stall'

interface Moment {
  readonly plan: Plan
  readonly unit: After['unit']
  readonly bound: number
}

const AT_ONCE: After = { unit: 'milliseconds', least: 0, most: 0 }

export class Plans {
  /** Those that go by messages and octets, and are not due yet. */
  #waiting: Moment[]
  readonly #timed: readonly Moment[]
  #messages = 0
  #octets = 0

  constructor(controls: Controls, dice: Dice) {
    const moments: Moment[] = []
    // In the order in which they happen where their moment is the same.
    for (const plan of ['send', 'close', 'end'] as const) {
      if (controls[plan] === undefined) continue
      const { unit, least, most } = controls[`${plan}-after`] ?? controls.after ?? AT_ONCE
      const bound = least + Math.floor(dice.sequence(`${plan}-after`)() * (most - least + 1))
      moments.push({ plan, unit, bound })
    }
    if (controls.stall !== undefined) moments.push({ plan: 'stall', unit: 'messages', bound: controls.stall })
    this.#waiting = moments.filter(moment => !isTimed(moment))
    this.#timed = moments.filter(isTimed)
  }

  /** What is due by time alone, with milliseconds from the opening of the connection; 0 is at once. */
  get timed(): readonly { readonly plan: Plan; readonly after: number }[] {
    return this.#timed.map(({ plan, bound }) => ({ plan, after: bound }))
  }

  /** A message of so many octets was received whole: what is due behind what answers it. */
  messageReceived(size: number): readonly Plan[] {
    this.#messages++
    this.#octets += size
    if (this.#waiting.length === 0) return NONE
    const due = this.#waiting.filter(moment => this.#isDue(moment))
    if (due.length > 0) this.#waiting = this.#waiting.filter(moment => !due.includes(moment))
    return due.map(({ plan }) => plan)
  }

  #isDue({ unit, bound }: Moment): boolean {
    return (unit === 'messages' ? this.#messages : this.#octets) >= bound
  }
}

const NONE: readonly Plan[] = []

/** After no message, or no octet, is at once. */
function isTimed({ unit, bound }: Moment): boolean {
  return unit === 'milliseconds' || bound === 0
}
