// The admin server over real HTTP: routes, probes, errors, headers, bearer token.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdmin } from '../../../src/admin/server.js'
import type { AdminView, Readiness } from '../../../src/admin/view.js'
import type { Settings } from '../../../src/settings.js'
import { silentFeed } from '../../support/silent-feed.js'

const SETTINGS = {
  maxMessage: 1024,
  path: undefined,
  adminHost: '127.0.0.1',
  adminAllowedHost: ['Admin.example'],
  adminToken: undefined,
} as Partial<Settings> as Settings
const NO_REPORTS = {
  kept: { open: 0, closed: 0, failed: 0, refused: 0 },
  evicted: { closed: 0, failed: 0, refused: 0 },
}
const WORKER = { worker: 1, pid: 4711, state: 'ready', connections: 3, ageSeconds: 1.5 } as const
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const NO_CONTROLS: AdminView['controls'] = {
  inForce: { controls: null, from: 'option', left: null, share: null, seed: null },
  put: async () => assert.fail('not asked for'),
  clear: async () => assert.fail('not asked for'),
  act: async () => assert.fail('not asked for'),
}

function fakeView(overrides: Partial<AdminView> = {}): AdminView {
  return {
    settings: SETTINGS,
    adminToken: () => undefined,
    readiness: () => 'ready',
    workers: () => [WORKER],
    metrics: async () => ({ contentType: CONTENT_TYPE, body: 'a 1\n' }),
    connections: async () => ({ connections: [], end: undefined, unasked: [], ...NO_REPORTS }),
    connection: async () => ({ report: undefined, unasked: [] }),
    controls: NO_CONTROLS,
    reload: async () => undefined,
    onError: error => assert.fail(`unexpected: ${error}`),
    ...overrides,
  }
}

