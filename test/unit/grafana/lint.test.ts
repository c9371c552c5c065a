// The rules of Grafana's dashboard linter that matter here, named as there (github.com/grafana/dashboard-linter).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOAD_METRICS, LOAD_PREFIX } from '../../../src/load/metrics-catalogue.js'
import { PREFIX, PRIMARY_METRICS, SUMMED, WORKER_METRICS } from '../../../src/metrics/catalogue.js'
import { DASHBOARDS, panelsOf } from '../../support/panel-queries.js'

const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

/** A selector, with the function around it and its range where it has them. */
const SELECTOR = /(?:(\w+)\()?\b([a-zA-Z_:]\w*)\{([^}]*)\}(?:\[([^\]]+)\])?/g

const TARGETS = DASHBOARDS.flatMap(dashboard =>
  panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map(target => ({ name: `${dashboard.title}, ${title}, ${target.refId}`, ...target })),
  ),
)

const SELECTORS = TARGETS.flatMap(({ name, expr }) =>
  [...expr.matchAll(SELECTOR)].map(([, call, metric, matchers, range]) => ({
    where: `${name}: ${expr}`,
    call,
    metric,
    matchers: matchers.split(', '),
    range,
  })),
)

/** Types of all series by name; histograms have three. */
const TYPES = new Map<string, string>([
  ['up', 'gauge'],
  ['process_resident_memory_bytes', 'gauge'],
])
for (const [name, { type }] of Object.entries({ ...SUMMED, ...WORKER_METRICS, ...PRIMARY_METRICS })) {
  if (type !== 'histogram') TYPES.set(PREFIX + name, type)
  else for (const suffix of ['_bucket', '_sum', '_count']) TYPES.set(PREFIX + name + suffix, 'counter')
}

for (const [name, { type }] of Object.entries(LOAD_METRICS)) TYPES.set(LOAD_PREFIX + name, type)

test('template-datasource-rule: the first variable is the data source', () => {
  for (const { templating } of DASHBOARDS) {
    const [{ type, name, label, query }] = templating.list
    assert.deepEqual(
      { type, name, label, query },
      {
        type: 'datasource',
        name: 'datasource',
        label: 'Data source',
        query: 'prometheus',
      },
    )
  }
})

test('template-job-rule, template-instance-rule, and the same for worker', () => {
  for (const { templating } of DASHBOARDS) {
    const [, ...variables] = templating.list
    assert.deepEqual(
      variables.map(({ name, label }) => [name, label]),
      [
        ['job', 'Job'],
        ['instance', 'Instance'],
        ['worker', 'Worker'],
      ],
    )
    for (const { type, datasource, multi, includeAll, allValue } of variables)
      assert.deepEqual(
        { type, datasource, multi, includeAll, allValue },
        { type: 'query', datasource: DATASOURCE, multi: true, includeAll: true, allValue: '.+' },
      )
  }
})

test('template-on-time-change-reload-rule: variables are read again when the time range changes', () => {
  for (const { templating } of DASHBOARDS) for (const { refresh } of templating.list.slice(1)) assert.equal(refresh, 2)
})

test('uneditable-dashboard-rule', () => {
  for (const { editable } of DASHBOARDS) assert.equal(editable, false)
})

test('panel-datasource-rule: panels and queries use the variable', () => {
  for (const { title, datasource } of DASHBOARDS.flatMap(panelsOf)) assert.deepEqual(datasource, DATASOURCE, title)
  for (const { name, datasource } of TARGETS) assert.deepEqual(datasource, DATASOURCE, name)
})

test('panel-title-description-rule', () => {
  for (const { title, description = '' } of DASHBOARDS.flatMap(panelsOf)) {
    assert.match(title, /^[A-Z]/)
    assert.match(description, /^[A-Z].+\.$/s, title)
  }
})

test('no panel reaches beyond the 24 columns', () => {
  for (const { title, gridPos } of DASHBOARDS.flatMap(panelsOf)) assert.ok(gridPos.x + gridPos.w <= 24, title)
})

test('panel-units-rule: every panel has a unit, a heatmap on its axis too', () => {
  for (const { title, type, fieldConfig, options } of DASHBOARDS.flatMap(panelsOf)) {
    assert.ok(fieldConfig.defaults.unit, title)
    if (type === 'heatmap') assert.ok(options.yAxis?.unit, title)
  }
})

test('panel-no-targets-rule, and references that differ', () => {
  for (const { title, targets = [] } of DASHBOARDS.flatMap(panelsOf)) {
    assert.ok(targets.length > 0, title)
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
  }
})

test('target-job-rule, target-instance-rule: every selector is narrowed by the variables, by worker only where it can be', () => {
  for (const { where, metric, matchers } of SELECTORS) {
    assert.deepEqual(matchers.slice(0, 2), ['job=~"$job"', 'instance=~"$instance"'], where)
    assert.ok(!matchers.includes('worker=~"$worker"') || isOfWorker(metric), where)
  }
})

test('every metric has a selector and is in the catalogue', () => {
  for (const { name, expr } of TARGETS) {
    const named = expr.match(/\b(?:echobahn|process|up)\w*/g) ?? []
    assert.equal(named.length, [...expr.matchAll(SELECTOR)].length, `${name}: ${expr}`)
  }
  for (const { where, metric } of SELECTORS) assert.ok(TYPES.has(metric), where)
})

test('target-rate-interval-rule: every range is $__rate_interval', () => {
  for (const { where, range } of SELECTORS) assert.ok(range === undefined || range === '$__rate_interval', where)
})

test('target-counter-agg-rule: counters are under rate or increase, and nothing else is', () => {
  for (const { where, call, metric, range } of SELECTORS) {
    const isCounter = TYPES.get(metric) === 'counter'
    assert.equal(call === 'rate' || call === 'increase', isCounter, where)
    assert.equal(range !== undefined, isCounter, where)
  }
})

function isOfWorker(metric: string): boolean {
  const key = metric.slice(PREFIX.length)
  return key in WORKER_METRICS || 'worker' in (PRIMARY_METRICS[key as keyof typeof PRIMARY_METRICS]?.labels ?? {})
}
