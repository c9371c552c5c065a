// The whole run's counts, of the suite and of the service, beside each other.

import type { ConnectionReport } from '../../src/report/report.js'
import type { AdminClient } from './admin-client.js'
import type { CaseReport } from './case-report.js'
import { finder } from './finder.js'
import { reconcileCase } from './reconcile.js'
import { reconcileSums, sumReports } from './sums.js'

/** What the service said before and after the run. */
export interface Evidence {
  readonly before: ReadonlyMap<string, number>
  readonly after: ReadonlyMap<string, number>
  /** Of all connections of the run. */
  readonly reports: readonly ConnectionReport[]
}

export interface Reconciliation {
  /** Number of connections by the worker that served them. */
  readonly connections: Readonly<Record<string, number>>
  /** Series of the metrics that were compared. */
  readonly series: number
  /** Cases on which the two ends do not agree, with one line for each count. */
  readonly cases: readonly { readonly id: string; readonly differences: readonly string[] }[]
  /** One line for each series that is not the sum of the connection reports. */
  readonly sums: readonly string[]
}

/** Runs `use` between two looks at the service, the second when its connections are closed. */
export async function withEvidence<T>(
  admin: AdminClient,
  signal: AbortSignal,
  use: () => Promise<T>,
): Promise<{ result: T; evidence: Evidence }> {
  const newest = await admin.newestConnection()
  const before = await admin.metrics()
  const result = await use()
  await admin.quietAfter(newest, signal)
  const after = await admin.metrics()
  return { result, evidence: { before, after, reports: await admin.connectionsAfter(newest) } }
}

export function reconcileRun(cases: Iterable<CaseReport>, { before, after, reports }: Evidence): Reconciliation {
  const suites = [...cases]
  const connectionOf = finder(suites, reports)
  const sums = sumReports(reports)
  return {
    connections: countByWorker(reports),
    series: sums.size,
    cases: suites
      .map(suite => ({ id: suite.id, differences: differencesOf(suite, connectionOf(suite)) }))
      .filter(({ differences }) => differences.length > 0),
    sums: reconcileSums(sums, before, after),
  }
}

function differencesOf(suite: CaseReport, service: ConnectionReport | undefined): string[] {
  if (service === undefined)
    return ['the service has no connection report of it; it keeps the last --reports of each worker']
  return reconcileCase(suite, service)
}

function countByWorker(reports: readonly ConnectionReport[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { worker } of reports) counts[worker] = (counts[worker] ?? 0) + 1
  return counts
}
