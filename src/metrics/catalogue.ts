// Every metric of echobahn: name, type, unit, help, labels with all their values, buckets.
// Workers count the summed ones, snapshot the worker ones, and the primary knows its own.

import { CONTROL_NAMES } from '../control-names.js'
import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import { PAUSE_REASONS } from '../pause-reasons.js'
import { CLOSE_CODE_LABELS } from '../protocol/close-codes.js'
import { OPCODE_NAMES } from '../protocol/opcodes.js'
import { REFUSAL_REASONS } from '../protocol/upgrade-request.js'

/** Every name below carries this prefix in the exposition. */
export const PREFIX = 'echobahn_'

export const DIRECTIONS = ['received', 'sent'] as const

/** A message is known by the opcode of its first frame. */
export const MESSAGE_OPCODES = ['text', 'binary'] as const

export const WORKER_STATES = ['starting', 'ready', 'unresponsive', 'leaving'] as const
export type WorkerState = (typeof WORKER_STATES)[number]

export const RESTART_REASONS = ['exit', 'signal', 'start_failed', 'reload'] as const
export type RestartReason = (typeof RESTART_REASONS)[number]

/** How a TCP connection ended, as the primary knows it. */
export const END_CAUSES = ['closed', 'lost'] as const
export type EndCause = (typeof END_CAUSES)[number]

/** Why a worker ended an HTTP/2 session; `peer` where its peer did. */
export const SESSION_ENDS = ['peer', 'idle', 'silent', 'flood', 'leaving'] as const
export type SessionEnd = (typeof SESSION_ENDS)[number]

/** Major versions of HTTP that carry WebSocket connections. */
export const HTTP_VERSIONS = ['1', '2'] as const
export type MajorVersion = (typeof HTTP_VERSIONS)[number]

/** What a lack of file descriptors did to connections: see the help of `shortages_total`. */
export const SHORTAGES = ['turned_away', 'accept_failed', 'undelivered'] as const
export type Shortage = (typeof SHORTAGES)[number]

/** Limits that an alert compares a gauge with, named as their options. */
export const LIMITS = ['max_connections', 'codec_queue', 'memory_budget'] as const
export type Limit = (typeof LIMITS)[number]

/** Seconds, 10 µs to 10 s. */
const DURATION_BUCKETS = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
  5, 10,
] as const

/** Seconds, 1 µs to 10 s: a small echo takes a few microseconds. */
const ECHO_BUCKETS = [0.000001, 0.0000025, 0.000005, ...DURATION_BUCKETS] as const

/** Seconds, 1 ms, which is what timers are exact to, to 10 s. */
const DELAY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Octets, 64 B to 1 MiB: a read ends at the shared buffer's length at the latest. */
const SIZE_BUCKETS = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const

/** Seconds, 10 ms to a day. */
const LIFETIME_BUCKETS = [0.01, 0.1, 1, 10, 60, 600, 3600, 21_600, 86_400] as const

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const

interface Described {
  readonly unit: string
  readonly help: string
}

export interface CounterDescription extends Described {
  readonly type: 'counter'
  readonly labels: Readonly<Record<string, readonly string[]>>
}

export interface HistogramDescription extends Described {
  readonly type: 'histogram'
  readonly labels: Readonly<Record<string, readonly string[]>>
  /** Shown for each worker by itself, with the label `worker`. */
  readonly byWorker?: boolean
  /** Upper bounds, inclusive and ascending; +Inf is implied. */
  readonly buckets: readonly number[]
}

