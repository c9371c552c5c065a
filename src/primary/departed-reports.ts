// Connection reports of workers that have left: they outlive them here, each kind in a ring of its own as there.

import type { ConnectionReport, RefusalReport, ReportCounts } from '../report/report.js'
import { DepartedRing } from './departed-ring.js'

type Report = ConnectionReport | RefusalReport

export class DepartedReports {
  readonly #closed: DepartedRing
  readonly #failed: DepartedRing
  readonly #refused: DepartedRing
  /** What workers that have left had had to drop before. */
  readonly #droppedBefore = { closed: 0, failed: 0, refused: 0 }

  /** @param most reports of each kind that are kept */
  constructor({ reports, reportsFailed }: { readonly reports: number; readonly reportsFailed: number }) {
    this.#closed = new DepartedRing(reports)
    this.#failed = new DepartedRing(reportsFailed)
    this.#refused = new DepartedRing(reportsFailed)
  }

  /** Takes a part of what a leaving worker knows: of each kind newest first, and each part older than the one before. */
  keep(worker: object, reports: readonly Report[]): void {
    for (const report of reports) this.#ringOf(report).keep(worker, report)
  }

  /** How many reports a leaving worker had dropped. */
  dropped({ closed, failed, refused }: ReportCounts['evicted']): void {
    this.#droppedBefore.closed += closed
    this.#droppedBefore.failed += failed
    this.#droppedBefore.refused += refused
  }

  get(id: number): Report | undefined {
    return this.#closed.get(id) ?? this.#failed.get(id) ?? this.#refused.get(id)
  }

  *all(): Generator<Report, undefined> {
    yield* this.#closed.values()
    yield* this.#failed.values()
    yield* this.#refused.values()
  }

  get counts(): ReportCounts {
    const [closed, failed, refused] = [this.#closed, this.#failed, this.#refused]
    const before = this.#droppedBefore
    return {
      kept: { open: 0, closed: closed.size, failed: failed.size, refused: refused.size },
      evicted: {
        closed: before.closed + closed.evicted,
        failed: before.failed + failed.evicted,
        refused: before.refused + refused.evicted,
      },
    }
  }

  #ringOf(report: Report): DepartedRing {
    if (report.state === 'refused') return this.#refused
    return report.clean ? this.#closed : this.#failed
  }
}
