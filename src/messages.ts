// What primary and workers say to each other over IPC: small, typed, JSON.

import type { ConnectionFilter } from './report/filter.js'
import type { ConnectionReport, ConnectionSummary, RefusalReport, ReportCounts } from './report/report.js'
import type { Settings } from './settings.js'

/** Answer to `awake`, and the first message to a new worker; it answers `ready` or exits. */
export interface Start {
  readonly type: 'start'
  /** Number of the worker, 1…N; the process that replaces it gets the same one. */
  readonly worker: number
  readonly settings: Settings
}

/** Why a handed-over connection must be refused before the upgrade; 0 admits it. */
export type Admission = 0 | 429 | 503

/** Comes with an accepted connection's handle (see handle-channel), and is kept tiny. Answered in `Changes`. */
export interface Handover {
  readonly type: 'handover'
  /**
   * Number of this hand-over, unique over the primary's life; with `taken` it becomes the connection's. A connection that
   * is handed over again gets another one, so that an answer to the old hand-over is known as such.
   */
  readonly id: number
  readonly admission: Admission
  /**
   * When the primary gives up waiting and hands the connection to another worker, in monotonic milliseconds (see
   * `monotonicNow`). A `taken` that is in the channel before this instant is always heeded.
   */
  readonly deadline: number
}

/**
 * Milliseconds before the deadline from which on a worker refuses a hand-over. What it says needs some time to reach the
 * channel, and it must not begin with a connection that it has taken too late.
 */
export const REFUSAL_MARGIN = 500

/** The primary gives this connection to somebody else: whatever the worker has of it, it lets go. */
export interface Revoke {
  readonly type: 'revoke'
  readonly id: number
}

/** Asks for a `snapshot` now. */
export interface SnapshotRequest {
  readonly type: 'snapshot-request'
  /** Number of the question, 1 or more. */
  readonly question: number
}

/**
 * Take no new connections and leave. `now` sends every connection Close 1001 in small jittered groups;
 * `later` leaves connections alone until they close or the drain timeout ends them with Close 1012.
 * Either way what still lives at the drain timeout is cut. The worker then sends `left` and exits with 0.
 */
export interface Leave {
  readonly type: 'leave'
  readonly when: 'now' | 'later'
}

/** Asks for a page of the connections that match; answered by one or more `connections` with the same `question`. */
export interface ListConnections {
  readonly type: 'list-connections'
  readonly question: number
  readonly filter: ConnectionFilter
  /** Milliseconds since 1970: see report/order. */
  readonly asOf: number
}

/** Asks for one connection's report; answered by `connection` with the same `question`. */
export interface TellConnection {
  readonly type: 'tell-connection'
  readonly question: number
  readonly id: number
}

/** The controls of connections that ask for none, from now on; answered by `default-controls-set`. */
export interface DefaultControls {
  readonly type: 'default-controls'
  readonly question: number
  /** As a query without prefix; null for none. */
  readonly controls: string | null
  /** Each handshake that would get them has to be asked for (see `Claim`). */
  readonly limited: boolean
}

/** Answer to a `claim`: the controls that the opening gets, or null for none. */
export interface Claimed {
  readonly type: 'claimed'
  readonly opening: number
  readonly controls: string | null
}

/** Answer to an `admit-clients`. */
export interface ClientsAdmitted {
  readonly type: 'clients-admitted'
  readonly clients: readonly AdmittedClient[]
}

export interface AdmittedClient {
  /** Number of the opening. */
  readonly opening: number
  readonly admission: Admission
}

/** What an admin may do to open connections. */
export type ConnectionAction =
  | { readonly act: 'close'; readonly code: number; readonly reason: string }
  | { readonly act: 'abort' }
  | { readonly act: 'ping' }
  /** The payload is base64. */
  | { readonly act: 'send'; readonly opcode: number; readonly payload: string }

/** One connection by its number, or all open ones that match. */
export type ActionTarget = { readonly id: number } | { readonly filter: ConnectionFilter }

/** Answered by `acted` with the same `question`. */
export interface Act {
  readonly type: 'act'
  readonly question: number
  readonly target: ActionTarget
  readonly action: ConnectionAction
}

/** Answer to an `open-streams`. */
export interface StreamsOpened {
  readonly type: 'streams-opened'
  readonly streams: readonly OpenedStream[]
}

export interface OpenedStream {
  /** The worker's number of its request. */
  readonly request: number
  /**
   * Number of the connection, as that of a `Handover`. The worker has it from now on, and tells of its end in `Changes`. 0
   * where the worker has no such session.
   */
  readonly id: number
  readonly admission: Admission
}