/** Serves the view until the test ends; returns a `fetch` for paths on it. */
async function serve(t: TestContext, view: AdminView) {
  const server = createServer(createAdmin(view, silentFeed())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
}

async function assertError(response: Response, status: number): Promise<string> {
  assert.equal(response.status, status)
  const body = (await response.json()) as { error: { status: number; message: string } }
  assert.deepEqual(Object.keys(body), ['error'])
  assert.deepEqual(Object.keys(body.error), ['status', 'message'])
  assert.equal(body.error.status, status)
  return body.error.message
}

test('/metrics is the exposition with its content type', async t => {
  const get = await serve(t, fakeView())
  const response = await get('/metrics')
  assert.equal(response.status, 200)
  const type = response.headers.get('content-type')?.split('; ').sort()
  assert.deepEqual(type, CONTENT_TYPE.split('; ').sort())
  assert.equal(await response.text(), 'a 1\n')
})

test('/metrics is OpenMetrics for those who prefer it, and compressed for those who can read that', async t => {
  const view = fakeView({
    metrics: async () => ({
      contentType: CONTENT_TYPE,
      body: '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n',
    }),
  })
  const get = await serve(t, view)
  const asked = async (headers: Record<string, string>) => {
    const response = await get('/metrics', { headers })
    assert.equal(response.headers.get('vary'), 'Accept, Accept-Encoding')
    return {
      type: response.headers.get('content-type')?.split(';')[0],
      encoding: response.headers.get('content-encoding'),
      lines: (await response.text()).split('\n'),
    }
  }
  const plain = await asked({ accept: '*/*', 'accept-encoding': 'identity' })
  assert.deepEqual([plain.type, plain.encoding, plain.lines[1]], ['text/plain', null, '# TYPE a_total counter'])
  // As Prometheus asks.
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  const open = await asked({ accept, 'accept-encoding': 'gzip' })
  assert.deepEqual([open.type, open.encoding], ['application/openmetrics-text', 'gzip'])
  const lesser = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.2,text/plain;q=0.3'
  assert.equal((await asked({ accept: lesser })).type, 'text/plain')
  assert.deepEqual(open.lines, ['# HELP a A.', '# TYPE a counter', 'a_total 1', '# EOF', ''])
})

for (const readiness of ['starting', 'draining', 'no-worker', 'ready'] satisfies Readiness[]) {
  test(`probes while ${readiness}`, async t => {
    const get = await serve(t, fakeView({ readiness: () => readiness }))
    for (const path of ['/readyz', '/healthz']) {
      const response = await get(path)
      assert.equal(response.status, readiness === 'ready' ? 200 : 503)
      assert.deepEqual(await response.json(), { status: readiness })
    }
    assert.equal((await get('/livez')).status, 200)
  })
}

test('/config has the keys of the flags and no secret', async t => {
  const get = await serve(t, fakeView({ settings: { ...SETTINGS, adminToken: 'secret' } }))
  assert.deepEqual(await (await get('/config')).json(), {
    'max-message': 1024,
    path: null,
    'admin-host': '127.0.0.1',
    'admin-allowed-host': ['Admin.example'],
    'admin-token': '***',
  })
})

test('/workers is an array of what the primary says', async t => {
  const get = await serve(t, fakeView())
  assert.deepEqual(await (await get('/workers')).json(), [WORKER])
})

test('POST /reload answers 202, and 409 with the reason when it cannot begin', async t => {
  let reason: string | undefined
  const get = await serve(t, fakeView({ reload: async () => reason }))
  const started = await get('/reload', { method: 'POST' })
  assert.equal(started.status, 202)
  assert.deepEqual(await started.json(), { status: 'started' })
  reason = 'a reload is under way'
  assert.equal(await assertError(await get('/reload', { method: 'POST' }), 409), `reload not begun: ${reason}`)
})

test('/ lists the routes that the server has, and no others', async t => {
  const view = fakeView()
  const get = await serve(t, view)
  const listed = Object.keys((await (await get('/')).json()) as Record<string, string>)
  const served = createAdmin(view, silentFeed()).router.stack.flatMap(({ route }) => {
    const methods = new Set(route?.stack.map(({ method }) => method).filter(Boolean))
    return [route?.path ?? []].flat().flatMap(path => [...methods].map(method => `${method.toUpperCase()} ${path}`))
  })
  // For browsers some have a route of their own before the one for programs.
  assert.deepEqual(listed.sort(), [...new Set(served)].sort())
})

test('HEAD is GET without a body', async t => {
  const get = await serve(t, fakeView())
  for (const path of ['/', '/metrics', '/livez', '/readyz', '/config', '/workers']) {
    const response = await get(path, { method: 'HEAD' })
    assert.equal(response.status, 200, path)
    assert.equal(await response.text(), '')
  }
})

test('an unknown path is 404, a wrong method 405 with Allow', async t => {
  const get = await serve(t, fakeView())
  await assertError(await get('/nothing'), 404)
  const reload = await get('/reload')
  assert.equal(reload.headers.get('allow'), 'POST')
  await assertError(reload, 405)
  for (const path of ['/', '/metrics', '/livez', '/readyz', '/healthz', '/config', '/workers']) {
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const response = await get(path.replace(':id', '1'), { method })
      assert.equal(response.headers.get('allow'), 'GET, HEAD')
      await assertError(response, 405)
    }
  }
})

test('a failure is 500 without its cause, which the primary hears of', async t => {
  const failure = new Error('inner workings')
  const heard: unknown[] = []
  const get = await serve(
    t,
    fakeView({ metrics: () => Promise.reject(failure), onError: error => void heard.push(error) }),
  )
  assert.equal(await assertError(await get('/metrics'), 500), 'Internal Server Error')
  assert.deepEqual(heard, [failure])
})

test('an error that is the client’s fault keeps its status and is not reported', async t => {
  const fault = Object.assign(new Error('details'), { status: 400 })
  const get = await serve(t, fakeView({ metrics: () => Promise.reject(fault) }))
  assert.equal(await assertError(await get('/metrics'), 400), 'Bad Request')
})

test('security headers are on every answer', async t => {
  const get = await serve(t, fakeView())
  for (const path of ['/livez', '/metrics', '/nothing']) {
    const { headers } = await get(path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self' ws: wss:;frame-ancestors 'none';base-uri 'none';form-action 'none'$/,
    )
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-powered-by'), null)
    assert.equal(headers.get('strict-transport-security'), null)
    assert.equal(headers.get('etag'), null)
  }
})

test('with a token all but the probes ask for it', async t => {
  const get = await serve(t, fakeView({ adminToken: () => 'secret' }))
  for (const path of ['/livez', '/readyz', '/healthz']) assert.equal((await get(path)).status, 200)
  for (const path of ['/', '/metrics', '/config', '/workers', '/reload', '/nothing']) {
    const response = await get(path)
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="echobahn"')
    await assertError(response, 401)
  }
  await assertError(await get('/reload', { method: 'POST' }), 401)
})

