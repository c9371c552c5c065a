// `echobahn load` against the real service: everything comes back, both count the same, and the command tells of it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { parseExposition } from '../support/exposition.js'
import { faultsOf, load, loadResults } from '../support/load-command.js'
import { Service } from '../support/service.js'
import { endWithUs } from '../support/watchdog.js'

/** Longer than any machine stands still. */
const PATIENT = ['--timeout', '2m']

let service: Service

before(async () => {
  service = await new Service(['--workers', '2']).listening()
})
after(() => service.stop())

const SHAPES: readonly (readonly string[])[] = [
  ['--rate', '2000', '--messages', '2000', '--connections', '10', '--payload', 'random'],
  ['--in-flight', '8', '--messages', '3000', '--connections', '10', '--size', '0..300', '--threads', '2'],
  [
    '--in-flight',
    '4',
    '--messages',
    '500',
    '--compression',
    'on',
    '--payload',
    'json',
    '--size',
    '1..3000',
    '--fragment',
    '100',
  ],
  [
    '--in-flight',
    '2',
    '--messages',
    '60',
    '--size',
    '64:50%,70000:40%,1MiB:10%',
    '--payload',
    'binary',
    '--connections',
    '3',
  ],
  [
    '--rate',
    '500..2000',
    '--steps',
    '3',
    '--duration',
    '1s',
    '--arrivals',
    'poisson',
    '--churn',
    '20',
    '--connections',
    '5',
  ],
  [
    '--in-flight',
    '1',
    '--think',
    '5ms',
    '--duration',
    '500ms',
    '--connections',
    '4',
    '--ramp',
    '200ms',
    '--ping',
    '50ms',
  ],
]

for (const shape of SHAPES)
  test(`the service and the load count the same: ${shape.join(' ')}`, async () => {
    const { code, results, stdout } = await loadResults(service.url, ...shape, ...PATIENT, '--admin', service.adminUrl)
    assert.deepEqual(faultsOf(results.counts.faults), {})
    const { due, sent, echoed } = results.counts.messages
    assert.ok(due > 0 && due === sent && sent === echoed, JSON.stringify(results.counts.messages))
    assert.deepEqual(results.comparison?.mismatches, [])
    assert.equal(results.comparison?.totals, 'compared')
    assert.equal(results.comparison?.compared, results.counts.connections.opened)
    assert.equal(results.summary.echo.count, echoed)
    assert.equal(
      results.timeline.reduce((sum, second) => sum + second.echoed, 0),
      echoed,
    )
    assert.match(stdout, /errors: none/)
    assert.match(stdout, /the service's counts agree to the message and the octet/)
    assert.match(stdout, /\n {2}paused {15}\S+ (?:µs|ms|s) at most/)
    assert.equal(code, 0)
  })

test('a load that is not alone compares its own connections, and says so', async () => {
  const other = new WebSocket(service.url)
  await once(other, 'open')
  const { code, results } = await loadResults(
    service.url,
    '--in-flight',
    '1',
    '--messages',
    '10',
    '--admin',
    service.adminUrl,
  )
  other.close()
  await once(other, 'close')
  assert.deepEqual([code, results.comparison?.compared, results.comparison?.mismatches], [0, 1, []])
  assert.match(results.comparison?.totals ?? '', /^not compared, since others were connected too$/)
})

test('bounds that are passed are 99, an admin server that is not there is 1', async () => {
  const options = [service.url, '--in-flight', '1', '--messages', '10', ...PATIENT]
  const passed = await load(...options, '--max', 'p50=10m', '--max', 'mean=0')
  assert.equal(passed.code, 99)
  assert.match(passed.stdout, /holds: p50=10m, is .*\nEXCEEDED: mean=0, is /)
  assert.equal((await load(...options, '--max', 'errors=0', '--max', 'max=10m')).code, 0)
  const alone = await load(...options, '--admin', 'http://127.0.0.1:1')
  assert.equal(alone.code, 1)
  assert.match(alone.stderr, /^echobahn: --admin=http:\/\/127\.0\.0\.1:1: .*\/metrics: /)
})

test('nobody there: 1, with the reason, and at once', async () => {
  for (const loop of ['--rate', '--in-flight']) {
    const { code, stdout } = await load('ws://127.0.0.1:1', loop, '10', '--duration', '20m', '--connections', '3')
    assert.equal(code, 1)
    assert.match(stdout, /handshake failed {2}ECONNREFUSED: 3/)
    assert.match(stdout, /No connection could be opened\./)
  }
})

test('a bad option is 2 and one line; help is 0', async () => {
  const bad = await load('ws://a', '--rate', 'x')
  assert.deepEqual([bad.code, bad.stdout], [2, ''])
  assert.match(bad.stderr, /^echobahn: --rate=x: allowed are messages per second.*\n$/)
  const ca = await load('wss://127.0.0.1:1', '--rate', '1', '--ca', '/nowhere/ca.pem')
  assert.deepEqual([ca.code, ca.stderr], [2, 'echobahn: --ca=/nowhere/ca.pem: ENOENT\n'])
  const help = await load('--help')
  assert.deepEqual([help.code, help.stderr], [0, ''])
  assert.match(help.stdout, /^Usage: echobahn load URL/)
})

test('every output is written, and merging two loads adds them up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-load-'))
  const file = (name: string) => join(folder, name)
  const options = [service.url, '--rate', '500', '--duration', '1s', '--connections', '2', ...PATIENT]
  const outputs = ['--csv', file('a.csv'), '--hgrm', file('a.hgrm'), '--html', file('a.html'), '--json', '-']
  const first = await load(...options, ...outputs)
  assert.equal(first.code, 0)
  // Standard output is the file's; the text goes where it is in nobody's way.
  const { counts } = JSON.parse(first.stdout)
  assert.match(first.stderr, /open loop: 500 messages\/s/)
  assert.match(readFileSync(file('a.csv'), 'utf8'), /^time,due,/)
  assert.match(readFileSync(file('a.hgrm'), 'utf8'), /Percentile TotalCount/)
  assert.match(readFileSync(file('a.html'), 'utf8'), /^<!doctype html>/)

  const second = await loadResults(...options)
  const merged = await load('merge', second.file, second.file, '--json', file('merged.json'), '--max', 'errors=0')
  assert.equal(merged.code, 0)
  const sum = JSON.parse(readFileSync(file('merged.json'), 'utf8'))
  assert.equal(sum.counts.messages.echoed, 2 * second.results.counts.messages.echoed)
  assert.equal(sum.summary.echo.count, 2 * second.results.summary.echo.count)
  assert.deepEqual(sum.summary.echo.percentiles, second.results.summary.echo.percentiles)
  assert.equal(counts.messages.echoed, 500)
  assert.equal((await load('merge', file('a.csv'))).code, 2)
})

