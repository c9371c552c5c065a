// Connection reports of workers that have left: they outlive them here.

import type { ConnectionReport } from '../report/report.js'

export class DepartedReports {
  readonly #most: number
  readonly #byId = new Map<number, ConnectionReport>()
  /** Ids by the worker process that sent them, in the order of leaving; the newest connection of each first. */
  readonly #byWorker = new Map<object, number[]>()

  /** @param most reports that are kept; the oldest of the worker that left first go first */
  constructor(most: number) {
    this.#most = most
  }

  /** Takes a part of what a leaving worker knows: newest first, and each part older than the one before. */
  keep(worker: object, reports: readonly ConnectionReport[]): void {
    const ids = this.#byWorker.get(worker) ?? []
    this.#byWorker.set(worker, ids)
    for (const report of reports) {
      ids.push(report.id)
      this.#byId.set(report.id, report)
    }
    while (this.#byId.size > this.#most) this.#dropOldest()
  }

  get(id: number): ConnectionReport | undefined {
    return this.#byId.get(id)
  }

  all(): Iterable<ConnectionReport> {
    return this.#byId.values()
  }

  #dropOldest(): void {
    for (const [worker, ids] of this.#byWorker) {
      const oldest = ids.pop()
      if (oldest !== undefined) {
        this.#byId.delete(oldest)
        return
      }
      this.#byWorker.delete(worker)
    }
  }
}
