// What the admin server may see of the primary, and the little it may ask of it.

import type { ActionTarget, ConnectionAction } from '../messages.js'
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

/** What the console shows beside its numbers. */
export interface LiveState {
  readonly readiness: Readiness
  readonly reloading: boolean
  readonly workers: readonly WorkerView[]
}

export interface Exposition {
  readonly contentType: string
  readonly body: string
}

/** The default controls in force: those of connections that ask for none. */
export interface ControlsInForce {
  /** As a query without prefix; null for none. */
  readonly controls: string | null
  readonly from: 'option' | 'admin'
  /** Handshakes that still get them; null is no limit. */
  readonly left: number | null
  /** Share of handshakes that get them, 0 to 1; null is all. */
  readonly share: number | null
  readonly seed: number | null
}

/** What an admin puts. */
export interface PutControls {
  /** As a query without prefix. */
  readonly controls: string
  /** For so many handshakes; undefined is no limit. */
  readonly count: number | undefined
  /** For this share of them, 0 to 1; undefined is all. */
  readonly share: number | undefined
  /** Of the share's chance; undefined draws one. */
  readonly seed: number | undefined
}

export interface ControlsChange {
  readonly inForce: ControlsInForce
  /** Numbers of the workers that have not said that they heed it, ascending. */
  readonly unasked: readonly number[]
}

export interface ActionResult {
  /** Connections on which it was done, ascending. */
  readonly done: readonly number[]
  /** Those on which it could not be done now: they are closing, or in the middle of a message. */
  readonly busy: readonly number[]
  readonly unasked: readonly number[]
}

export interface ControlsView {
  readonly inForce: ControlsInForce
  put(controls: PutControls): Promise<ControlsChange>
  clear(): Promise<ControlsChange>
  act(target: ActionTarget, action: ConnectionAction): Promise<ActionResult>
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
  readonly controls: ControlsView
  /** Begins a rolling restart; if it cannot begin, says why. */
  reload(): Promise<string | undefined>
  /** Told of every error that a client saw as status 500. */
  onError(error: unknown): void
}
