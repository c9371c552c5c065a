// Which hosts and origins the admin server answers, over real HTTP: fetch would not let a test choose the Host.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { isLoopback } from '../../../src/admin/hosts.js'
import { createAdmin } from '../../../src/admin/server.js'
import type { AdminView } from '../../../src/admin/view.js'
import type { Settings } from '../../../src/settings.js'
import { silentFeed } from '../../support/silent-feed.js'

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

async function serve(t: TestContext, settings: Partial<Settings> = {}, token?: string) {
  const view: Partial<AdminView> = {
    settings: { adminHost: 'bound.example', adminAllowedHost: ['Admin.Example'], ...settings } as Settings,
    adminToken: () => token,
    readiness: () => 'ready',
    workers: () => [],
    reload: async () => undefined,
  }
  const server = createServer(createAdmin(view as AdminView, silentFeed())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const ask = async (method: string, path: string, headers: Record<string, string>): Promise<Answer> => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false }).end()
    const [response] = await once(asked, 'response')
    return { status: response.statusCode, body: await text(response) }
  }
  return { port, ask }
}

for (const host of [
  '127.0.0.1:8889',
  '127.0.0.1',
  '10.1.2.3:8889',
  '[::1]:8889',
  '[2001:db8::7]',
  'localhost:8889',
  'LOCALHOST',
  'localhost.:1',
  'echo.localhost',
  'bound.example:8889',
  'admin.example',
  'ADMIN.example.:80',
])
  test(`the host ${host} is answered`, async t => {
    const { ask } = await serve(t)
    assert.equal((await ask('GET', '/workers', { host })).status, 200)
  })

for (const host of [
  'evil.example',
  'evil.example:8889',
  'notlocalhost',
  'localhost.evil.example',
  'sub.admin.example',
  'admin.example.evil',
  '127.0.0.1.evil.example',
  '[evil.example]',
  '[127.0.0.1]',
  '127.1',
  '::1',
  'admin.example:80:80',
])
  test(`the host "${host}" is refused, but for probes`, async t => {
    const { ask } = await serve(t)
    const { status, body } = await ask('GET', '/workers', { host })
    assert.equal(status, 403)
    const told = 'allowed are IP addresses, localhost, bound.example, admin.example; --admin-allowed-host allows more'
    assert.equal(JSON.parse(body).error.message, `not as host ${host}: ${told}`)
    for (const path of ['/livez', '/readyz', '/healthz']) assert.equal((await ask('GET', path, { host })).status, 200)
  })

test('a long host is not told back whole, and is refused before the token is looked at', async t => {
  const { ask } = await serve(t, { adminHost: '127.0.0.1', adminAllowedHost: [] }, 'secret')
  const { status, body } = await ask('GET', '/workers', { host: 'e'.repeat(500) })
  assert.equal(status, 403)
  assert.equal(
    JSON.parse(body).error.message,
    `not as host ${'e'.repeat(64)}: allowed are IP addresses, localhost; --admin-allowed-host allows more`,
  )
})

test('a request without Host, which no browser sends, is answered', async t => {
  const { port } = await serve(t)
  const socket = connect(port, '127.0.0.1').end('GET /workers HTTP/1.0\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1\.1 200 /)
})

const HOST = '127.0.0.1:8889'
for (const headers of [
  {},
  { origin: `http://${HOST}` },
  { origin: `https://${HOST}`, 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
  { host: 'localhost', origin: 'http://localhost:80' },
  { host: 'Admin.Example:443', origin: 'https://admin.example' },
] as Record<string, string>[])
  test(`POST /reload with ${JSON.stringify(headers)} is obeyed`, async t => {
    const { ask } = await serve(t, { adminHost: '127.0.0.1' })
    assert.equal((await ask('POST', '/reload', { host: HOST, ...headers })).status, 202)
  })

for (const headers of [
  { origin: 'http://evil.example' },
  { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
  { origin: 'http://127.0.0.1:3000' },
  { origin: 'http://localhost:8889' },
  { origin: 'http://127.0.0.1' },
  { origin: 'null' },
  { origin: '' },
  { origin: 'file://' },
  { host: 'localhost', origin: 'file://' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: `http://${HOST}`, 'sec-fetch-site': 'cross-site' },
] as Record<string, string>[])
  test(`POST /reload with ${JSON.stringify(headers)} is refused`, async t => {
    const { ask } = await serve(t, { adminHost: '127.0.0.1' }, 'secret')
    const { status, body } = await ask('POST', '/reload', { host: HOST, authorization: 'Bearer secret', ...headers })
    assert.equal(status, 403)
    assert.match(body, /not from another site's page: allowed are this server's own pages/)
    assert.equal((await ask('GET', '/workers', { host: HOST, authorization: 'Bearer secret', ...headers })).status, 200)
  })

for (const adminHost of ['0.0.0.0', '::', '10.0.0.1', 'bound.example'])
  test(`a server on ${adminHost} changes nothing without a token`, async t => {
    const open = await serve(t, { adminHost })
    const { status, body } = await open.ask('POST', '/reload', { host: HOST })
    assert.equal(status, 403)
    assert.match(body, /changes nothing without a token: set --admin-token-file/)
    for (const method of ['GET', 'HEAD']) assert.equal((await open.ask(method, '/workers', { host: HOST })).status, 200)
    const closed = await serve(t, { adminHost }, 'secret')
    assert.equal((await closed.ask('POST', '/reload', { host: HOST })).status, 401)
    const authorization = 'Bearer secret'
    assert.equal((await closed.ask('POST', '/reload', { host: HOST, authorization })).status, 202)
  })

test('loopback is what only this machine reaches', () => {
  for (const host of ['127.0.0.1', '127.255.0.3', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LocalHost'])
    assert.ok(isLoopback(host), host)
  for (const host of [
    '0.0.0.0',
    '::',
    '::2',
    '1::1',
    '127.example',
    '10.127.0.1',
    '::ffff:10.0.0.1',
    'localhost.example',
  ])
    assert.ok(!isLoopback(host), host)
})
