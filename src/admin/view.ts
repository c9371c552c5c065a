// What the admin server may see of the primary, and the little it may ask of it.

import type { WorkerState } from '../metrics/catalogue.js'
import type { ConnectionFilter } from '../report/filter.js'
import type { ConnectionReport, ConnectionSummary } from '../report/report.js'
import type { Settings } from '../settings.js'

export type Readiness = 'ready' | 'starting' | 'draining' | 'no-worker'

/** One worker process. A reload shows two with the same `id` until the old one has left. */
export interface WorkerView {
  /** Slot in the fleet, 1 to the number of workers. */
  readonly id: number
  readonly pid: number
  readonly state: WorkerState
  readonly connections: number
  /** Seconds since the process was started. */
  readonly ageSeconds: number
}

export interface AdminView {
  readonly settings: Settings
  readiness(): Readiness
  workers(): readonly WorkerView[]
  /** The exposition. Takes less than a second whatever the workers do. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Connections that match, newest first. */
  connections(filter: ConnectionFilter): Promise<readonly ConnectionSummary[]>
  /** Undefined when nobody knows the connection any more. */
  connection(id: number): Promise<ConnectionReport | undefined>
  /** Begins a rolling restart; if it cannot begin, says why. */
  reload(): Promise<string | undefined>
  /** Told of every error that a client saw as status 500. */
  onError(error: unknown): void
}
