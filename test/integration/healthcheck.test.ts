// `echobahn healthcheck` asks the service that runs: exit code 0 with one line while it works, 1 when it does not.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TlsFiles } from '../support/certificate.js'
import { type Service, startService } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

/** Runs the healthcheck as a container would: by the settings of the service. */
async function healthcheck({ port, adminPort }: Service, options: readonly string[] = []): Promise<[number, string]> {
  const child = spawn(process.execPath, [MAIN, 'healthcheck', ...options], {
    env: { ...process.env, ECHOBAHN_PORT: String(port), ECHOBAHN_ADMIN_PORT: String(adminPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  assert.match(stdout + stderr, /^[^\n]+\n$/)
  return [code, stdout + stderr]
}

test('a service that works is healthy, and its token is not needed', async t => {
  const service = await startService(t, '--workers', '1', '--admin-token', 'hush-hush-hush')
  const [code, line] = await healthcheck(service)
  assert.equal(code, 0, line)
  assert.match(line, /^healthy: /)
})

test('each check is one message and one clean close by the client', async t => {
  const service = await startService(t, '--workers', '1')
  await healthcheck(service)
  const closed = 'echobahn_closes_total{initiator="client",code="1000"}'
  const metrics = await service.until(
    () => service.metrics(),
    series => series.get(closed) === 1,
  )
  assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="binary"}'), 1)
})

test('the options that decide who may connect are kept', async t => {
  const options = ['--path', '/echo', '--subprotocol', 'chat', '--origin', 'https://a.example']
  const service = await startService(t, '--workers', '1', ...options)
  assert.deepEqual((await healthcheck(service, options))[0], 0)
  const [code, line] = await healthcheck(service, ['--path', '/other', ...options.slice(2)])
  assert.equal(code, 1)
  assert.match(line, /^echobahn: unhealthy: ws:.*\/other: .*404\n$/)
})

test('wss is asked without a known certificate', async t => {
  const { flags } = new TlsFiles(t)
  const service = await startService(t, '--workers', '1', ...flags)
  const [code, line] = await healthcheck(service, flags)
  assert.equal(code, 0, line)
  assert.match(line, / wss:\/\/127\.0\.0\.1:\d+\/ echoes\n$/)
})

test('where a PROXY header is required it sends one that speaks for itself, and is taken where it is trusted', async t => {
  const { flags } = new TlsFiles(t)
  for (const tls of [[], flags]) {
    const proxy = ['--proxy-protocol', 'required', ...tls]
    const service = await startService(t, '--workers', '1', '--trusted-proxies', '127.0.0.0/8', ...proxy)
    const [code, line] = await healthcheck(service, ['--trusted-proxies', '127.0.0.0/8', ...proxy])
    assert.equal(code, 0, line)
  }
  const options = ['--trusted-proxies', '10.0.0.0/8', '--proxy-protocol', 'required']
  const [code, line] = await healthcheck(await startService(t, '--workers', '1', ...options), options)
  assert.deepEqual([code, line.includes('403')], [1, true], line)
})

test('a service that drains is unhealthy, and so is one that is gone', async t => {
  const service = await startService(t, '--workers', '1', '--drain-timeout', '1m', '--handshake-timeout', '1m')
  // A client that does not read never sees the Close, so the service waits for it.
  const client = await WsClient.open(t, service.url)
  client.socket.pause()
  service.signal('SIGTERM')
  await service.until(
    () => fetch(`${service.adminUrl}/readyz`),
    ({ status }) => status === 503,
  )
  const draining = await healthcheck(service)
  assert.deepEqual([draining[0], draining[1].includes('readyz: answers 503')], [1, true], draining[1])

  client.socket.resume()
  await service.exited
  const gone = await healthcheck(service)
  assert.deepEqual([gone[0], gone[1].includes('ECONNREFUSED')], [1, true], gone[1])
})