for (const [authorization, status] of [
  ['Bearer secret', 200],
  ['bearer secret', 200],
  ['BEARER  secret', 200],
  ['Bearer Secret', 401],
  ['Bearer secret2', 401],
  ['Bearer secre', 401],
  ['Bearer', 401],
  ['Bearersecret', 401],
  ['secret', 401],
  ['Basic secret', 401],
] as const) {
  test(`Authorization: ${authorization} is answered ${status}`, async t => {
    const get = await serve(t, fakeView({ adminToken: () => 'secret' }))
    const response = await get('/workers', { headers: { authorization } })
    assert.equal(response.status, status)
    await response.body?.cancel()
  })
}

test('the token may change', async t => {
  let token = 'one'
  const get = await serve(t, fakeView({ adminToken: () => token }))
  const ask = async () => (await get('/workers', { headers: { authorization: 'Bearer two' } })).status
  assert.equal(await ask(), 401)
  token = 'two'
  assert.equal(await ask(), 200)
})

test('a wrong token is told apart from none', async t => {
  const get = await serve(t, fakeView({ adminToken: () => 'secret' }))
  const response = await get('/workers', { headers: { authorization: 'Bearer wrong' } })
  assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="echobahn", error="invalid_token"')
  await assertError(response, 401)
})

const BROWSER = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, redirect: 'manual' } as const

test('an error is a page for browsers, with its way back relative and nothing of the request as markup', async t => {
  const get = await serve(t, fakeView({ adminToken: () => 'secret' }))
  for (const [path, status, root] of [
    ['/nothing', 401, './'],
    ['/a/b/c?d=/e/f', 401, '../../'],
  ] as const) {
    const response = await get(path, BROWSER)
    assert.equal(response.status, status)
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
    const page = await response.text()
    assert.ok(page.includes(`href="${root}console/console.css"`) && page.includes(`<a href="${root}">`))
    assert.match(page, /send the admin token/)
  }
  const open = await serve(t, fakeView())
  const page = await (await open('/nothing', BROWSER)).text()
  assert.match(page, /<h1>404 Not Found<\/h1>/)
  const host = await open('/connections?state=<script>', { headers: { accept: '*/*' } })
  assert.equal(host.status, 400)
})

test('/ is the console for browsers, also without the token, and JSON for programs', async t => {
  const get = await serve(t, fakeView({ adminToken: () => 'secret' }))
  const page = await get('/', BROWSER)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(page.headers.get('vary') ?? '', /Accept/)
  const html = await page.text()
  const sources = [...html.matchAll(/(?:href|src)="([^"#]+)"/g)]
    .map(([, source]) => source)
    .filter(source => source.startsWith('console/'))
  assert.ok(sources.includes('console/main.js'))
  assert.doesNotMatch(html, /(?:href|src)="(?:\/|\w+:)/)
  for (const source of sources) {
    const file = await get(`/${source}`)
    assert.equal(file.status, 200, source)
    assert.equal(file.headers.get('cache-control'), 'no-cache')
  }
  assert.doesNotMatch(html, /<style|style="|<script>|onclick/)
  assert.equal((await get('/')).status, 401)
  assert.equal((await get('/console/nothing.js')).status, 401)
  assert.equal((await get('/console/../server.js')).status, 401)
})

test('a connection’s address leads browsers to the console’s view of it, relative to where a proxy has put it', async t => {
  const get = await serve(t, fakeView())
  for (const [path, location] of [
    ['/connections?state=open&agent=a%20b', './#/connections?state=open&agent=a%20b'],
    ['/connections/7', '../#/connections/7'],
  ]) {
    const response = await get(path, BROWSER)
    assert.deepEqual([response.status, response.headers.get('location')], [303, location])
  }
})

test('/connections/filters tells every parameter but the cursor', async t => {
  const get = await serve(t, fakeView())
  const filters = (await (await get('/connections/filters')).json()) as { name: string; choices: string[] | null }[]
  assert.deepEqual(
    filters.map(({ name }) => name),
    [
      ...['state', 'worker', 'clean', 'code', 'error', 'peer', 'path', 'agent', 'key', 'since', 'min-duration'],
      ...['max-duration', 'sort', 'limit'],
    ],
  )
  for (const { name, choices } of filters)
    for (const choice of choices ?? []) assert.equal((await get(`/connections?${name}=${choice}`)).status, 200)
})
