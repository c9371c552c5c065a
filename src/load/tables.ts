// The results as files for other programs: a CSV line for each second, and HdrHistogram's own table of percentiles.

import { percentile } from './latencies.js'
import type { Outcome } from './outcome.js'

const COLUMNS = [
  'time',
  'due',
  'sent',
  'echoed',
  'errors',
  'connections',
  'p50_ms',
  'p90_ms',
  'p99_ms',
  'p999_ms',
  'max_ms',
]

/** RFC 4180, but for line feeds alone. Times are ISO 8601; a second without echoes has no latencies. */
export function renderCsv({ timeline }: Outcome): string {
  const rows = timeline.map(({ at, due, sent, echoed, faults, open, echo }) => [
    new Date(at * 1000).toISOString(),
    ...[due, sent, echoed, faults, open],
    ...[50, 90, 99, 99.9, 100].map(at => (echo.totalCount === 0 ? '' : percentile(echo, at))),
  ])
  return `${[COLUMNS, ...rows].map(row => row.join(',')).join('\n')}\n`
}

/** Echo latency in milliseconds, in the form that HdrHistogram's plotters take. */
export function renderHgrm({ latencies }: Outcome): string {
  return latencies.echo.outputPercentileDistribution(5, 1000)
}
