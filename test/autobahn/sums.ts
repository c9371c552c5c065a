// The counters of /metrics against the sum of all connection reports.

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
    const change = (after.get(series) ?? Number.NaN) - (before.get(series) ?? Number.NaN)
    return change === sum ? [] : [`${series}: grew by ${change}, the connection reports add up to ${sum}`]
  })
}
