// The connections that a worker can tell of: all open ones, and the last that closed.

import { type ConnectionFilter, select } from './filter.js'
import { LogBlocks } from './log-blocks.js'
import { type OctetSource, type Opened, Recorder } from './recorder.js'
import type { ConnectionReport, ConnectionSummary } from './report.js'

export class Archive {
  readonly #mostClosed: number
  readonly #worker: number
  readonly #blocks = new LogBlocks()
  readonly #open = new Map<number, Recorder>()
  /** In the order in which they closed. */
  readonly #closed = new Map<number, Recorder>()

  /**
   * @param mostClosed closed connections that are kept
   * @param worker number of the worker that serves them
   */
  constructor(mostClosed: number, worker: number) {
    this.#mostClosed = mostClosed
    this.#worker = worker
  }

  /** Begins the report of a connection. */
  opened(opened: Opened, octets: OctetSource): Recorder {
    const recorder = new Recorder(opened, this.#worker, octets, this.#blocks)
    this.#open.set(opened.id, recorder)
    return recorder
  }

  closed(recorder: Recorder): void {
    this.#open.delete(recorder.id)
    this.#closed.set(recorder.id, recorder)
    if (this.#closed.size <= this.#mostClosed) return
    const [oldest] = this.#closed.values()
    this.#closed.delete(oldest.id)
    oldest.release()
  }

  list(filter: ConnectionFilter): ConnectionSummary[] {
    return select(
      [...this.#open.values(), ...this.#closed.values()].map(recorder => recorder.summary()),
      filter,
    )
  }

  get(id: number): ConnectionReport | undefined {
    return (this.#open.get(id) ?? this.#closed.get(id))?.report()
  }

  /** Reports of all closed ones, newest first, each made when it is taken; for somebody who outlives this process. */
  *allClosed(): Generator<ConnectionReport, undefined> {
    for (const recorder of [...this.#closed.values()].reverse()) yield recorder.report()
  }
}
