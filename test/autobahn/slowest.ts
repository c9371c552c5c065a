// The cases that took longest, each with where its time went as the service saw it.

import type { ConnectionReport } from '../../src/report/report.js'
import type { CaseReport } from './case-report.js'
import { finder } from './finder.js'

/** Cases that are named. */
const MOST = 5

export interface SlowCase {
  readonly id: string
  /** Milliseconds, as the suite counts them. */
  readonly milliseconds: number
  /** Null where the service has no report of its connection. */
  readonly service: Pick<ConnectionReport, 'duration' | 'time' | 'slowestEcho'> | null
}

/** Slowest first. */
export function slowestCases(cases: Iterable<CaseReport>, reports: readonly ConnectionReport[]): SlowCase[] {
  const suites = [...cases]
  const connectionOf = finder(suites, reports)
  return suites
    .sort((a, b) => b.duration - a.duration)
    .slice(0, MOST)
    .map(suite => {
      const report = connectionOf(suite)
      const { duration, time, slowestEcho } = report ?? {}
      const service =
        duration === undefined || time === undefined ? null : { duration, time, slowestEcho: slowestEcho ?? null }
      return { id: suite.id, milliseconds: suite.duration, service }
    })
}

/** One line for each. */
export function renderSlowest(cases: readonly SlowCase[]): string[] {
  return cases.map(({ id, milliseconds, service }) => {
    if (service === null) return `${id} took ${milliseconds} ms; the service has no report of it`
    const { time, slowestEcho } = service
    const parts = [
      `${round(time.server)} the service's (${round(time.worked)} at work)`,
      `${round(time.client)} the client's`,
    ]
    if (time.unread > 0) parts.push(`octets unread for ${round(time.unread)}`)
    if (slowestEcho !== null) parts.push(`slowest echo ${slowestEcho.duration}`)
    return `${id} took ${milliseconds} ms: ${parts.join(', ')}`
  })
}

function round(milliseconds: number): number {
  return Math.round(milliseconds)
}
