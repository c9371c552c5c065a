// The exposition: every series of the catalogue from the start, and values as their source has them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RestartReason, WorkerGauge, WorkerState } from '../../../src/metrics/catalogue.js'
import { PREFIX, PRIMARY_METRICS, SUMMED, WORKER_METRICS } from '../../../src/metrics/catalogue.js'
import { Counters } from '../../../src/metrics/counters.js'
import { createRegistry } from '../../../src/metrics/exposition.js'
import { histogramAt, offsetOf, type SummedName, seriesOf } from '../../../src/metrics/layout.js'
import { parseExposition } from '../../support/exposition.js'

/** Two workers: the second has twice what the first has. */
function sources() {
  const counters = new Counters()
  const gauges: Partial<Record<WorkerGauge, number>> = {}
  const states: Record<WorkerState, number> = { starting: 0, ready: 0, unresponsive: 0, leaving: 0 }
  const restarts: Record<RestartReason, number> = { exit: 0, signal: 0, start_failed: 0, reload: 0 }
  const registry = createRegistry({
    totals: {
      values: counters.values,
      valuesOf: worker => counters.values.map(value => worker * value),
      gauge: (worker, gauge) => worker * (gauges[gauge] ?? 0),
      websockets: 6,
      websocketsLost: 7,
      snapshotAge: worker => worker / 4,
    },
    connections: {
      opened: 20,
      ended: { closed: 9, lost: 8 },
      shortages: { turned_away: 1, accept_failed: 2, undelivered: 4 },
      openByWorker: () => new Map([[2, 3]]),
    },
    fleet: { workersByState: () => states, restartsByReason: () => restarts },
    workers: 2,
    limits: { max_connections: 1000, codec_queue: 10, memory_budget: 5000 },
    version: '1.2.3',
  })
  const scrape = async () => parseExposition(await registry.metrics())
  return { counters, gauges, states, restarts, registry, scrape }
}

test('every summed series is there from the start with 0', async () => {
  const series = await sources().scrape()
  for (const [name, metric] of Object.entries(SUMMED)) {
    for (const { labels } of seriesOf(name as SummedName)) {
      const all = 'byWorker' in metric ? { worker: '1', ...labels } : labels
      const inner = Object.entries(all).map(([label, value]) => `${label}="${value}"`)
      const suffix = metric.type === 'histogram' ? '_count' : ''
      const key = `${PREFIX}${name}${suffix}${inner.length > 0 ? `{${inner.join(',')}}` : ''}`
      assert.equal(series.get(key), 0, key)
    }
  }
})

test('every family of the catalogue has its HELP and TYPE', async () => {
  const lines = new Set((await sources().registry.metrics()).split('\n'))
  const catalogue = { ...SUMMED, ...WORKER_METRICS, ...PRIMARY_METRICS }
  for (const [name, { type, help }] of Object.entries(catalogue)) {
    assert.ok(lines.has(`# HELP ${PREFIX}${name} ${help}`), name)
    assert.ok(lines.has(`# TYPE ${PREFIX}${name} ${type}`), name)
  }
})

test('counters show their totals, at every scrape anew', async () => {
  const { counters, scrape } = sources()
  const sentText = offsetOf('frames_total', { direction: 'sent', opcode: 'text' })
  const key = 'echobahn_frames_total{direction="sent",opcode="text"}'
  counters.add(sentText, 3)
  assert.equal((await scrape()).get(key), 3)
  assert.equal((await scrape()).get(key), 3)
  counters.add(sentText, 2 ** 50)
  const series = await scrape()
  assert.equal(series.get(key), 2 ** 50 + 3)
  assert.equal(series.get('echobahn_frames_total{direction="received",opcode="text"}'), 0)
})

