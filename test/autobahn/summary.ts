// The result of a run: summary.json, and what the table on the terminal shows.

import { type CaseReport, closeCodeOf, octetsOf } from './case-report.js'
import { byNumber, familyOf, SUITE_VERSION } from './cases.js'
import type { Reconciliation } from './reconciliation.js'
import type { SlowCase } from './slowest.js'
import { reasonOf, type Verdict, verdictOf } from './verdict.js'

export interface FamilySummary {
  readonly family: string
  readonly cases: number
  readonly ok: number
  readonly informational: number
  /** Of its cases, one after the other. */
  readonly milliseconds: number
}

/** One case in a line: its verdicts, the code of the service's Close, its duration and its octets. */
export interface CaseSummary {
  readonly id: string
  readonly behavior: string
  readonly behaviorClose: string
  readonly closeCode: number | null
  readonly milliseconds: number
  readonly octetsReceived: number
  readonly octetsSent: number
}

export interface Summary {
  readonly suite: string
  readonly passed: boolean
  readonly jobs: number
  readonly serviceOptions: readonly string[]
  /** Of the whole run. */
  readonly milliseconds: number
  readonly families: readonly FamilySummary[]
  /** Cases that are not OK/OK, or that did not run. */
  readonly notOk: readonly { readonly id: string; readonly verdict: Verdict | 'missing'; readonly reason: string }[]
  /** Case 12.4.3, if it ran: other servers are known to fail there. */
  readonly spotlight: CaseSummary | null
  /** Slowest first; empty when the service was not asked. */
  readonly slowest: readonly SlowCase[]
  /** Null when it was not asked for. */
  readonly reconciliation: Reconciliation | null
}

export interface Run {
  /** Cases that were to run. */
  readonly cases: readonly string[]
  readonly reports: ReadonlyMap<string, CaseReport>
  readonly reconciliation: Reconciliation | null
  readonly slowest: readonly SlowCase[]
  readonly jobs: number
  readonly serviceOptions: readonly string[]
  readonly milliseconds: number
}

const SPOTLIGHT = '12.4.3'

export function summarize(run: Run): Summary {
  const { cases, reports, reconciliation, jobs, serviceOptions, milliseconds } = run
  const verdicts = cases.map(id => ({ id, ...judge(reports.get(id)) }))
  const extra = [...reports.keys()].filter(id => !cases.includes(id))
  const notOk = verdicts.filter(({ verdict }) => verdict !== 'ok')
  const spotlight = reports.get(SPOTLIGHT)
  return {
    suite: SUITE_VERSION,
    passed: extra.length === 0 && notOk.every(({ verdict }) => verdict === 'informational') && agrees(reconciliation),
    ...{ jobs, serviceOptions, milliseconds },
    families: [...new Set(cases.map(familyOf))].map(family => summarizeFamily(family, run)),
    notOk: notOk.sort((a, b) => byNumber(a.id, b.id)),
    slowest: run.slowest,
    spotlight: spotlight === undefined ? null : summarizeCase(spotlight),
    reconciliation,
  }
}

function judge(report: CaseReport | undefined): { verdict: Verdict | 'missing'; reason: string } {
  if (report === undefined) return { verdict: 'missing', reason: 'did not run' }
  return { verdict: verdictOf(report), reason: reasonOf(report) }
}

function agrees(reconciliation: Reconciliation | null): boolean {
  return reconciliation === null || (reconciliation.cases.length === 0 && reconciliation.sums.length === 0)
}

function summarizeFamily(family: string, { cases, reports }: Run): FamilySummary {
  const asked = cases.filter(id => familyOf(id) === family)
  const ran = asked.flatMap(id => reports.get(id) ?? [])
  const count = (wanted: Verdict): number => ran.filter(report => verdictOf(report) === wanted).length
  return {
    family,
    cases: asked.length,
    ok: count('ok'),
    informational: count('informational'),
    milliseconds: ran.reduce((sum, { duration }) => sum + duration, 0),
  }
}

function summarizeCase(report: CaseReport): CaseSummary {
  const { id, behavior, behaviorClose, duration } = report
  return {
    ...{ id, behavior, behaviorClose },
    closeCode: closeCodeOf(report.remoteCloseCode, report.rxFrameStats),
    milliseconds: duration,
    octetsReceived: octetsOf(report.txOctetStats),
    octetsSent: octetsOf(report.rxOctetStats),
  }
}
