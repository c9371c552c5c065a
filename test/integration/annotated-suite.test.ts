// What the compose profile runs around the suite: regions go to Grafana or to a file, and the suite's exit code and output pass.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { findPython27 } from '../autobahn/virtual-environment.js'
import { startGrafana } from '../support/fake-grafana.js'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))
const SCRIPT = join(ROOT, 'deploy/autobahn/annotated.py')

const LINES = ['1.1.1', '1.2.8', '10.1.1', '12.1.1', '12.1.18', '13.7.1'].map(
  id => `Running test case ID ${id} for agent echobahn from peer tcp4:127.0.0.1:1`,
)
const REGIONS = [
  { tags: ['autobahn', 'family'], text: 'cases 1' },
  { tags: ['autobahn', 'family'], text: 'cases 10' },
  { tags: ['autobahn', 'family'], text: 'cases 12.1' },
  { tags: ['autobahn', 'family'], text: 'cases 13.7' },
  { tags: ['autobahn', 'run'], text: 'Autobahn run' },
]

interface Region {
  readonly time: number
  readonly timeEnd: number
}

const python = await findPython27(AbortSignal.timeout(120_000))
const skip = python === undefined && 'no Python 2.7 here'

/** Runs a program in the suite's stead, which prints its lines and ends with code 3. */
async function run(file: string, environment: Record<string, string>) {
  const suite = `console.log(${JSON.stringify(LINES.join('\n'))}); process.exitCode = 3`
  const child = spawn(python as string, [SCRIPT, file, process.execPath, '-e', suite], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  assert.deepEqual([stdout, code], [`${LINES.join('\n')}\n`, 3])
  return stderr
}

async function temporaryFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'annotated-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'annotations.json')
}

function assertRegions(regions: readonly Region[]): void {
  const start = regions[regions.length - 1].time
  for (const { time, timeEnd } of regions) assert.ok(start <= time && time <= timeEnd && timeEnd <= Date.now())
  assert.deepEqual(
    regions.map(({ time, timeEnd, ...rest }) => rest),
    REGIONS,
  )
}

test('regions are posted to Grafana', { skip }, async t => {
  const { requests, url } = await startGrafana(t, 200)
  assert.equal(await run('/nowhere', { GRAFANA_URL: url, GRAFANA_TOKEN: 'glsa_x' }), '')
  for (const { line, authorization } of requests)
    assert.deepEqual([line, authorization], ['POST /api/annotations', 'Bearer glsa_x'])
  assertRegions(requests.map(({ body }) => body as Region))
})

test('a Grafana that takes none does not fail the run', { skip }, async t => {
  const { url } = await startGrafana(t, 401)
  const stderr = await run('/nowhere', { GRAFANA_URL: url, GRAFANA_TOKEN: 'old' })
  assert.match(stderr, /^Grafana took no annotation: HTTP Error 401/)
})

test('regions go to the file without a token', { skip }, async t => {
  const file = await temporaryFile(t)
  assert.equal(await run(file, { GRAFANA_URL: 'http://127.0.0.1:1' }), '')
  assertRegions(JSON.parse(await readFile(file, 'utf8')))
})