/** Counted by workers, added up by the primary. The order here is the order of the series (see layout). */
export const SUMMED = {
  frames_total: {
    type: 'counter',
    unit: 'frames',
    help: 'Whole frames, control frames included.',
    labels: { direction: DIRECTIONS, opcode: OPCODE_NAMES },
  },
  messages_total: {
    type: 'counter',
    unit: 'messages',
    help: 'Whole messages, however many frames carried them.',
    labels: { direction: DIRECTIONS, opcode: MESSAGE_OPCODES },
  },
  message_bytes_total: {
    type: 'counter',
    unit: 'octets',
    help: 'Application octets of messages, after inflating and before deflating.',
    labels: { direction: DIRECTIONS, opcode: MESSAGE_OPCODES },
  },
  frame_payload_bytes_total: {
    type: 'counter',
    unit: 'octets',
    help: 'Payload octets of frames as they were on the wire, compressed where they were.',
    labels: { direction: DIRECTIONS, opcode: OPCODE_NAMES },
  },
  wire_bytes_total: {
    type: 'counter',
    unit: 'octets',
    help: 'Every octet of the sockets, handshakes and what HTTP/2 adds included.',
    labels: { direction: DIRECTIONS },
  },
  read_size_bytes: {
    type: 'histogram',
    unit: 'octets',
    help: 'Octets that one read of a socket returned.',
    labels: {},
    buckets: SIZE_BUCKETS,
  },
  write_size_bytes: {
    type: 'histogram',
    unit: 'octets',
    help: 'Octets that one write handed to a socket.',
    labels: {},
    buckets: SIZE_BUCKETS,
  },
  write_wait_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'From handing a write to the socket to the kernel having taken the last of it; 0 where it took all at once.',
    labels: {},
    buckets: DURATION_BUCKETS,
  },
  paused_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'Time that connections were not read, added up over all of them: for the memory budget, the full queue of the codec, octets that their peers or the codec have yet to take, a closing handshake, or their next turn.',
    labels: { reason: PAUSE_REASONS },
  },
  ping_round_trip_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'From sending a ping to reading its pong.',
    labels: {},
    buckets: DURATION_BUCKETS,
  },
  turns_cut_total: {
    type: 'counter',
    unit: 'turns',
    help: 'Times that a connection had used up its share of a turn of the event loop, so that the rest of what was read had to wait for the next one.',
    labels: {},
  },
  event_loop_delay_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How late a timer of 20 ms was, each time: a stall of any kind is one observation.',
    labels: {},
    byWorker: true,
    buckets: DELAY_BUCKETS,
  },
  event_loop_turn_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Length of a turn of the event loop, sampled 50 times a second: so long a socket with octets to read may wait.',
    labels: {},
    byWorker: true,
    buckets: DURATION_BUCKETS,
  },
  connections_rejected_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections refused before the upgrade because a limit was reached.',
    labels: { reason: ['max_connections', 'max_connections_per_ip'] },
  },
  tls_handshakes_total: {
    type: 'counter',
    unit: 'handshakes',
    help: 'TLS handshakes: completed, or failed, which is every connection that ended before its handshake was done.',
    labels: { result: ['completed', 'failed'] },
  },
  handshakes_total: {
    type: 'counter',
    unit: 'handshakes',
    help: 'Opening handshakes by their result: accepted, or why they were refused.',
    labels: { result: ['accepted', ...REFUSAL_REASONS] },
  },
  handshakes_by_version_total: {
    type: 'counter',
    unit: 'handshakes',
    help: 'Opening handshakes by the major version of HTTP that they came over: a connection of HTTP/1.1, or a stream of an HTTP/2 session.',
    labels: { http_version: HTTP_VERSIONS, result: ['accepted', 'refused'] },
  },
  http2_overhead_bytes_total: {
    type: 'counter',
    unit: 'octets',
    help: 'Octets of the sockets of HTTP/2 sessions that were not in the DATA of their streams: prefaces, frame headers, HEADERS, SETTINGS, TLS. A part of wire_bytes_total.',
    labels: { direction: DIRECTIONS },
  },
  http2_sessions_ended_total: {
    type: 'counter',
    unit: 'sessions',
    help: 'HTTP/2 sessions that ended, by cause: their peer, no stream for too long (idle), an unanswered PING (silent), a flood of requests that came to nothing, or a worker that leaves.',
    labels: { cause: SESSION_ENDS },
  },
  closes_total: {
    type: 'counter',
    unit: 'connections',
    help: 'WebSocket connections that ended, by who began the closing and the close code.',
    labels: { initiator: ['client', 'server'], code: CLOSE_CODE_LABELS },
  },
  protocol_errors_total: {
    type: 'counter',
    unit: 'errors',
    help: 'Connections that the server failed (RFC 6455 section 7.1.7), by error code.',
    labels: { code: Object.keys(PROTOCOL_ERRORS) as readonly ProtocolErrorCode[] },
  },
  connection_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Life of a WebSocket connection, from the accepted handshake to the end of its socket.',
    labels: {},
    buckets: LIFETIME_BUCKETS,
  },
  echo_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'From reading the last octet of a message to handing its echo to the socket.',
    labels: { compressed: ['true', 'false'] },
    buckets: ECHO_BUCKETS,
  },
  codec_messages_total: {
    type: 'counter',
    unit: 'messages',
    help: 'Messages inflated or deflated, on the event loop (inline) or on a codec thread (pool).',
    labels: { operation: ['inflate', 'deflate'], where: ['inline', 'pool'] },
  },
  codec_bytes_total: {
    type: 'counter',
    unit: 'octets',
    help: 'Octets that went into and came out of inflating and deflating.',
    labels: { operation: ['inflate', 'deflate'], side: ['in', 'out'] },
  },
  codec_batch_messages: {
    type: 'histogram',
    unit: 'messages',
    help: 'Messages in one batch for a codec thread.',
    labels: {},
    buckets: BATCH_BUCKETS,
  },
  codec_wait_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time a batch waited for a codec thread.',
    labels: {},
    buckets: DURATION_BUCKETS,
  },
  codec_run_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'Time a codec thread worked on a batch.',
    labels: {},
    buckets: DURATION_BUCKETS,
  },
  log_lines_lost_total: {
    type: 'counter',
    unit: 'lines',
    help: 'Lines of the log that could not be written, by all processes.',
    labels: {},
  },
  controls_total: {
    type: 'counter',
    unit: 'uses',
    help: 'Times that a test control did what it is for: once a message, frame or connection.',
    labels: { control: CONTROL_NAMES },
  },
  slow_reader_closes_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections dropped because the peer read next to nothing until slow-reader-timeout.',
    labels: {},
  },
  memory_budget_pauses_total: {
    type: 'counter',
    unit: 'times',
    help: 'Times that a connection which held more than most was no longer read, near the end of the memory budget.',
    labels: {},
  },
  memory_budget_closes_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections closed with 1013 because the memory budget was used up and they held most of it.',
    labels: {},
  },
} as const satisfies Record<string, CounterDescription | HistogramDescription>

