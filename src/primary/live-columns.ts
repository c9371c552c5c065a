// What the console shows over time: which numbers, and where each is read. Counts are whole, times whole microseconds, so
// that the history can be told as small differences.

import { SUMMED, WORKER_GAUGES, type WorkerGauge } from '../metrics/catalogue.js'
import { type SummedName, seriesOf } from '../metrics/layout.js'
import type { ConnectionSource, MetricSource } from '../metrics/source.js'

/** One number of every row. */
export interface LiveColumn {
  /** The metric's name without its prefix; of a histogram, with `_bucket` (not cumulative) or `_sum`. */
  readonly name: string
  /** As /metrics has them. */
  readonly labels: Readonly<Record<string, string>>
  /** What a value is to be multiplied with to be in the metric's own unit. */
  readonly scale: number
}

export interface LiveSources {
  readonly totals: Pick<MetricSource, 'values' | 'gauge' | 'websockets'>
  readonly connections: Pick<ConnectionSource, 'openByWorker'>
  /** Workers are numbered 1 to this. */
  readonly workers: number
}

interface Reader extends LiveColumn {
  read(open: ReadonlyMap<number, number>): number
}

const MICRO = 1e-6

const COUNTERS = [
  'messages_total',
  'message_bytes_total',
  'frames_total',
  'frame_payload_bytes_total',
  'wire_bytes_total',
  'handshakes_total',
  'closes_total',
  'protocol_errors_total',
  'codec_messages_total',
] as const satisfies readonly (keyof typeof SUMMED)[]

/** Gauges of each worker, as columns named like their metrics. */
const GAUGES: Readonly<Partial<Record<WorkerGauge, { readonly name: string; readonly scale: number }>>> = {
  bufferedBytes: { name: 'buffered_bytes', scale: 1 },
  residentBytes: { name: 'worker_resident_memory_bytes', scale: 1 },
  pausedConnections: { name: 'paused_connections', scale: 1 },
  codecQueueMessages: { name: 'codec_queue_messages', scale: 1 },
  codecThreads: { name: 'codec_threads', scale: 1 },
  eventLoopBusySeconds: { name: 'event_loop_busy_seconds_total', scale: MICRO },
}

export class LiveColumns {
  readonly columns: readonly LiveColumn[]
  readonly #readers: readonly Reader[]
  readonly #sources: LiveSources

  constructor(sources: LiveSources) {
    this.#sources = sources
    this.#readers = [
      ...COUNTERS.flatMap(name => counterReaders(name, sources)),
      ...histogramReaders('echo_duration_seconds', sources),
      ...sumReaders('codec_run_seconds', sources),
      { name: 'websockets', labels: {}, scale: 1, read: () => sources.totals.websockets },
      ...Array.from({ length: sources.workers }, (_, i) => workerReaders(i + 1, sources)).flat(),
    ]
    this.columns = this.#readers.map(({ name, labels, scale }) => ({ name, labels, scale }))
  }

  /** Writes the numbers of this moment into `row`, in the order of `columns`. */
  read(row: Float64Array): void {
    const open = this.#sources.connections.openByWorker()
    for (const [i, reader] of this.#readers.entries()) row[i] = reader.read(open)
  }
}

function counterReaders(name: SummedName, { totals }: LiveSources): Reader[] {
  return seriesOf(name).map(({ labels, offset }) => ({ name, labels, scale: 1, read: () => totals.values[offset] }))
}

function histogramReaders(name: 'echo_duration_seconds', { totals }: LiveSources): Reader[] {
  return seriesOf(name).flatMap(({ labels, offset }) =>
    [...SUMMED[name].buckets, '+Inf'].map((le, i) => ({
      name: `${name}_bucket`,
      labels: { ...labels, le: String(le) },
      scale: 1,
      read: () => totals.values[offset + i],
    })),
  )
}

function sumReaders(name: 'codec_run_seconds', { totals }: LiveSources): Reader[] {
  const { length } = SUMMED[name].buckets
  return seriesOf(name).map(({ labels, offset }) => ({
    name: `${name}_sum`,
    labels,
    scale: MICRO,
    read: () => microseconds(totals.values[offset + length + 1]),
  }))
}

function workerReaders(worker: number, { totals }: LiveSources): Reader[] {
  const labels = { worker: String(worker) }
  const gauges = WORKER_GAUGES.flatMap(gauge => {
    const column = GAUGES[gauge]
    if (column === undefined) return []
    const { scale } = column
    const value = () => totals.gauge(worker, gauge)
    return [{ ...column, labels, read: scale === MICRO ? () => microseconds(value()) : value }]
  })
  return [{ name: 'connections', labels, scale: 1, read: open => open.get(worker) ?? 0 }, ...gauges]
}

function microseconds(seconds: number): number {
  return Math.round(seconds / MICRO)
}