/** A `Handover` comes another way, with its handle. */
export type ToWorker =
  | Start
  | Revoke
  | SnapshotRequest
  | Leave
  | ListConnections
  | TellConnection
  | DefaultControls
  | Claimed
  | ClientsAdmitted
  | StreamsOpened
  | Act

/**
 * First message of a worker: it listens. Node delivers what comes before to cluster's own listener alone, so the
 * primary says nothing until then.
 */
export interface Awake {
  readonly type: 'awake'
}

export interface Ready {
  readonly type: 'ready'
}

/** What became of connections since the worker last said so. All of one event-loop turn travel together. */
export interface Changes {
  readonly type: 'changes'
  /**
   * The worker serves these, and the primary closes its copies. Said before the worker reads or writes anything of them,
   * since until then they may be given to another worker.
   */
  readonly taken?: readonly number[]
  /** Too late, or the worker is leaving: these go to another worker. */
  readonly refused?: readonly number[]
  /** These came without their handle: the system drops it when the worker has no file descriptor left. */
  readonly undelivered?: readonly number[]
  /** These connections are gone. They wait for the next message, `ENDED_DELAY` at most. */
  readonly ended?: readonly number[]
}

/** Milliseconds. */
export const ENDED_DELAY = 2

/** Counter changes since the last snapshot, and in most the gauges as they are now. */
export interface Snapshot {
  readonly type: 'snapshot'
  /** Number of the question that it answers; 0 when sent unasked. */
  readonly question: number
  /** Pairs of series index (see metrics/layout) and increment, flattened. */
  readonly deltas: readonly number[]
  /** The worker's gauges in the order of `WORKER_GAUGES` (see metrics/catalogue); null where they are as they were. */
  readonly gauges: readonly number[] | null
}

/**
 * The worker has no connection any more and is about to exit. A final `snapshot` came before; the connection reports that
 * it kept follow as `DepartingReports`.
 */
export interface Left {
  readonly type: 'left'
  /** Connections that had to be cut since they did not end in time. */
  readonly cut: number
  /** Reports that it had dropped for newer ones. */
  readonly evicted: ReportCounts['evicted']
}

/** Connection reports of a worker that leaves: they outlive it in the primary, also when it is cut short among them. */
export interface DepartingReports {
  readonly type: 'departing-reports'
  /** `MOST_DEPARTING_REPORTS` at most; of each kind the newest first, all older than those of the message before. */
  readonly reports: readonly (ConnectionReport | RefusalReport)[]
}

export const MOST_DEPARTING_REPORTS = 100

/** A part of a page: one more connection in all than was asked for tells that more follow. */
export interface Connections {
  readonly type: 'connections'
  readonly question: number
  readonly connections: readonly ConnectionSummary[]
  /** In the last part; null in those before. */
  readonly counts: ReportCounts | null
}

export interface ConnectionAnswer {
  readonly type: 'connection'
  readonly question: number
  /** Null if the worker does not know it. */
  readonly report: ConnectionReport | RefusalReport | null
}

export interface DefaultControlsSet {
  readonly type: 'default-controls-set'
  readonly question: number
}

/** Asks whether a handshake gets the limited default controls; answered by `claimed`. */
export interface Claim {
  readonly type: 'claim'
  /** Number of the opening. */
  readonly opening: number
}

/**
 * Trusted proxies have told whom these connections are from. The primary has not counted them by an address yet: it does now,
 * and says whether they are admitted. All of one event-loop turn travel together; answered by `clients-admitted`.
 */
export interface AdmitClients {
  readonly type: 'admit-clients'
  readonly clients: readonly FoundClient[]
}

export interface FoundClient {
  /** Number of the opening. */
  readonly opening: number
  readonly address: string
}

/**
 * Requests came on streams of HTTP/2 sessions, and each is a connection of its own: the primary gives it a number, and says
 * whether it is admitted. All of one event-loop turn travel together; answered by `streams-opened`.
 */
export interface OpenStreams {
  readonly type: 'open-streams'
  readonly streams: readonly {
    readonly request: number
    /** Number of the connection that the session is on. */
    readonly session: number
  }[]
}

export interface Acted {
  readonly type: 'acted'
  readonly question: number
  /** Connections on which it was done. */
  readonly done: readonly number[]
  /** Those on which it could not be done now: they are closing, or in the middle of a message. */
  readonly busy: readonly number[]
}

export type FromWorker =
  | Awake
  | Ready
  | Changes
  | Snapshot
  | Left
  | DepartingReports
  | Connections
  | ConnectionAnswer
  | DefaultControlsSet
  | Claim
  | AdmitClients
  | OpenStreams
  | Acted

/** Monotonic milliseconds, the same clock in every process of the machine. */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
