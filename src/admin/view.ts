// What the admin server may see of the primary, and the little it may ask of it.

import type { WorkerState } from '../metrics/catalogue.js'
import type { ConnectionFilter } from '../report/filter.js'
import type { Position } from '../report/order.js'
import type { ConnectionReport, ConnectionSummary, RefusalReport, ReportCounts } from '../report/report.js'
import type { Settings } from '../settings.js'

export type Readiness = 'ready' | 'starting' | 'draining' | 'no-worker'

/** One worker process. A reload shows two with the same number until the old one has left. */
export interface WorkerView {
  /** 1 to the number of workers. */
  readonly worker: number
  readonly pid: number
  readonly state: WorkerState
  readonly connections: number
  /** Seconds since the process was started. */
  readonly ageSeconds: number
}

export interface ConnectionList extends ReportCounts {
  /** One page, in the order that was asked for. */
  readonly connections: readonly ConnectionSummary[]
  /** Where the page ends; undefined when nothing follows. */
  readonly end: Position | undefined
  /** Numbers of the workers that do not answer: theirs are missing, ascending. */
  readonly unasked: readonly number[]
}

export interface ConnectionFound {
  /** Undefined when nobody who answered knows the connection. */
  readonly report: ConnectionReport | RefusalReport | undefined
  /** Numbers of the workers that do not answer and may know it, ascending. */
  readonly unasked: readonly number[]
}

export interface Exposition {
  readonly contentType: string
  readonly body: string
}

export interface AdminView {
  readonly settings: Settings
  /** Bearer token to ask for at this moment; undefined asks for none. */
  adminToken(): string | undefined
  readiness(): Readiness
  workers(): readonly WorkerView[]
  /** The exposition. Takes less than a second whatever the workers do. */
  metrics(): Promise<Exposition>
  connections(filter: ConnectionFilter): Promise<ConnectionList>
  connection(id: number): Promise<ConnectionFound>
  /** Begins a rolling restart; if it cannot begin, says why. */
  reload(): Promise<string | undefined>
  /** Told of every error that a client saw as status 500. */
  onError(error: unknown): void
}
