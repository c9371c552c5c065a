// `npm run autobahn`: runs the Autobahn Testsuite against the service, and lets nothing pass that is not clean and reconciled.

import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Annotations, chooseSink } from './annotations.js'
import { findSuite } from './find-suite.js'
import { type Options, parseOptions, USAGE, UsageError } from './options.js'
import { type Evidence, reconcileRun, withEvidence } from './reconciliation.js'
import { runCases } from './run-cases.js'
import { slowestCases } from './slowest.js'
import { type Summary, summarize } from './summary.js'
import { renderSummary } from './table.js'
import { openTarget } from './target.js'

const OUTPUT = resolve('reports/autobahn')

async function run(options: Options, signal: AbortSignal): Promise<Summary> {
  const { cases, jobs, serviceOptions } = options
  const suite = await findSuite(options.wstest, OUTPUT, signal)
  const target = await openTarget(options)
  const startedAt = Date.now()
  const annotations = new Annotations(cases, chooseSink(process.env, join(OUTPUT, 'annotations.json')))
  try {
    const use = () => runCases({ suite, url: target.url, cases, jobs, directory: OUTPUT, annotations, signal })
    const { result: reports, evidence } = await (target.admin === undefined
      ? withoutEvidence(use)
      : withEvidence(target.admin, signal, use))
    const milliseconds = Date.now() - startedAt
    const reconciliation = evidence === null ? null : reconcileRun(reports.values(), evidence)
    const slowest = evidence === null ? [] : slowestCases(reports.values(), evidence.reports)
    return summarize({ cases, reports, reconciliation, slowest, jobs, serviceOptions, milliseconds })
  } finally {
    await target.stop()
    // What is only for looking at does not fail the run.
    await annotations.finish().catch(error => console.error(String(error)))
  }
}

async function withoutEvidence<T>(use: () => Promise<T>): Promise<{ result: T; evidence: Evidence | null }> {
  return { result: await use(), evidence: null }
}

/** Resolves with the exit code: 0 passed, 1 failed, 2 for a command line that cannot be followed. */
async function main(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options.help) {
      console.log(USAGE)
      return 0
    }
    const summary = await run(options, interrupted.signal)
    await writeFile(join(OUTPUT, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
    console.log(`${renderSummary(summary)}\nreports: ${join(OUTPUT, 'index.html')}`)
    return summary.passed ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return error instanceof UsageError ? 2 : 1
  }
}

process.exitCode = await main()
