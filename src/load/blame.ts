// Where the time of the slowest messages went, as far as client and service together know.

import { type Metrics, sumOf } from './admin-client.js'
import type { Evidence } from './comparison.js'
import { percentile } from './latencies.js'
import type { Outcome } from './outcome.js'
import { amount, time } from './words.js'

const HISTOGRAM = 'echobahn_echo_duration_seconds'
/** Slow messages that are told of. */
const TOLD = 3

export function blameOf(
  { latencies, slowest }: Outcome,
  { before, after, reports }: Pick<Evidence, 'before' | 'after' | 'reports'>,
): string[] {
  const { echo, waiting } = latencies
  if (echo.totalCount === 0) return []
  const own = serviceQuantile(before, after, 0.99)
  const byKey = new Map(reports.map(report => [report.key, report]))
  return [
    'where the time of the slowest went:',
    `  99 % of the echoes took ${time(percentile(echo, 99))} or less from when they were due;`,
    `  of the messages 99 % waited ${time(percentile(waiting, 99))} or less to be sent,`,
    `  99 % were with the service for ${own === undefined ? 'a time that its metrics do not tell' : `${time(own * 1000)} or less`}; the rest is network, kernel and queues`,
    ...slowest.slice(0, TOLD).map(({ key, due, sent, back }) => {
      const report = byKey.get(key)
      return `  slowest: ${time(back - due)}, of which ${time(sent - due)} waiting to be sent and ${time(back - sent)} under way${report === undefined ? '' : `, on connection ${report.id}${lifeOf(report)}`}`
    }),
  ]
}

function lifeOf({ serverSeconds, peerSeconds, pausedSeconds }: Evidence['reports'][number]): string {
  if (serverSeconds === undefined || peerSeconds === undefined || pausedSeconds === undefined)
    return " (the service's report does not tell its own, its peer's and paused time)"
  const parts = [`${amount(serverSeconds)} s the service's own`, `${amount(peerSeconds)} s its peer's`]
  return ` (in all its life ${parts.join(', ')}, ${amount(pausedSeconds)} s paused)`
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
