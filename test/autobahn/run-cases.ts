// Runs the cases in processes of the suite and reads what they reported.

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Annotations } from './annotations.js'
import type { CaseReport } from './case-report.js'
import { byNumber } from './cases.js'
import type { SuiteCommand } from './find-suite.js'
import { type Index, mergeReports } from './merge.js'
import { partition } from './partition.js'
import { Progress } from './progress.js'
import { AGENT, runWstest } from './wstest.js'

export interface CasesRun {
  readonly suite: SuiteCommand
  readonly url: string
  readonly cases: readonly string[]
  readonly jobs: number
  /** Gets the suite's own reports; what it held before is gone. */
  readonly directory: string
  readonly annotations: Annotations
  readonly signal: AbortSignal
}

/** Reports of the cases that did run, in the order of the suite. */
export async function runCases({
  suite,
  url,
  cases,
  jobs,
  directory,
  annotations,
  signal,
}: CasesRun): Promise<Map<string, CaseReport>> {
  const progress = new Progress(cases, process.stderr)
  const shares = partition(cases, jobs)
  const parts = shares.map((_, job) => join(directory, 'parts', String(job)))
  await rm(directory, { recursive: true, force: true })
  await allOrNone(
    shares.map((share, job) => async either => {
      const onCase = (id: string): void => {
        progress.began(job, id)
        annotations.began(job, id)
      }
      await runWstest({ suite, url: urlOf(url, job), cases: share, directory: parts[job], signal: either, onCase })
      progress.ended(job)
      annotations.ended(job)
    }),
    signal,
  ).finally(() => progress.finish())
  await mergeReports(parts, directory)
  await rm(join(directory, 'parts'), { recursive: true })
  return readReports(directory)
}

/** Each process has a query of its own, by which its connections are known where they have no key. */
function urlOf(url: string, job: number): string {
  const own = new URL(url)
  own.searchParams.set('job', String(job))
  return own.href
}

/** Does all tasks at a time; the first that fails ends the others, and its error is thrown when they have ended. */
async function allOrNone(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const errors: unknown[] = []
  const running = tasks.map(task =>
    task(either).catch(error => {
      errors.push(error)
      failed.abort()
    }),
  )
  await Promise.all(running)
  if (errors.length > 0) throw errors[0]
}

async function readReports(directory: string): Promise<Map<string, CaseReport>> {
  const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as Index
  const reports = new Map<string, CaseReport>()
  const results = (index[AGENT] ?? {}) as Readonly<Record<string, { reportfile: string }>>
  for (const id of Object.keys(results).sort(byNumber)) {
    const { reportfile } = results[id]
    reports.set(id, JSON.parse(await readFile(join(directory, reportfile), 'utf8')))
  }
  return reports
}
