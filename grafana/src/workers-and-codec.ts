// Dashboard "Workers and codec": what the processes spend, where messages are compressed, and where octets wait.

import { dashboard } from './dashboard.js'
import { graph, heatmap } from './panels.js'
import { buckets, mean, quantile, rate, select, sum, totalRate, WORKER } from './promql.js'

const BY_WORKER = 'instance, worker'
const WORKER_LEGEND = '{{instance}} worker {{worker}}'

const workers = [
  graph({
    title: 'CPU by worker',
    description: 'Seconds of CPU per second, user and system together, codec threads included; 1 is one core.',
    unit: 'percentunit',
    queries: { [WORKER_LEGEND]: rate(BY_WORKER, 'echobahn_worker_cpu_seconds_total', WORKER) },
  }),
  graph({
    title: 'Event-loop delay by worker',
    description:
      'How late a timer of 20 ms was: 99 % of the times it was earlier. All connections of a worker wait so long.',
    unit: 's',
    queries: { [WORKER_LEGEND]: quantile(0.99, 'echobahn_event_loop_delay_seconds', BY_WORKER) },
  }),
  graph({
    title: 'Garbage collection by worker',
    description: 'Share of the time in which the event loop stands still to collect garbage.',
    unit: 'percentunit',
    queries: { [WORKER_LEGEND]: rate(BY_WORKER, 'echobahn_worker_gc_seconds_total', WORKER) },
  }),
  graph({
    title: 'Resident memory by process',
    description: 'Memory of the workers, and of the primary, which holds no connection.',
    unit: 'bytes',
    span: 12,
    manySeries: true,
    queries: {
      [WORKER_LEGEND]: sum(BY_WORKER, 'echobahn_worker_resident_memory_bytes', WORKER),
      '{{instance}} primary': select('process_resident_memory_bytes'),
    },
  }),
  graph({
    title: 'Memory of the heap and outside of it',
    description: 'JavaScript heap in use, and buffers outside of it, by worker.',
    unit: 'bytes',
    span: 12,
    manySeries: true,
    queries: {
      [`${WORKER_LEGEND} heap`]: sum(BY_WORKER, 'echobahn_worker_heap_bytes', WORKER),
      [`${WORKER_LEGEND} outside`]: sum(BY_WORKER, 'echobahn_worker_external_memory_bytes', WORKER),
    },
  }),
  graph({
    title: 'Open files by worker',
    description: 'File descriptors, one for each connection among them; process_max_fds is the limit.',
    unit: 'short',
    queries: { [WORKER_LEGEND]: sum(BY_WORKER, 'echobahn_worker_open_fds', WORKER) },
  }),
  graph({
    title: 'Workers by state',
    description: 'Worker processes; more than were asked for while a reload replaces them.',
    unit: 'short',
    stacked: true,
    manySeries: true,
    queries: { '{{state}}': sum('state', 'echobahn_workers') },
  }),
  graph({
    title: 'Restarts',
    description: 'Workers that were replaced, by why, in each interval. Only a reload is meant to happen.',
    unit: 'short',
    manySeries: true,
    queries: {
      '{{reason}}': `sum by (reason) (increase(${select('echobahn_worker_restarts_total')}[$__rate_interval]))`,
    },
  }),
  graph({
    title: 'Uptime by worker',
    description: 'Time since the process of the worker was started; a drop is a restart.',
    unit: 's',
    queries: {
      [WORKER_LEGEND]: `time() - ${select('echobahn_worker_start_time_seconds', WORKER)}`,
    },
  }),
  graph({
    title: 'Lack of file descriptors',
    description: 'Connections that met a lack of file descriptors, by what became of them.',
    unit: 'cps',
    manySeries: true,
    queries: { '{{kind}}': rate('kind', 'echobahn_shortages_total') },
  }),
  graph({
    title: 'Log lines lost',
    description: 'Lines that could not be written, because whoever reads the log takes too little or the disk is full.',
    unit: 'ops',
    queries: { '{{instance}}': rate('instance', 'echobahn_log_lines_lost_total') },
  }),
  graph({
    title: 'Snapshot age',
    description:
      'Time since the primary last heard from a worker, four times a second when all is well; the worker is stuck while it grows.',
    unit: 's',
    queries: { [WORKER_LEGEND]: select('echobahn_worker_snapshot_age_seconds', WORKER) },
  }),
]

