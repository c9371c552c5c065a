// Where the time of the slowest messages went, as far as client and service together know.

import { type Metrics, sumOf } from './admin-client.js'
import type { Evidence } from './comparison.js'
import { percentile } from './latencies.js'
import type { Outcome } from './outcome.js'
import type { SlowMessage } from './tally.js'
import { time } from './words.js'

const HISTOGRAM = 'echobahn_echo_duration_seconds'
/** Slow messages that are told of. */
const TOLD = 3

export function blameOf(
  { latencies, slowest }: Outcome,
  { before, after, reports }: Pick<Evidence, 'before' | 'after' | 'reports'>,
): string[] {
  const { echo, waiting } = latencies
  if (echo.totalCount === 0) return []
  const byKey = new Map(reports.map(report => [report.key, report]))
  const all = percentile(echo, 99)
  const waited = percentile(waiting, 99)
  const own = (serviceQuantile(before, after, 0.99) ?? Number.NaN) * 1000
  const told = slowest.slice(0, TOLD)
  return [
    'where the time of the slowest went, by the 99th percentile of each part:',
    `  from due until back  ${time(all)}`,
    `  waiting to be sent   ${time(waited)}`,
    `  the service's own    ${Number.isNaN(own) ? 'its metrics do not tell' : `${time(own)} at most`}`,
    `  network and kernel   ${Number.isNaN(own) ? 'unknown' : `${time(Math.max(0, all - waited - own))}, the rest`}`,
    `  paused               ${pausedOf(told.map(({ key }) => byKey.get(key)))}`,
    ...told.map(message => slowLine(message, byKey.get(message.key))),
  ]
}

type Report = Evidence['reports'][number] | undefined

function slowLine({ due, sent, back }: SlowMessage, report: Report): string {
  const where = report === undefined ? '' : `, on connection ${report.id}`
  return `  slowest: ${time(back - due)}, of it ${time(sent - due)} waiting and ${time(back - sent)} under way${where}`
}

/** Of the connections with the slowest messages, over all their life. */
function pausedOf(reports: readonly Report[]): string {
  const found = reports.filter(report => report !== undefined)
  if (found.length === 0) return 'unknown, since there are no reports of these connections'
  const pauses = found.flatMap(({ time }) => (time === undefined ? [] : sum(Object.values(time.paused))))
  if (pauses.length === 0) return "unknown, the service's reports do not tell it"
  return `${time(Math.max(...pauses))} at most, of their connections' whole life`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Seconds: upper end of the bucket in which the quantile is; undefined when nothing was observed. */
export function serviceQuantile(before: Metrics, after: Metrics, quantile: number): number | undefined {
  const bounds = new Set<string>()
  for (const series of after.keys()) {
    const bound = series.startsWith(`${HISTOGRAM}_bucket{`) ? /le="([^"]+)"/.exec(series)?.[1] : undefined
    if (bound !== undefined) bounds.add(bound)
  }
  const grown = (le: string) =>
    sumOf(after, `${HISTOGRAM}_bucket`, { le }) - sumOf(before, `${HISTOGRAM}_bucket`, { le })
  const all = grown('+Inf')
  if (all === 0) return undefined
  const reached = [...bounds].filter(le => le !== '+Inf' && grown(le) >= quantile * all).map(Number)
  return reached.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...reached)
}