/**
 * What a worker's snapshot holds, in the order of `Snapshot.gauges`, each with how it becomes the value of a worker.
 * A worker has two processes while a reload retires one: `sum` adds them, `max` takes the larger, and `grow` adds up
 * what each process gained, also those that are gone. CPU, garbage collection and the event loop's work are seconds.
 */
export const WORKER_GAUGE_RULES = {
  pausedConnections: 'sum',
  bufferedBytes: 'sum',
  codecQueueMessages: 'sum',
  codecThreads: 'sum',
  openings: 'sum',
  http2Sessions: 'sum',
  http1WebSockets: 'sum',
  http2WebSockets: 'sum',
  residentBytes: 'sum',
  heapBytes: 'sum',
  externalBytes: 'sum',
  openFiles: 'max',
  /** Unix time in seconds. */
  startedAt: 'max',
  eventLoopBusySeconds: 'grow',
  garbageSeconds: 'grow',
  cpuUserSeconds: 'grow',
  cpuSystemSeconds: 'grow',
} as const satisfies Record<string, 'sum' | 'max' | 'grow'>

export type WorkerGauge = keyof typeof WORKER_GAUGE_RULES

export const WORKER_GAUGES = Object.keys(WORKER_GAUGE_RULES) as readonly WorkerGauge[]

export interface WorkerMetric extends Described {
  readonly type: 'gauge' | 'counter'
  /** Labels beside `worker`, which every one has. */
  readonly labels: Readonly<Record<string, readonly string[]>>
  /** One gauge for each combination of the labels, in their order. */
  readonly gauges: readonly WorkerGauge[]
}