test('the search for the limit tells each trial, and the best', async () => {
  const { code, stdout } = await load(
    ...[service.url, '--find-limit', '--rate', '1', '--duration', '300ms', '--p99', '1ms', '--connections', '2'],
  )
  assert.match(stdout, /^1 messages\/s (?:holds|does not hold): p99 /)
  assert.ok(
    code === 0 ? /\nthe highest rate that holds: /.test(stdout) : /\nno rate that was tried holds/.test(stdout),
    stdout,
  )
})

test('its own metrics, while it runs; SIGINT ends it early with all it has seen', async t => {
  const main = fileURLToPath(new URL('../../src/main.js', import.meta.url))
  const argv = ['load', service.url, '--rate', '200', '--duration', '60s', '--connections', '3', '--metrics-port', '0']
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  endWithUs(child)
  t.after(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  let stdout = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
  const url = line.replace(/^metrics /, '')
  const metrics = async () => parseExposition(await (await fetch(url)).text())
  const series = await service.until(
    metrics,
    found => (found.get('echobahn_load_messages_total{state="echoed"}') ?? 0) > 100,
  )
  assert.equal(series.get('echobahn_load_connections'), 3)
  assert.equal(series.get('echobahn_load_errors_total{kind="lost"}'), 0)
  assert.ok((series.get('echobahn_load_wire_bytes_total{direction="received"}') ?? 0) > 0)
  assert.equal((await fetch(url.replace('/metrics', '/'))).status, 404)
  await service.until(metrics, found => found.has('echobahn_load_echo_latency_seconds{quantile="0.99"}'))
  child.kill('SIGINT')
  assert.deepEqual(await exit, [0, null])
  assert.match(stdout, /Ended early\./)
  assert.match(stdout, /errors: none/)
})

test('no line of the load is loaded when the service runs', async () => {
  const { sources } = await importsOf([
    '../../src/primary/primary.js',
    '../../src/worker/worker.js',
    '../../src/codec/codec-thread.js',
  ])
  assert.deepEqual(
    sources.filter(source => /\/src\/(?:load|cli\/load)/.test(source) || /hdr-histogram/.test(source)),
    [],
  )
  assert.ok(sources.length > 50)
})

/** Everything that these modules import by name, and what that imports. */
async function importsOf(entries: readonly string[]): Promise<{ sources: string[] }> {
  const sources = new Set<string>()
  const visit = (url: URL): void => {
    if (sources.has(url.href)) return
    sources.add(url.href)
    const code = readFileSync(url, 'utf8')
    for (const [, , name] of code.matchAll(/(from|import\()\s*['"]([^'"]+)['"]/g)) {
      if (name.startsWith('.')) visit(new URL(name, url))
      else sources.add(name)
    }
  }
  for (const entry of entries) visit(new URL(entry, import.meta.url))
  return { sources: [...sources] }
}
