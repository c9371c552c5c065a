// Which connection of the service was which case of the suite.

import type { ConnectionReport } from '../../src/report/report.js'
import { type CaseReport, keyOf, targetOf } from './case-report.js'

/** Undefined where the service has no report of it. */
export type Finder = (suite: CaseReport) => ConnectionReport | undefined

export function finder(cases: readonly CaseReport[], reports: readonly ConnectionReport[]): Finder {
  return reports.every(({ key }) => key === null) ? byOrder(cases, reports) : byKey(reports)
}

function byKey(reports: readonly ConnectionReport[]): Finder {
  const found = new Map(reports.map(report => [report.key, report]))
  return suite => found.get(keyOf(suite) ?? '')
}

/**
 * For a proxy that passes no key on: each process of the suite asks for a target of its own, and runs one case after another.
 * So the n-th of its cases has the n-th connection with that target.
 */
function byOrder(cases: readonly CaseReport[], reports: readonly ConnectionReport[]): Finder {
  const numbered = [...reports].sort((a, b) => a.id - b.id)
  const begun = [...cases].sort((a, b) => Date.parse(a.started) - Date.parse(b.started))
  const found = new Map<CaseReport, ConnectionReport | undefined>()
  for (const target of new Set(cases.map(targetOf))) {
    const connections = numbered.filter(({ path, query }) => `${path}?${query}` === target)
    const those = begun.filter(suite => targetOf(suite) === target)
    for (const [i, suite] of those.entries()) found.set(suite, connections[i])
  }
  return suite => found.get(suite)
}
