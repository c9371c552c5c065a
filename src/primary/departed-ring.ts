// Reports of one kind of workers that have left, up to a number of them. Of the worker that left first the oldest goes first.

import type { ConnectionReport, RefusalReport } from '../report/report.js'

type Report = ConnectionReport | RefusalReport

export class DepartedRing {
  readonly #most: number
  readonly #byId = new Map<number, Report>()
  /** Ids by the worker process that sent them, in the order of leaving; the newest connection of each first. */
  readonly #byWorker = new Map<object, number[]>()
  /** How many had to go. */
  evicted = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Takes the next report of a leaving worker: older than the one before. */
  keep(worker: object, report: Report): void {
    const ids = this.#byWorker.get(worker) ?? []
    this.#byWorker.set(worker, ids)
    ids.push(report.id)
    this.#byId.set(report.id, report)
    if (this.#byId.size > this.#most) this.#dropOldest()
  }

  get(id: number): Report | undefined {
    return this.#byId.get(id)
  }

  get size(): number {
    return this.#byId.size
  }

  values(): Iterable<Report> {
    return this.#byId.values()
  }

  #dropOldest(): void {
    for (const [worker, ids] of this.#byWorker) {
      const oldest = ids.pop()
      if (oldest !== undefined) {
        this.#byId.delete(oldest)
        this.evicted++
        return
      }
      this.#byWorker.delete(worker)
    }
  }
}
