// The catalogue as the README's table of metrics.

import {
  type CounterDescription,
  type HistogramDescription,
  PREFIX,
  PRIMARY_METRICS,
  SUMMED,
  WORKER_METRICS,
} from '../../src/metrics/catalogue.js'

interface Row {
  readonly type: string
  readonly unit: string
  readonly help: string
  readonly labels: Readonly<Record<string, readonly string[] | string>>
  readonly buckets?: readonly number[]
}

/** Markdown table of every metric, without a final newline; the README has it between its `metrics` markers. */
export function renderMetricsTable(): string {
  const workers = Object.entries(WORKER_METRICS).map(([key, metric]): [string, Row] => [
    key,
    { ...metric, labels: { worker: 'number of the worker', ...metric.labels } },
  ])
  const summed = Object.entries<CounterDescription | HistogramDescription>(SUMMED).map(
    ([key, metric]): [string, Row] => [
      key,
      'byWorker' in metric ? { ...metric, labels: { worker: 'number of the worker', ...metric.labels } } : metric,
    ],
  )
  const rows: [string, Row][] = [...summed, ...workers, ...Object.entries(PRIMARY_METRICS)]
  return [
    '| Metric | Type | Labels | Unit | Meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ([key, row]) => `| \`${PREFIX}${key}\` | ${row.type} | ${labelsCell(row)} | ${row.unit} | ${helpCell(row)} |`,
    ),
  ].join('\n')
}

function labelsCell({ labels }: Row): string {
  return Object.entries(labels)
    .map(([label, values]) => `\`${label}\`: ${typeof values === 'string' ? values : values.join(', ')}`)
    .join('<br>')
}

function helpCell({ help, buckets }: Row): string {
  if (buckets === undefined) return help
  return `${help} Buckets from ${buckets[0]} to ${buckets[buckets.length - 1]}.`
}
