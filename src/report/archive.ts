// The connections that a worker can tell of: all open ones, the last that closed, the last that failed, and the last whose
// handshake was refused. Each kind has a ring of its own, so that many of one do not push out the few of another.

import type { KeptEntry } from './entry.js'
import { type Conditions, type ConnectionFilter, matches } from './filter.js'
import { LogBlocks } from './log-blocks.js'
import { Order } from './order.js'
import { pickPage } from './page.js'
import { type OctetSource, type Opened, Recorder } from './recorder.js'
import { RefusedHandshake, type RefusedRequest } from './refused-handshake.js'
import type { ConnectionReport, ConnectionSummary, RefusalReport, ReportCounts } from './report.js'
import { Ring } from './ring.js'
import type { Secrets } from './secrets.js'

export interface ArchiveRules {
  /** Cleanly closed connections that are kept. */
  readonly reports: number
  /** Others that have ended, and as many refused handshakes. */
  readonly reportsFailed: number
  readonly reportsSecrets: Secrets
}

export class Archive {
  readonly #worker: number
  readonly #secrets: Secrets
  readonly #blocks = new LogBlocks()
  readonly #open = new Map<number, Recorder>()
  readonly #closed: Ring<Recorder>
  readonly #failed: Ring<Recorder>
  readonly #refused: Ring<RefusedHandshake>

  /** @param worker number of the worker that serves the connections */
  constructor({ reports, reportsFailed, reportsSecrets }: ArchiveRules, worker: number) {
    this.#worker = worker
    this.#secrets = reportsSecrets
    this.#closed = new Ring(reports)
    this.#failed = new Ring(reportsFailed)
    this.#refused = new Ring(reportsFailed)
  }

  /** Begins the report of a connection. */
  opened(opened: Opened, octets: OctetSource): Recorder {
    const recorder = new Recorder(opened, this.#worker, octets, this.#blocks)
    this.#open.set(opened.id, recorder)
    return recorder
  }

  closed(recorder: Recorder): void {
    this.#open.delete(recorder.id)
    const ring = recorder.clean ? this.#closed : this.#failed
    ring.add(recorder)?.release()
  }

  refused(request: RefusedRequest): void {
    this.#refused.add(new RefusedHandshake(request, this.#worker))
  }

  /**
   * One page of those that match, in order, made in as many turns of the event loop as it takes.
   *
   * @param asOf see `Order`
   * @param nextTurn resolves in a later turn
   */
  async list(filter: ConnectionFilter, asOf: number, nextTurn: () => Promise<void>): Promise<KeptEntry[]> {
    return pickPage(this.#entries(), filter, new Order(filter.sort, filter.after, asOf), nextTurn)
  }

  /** Numbers of the open connections that match. */
  openMatching(conditions: Conditions): number[] {
    return [...this.#open.values()].filter(recorder => matches(recorder, conditions)).map(({ id }) => id)
  }

  summary(entry: KeptEntry): ConnectionSummary {
    return entry.summary(this.#secrets)
  }

  get(id: number): ConnectionReport | RefusalReport | undefined {
    const entry = this.#open.get(id) ?? this.#closed.get(id) ?? this.#failed.get(id) ?? this.#refused.get(id)
    return entry?.report(this.#secrets)
  }

  /** How many there are, and how many had to go. */
  get counts(): ReportCounts {
    const [closed, failed, refused] = [this.#closed, this.#failed, this.#refused]
    return {
      kept: { open: this.#open.size, closed: closed.size, failed: failed.size, refused: refused.size },
      evicted: { closed: closed.evicted, failed: failed.evicted, refused: refused.evicted },
    }
  }

  /** All but the open ones, of each kind the newest first, each made when it is taken; for somebody who outlives this process. */
  *allEnded(): Generator<ConnectionReport | RefusalReport, undefined> {
    for (const ring of [this.#failed, this.#closed, this.#refused])
      for (const entry of [...ring.values()].reverse()) yield entry.report(this.#secrets)
  }

  /** In this order: one that closes meanwhile is met once at least. */
  *#entries(): Generator<KeptEntry, undefined> {
    yield* this.#open.values()
    yield* this.#closed.values()
    yield* this.#failed.values()
    yield* this.#refused.values()
  }
}
