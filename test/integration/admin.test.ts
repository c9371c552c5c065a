// The admin server of the running service: what it tells of real workers, and who may ask.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseExposition } from '../support/exposition.js'
import { Service, startService } from '../support/service.js'
import { stopUntilOurEnd } from '../support/watchdog.js'
import { WsClient } from '../support/ws-client.js'

const TOKEN = 'a-token-of-some-length'

test('without a token, everybody on the admin address may ask', async t => {
  const service = await startService(t, '--workers', '2', '--max-message', '2MiB')
  const get = (path: string, init?: RequestInit) => fetch(service.adminUrl + path, init)

  await t.test('/livez and /readyz', async () => {
    for (const [path, status] of [
      ['/livez', 'live'],
      ['/readyz', 'ready'],
    ]) {
      const response = await get(path)
      assert.equal(response.status, 200)
      assert.deepEqual(await response.json(), { status })
    }
  })

  await t.test('/metrics, as Prometheus asks for it', async () => {
    const response = await get('/metrics')
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    const series = parseExposition(await response.text())
    assert.equal(series.get('echobahn_workers{state="ready"}'), 2)
    assert.ok(series.has('process_cpu_seconds_total'))
    assert.ok([...series.keys()].some(key => key.startsWith('echobahn_build_info{') && key.includes(process.version)))
  })

  await t.test('/config', async () => {
    const config = (await (await get('/config')).json()) as Record<string, unknown>
    assert.deepEqual(
      [config['max-message'], config.workers, config['admin-token'], config.path],
      [2 ** 21, 2, null, null],
    )
  })

  await t.test('/workers', async t => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => WsClient.open(t, service.url)))
    const workers = (await (await get('/workers')).json()) as Record<string, unknown>[]
    for (const [i, worker] of workers.entries()) {
      const { pid, ageSeconds, ...rest } = worker
      assert.deepEqual(rest, { worker: i + 1, state: 'ready', connections: 2 })
      assert.ok(typeof ageSeconds === 'number' && ageSeconds > 0)
      process.kill(pid as number, 0)
    }
    assert.equal(workers.length, 2)
    assert.equal(new Set(workers.map(({ pid }) => pid)).size, 2)
    for (const client of clients) client.socket.terminate()
    await service.until(
      () => service.workers(),
      views => views.every(({ connections }) => connections === 0),
    )
  })

  await t.test('POST /reload replaces every worker', async t => {
    const before = (await service.workers()).map(({ pid }) => pid)
    assert.equal((await get('/reload')).status, 405)
    const response = await get('/reload', { method: 'POST' })
    assert.equal(response.status, 202)
    assert.deepEqual(await response.json(), { status: 'started' })
    const after = await service.until(
      () => service.workers(),
      workers => workers.length === 2 && workers.every(({ pid, state }) => state === 'ready' && !before.includes(pid)),
    )
    assert.deepEqual(
      after.map(({ worker }) => worker),
      [1, 2],
    )
    const metrics = await service.metrics()
    assert.equal(metrics.get('echobahn_worker_restarts_total{reason="reload"}'), 2)
    const client = await WsClient.open(t, service.url)
    client.send('hello')
    assert.equal(await client.receive(), 'hello')
  })

  await t.test('anything else is 404 as JSON, with security headers', async () => {
    const response = await get('/nothing')
    assert.equal(response.status, 404)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    assert.equal(response.headers.get('x-powered-by'), null)
    const { error } = (await response.json()) as { error: { status: number } }
    assert.equal(error.status, 404)
  })
})

test('with a token, only the probes answer without it', async t => {
  const service = await startService(t, '--workers', '1', '--admin-token', TOKEN)
  const get = (path: string, authorization?: string, method = 'GET') =>
    fetch(service.adminUrl + path, { method, headers: authorization === undefined ? {} : { authorization } })

  for (const path of ['/livez', '/readyz']) assert.equal((await get(path)).status, 200, path)
  for (const path of ['/metrics', '/config', '/workers', '/', '/nothing']) {
    assert.equal((await get(path)).status, 401, path)
    assert.equal((await get(path, `Bearer ${TOKEN}x`)).status, 401, path)
    assert.equal((await get(path, `Basic ${TOKEN}`)).status, 401, path)
    assert.equal((await get(path, `Bearer ${TOKEN}`)).status, path === '/nothing' ? 404 : 200, path)
  }
  assert.equal((await get('/reload', undefined, 'POST')).status, 401)
  assert.match((await get('/config')).headers.get('www-authenticate') ?? '', /^Bearer /)

  const config = await (await get('/config', `Bearer ${TOKEN}`)).text()
  assert.equal(JSON.parse(config)['admin-token'], '***')
  assert.ok(!config.includes(TOKEN))
})

test('a token from a file is read again on a reload, and a bad file keeps the old one', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, `${TOKEN}\n`)
  const service = await startService(t, '--workers', '1', '--drain-timeout', '0', '--admin-token-file', file)
  const ask = (path: string, token: string, method = 'GET') =>
    fetch(service.adminUrl + path, { method, headers: { authorization: `Bearer ${token}` } })
  assert.equal((await ask('/workers', 'other')).status, 401)
  const config = await (await ask('/config', TOKEN)).json()
  assert.equal((config as Record<string, unknown>)['admin-token-file'], file)

  writeFileSync(file, '')
  const refused = await ask('/reload', TOKEN, 'POST')
  assert.equal(refused.status, 409)
  assert.match(await refused.text(), /reload not begun: --admin-token-file=/)
  assert.equal((await ask('/workers', TOKEN)).status, 200)

  writeFileSync(file, 'other')
  assert.equal((await ask('/reload', TOKEN, 'POST')).status, 202)
  assert.equal((await ask('/workers', TOKEN)).status, 401)
  assert.equal((await ask('/workers', 'other')).status, 200)
})

test('a token file that is not there stops the start', async t => {
  const service = new Service(['--admin-token-file', '/nowhere/token'])
  t.after(() => service.stop())
  assert.deepEqual(await service.exited, { code: 2, signal: null })
})

test('/readyz is 503 while no worker answers, and 200 again once one does', async t => {
  const service = await startService(t, '--workers', '1')
  const [{ pid }] = await service.workers()
  const readiness = async () => {
    const response = await fetch(`${service.adminUrl}/readyz`)
    return { code: response.status, body: await response.json() }
  }
  stopUntilOurEnd(pid)
  try {
    const answer = await service.until(readiness, ({ code }) => code !== 200)
    assert.deepEqual(answer, { code: 503, body: { status: 'no-worker' } })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  const answer = await service.until(readiness, ({ code }) => code !== 503)
  assert.deepEqual(answer, { code: 200, body: { status: 'ready' } })
})
