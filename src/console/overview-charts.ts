// What the overview's charts show, each made of the feed's columns.

import type { Hello } from './answers.js'
import type { ChartDescription, Line } from './chart.js'
import { closeCode, duration, octets, percent, short } from './format.js'
import type { Series } from './series.js'

export interface Shown extends ChartDescription {
  lines(series: Series, hello: Hello): readonly Line[]
}

const DIRECTIONS = ['received', 'sent']
const rate = (value: number): string => `${short(value)}/s`
const octetRate = (value: number): string => `${octets(value)}/s`

/** Seconds before each point in which echoes are looked at. */
const LATENCY_ROWS = 10

export const CHARTS: readonly Shown[] = [
  {
    title: 'Messages per second',
    note: 'by opcode and direction',
    format: rate,
    lines: series => byOpcode(series, 'messages_total', ['text', 'binary']),
  },
  {
    title: 'Octets per second',
    note: 'all octets of the sockets, and payload of frames by opcode',
    axis: 'octets',
    format: octetRate,
    lines: series => [
      ...DIRECTIONS.map(direction => ({
        name: `wire ${direction}`,
        values: series.rates(series.find('wire_bytes_total', { direction })),
      })),
      ...byOpcode(series, 'frame_payload_bytes_total', ['text', 'binary', 'continuation']),
    ],
  },
  {
    title: 'Frames per second',
    note: 'by opcode and direction, control frames included',
    format: rate,
    lines: series => byOpcode(series, 'frames_total', ['text', 'binary', 'continuation', 'ping', 'pong', 'close']),
  },
  {
    title: 'Connections',
    note: 'open now, by worker',
    format: short,
    lines: (series, hello) =>
      workersOf(hello).map(worker => ({
        name: `worker ${worker}`,
        values: series.sums(series.find('connections', { worker })),
      })),
  },
  {
    title: 'Echo latency',
    note: 'from reading a message to writing its echo, over the 10 seconds before',
    format: value => duration(value * 1000),
    axis: 'powers',
    lines: series => {
      const places = series.find('echo_duration_seconds_bucket')
      const lines = [0.5, 0.9, 0.99, 0.999].map(quantile => ({
        name: `p${Number((quantile * 100).toFixed(1))}`,
        values: series.at.map((_, row) => series.quantile(places, quantile, row, LATENCY_ROWS)),
      }))
      return lines[0].values.some(value => value !== null) ? lines : []
    },
  },
  {
    title: 'Handshakes per second',
    note: 'by result',
    format: rate,
    lines: series => grown(series, 'handshakes_total', 'result'),
  },
  {
    title: 'Closes per second',
    note: 'by code and who began',
    format: rate,
    lines: series => grown(series, 'closes_total', 'code', 'initiator'),
  },
  {
    title: 'Protocol errors per second',
    note: 'by code',
    format: rate,
    lines: series => grown(series, 'protocol_errors_total', 'code'),
  },
  {
    title: 'Utilisation',
    note: 'of each worker’s event loop, and of the codec threads of all',
    format: percent,
    lines: (series, hello) => [
      ...workersOf(hello).map(worker => ({
        name: `loop ${worker}`,
        values: series.rates(series.find('event_loop_busy_seconds_total', { worker })),
      })),
      { name: 'codec', values: codecUse(series) },
    ],
  },
  {
    title: 'Memory',
    note: 'held for connections, against the budget for it; resident memory of all workers',
    format: octets,
    axis: 'octets',
    hidden: ['budget'],
    lines: (series, hello) => [
      { name: 'held', values: series.sums(series.find('buffered_bytes')) },
      { name: 'resident', values: series.sums(series.find('worker_resident_memory_bytes')) },
      { name: 'budget', values: series.at.map(() => hello.limits.memory_budget * hello.workers) },
    ],
  },
]

function workersOf({ workers }: Hello): string[] {
  return Array.from({ length: workers }, (_, i) => String(i + 1))
}

/** Opcodes that never came are left out, but for text and binary. */
function byOpcode(series: Series, name: string, opcodes: readonly string[]): Line[] {
  return opcodes.flatMap(opcode =>
    DIRECTIONS.flatMap(direction => {
      const places = series.find(name, { direction, opcode })
      const always = opcode === 'text' || opcode === 'binary'
      return always || series.sum(places) > 0 ? [{ name: `${opcode} ${direction}`, values: series.rates(places) }] : []
    }),
  )
}

/** Those that ever were, named by the values of these labels. */
function grown(series: Series, name: string, ...labels: readonly string[]): Line[] {
  return series
    .find(name)
    .filter(place => series.sum([place]) > 0)
    .map(place => ({ name: nameOf(series, place, labels), values: series.rates([place]) }))
}

export function nameOf(series: Series, place: number, labels: readonly string[]): string {
  const { labels: all } = series.columns[place]
  return labels.map(label => (/^\d{4}$/.test(all[label]) ? closeCode(all[label]) : words(all[label]))).join(', ')
}

function words(label: string): string {
  return label.replace(/^ECHOBAHN_/, '')
}

/** Time that batches ran a second, over the number of threads. */
function codecUse(series: Series): (number | null)[] {
  const threads = series.find('codec_threads')
  const busy = series.rates(series.find('codec_run_seconds_sum'))
  return busy.map((value, row) => {
    const count = series.sum(threads, row)
    return value === null ? null : count > 0 ? value / count : 0
  })
}
