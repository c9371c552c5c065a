// Renders the summary of a run for people.

import { FAMILIES } from './cases.js'
import { formatElapsed } from './progress.js'
import type { Reconciliation } from './reconciliation.js'
import { renderSlowest } from './slowest.js'
import type { CaseSummary, FamilySummary, Summary } from './summary.js'

/** Lines of the table and of what there is to say about single cases, without a line end behind the last. */
export function renderSummary(summary: Summary): string {
  const { families, notOk, spotlight, slowest, reconciliation } = summary
  return [
    ...renderFamilies(families),
    '',
    ...notOk.map(({ id, reason }) => `${id} ${reason}`),
    ...(spotlight === null ? [] : [renderCase(spotlight)]),
    ...renderSlowest(slowest),
    ...(reconciliation === null ? ['not reconciled'] : renderReconciliation(reconciliation)),
    `${summary.passed ? 'passed' : 'FAILED'} in ${formatElapsed(summary.milliseconds)}, ${summary.jobs} at a time`,
  ].join('\n')
}

function renderFamilies(families: readonly FamilySummary[]): string[] {
  const total = (field: 'cases' | 'ok' | 'informational' | 'milliseconds'): number =>
    families.reduce((sum, family) => sum + family[field], 0)
  const rows = [
    ['', 'family', 'cases', 'OK', 'informational', 'time'],
    ...families.map(({ family, cases, ok, informational, milliseconds }) =>
      [family, FAMILIES[family], cases, ok, informational, seconds(milliseconds)].map(String),
    ),
    ['', 'all', total('cases'), total('ok'), total('informational'), seconds(total('milliseconds'))].map(String),
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row => row.map((cell, column) => align(cell, widths[column], column)).join('  '))
}

/** The name is to the left, numbers are to the right. */
function align(cell: string, width: number, column: number): string {
  return column === 1 ? cell.padEnd(width) : cell.padStart(width)
}

function renderCase({ id, behavior, behaviorClose, closeCode, milliseconds, ...octets }: CaseSummary): string {
  const traffic = `${grouped(octets.octetsReceived)} octets to the service, ${grouped(octets.octetsSent)} back`
  return `${id} ${behavior}, close ${behaviorClose} (${closeCode ?? 'none'}), ${seconds(milliseconds)}, ${traffic}`
}

function renderReconciliation({ connections, series, cases, sums }: Reconciliation): string[] {
  const total = Object.values(connections).reduce((sum, count) => sum + count, 0)
  const workers = Object.entries(connections).map(([worker, count]) => `worker ${worker}: ${count}`)
  const extent = `${total} connections (${workers.join(', ')}), ${series} series`
  if (cases.length === 0 && sums.length === 0) return [`reconciled: ${extent}`]
  return [
    `NOT RECONCILED: ${extent}`,
    ...cases.flatMap(({ id, differences }) => differences.map(difference => `${id} ${difference}`)),
    ...sums,
  ]
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

/** 167118 as 167,118. */
function grouped(number: number): string {
  return number.toLocaleString('en-US')
}
