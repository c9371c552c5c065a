// Expressions in PromQL. Every selector is narrowed by the dashboards' variables.

const SCOPE = ['job=~"$job"', 'instance=~"$instance"']

/** Matcher for metrics that have the label `worker`. */
export const WORKER = 'worker=~"$worker"'

/** Metric and matchers such as `opcode="text"`. */
export function select(metric: string, ...matchers: string[]): string {
  return `${metric}{${[...SCOPE, ...matchers].join(', ')}}`
}

/** Per-second rate of a counter, summed by the labels `by`, which are comma-separated. */
export function rate(by: string, metric: string, ...matchers: string[]): string {
  return `sum by (${by}) (rate(${select(metric, ...matchers)}[$__rate_interval]))`
}

/** Rate of all series together. */
export function totalRate(metric: string, ...matchers: string[]): string {
  return `sum(rate(${select(metric, ...matchers)}[$__rate_interval]))`
}

/** Sum of a gauge by the labels `by`. */
export function sum(by: string, metric: string, ...matchers: string[]): string {
  return `sum by (${by}) (${select(metric, ...matchers)})`
}

export function total(metric: string, ...matchers: string[]): string {
  return `sum(${select(metric, ...matchers)})`
}

/**
 * Quantile of a histogram, interpolated within its bucket.
 *
 * @param metric name without `_bucket`
 * @param by further labels to keep, comma-separated
 */
export function quantile(q: number, metric: string, by = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`
  return `histogram_quantile(${q}, ${rate(labels, `${metric}_bucket`)})`
}

/** Mean of what a histogram observed. */
export function mean(metric: string): string {
  return `${totalRate(`${metric}_sum`)} / ${totalRate(`${metric}_count`)}`
}

/** Observations in each bucket per second: windows overlap from step to step, so that their sums would count them again. */
export function buckets(metric: string): string {
  return `sum by (le) (rate(${select(`${metric}_bucket`)}[$__rate_interval]))`
}

/** Leaves out series that stand at 0, so that a legend lists what occurs. */
export function occurring(expression: string): string {
  return `${expression} > 0`
}
