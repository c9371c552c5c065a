// Proof with a real Prometheus and the project's own configuration: while a load runs against the real service, every
// query of every panel, every recording rule and every alert finds data, rates are those of the samples, these are in the end
// what the clients counted, and Grafana's components draw it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { everyPanelIsWhole } from '../support/drawn-panels.js'
import { CAN_DRAW, draw } from '../support/grafana-panels.js'
import { BOOKS } from '../support/mixed-load.js'
import { DASHBOARDS, K6_DASHBOARD, panelsOf, withVariables } from '../support/panel-queries.js'
import { HAS_PROMETHEUS, type Series } from '../support/prometheus.js'
import { WatchedService } from '../support/watched-service.js'

/** Four times the scrape interval, as in Grafana. */
const SECONDS = 20
const RATE_INTERVAL = `${SECONDS}s`

/** Seconds of load, and between the points of a graph. */
const DURATION = 30
const STEP = 5

/** Of a rate: what floating-point arithmetic in another order may differ by. */
const ROUNDING = 1e-9

/** What may be empty, by the name of a rule or the title of a panel, with the reason. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  EchobahnNoTarget: 'absent() has a value only where nothing is found',
  'Echo service, Client: ping round trips, A': 'the load is not pinged, so that its books are complete',
}

/** A query that is the rate of one counter, whole or by labels, with those that stand at 0 left out or not. */
const PLAIN_RATE = /^sum(?: by \([\w, ]+\) )?\(rate\((\w+)\{([^}]*)\}\[\$__rate_interval\]\)\)(?: > 0)?$/

/** k6 is not at work here: its dashboard has its test beside it. */
const QUERIES = DASHBOARDS.filter(dashboard => dashboard !== K6_DASHBOARD).flatMap(dashboard =>
  panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ name: `${dashboard.title}, ${title}, ${refId}`, expr })),
  ),
)

test('what a real Prometheus makes of the service', { skip: !HAS_PROMETHEUS && 'no prometheus here' }, async t => {
  const watched = await WatchedService.start()
  t.after(() => watched.stop())
  const { last } = await watched.scrapedFor(DURATION)

  await everyQueryHasData(t, watched, last)
  await everyRuleHasData(t, watched, last)
  await ratesAgree(t, watched, last)
  await countsAgree(t, watched)
  await everyPanelIsDrawn(t, watched, last)
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

async function ratesAgree(t: TestContext, { prometheus }: WatchedService, time: number) {
  const compared = new Set<string>()
  for (const { name, expr } of QUERIES) {
    const [, metric, matchers] = PLAIN_RATE.exec(expr) ?? []
    if (!BOOKS.has(metric)) continue
    compared.add(metric)
    await t.test(`${name}: rate of ${metric}`, async () => {
      const window = withVariables(`${metric}{${matchers}}[$__rate_interval]`, RATE_INTERVAL)
      const samples = await prometheus.query(window, time)
      const series = await prometheus.query(withVariables(expr, RATE_INTERVAL), time)
      for (const { metric: labels, points } of series) {
        const matching = samples.filter(({ metric }) =>
          Object.entries(labels).every(([label, value]) => metric[label] === value),
        )
        assertRate(points[0][1], matching, time, JSON.stringify(labels))
      }
      assertRate(sum(series), samples, time, 'all')
    })
  }
  assert.deepEqual(compared, BOOKS)
}

/** What the clients counted is what Prometheus has once it has scraped again. */
async function countsAgree(t: TestContext, watched: WatchedService): Promise<void> {
  const books = await watched.load.settle()
  // Not the first one: a scrape may be answered with what another one has just gathered.
  const { last } = await watched.scrapedFor(2)
  for (const metric of BOOKS) {
    await t.test(`counts of ${metric}`, async () => {
      const counted = [...books].filter(([series]) => series.split('{', 1)[0] === metric)
      assert.notEqual(counted.length, 0)
      for (const [series, count] of counted)
        assert.equal(sum(await watched.prometheus.query(`sum(${series})`, last)), count)
      const all = counted.reduce((sum, [, count]) => sum + count, 0)
      assert.equal(sum(await watched.prometheus.query(`sum(${metric})`, last)), all)
    })
  }
}

async function everyPanelIsDrawn(t: TestContext, { prometheus }: WatchedService, to: number): Promise<void> {
  await t.test('Grafana draws every panel', { skip: !CAN_DRAW && 'no chromium, or not npm run panels' }, async t => {
    const drawings = DASHBOARDS.filter(dashboard => dashboard !== K6_DASHBOARD).map(dashboard => ({
      ...{ dashboard, from: to - DURATION, to, step: STEP, rateInterval: RATE_INTERVAL },
    }))
    const drawn = await draw(prometheus, drawings)
    for (const [i, { dashboard }] of drawings.entries())
      await everyPanelIsWhole(t, dashboard, drawn[i], title => !(`${dashboard.title}, ${title}, A` in MAY_BE_EMPTY))
  })
}

/**
 * As Prometheus defines it: the increase between the samples, carried on to the ends of the window where they are near.
 *
 * @param zeroFirst whether it looks first when the counter was 0, and then what is near: so did Prometheus 2.42
 */
function rateOf(points: Series['points'], from: number, to: number, zeroFirst: boolean): number {
  if (points.length < 2) return 0
  const [[firstTime, first], [lastTime, last]] = [points[0], points[points.length - 1]]
  const sampled = between(firstTime, lastTime)
  const average = sampled / (points.length - 1)
  const reach = (gap: number) => (gap >= average * 1.1 ? average / 2 : gap)
  const increase = last - first
  // A counter is not carried back to before it was 0.
  const sinceZero = increase > 0 && first >= 0 ? sampled * (first / increase) : Number.POSITIVE_INFINITY
  const gap = between(from, firstTime)
  const start = zeroFirst ? reach(Math.min(gap, sinceZero)) : Math.min(reach(gap), sinceZero)
  return (increase * ((sampled + start + reach(between(lastTime, to))) / sampled)) / between(from, to)
}

/** Seconds. Prometheus has whole milliseconds; the difference of two Unix times in seconds is up to half a microsecond off. */
function between(from: number, to: number): number {
  return (Math.round(1000 * to) - Math.round(1000 * from)) / 1000
}

function hasNumber({ points }: Series): boolean {
  return points.some(([, value]) => Number.isFinite(value))
}

function sum(series: readonly Series[]): number {
  return series.reduce((sum, { points }) => sum + points[0][1], 0)
}

/** Which of its two orders this Prometheus has shows only where a scrape was missed. */
function assertRate(actual: number, samples: readonly Series[], time: number, what: string): void {
  const expected = [true, false].map(zeroFirst =>
    samples.reduce((sum, { points }) => sum + rateOf(points, time - SECONDS, time, zeroFirst), 0),
  )
  assert.ok(
    expected.some(rate => Math.abs(actual - rate) <= ROUNDING * rate),
    `${what}: ${actual} per second, the samples say ${expected.join(' or ')}`,
  )
}
