// The counters of /metrics against the sum of all connection reports. HTTP/2 sessions are connections without a report, and have
// octets of their own: what of a series is theirs is taken off.

import { OPCODE_NAMES } from '../../src/protocol/opcodes.js'
import type { ConnectionReport } from '../../src/report/report.js'

const DIRECTIONS = ['received', 'sent'] as const
const MESSAGE_OPCODES = ['text', 'binary'] as const

/** What `frames_total`, `messages_total` and `wire_bytes_total` must have grown by, keyed as in the exposition. */
export function sumReports(reports: readonly ConnectionReport[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const direction of DIRECTIONS) {
    const total = (read: (counts: ConnectionReport['sent']) => number): number =>
      reports.reduce((sum, report) => sum + read(report[direction]), 0)
    for (const opcode of OPCODE_NAMES)
      sums.set(
        `echobahn_frames_total{direction="${direction}",opcode="${opcode}"}`,
        total(of => of.frames[opcode]),
      )
    for (const opcode of MESSAGE_OPCODES)
      sums.set(
        `echobahn_messages_total{direction="${direction}",opcode="${opcode}"}`,
        total(of => of.messages[opcode]),
      )
    sums.set(
      `echobahn_wire_bytes_total{direction="${direction}"}`,
      total(of => of.octets),
    )
  }
  return sums.set('echobahn_connections_total', reports.length)
}

/** One line for each series whose change from `before` to `after` is not the sum; none when all are equal. */
export function reconcileSums(
  sums: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): string[] {
  return [...sums].flatMap(([series, sum]) => {
    const change = withoutSessions(series, after) - withoutSessions(series, before)
    return change === sum ? [] : [`${series}: grew by ${change}, the connection reports add up to ${sum}`]
  })
}

function withoutSessions(series: string, metrics: ReadonlyMap<string, number>): number {
  return (metrics.get(series) ?? Number.NaN) - ofSessions(series, metrics)
}

function ofSessions(series: string, metrics: ReadonlyMap<string, number>): number {
  if (series.startsWith('echobahn_wire_bytes_total'))
    return metrics.get(series.replace('wire_bytes', 'http2_overhead_bytes')) ?? 0
  if (series !== 'echobahn_connections_total') return 0
  let sessions = 0
  for (const [name, value] of metrics) if (/^echobahn_http2_sessions(_ended_total)?(\{|$)/.test(name)) sessions += value
  return sessions
}
