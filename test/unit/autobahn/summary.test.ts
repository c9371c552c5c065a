import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CaseReport } from '../../autobahn/case-report.js'
import type { Reconciliation } from '../../autobahn/reconciliation.js'
import { type Run, summarize } from '../../autobahn/summary.js'
import { renderSummary } from '../../autobahn/table.js'
import { sampleCase } from '../../support/autobahn-samples.js'

const agreeing: Reconciliation = { connections: { 1: 2, 2: 1 }, series: 19, cases: [], sums: [] }

function runOf(reports: CaseReport[], changes: Partial<Run> = {}): Run {
  return {
    cases: reports.map(({ id }) => id),
    reports: new Map(reports.map(report => [report.id, report])),
    reconciliation: agreeing,
    slowest: [],
    ...{ jobs: 2, serviceOptions: [], milliseconds: 65_000 },
    ...changes,
  }
}

const informational = sampleCase({ id: '7.1.6', behavior: 'INFORMATIONAL', behaviorClose: 'INFORMATIONAL' })
const spotlight = sampleCase({ id: '12.4.3', duration: 802, rxOctetStats: { 100000: 1 } })

describe('summary', () => {
  it('passes when all is clean and reconciled', () => {
    assert.equal(summarize(runOf([sampleCase(), informational, spotlight])).passed, true)
    assert.equal(summarize(runOf([sampleCase()], { reconciliation: null })).passed, true)
  })

  it('does not pass with a case that failed, is missing or was not asked for', () => {
    assert.equal(summarize(runOf([sampleCase({ behavior: 'NON-STRICT' })])).passed, false)
    const missing = summarize(runOf([sampleCase()], { cases: ['1.1.1', '1.1.2'] }))
    assert.equal(missing.passed, false)
    assert.deepEqual(missing.notOk, [{ id: '1.1.2', verdict: 'missing', reason: 'did not run' }])
    assert.equal(summarize(runOf([sampleCase(), spotlight], { cases: ['1.1.1'] })).passed, false)
  })

  it('does not pass with a count that differs', () => {
    const differing = { ...agreeing, cases: [{ id: '1.1.1', differences: ['octets sent: 1 … 2'] }] }
    assert.equal(summarize(runOf([sampleCase()], { reconciliation: differing })).passed, false)
    const sums = { ...agreeing, sums: ['echobahn_connections_total: …'] }
    assert.equal(summarize(runOf([sampleCase()], { reconciliation: sums })).passed, false)
  })

  it('adds up by family', () => {
    assert.deepEqual(
      summarize(runOf([sampleCase(), sampleCase({ id: '1.2.1', behavior: 'FAILED' }), informational])).families,
      [
        { family: '1', cases: 2, ok: 1, informational: 0, milliseconds: 24 },
        { family: '7', cases: 1, ok: 0, informational: 1, milliseconds: 12 },
      ],
    )
  })
})

describe('table', () => {
  it('shows families, single cases and the reconciliation', () => {
    const summary = summarize(runOf([sampleCase(), informational, spotlight]))
    assert.equal(
      renderSummary(summary),
      [
        '    family                           cases  OK  informational   time',
        ' 1  framing                              1   1              0  0.0 s',
        ' 7  closing                              1   0              1  0.0 s',
        '12  compression, different payloads      1   1              0  0.8 s',
        '    all                                  3   2              1  0.8 s',
        '',
        '7.1.6 INFORMATIONAL: Actual events match at least one expected.; close INFORMATIONAL: Connection was properly closed',
        '12.4.3 OK, close OK (1000), 0.8 s, 91 octets to the service, 100,000 back',
        'reconciled: 3 connections (worker 1: 2, worker 2: 1), 19 series',
        'passed in 1:05, 2 at a time',
      ].join('\n'),
    )
  })

  it('shows what is wrong', () => {
    const cases = [{ id: '1.1.1', differences: ['octets sent: 1 for the suite, 2 for the service', 'second'] }]
    const reconciliation = { ...agreeing, cases, sums: ['wire: grew by 1'] }
    const failed = sampleCase({ behavior: 'FAILED', result: 'no echo' })
    const lines = renderSummary(summarize(runOf([failed], { reconciliation }))).split('\n')
    assert.deepEqual(lines.slice(4), [
      '1.1.1 FAILED: no echo',
      'NOT RECONCILED: 3 connections (worker 1: 2, worker 2: 1), 19 series',
      '1.1.1 octets sent: 1 for the suite, 2 for the service',
      '1.1.1 second',
      'wire: grew by 1',
      'FAILED in 1:05, 2 at a time',
    ])
    assert.match(renderSummary(summarize(runOf([failed], { reconciliation: null }))), /^not reconciled$/m)
  })
})
