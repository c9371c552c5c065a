// Proof with a real Prometheus and the project's own configuration: while a load runs against the real service, every
// query of every panel, every recording rule and every alert finds data, and rates are what the clients did.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { BOOKS } from '../support/mixed-load.js'
import { DASHBOARDS, panelsOf, withVariables } from '../support/panel-queries.js'
import { HAS_PROMETHEUS, type Series } from '../support/prometheus.js'
import { WatchedService } from '../support/watched-service.js'

/** Four times the scrape interval, as in Grafana. */
const RATE_INTERVAL = '20s'

/** Seconds over which rates are compared with the clients' own, and the difference that is allowed. */
const WINDOW = 30
const TOLERANCE = 0.05

/** What may be empty, by the name of a rule or the title of a panel, with the reason. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  EchobahnNoTarget: 'absent() has a value only where nothing is found',
  'Echo service, Client: ping round trips, A': 'the load is not pinged, so that its books are complete',
}

/** A query that is the rate of one counter, whole or by labels, with those that stand at 0 left out or not. */
const PLAIN_RATE = /^sum(?: by \([\w, ]+\) )?\(rate\((\w+)\{([^}]*)\}\[\$__rate_interval\]\)\)(?: > 0)?$/

const QUERIES = DASHBOARDS.flatMap(dashboard =>
  panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ name: `${dashboard.title}, ${title}, ${refId}`, expr })),
  ),
)

test('what a real Prometheus makes of the service', { skip: !HAS_PROMETHEUS && 'no prometheus here' }, async t => {
  const watched = await WatchedService.start()
  t.after(() => watched.stop())
  await watched.load.readSlowly()
  const { first, last } = await watched.scrapedFor(WINDOW)

  await everyQueryHasData(t, watched, last)
  await everyRuleHasData(t, watched, last)
  await ratesAgree(t, watched, first, last)
})

async function everyQueryHasData(t: TestContext, { prometheus }: WatchedService, time: number): Promise<void> {
  for (const { name, expr } of QUERIES) {
    await t.test(name, async () => {
      const series = await prometheus.query(withVariables(expr, RATE_INTERVAL), time)
      const found = series.some(hasNumber)
      assert.equal(found, !(name in MAY_BE_EMPTY), `${expr} has ${found ? '' : 'no '}data`)
    })
  }
  for (const { title, templating } of DASHBOARDS) {
    for (const { name, query = '', type } of templating.list.filter(({ type }) => type === 'query')) {
      await t.test(`${title}, ${type} variable ${name}`, async () => {
        const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? assert.fail(query)
        assert.notDeepEqual(await prometheus.labelValues(label, withVariables(selector, RATE_INTERVAL)), [])
      })
    }
  }
}

async function everyRuleHasData(t: TestContext, { prometheus }: WatchedService, time: number): Promise<void> {
  const rules = await prometheus.rules()
  assert.ok(rules.length > 20)
  for (const { name, query, type, health } of rules) {
    await t.test(name, async () => {
      assert.equal(health, 'ok')
      // With `bool`, a comparison gives 0 where it does not hold, so an alert that does not fire has a value as well.
      const expression = type === 'recording' ? name : query.replaceAll(/(==|>) (?=[\d.]+)/g, '$1 bool ')
      const found = (await prometheus.query(expression, time)).some(hasNumber)
      assert.equal(found, !(name in MAY_BE_EMPTY), `${expression} has ${found ? '' : 'no '}data`)
    })
  }
}

/**
 * Prometheus extrapolates a rate from the first and the last sample of its window, so it is compared with what the
 * clients did between these two.
 */
async function ratesAgree(t: TestContext, { prometheus, load }: WatchedService, first: number, last: number) {
  const window = `${Math.round(last - first)}s`
  const compared = new Set<string>()
  for (const { name, expr } of QUERIES) {
    const [, metric, matchers] = PLAIN_RATE.exec(expr) ?? []
    if (!BOOKS.has(metric)) continue
    compared.add(metric)
    await t.test(`${name}: rate of ${metric}`, async () => {
      const fixed = Object.fromEntries(
        [...matchers.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]),
      )
      const series = await prometheus.query(withVariables(expr, window), last)
      const expected = (labels: Readonly<Record<string, string>>) =>
        load.history.rate(metric, { ...fixed, ...labels }, first, last)
      for (const { metric: labels, points } of series)
        assertNear(points[0][1], expected(labels), JSON.stringify(labels))
      assertNear(sum(series), expected({}), 'all together')
    })
  }
  assert.deepEqual(compared, BOOKS)
}

function hasNumber({ points }: Series): boolean {
  return points.some(([, value]) => Number.isFinite(value))
}

function sum(series: readonly Series[]): number {
  return series.reduce((sum, { points }) => sum + points[0][1], 0)
}

function assertNear(actual: number, expected: number, what: string): void {
  const difference = Math.abs(actual - expected)
  assert.ok(difference <= TOLERANCE * expected, `${what}: ${actual} per second, the clients say ${expected}`)
}
