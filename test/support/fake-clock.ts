// A clock that a test moves by hand.

import type { Clock } from '../../src/controls/clock.js'

export class FakeClock implements Clock {
  time = 1000
  readonly #timers = new Map<object, { at: number; callback: () => void }>()
  /** Milliseconds that were waited for, in their order. */
  readonly waits: number[] = []

  now(): number {
    return this.time
  }

  wait(milliseconds: number, callback: () => void): () => void {
    const key = {}
    this.waits.push(milliseconds)
    this.#timers.set(key, { at: this.time + milliseconds, callback })
    return () => void this.#timers.delete(key)
  }

  /** Timers that run. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets time pass, timer by timer. */
  pass(milliseconds: number): void {
    const end = this.time + milliseconds
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)
      if (next === undefined || next[1].at > end) break
      const [key, { at, callback }] = next
      this.#timers.delete(key)
      this.time = Math.max(this.time, at)
      callback()
    }
    this.time = end
  }
}
