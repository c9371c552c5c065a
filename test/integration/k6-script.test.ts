// The k6 script, run under Node with stand-ins for k6's modules against the real service: one virtual user, one iteration.
// It proves what the script does with a connection; that k6 itself takes it is not proved here.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { recorded, reset } from '../support/k6.js'
import { startService } from '../support/service.js'

const SCRIPT = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'deploy/k6/echo.js')
const STAND_IN = pathToFileURL(fileURLToPath(new URL('../support/k6.js', import.meta.url))).href

interface Script {
  readonly options: { readonly thresholds: Record<string, string[]>; readonly scenarios: Record<string, unknown> }
  default(): void
}

/** Loads the script with k6's modules and globals replaced. */
async function load(t: TestContext, environment: Record<string, string>): Promise<Script> {
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-k6-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const source = readFileSync(SCRIPT, 'utf8').replace(/from 'k6[^']*'/g, `from '${STAND_IN}'`)
  const file = join(directory, 'echo.mjs')
  writeFileSync(file, source)
  Object.assign(globalThis, { __ENV: environment, __VU: 1, __ITER: 0 })
  reset()
  return import(pathToFileURL(file).href)
}

test('an iteration has every message echoed, and checks each', async t => {
  const service = await startService(t, '--workers', '1')
  const script = await load(t, { ECHO_URL: `${service.url}/` })
  script.default()
  const checks = await recorded.checked
  assert.deepEqual(checks, { 'every message came back': true, 'the connection lasted until we closed it': true })
  assert.equal(recorded.added.get('echoes')?.length, 100)
  assert.ok(recorded.added.get('echo_faithful')?.every(value => value === true))
  const metrics = await service.metrics()
  assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="text"}'), 100)
})

test('a wrong echo ends the iteration and fails its checks', async t => {
  const service = await startService(t, '--workers', '1')
  const script = await load(t, { ECHO_URL: `${service.url}/` })
  recorded.spoilMessage = 3
  script.default()
  const checks = await recorded.checked
  assert.equal(checks['every message came back'], false)
  assert.deepEqual(recorded.added.get('echo_faithful'), [true, true, false])
})

test('a connection that the service ends fails its checks', async t => {
  const service = await startService(t, '--workers', '1', '--max-message', '1kB')
  const script = await load(t, { ECHO_URL: `${service.url}/` })
  script.default()
  const checks = await recorded.checked
  assert.deepEqual(checks, { 'every message came back': false, 'the connection lasted until we closed it': false })
})

test('it ramps up, holds and ramps down, and every check must hold', async t => {
  const script = await load(t, { VUS: '7', RAMP: '1s', STEADY: '5s' })
  const { stages } = script.options.scenarios.echo as { stages: unknown }
  assert.deepEqual(stages, [
    { duration: '1s', target: 7 },
    { duration: '5s', target: 7 },
    { duration: '1s', target: 0 },
  ])
  assert.deepEqual(script.options.thresholds.checks, ['rate==1'])
})
