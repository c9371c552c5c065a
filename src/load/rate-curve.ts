// How many messages are due by when, at a rate that may change: the mathematics of --rate, --steps and --duration.

/** A stretch of time in which the rate goes evenly from one value to another, in messages per second. */
export interface Stretch {
  /** Infinity is allowed for the last stretch, if its rate stays the same. */
  readonly seconds: number
  readonly from: number
  readonly to: number
}

interface Part extends Stretch {
  /** Seconds, and messages due, before the part begins. */
  readonly start: number
  readonly before: number
  /** Messages due in the part. */
  readonly count: number
}

/** Parts of `seconds` whose rate goes from one value to another, evenly or in `steps` of the same length. */
export function stretches(from: number, to: number, seconds: number, steps: number): Stretch[] {
  if (steps === 0 || from === to) return [{ seconds, from, to }]
  return Array.from({ length: steps }, (_, step) => {
    const rate = steps === 1 ? to : from + ((to - from) * step) / (steps - 1)
    return { seconds: seconds / steps, from: rate, to: rate }
  })
}

export class RateCurve {
  readonly #parts: Part[] = []
  /** Messages due in all; Infinity where there is no end. */
  readonly total: number

  constructor(curve: readonly Stretch[]) {
    let start = 0
    let before = 0
    for (const stretch of curve) {
      const { seconds, from, to } = stretch
      // A rate of 0 for ever is 0 messages.
      const count = from + to === 0 ? 0 : ((from + to) / 2) * seconds
      this.#parts.push({ ...stretch, start, before, count })
      start += seconds
      before += count
    }
    this.total = before
  }

  /** Seconds from the beginning after which `count` messages are due, not a whole number maybe; Infinity for `total` and more. */
  timeOf(count: number): number {
    const part = this.#parts.find(({ before, count: most }) => count < before + most)
    if (part === undefined) return Number.POSITIVE_INFINITY
    const { start, before, seconds, from, to } = part
    const rest = count - before
    if (from === to) return start + rest / from
    // The root of `from` t + slope t² / 2 = rest, in the form that does not subtract numbers that are nearly the same.
    const slope = (to - from) / seconds
    return start + (rest === 0 ? 0 : (2 * rest) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * rest))))
  }
}
