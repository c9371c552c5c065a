// What a connection has to do later: tasks by their time, and one timer for all of them.

import { CLOCK, type Clock } from './clock.js'

interface Task {
  readonly at: number
  readonly run: () => void
}

export class Schedule {
  readonly #clock: Clock
  /** Earliest first. */
  readonly #tasks: Task[] = []
  /** When the timer goes off, and what stops it. */
  #timerAt = Number.POSITIVE_INFINITY
  #stop: (() => void) | undefined
  #over = false

  constructor(clock: Clock = CLOCK) {
    this.#clock = clock
  }

  get now(): number {
    return this.#clock.now()
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#tasks.length
  }

  /** Runs `run` at `at` or soon after; tasks of one time in their order. Returns what takes it back. */
  at(at: number, run: () => void): () => void {
    const task = { at, run }
    if (this.#over) return () => {}
    const place = this.#tasks.findIndex(other => other.at > at)
    this.#tasks.splice(place < 0 ? this.#tasks.length : place, 0, task)
    this.#arm()
    return () => {
      const index = this.#tasks.indexOf(task)
      if (index >= 0) this.#tasks.splice(index, 1)
    }
  }

  /** The same, so many milliseconds from now. */
  in(milliseconds: number, run: () => void): () => void {
    return this.at(this.now + milliseconds, run)
  }

  /** Runs again and again, `period` milliseconds apart, until taken back. Runs that were missed are not made up for. */
  every(period: number, run: () => void): () => void {
    let cancel = (): void => {}
    const again = (): void => {
      cancel = this.in(period, again)
      run()
    }
    cancel = this.in(period, again)
    return () => cancel()
  }

  /** Forgets everything, and takes nothing any more. */
  end(): void {
    this.#over = true
    this.#tasks.length = 0
    this.#stop?.()
    this.#stop = undefined
  }

  #arm(): void {
    const next = this.#tasks[0]?.at
    if (next === undefined || next >= this.#timerAt) return
    this.#stop?.()
    this.#timerAt = next
    this.#stop = this.#clock.wait(Math.max(1, Math.ceil(next - this.now)), () => this.#run())
  }

  #run(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#stop = undefined
    const { now } = this
    // What a task puts in for now has to wait for the next turn, or it could keep everybody else from theirs.
    const due = this.#tasks.filter(({ at }) => at <= now).length
    for (const { run } of this.#tasks.splice(0, due)) if (!this.#over) run()
    if (!this.#over) this.#arm()
  }
}