/** Read from the workers' snapshots; `worker` is its number, 1 to the number of workers. */
export const WORKER_METRICS: Readonly<Record<string, WorkerMetric>> = {
  paused_connections: {
    type: 'gauge',
    unit: 'connections',
    help: 'Connections that are not read now because of back-pressure.',
    labels: {},
    gauges: ['pausedConnections'],
  },
  buffered_bytes: {
    type: 'gauge',
    unit: 'octets',
    help: 'Octets of memory held for connections now: unfinished messages, work for the codec, unsent octets.',
    labels: {},
    gauges: ['bufferedBytes'],
  },
  codec_queue_messages: {
    type: 'gauge',
    unit: 'messages',
    help: 'Messages waiting for a codec thread now.',
    labels: {},
    gauges: ['codecQueueMessages'],
  },
  codec_threads: {
    type: 'gauge',
    unit: 'threads',
    help: 'Codec threads that run now.',
    labels: {},
    gauges: ['codecThreads'],
  },
  openings: {
    type: 'gauge',
    unit: 'connections',
    help: 'Connections in their opening handshake now.',
    labels: {},
    gauges: ['openings'],
  },
  http2_sessions: {
    type: 'gauge',
    unit: 'sessions',
    help: 'HTTP/2 sessions open now; each counts as a connection beside its streams.',
    labels: {},
    gauges: ['http2Sessions'],
  },
  websockets_by_version: {
    type: 'gauge',
    unit: 'connections',
    help: 'WebSocket connections open now by the major version of HTTP that they came over.',
    labels: { http_version: HTTP_VERSIONS },
    gauges: ['http1WebSockets', 'http2WebSockets'],
  },
  event_loop_busy_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'Time that the event loop of the worker, and of those it replaced, did not wait for something to do.',
    labels: {},
    gauges: ['eventLoopBusySeconds'],
  },
  worker_resident_memory_bytes: {
    type: 'gauge',
    unit: 'octets',
    help: 'Resident memory of the worker.',
    labels: {},
    gauges: ['residentBytes'],
  },
  worker_heap_bytes: {
    type: 'gauge',
    unit: 'octets',
    help: 'Memory in use in the JavaScript heap of the worker.',
    labels: {},
    gauges: ['heapBytes'],
  },
  worker_external_memory_bytes: {
    type: 'gauge',
    unit: 'octets',
    help: 'Memory of buffers of the worker outside of its JavaScript heap.',
    labels: {},
    gauges: ['externalBytes'],
  },
  worker_gc_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'Time that the event loop of the worker, and of those it replaced, stood still to collect garbage.',
    labels: {},
    gauges: ['garbageSeconds'],
  },
  worker_open_fds: {
    type: 'gauge',
    unit: 'files',
    help: 'File descriptors that the worker has open; 0 where the system does not tell.',
    labels: {},
    gauges: ['openFiles'],
  },
  worker_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'When the process of the worker was started, in Unix time.',
    labels: {},
    gauges: ['startedAt'],
  },
  worker_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    help: 'CPU time of the worker and of those it replaced.',
    labels: { mode: ['user', 'system'] },
    gauges: ['cpuUserSeconds', 'cpuSystemSeconds'],
  },
}

/** What the primary knows by itself. A label's values are a list, or words where they are not known beforehand. */
export const PRIMARY_METRICS = {
  connections: {
    type: 'gauge',
    unit: 'connections',
    help: 'Connections that the worker has now: TCP connections, and the streams of HTTP/2 sessions beside them.',
    labels: { worker: 'number of the worker' },
  },
  connections_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections that a worker took over, streams of HTTP/2 sessions included: those that have ended, and those that are open.',
    labels: {},
  },
  connections_ended_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections that ended: closed by their peer or their worker, or lost with a worker that died.',
    labels: { cause: END_CAUSES },
  },
  shortages_total: {
    type: 'counter',
    unit: 'connections',
    help: 'Connections that met a lack of file descriptors: turned_away by the primary, not accepted by it, or not delivered to a worker, so that another one gets them.',
    labels: { kind: SHORTAGES },
  },
  websockets: {
    type: 'gauge',
    unit: 'connections',
    help: 'WebSocket connections open now, by the last snapshots: accepted handshakes less closes and those lost.',
    labels: {},
  },
  websockets_lost_total: {
    type: 'counter',
    unit: 'connections',
    help: 'WebSocket connections that were open in the last snapshot of a worker that died.',
    labels: {},
  },
  workers: {
    type: 'gauge',
    unit: 'workers',
    help: 'Worker processes by state.',
    labels: { state: WORKER_STATES },
  },
  workers_wanted: {
    type: 'gauge',
    unit: 'workers',
    help: 'Workers that there should be.',
    labels: {},
  },
  worker_restarts_total: {
    type: 'counter',
    unit: 'workers',
    help: 'Workers replaced, by reason: exited, killed by a signal, failed to start, or reload.',
    labels: { reason: RESTART_REASONS },
  },
  worker_snapshot_age_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'Time since the last snapshot of the worker; it grows while a worker is stuck. 0 before the first.',
    labels: { worker: 'number of the worker' },
  },
  limits: {
    type: 'gauge',
    unit: '',
    help: 'Limits in force: connections of all workers together, messages in the codec queue of each, octets held for connections by each. 0 is no limit.',
    labels: { limit: LIMITS },
  },
  build_info: {
    type: 'gauge',
    unit: '',
    help: 'Always 1; the labels say what runs.',
    labels: { version: 'of echobahn', node_version: 'of Node.js', platform: 'process.platform', arch: 'process.arch' },
  },
} as const