test('histograms are cumulative, and +Inf is the count', async () => {
  const { counters, scrape } = sources()
  const slot = histogramAt('echo_duration_seconds', { compressed: 'true' })
  counters.observe(slot, 0.00001)
  counters.observe(slot, 0.00002, 2)
  counters.observe(slot, 100)
  const series = await scrape()
  const at = (name: string, labels: string) => series.get(`echobahn_echo_duration_seconds${name}{${labels}}`)
  assert.equal(at('_bucket', 'compressed="true",le="0.00001"'), 1)
  assert.equal(at('_bucket', 'compressed="true",le="0.000025"'), 3)
  assert.equal(at('_bucket', 'compressed="true",le="10"'), 3)
  assert.equal(at('_bucket', 'compressed="true",le="+Inf"'), 4)
  assert.equal(at('_count', 'compressed="true"'), 4)
  assert.equal(at('_sum', 'compressed="true"'), 0.00001 + 0.00002 * 2 + 100)
  assert.equal(at('_count', 'compressed="false"'), 0)
})

test('a histogram by worker has one series for each, of what that worker counted', async () => {
  const { counters, scrape } = sources()
  counters.observe(histogramAt('event_loop_delay_seconds'), 0.6)
  const series = await scrape()
  const at = (labels: string) => series.get(`echobahn_event_loop_delay_seconds_bucket{${labels}}`)
  assert.equal(at('worker="1",le="0.5"'), 0)
  assert.equal(at('worker="1",le="1"'), 1)
  assert.equal(at('worker="2",le="+Inf"'), 2)
  assert.equal(series.get('echobahn_event_loop_delay_seconds_sum{worker="2"}'), 1.2)
  assert.equal(series.has('echobahn_event_loop_delay_seconds_count'), false)
})

test('worker metrics have a series for each worker', async () => {
  const { gauges, scrape } = sources()
  Object.assign(gauges, { pausedConnections: 5, cpuSystemSeconds: 1.5 })
  const series = await scrape()
  assert.equal(series.get('echobahn_paused_connections{worker="1"}'), 5)
  assert.equal(series.get('echobahn_paused_connections{worker="2"}'), 10)
  assert.equal(series.get('echobahn_worker_cpu_seconds_total{worker="2",mode="system"}'), 3)
  assert.equal(series.get('echobahn_worker_snapshot_age_seconds{worker="2"}'), 0.5)
  assert.equal(series.has('echobahn_paused_connections{worker="3"}'), false)
})

test('the primary shows its fleet and what runs', async () => {
  const { states, restarts, scrape } = sources()
  states.leaving = 1
  restarts.signal = 4
  const series = await scrape()
  assert.equal(series.get('echobahn_workers{state="leaving"}'), 1)
  assert.equal(series.get('echobahn_workers{state="ready"}'), 0)
  assert.equal(series.get('echobahn_workers_wanted'), 2)
  assert.equal(series.get('echobahn_worker_restarts_total{reason="signal"}'), 4)
  assert.equal(series.get('echobahn_limits{limit="max_connections"}'), 1000)
  assert.equal(series.get('echobahn_limits{limit="codec_queue"}'), 10)
  const { version, platform, arch } = process
  const labels = `version="1.2.3",node_version="${version}",platform="${platform}",arch="${arch}"`
  assert.equal(series.get(`echobahn_build_info{${labels}}`), 1)
})

test('default metrics of the process come along under their customary names', async () => {
  const series = await sources().scrape()
  assert.ok((series.get('process_resident_memory_bytes') ?? 0) > 0)
  assert.ok(series.has('nodejs_eventloop_lag_p99_seconds'))
})

test('prom-client reads a histogram the same way through its public get()', async () => {
  const { counters, registry } = sources()
  counters.observe(histogramAt('codec_batch_messages'), 3)
  const metric = await registry.getSingleMetric('echobahn_codec_batch_messages')?.get()
  const upTo4 = metric?.values.find(({ labels }) => Object.entries(labels).some(([k, v]) => k === 'le' && v === 4))
  assert.equal(upTo4?.value, 1)
})

test('connections are those of the primary, by worker, and how they ended', async () => {
  const series = await sources().scrape()
  const values = {
    'connections{worker="1"}': 0,
    'connections{worker="2"}': 3,
    connections_total: 20,
    'connections_ended_total{cause="closed"}': 9,
    'connections_ended_total{cause="lost"}': 8,
    'shortages_total{kind="turned_away"}': 1,
    'shortages_total{kind="accept_failed"}': 2,
    'shortages_total{kind="undelivered"}': 4,
    websockets: 6,
    websockets_lost_total: 7,
  }
  for (const [name, value] of Object.entries(values)) assert.equal(series.get(PREFIX + name), value, name)
})