const codec = [
  graph({
    title: 'Codec messages',
    description: 'Messages inflated and deflated, on the event loop (inline) or on a codec thread (pool).',
    unit: 'mps',
    span: 12,
    manySeries: true,
    queries: { '{{operation}} {{where}}': rate('operation, where', 'echobahn_codec_messages_total') },
  }),
  graph({
    title: 'Codec octets',
    description: 'What goes into and comes out of inflating and deflating.',
    unit: 'Bps',
    span: 12,
    manySeries: true,
    queries: { '{{operation}} {{side}}': rate('operation, side', 'echobahn_codec_bytes_total') },
  }),
  graph({
    title: 'Codec queue',
    description:
      'Messages that wait for a codec thread. Above codec-queue their connections are not read; an alert says so.',
    unit: 'short',
    span: 12,
    manySeries: true,
    queries: { [WORKER_LEGEND]: sum(BY_WORKER, 'echobahn_codec_queue_messages', WORKER) },
  }),
  graph({
    title: 'Codec utilisation',
    description: 'Share of the time that the codec threads of an instance work; they are fully used at 100 %.',
    unit: 'percentunit',
    max: 1,
    span: 12,
    manySeries: true,
    queries: {
      '{{instance}}': `${rate('instance', 'echobahn_codec_run_seconds_sum')} / (${sum('instance', 'echobahn_codec_threads')} > 0)`,
    },
  }),
  graph({
    title: 'Wait for a codec thread',
    description: 'Time that batches waited.',
    unit: 's',
    manySeries: true,
    queries: quantiles('echobahn_codec_wait_seconds'),
  }),
  graph({
    title: 'Run on a codec thread',
    description: 'Time that a thread worked on a batch.',
    unit: 's',
    manySeries: true,
    queries: quantiles('echobahn_codec_run_seconds'),
  }),
  graph({
    title: 'Batch size',
    description: 'Messages that went to a codec thread together, on average.',
    unit: 'short',
    queries: { mean: mean('echobahn_codec_batch_messages') },
  }),
]

const buffers = [
  graph({
    title: 'Paused connections',
    description: 'Connections that are not read now because their peer, or the codec, takes too little.',
    unit: 'short',
    queries: { [WORKER_LEGEND]: sum(BY_WORKER, 'echobahn_paused_connections', WORKER) },
  }),
  graph({
    title: 'Buffered octets',
    description: 'Octets held for connections now: waiting to be written, or for the codec.',
    unit: 'bytes',
    queries: { [WORKER_LEGEND]: sum(BY_WORKER, 'echobahn_buffered_bytes', WORKER) },
  }),
  graph({
    title: 'Memory budget used',
    description:
      'Octets held for connections, as a share of what the worker may hold. Above 75 % those that hold most are not read, above 90 % they are closed.',
    unit: 'percentunit',
    queries: {
      [WORKER_LEGEND]: `${sum(BY_WORKER, 'echobahn_buffered_bytes', WORKER)} / on (instance) group_left () ${sum('instance', 'echobahn_limits', 'limit="memory_budget"')}`,
    },
  }),
  graph({
    title: 'Memory budget: paused and closed',
    description: 'Connections that were not read near the end of the budget, and those closed with 1013 at its end.',
    unit: 'cps',
    queries: {
      paused: totalRate('echobahn_memory_budget_pauses_total'),
      closed: totalRate('echobahn_memory_budget_closes_total'),
    },
  }),
  graph({
    title: 'Turns that ended by share',
    description: 'Times that a connection had sent more than the event loop does for one at a time.',
    unit: 'ops',
    queries: { '{{instance}}': rate('instance', 'echobahn_turns_cut_total') },
  }),
  graph({
    title: 'Slow readers dropped',
    description: 'Connections dropped because the peer took none of its octets until slow-reader-timeout.',
    unit: 'cps',
    queries: { '{{instance}}': rate('instance', 'echobahn_slow_reader_closes_total') },
  }),
  heatmap({
    title: 'Read sizes',
    description:
      'Reads of a socket per second by the octets that they returned; large ones carry many small messages at once.',
    unit: 'bytes',
    span: 12,
    expression: buckets('echobahn_read_size_bytes'),
  }),
  heatmap({
    title: 'Write sizes',
    description: 'Writes to a socket per second by the octets that they handed over.',
    unit: 'bytes',
    span: 12,
    expression: buckets('echobahn_write_size_bytes'),
  }),
  graph({
    title: 'Reads and writes',
    description: 'System calls for reading and writing sockets.',
    unit: 'ops',
    queries: {
      reads: totalRate('echobahn_read_size_bytes_count'),
      writes: totalRate('echobahn_write_size_bytes_count'),
    },
  }),
]

function quantiles(metric: string): Record<string, string> {
  return Object.fromEntries([0.5, 0.9, 0.99].map(q => [`${q * 100} %`, quantile(q, metric)]))
}

export const workersAndCodec = dashboard({
  uid: 'echobahn-workers',
  title: 'Workers and codec',
  description: 'Processes, event loops, compression and buffers of the WebSocket echo service.',
  rows: { Workers: workers, Codec: codec, Buffers: buffers },
})
