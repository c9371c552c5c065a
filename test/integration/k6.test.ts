// The load script with the real k6: its counts are the service's and Prometheus', and it fails when anything is wrong.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { everyPanelIsWhole } from '../support/drawn-panels.js'
import { K6 } from '../support/find-k6.js'
import { flippingProxy } from '../support/flipping-proxy.js'
import { freePort } from '../support/free-port.js'
import { CAN_DRAW, draw } from '../support/grafana-panels.js'
import { K6_DASHBOARD, panelsOf, withVariables } from '../support/panel-queries.js'
import { HAS_PROMETHEUS, Prometheus } from '../support/prometheus.js'
import { startService } from '../support/service.js'

const SCRIPT = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'deploy/k6/echo.js')

/** How k6 exits when a threshold is crossed. */
const CROSSED = 99
const USERS = 4

/** Seconds before its end that are asked for of a run of 14, with rates over at least two scrapes. */
const SHOWN = 20
const RATE_INTERVAL = '20s'

const skip = K6 === undefined && 'no k6 here'

interface Outcome {
  readonly code: number | null
  readonly count: (metric: string) => number
}

/** Runs the script to its end: one second up, so long at the top, one down. How quick this machine is, is not the question. */
async function run(t: TestContext, url: string, prometheus?: Prometheus, steady = '2s'): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-k6-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const summary = join(directory, 'summary.json')
  const output = prometheus === undefined ? [] : ['--out', 'experimental-prometheus-rw']
  const child = spawn(
    K6 as string,
    ['run', '--quiet', '--no-usage-report', '--address', '', '--summary-export', summary, ...output, SCRIPT],
    {
      env: {
        ...process.env,
        ...{ ECHO_URL: url, VUS: String(USERS), RAMP: '1s', STEADY: steady, MESSAGES: '20', P99: '15000' },
        K6_PROMETHEUS_RW_SERVER_URL: `${prometheus?.url}/api/v1/write`,
        K6_PROMETHEUS_RW_TREND_STATS: 'p(50),p(95),p(99),max',
        K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
      },
      stdio: 'ignore',
    },
  )
  t.after(() => child.kill('SIGKILL'))
  const [code] = (await once(child, 'exit')) as [number | null]
  const { metrics } = JSON.parse(readFileSync(summary, 'utf8')) as { metrics: Record<string, { count?: number }> }
  return { code, count: metric => metrics[metric]?.count ?? 0 }
}

test('echoes are what the service and Prometheus count', {
  skip: skip || (!HAS_PROMETHEUS && 'no prometheus here'),
}, async t => {
  const service = await startService(t, '--workers', '2')
  const prometheus = await Prometheus.start([`127.0.0.1:${service.adminPort}`])
  t.after(() => prometheus.stop())
  const { code, count } = await run(t, `${service.url}/`, prometheus, '20s')
  assert.equal(code, 0)
  assert.ok(count('echoes') > 0)
  const metrics = await service.metrics()
  const sent = (opcode: string) => metrics.get(`echobahn_messages_total{direction="sent",opcode="${opcode}"}`) as number
  assert.equal(sent('text') + sent('binary'), count('echoes'))
  assert.ok(sent('binary') > 0)
  assert.ok((metrics.get('echobahn_codec_bytes_total{operation="inflate",side="in"}') as number) > 0)
  const [series] = await prometheus.query('sum(last_over_time(k6_echoes_total[5m]))', Date.now() / 1000)
  assert.equal(series.points[0][1], count('echoes'))
  assert.equal(metrics.get('echobahn_closes_total{initiator="client",code="1000"}'), count('connections_finished'))

  const to = Date.now() / 1000
  const drawing = { dashboard: K6_DASHBOARD, from: to - SHOWN, to, step: 1, rateInterval: RATE_INTERVAL }
  for (const { title, targets = [] } of panelsOf(K6_DASHBOARD)) {
    for (const { refId, expr } of targets) {
      await t.test(`${title}, ${refId}`, async () => {
        const found = await prometheus.range(withVariables(expr, RATE_INTERVAL), drawing.from, to, drawing.step)
        assert.ok(
          found.some(({ points }) => points.some(([, value]) => Number.isFinite(value))),
          `${expr} has no data`,
        )
      })
    }
  }
  await t.test('Grafana draws every panel', { skip: !CAN_DRAW && 'no chromium, or not npm run panels' }, async t => {
    const [drawn] = await draw(prometheus, [drawing])
    await everyPanelIsWhole(t, K6_DASHBOARD, drawn, () => true)
  })
})

test('an octet that is flipped on the way fails it', { skip }, async t => {
  const service = await startService(t, '--workers', '1')
  const port = await flippingProxy(t, service.port, 800)
  const { code, count } = await run(t, `ws://127.0.0.1:${port}/`)
  assert.equal(code, CROSSED)
  assert.ok(count('connections_finished') > 0)
})

test('a worker that is killed fails it', { skip }, async t => {
  const service = await startService(t, '--workers', '1')
  const running = run(t, `${service.url}/`)
  await service.until(
    () => service.metrics(),
    metrics => (metrics.get('echobahn_messages_total{direction="sent",opcode="text"}') as number) > 50,
  )
  const [{ pid }] = await service.workers()
  process.kill(pid, 'SIGKILL')
  assert.equal((await running).code, CROSSED)
})

test('a port that nobody listens on fails it, with about one attempt a second and user', { skip }, async t => {
  const { code, count } = await run(t, `ws://127.0.0.1:${await freePort()}/`)
  assert.equal(code, CROSSED)
  assert.ok(count('connections_finished') > 0)
  assert.ok(count('iterations') <= USERS * 6, `${count('iterations')} attempts`)
})
