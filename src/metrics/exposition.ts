// The catalogue as a prom-client registry. Values are read at a scrape; nothing is kept between scrapes.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import {
  type CounterDescription,
  END_CAUSES,
  type HistogramDescription,
  LIMITS,
  type Limit,
  PREFIX,
  PRIMARY_METRICS,
  RESTART_REASONS,
  SHORTAGES,
  SUMMED,
  WORKER_METRICS,
  WORKER_STATES,
} from './catalogue.js'
import { type LabelSet, labelSets, type Series, type SummedName, seriesOf } from './layout.js'
import type { ConnectionSource, FleetSource, MetricSource } from './source.js'
import { type CountedSeries, SummedHistogram } from './summed-histogram.js'

export interface ExpositionSources {
  readonly totals: MetricSource
  readonly fleet: FleetSource
  readonly connections: ConnectionSource
  /** Number of workers; the label `worker` goes from 1 to it. */
  readonly workers: number
  readonly limits: Readonly<Record<Limit, number>>
  /** Version of echobahn, for `build_info`. */
  readonly version: string
}

interface Sample {
  readonly labels: LabelSet
  readonly value: number
}

/** Some entry of the catalogue that is no histogram. */
interface Described {
  readonly type: 'counter' | 'gauge'
  readonly help: string
}

/**
 * Registry of every metric in the catalogue, and of prom-client's default metrics of this process under their
 * customary names (`process_…`, `nodejs_…`). `metrics()` renders it; `contentType` goes with the text.
 */
export function createRegistry(sources: ExpositionSources): Registry {
  const registry = new Registry()
  registerSummed(registry, sources)
  registerWorkers(registry, sources)
  registerConnections(registry, sources)
  registerPrimary(registry, sources)
  collectDefaultMetrics({ register: registry })
  return registry
}

function registerSummed(registry: Registry, { totals, workers }: ExpositionSources): void {
  const { values } = totals
  for (const [key, metric] of Object.entries<CounterDescription | HistogramDescription>(SUMMED)) {
    const series = seriesOf(key as SummedName)
    if (metric.type === 'histogram') {
      const { help, buckets, byWorker } = metric
      const read = byWorker
        ? () => numbers(workers).flatMap(worker => ofWorker(worker, series, totals.valuesOf(worker)))
        : () => series.map(one => ({ ...one, values }))
      new SummedHistogram({ name: PREFIX + key, help, buckets, read }, registry)
    } else {
      register(registry, key, metric, () => series.map(({ labels, offset }) => ({ labels, value: values[offset] })))
    }
  }
}

function ofWorker(worker: number, series: readonly Series[], values: Readonly<Float64Array>): CountedSeries[] {
  return series.map(({ labels, offset }) => ({ labels: { worker: String(worker), ...labels }, offset, values }))
}

function registerWorkers(registry: Registry, { totals, workers }: ExpositionSources): void {
  for (const [key, metric] of Object.entries(WORKER_METRICS)) {
    const sets = labelSets(metric.labels)
    register(registry, key, metric, () =>
      numbers(workers).flatMap(worker =>
        metric.gauges.map((gauge, i) => ({
          labels: { worker: String(worker), ...sets[i] },
          value: totals.gauge(worker, gauge),
        })),
      ),
    )
  }
}

function registerConnections(registry: Registry, { totals, connections, workers }: ExpositionSources): void {
  const { connections_total: opened, connections_ended_total: ended, websockets_lost_total: lost } = PRIMARY_METRICS
  register(registry, 'connections', PRIMARY_METRICS.connections, () => {
    const open = connections.openByWorker()
    return numbers(workers).map(worker => ({ labels: { worker: String(worker) }, value: open.get(worker) ?? 0 }))
  })
  register(registry, 'connections_total', opened, () => [{ labels: {}, value: connections.opened }])
  register(registry, 'connections_ended_total', ended, () => samplesBy('cause', END_CAUSES, connections.ended))
  register(registry, 'shortages_total', PRIMARY_METRICS.shortages_total, () =>
    samplesBy('kind', SHORTAGES, connections.shortages),
  )
  register(registry, 'websockets', PRIMARY_METRICS.websockets, () => [{ labels: {}, value: totals.websockets }])
  register(registry, 'websockets_lost_total', lost, () => [{ labels: {}, value: totals.websocketsLost }])
}

function registerPrimary(registry: Registry, { totals, fleet, workers, limits, version }: ExpositionSources): void {
  const { workers: states, worker_restarts_total: restarts, worker_snapshot_age_seconds: age } = PRIMARY_METRICS
  register(registry, 'workers', states, () => samplesBy('state', WORKER_STATES, fleet.workersByState()))
  register(registry, 'workers_wanted', PRIMARY_METRICS.workers_wanted, () => [{ labels: {}, value: workers }])
  register(registry, 'worker_restarts_total', restarts, () =>
    samplesBy('reason', RESTART_REASONS, fleet.restartsByReason()),
  )
  register(registry, 'worker_snapshot_age_seconds', age, () =>
    numbers(workers).map(worker => ({ labels: { worker: String(worker) }, value: totals.snapshotAge(worker) })),
  )
  register(registry, 'limits', PRIMARY_METRICS.limits, () => samplesBy('limit', LIMITS, limits))
  const build = { version, node_version: process.version, platform: process.platform, arch: process.arch }
  register(registry, 'build_info', PRIMARY_METRICS.build_info, () => [{ labels: build, value: 1 }])
}

/** 1 to `workers`. */
function numbers(workers: number): number[] {
  return Array.from({ length: workers }, (_, i) => i + 1)
}

function samplesBy<V extends string>(
  label: string,
  values: readonly V[],
  source: Readonly<Record<V, number>>,
): Sample[] {
  return values.map(value => ({ labels: { [label]: value }, value: source[value] }))
}

/** At a scrape each series is set anew, and there are always the same; `collect` runs to its end in one go, so no scrape sees a part. */
function register(registry: Registry, key: string, { type, help }: Described, read: () => Sample[]): void {
  const labelNames = Object.keys(read()[0].labels)
  const config = { name: PREFIX + key, help, labelNames, registers: [registry] }
  if (type === 'counter') {
    const counter: Counter = new Counter({
      ...config,
      collect: () => {
        counter.reset()
        for (const { labels, value } of read()) counter.inc(labels, value)
      },
    })
  } else {
    const gauge: Gauge = new Gauge({
      ...config,
      collect: () => {
        for (const { labels, value } of read()) gauge.set(labels, value)
      },
    })
  }
}
