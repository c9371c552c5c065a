// /connections and /connections/:id: filters, JSON, pages, and that nothing from the wire is markup.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdmin } from '../../../src/admin/server.js'
import type { AdminView } from '../../../src/admin/view.js'
import type { ConnectionFilter } from '../../../src/report/filter.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { Recorder } from '../../../src/report/recorder.js'
import type { Settings } from '../../../src/settings.js'
import { sampleOpened } from '../../support/sample-opened.js'

const EVIL = '<script>alert("1")</script>\u0007'
const BROWSER = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }

function evilRecorder(): Recorder {
  const recorder = new Recorder(
    sampleOpened({ id: 7, userAgent: EVIL, request: `GET / HTTP/1.1\r\nUser-Agent: ${EVIL}`, subprotocol: EVIL }),
    1,
    { octetsReceived: 6, octetsSent: 0, unsent: 0 },
    new LogBlocks(),
  )
  recorder.read(Buffer.from([0x81, 0x80, 1, 2, 3, 4]), 6, performance.now())
  recorder.closeReceived(1000, EVIL)
  return recorder
}

/** An admin server that knows connection 7; `filters` collects what it was asked for, `unasked` workers do not answer. */
async function serve(t: TestContext, filters: ConnectionFilter[] = [], unasked: number[] = []) {
  const recorder = evilRecorder()
  const view: Partial<AdminView> = {
    settings: { adminToken: undefined } as Partial<Settings> as Settings,
    connections: async filter => {
      filters.push(filter)
      return { connections: [recorder.summary()], unasked }
    },
    connection: async id => ({ report: id === 7 ? recorder.report() : undefined, unasked }),
    onError: error => assert.fail(`unexpected: ${error}`),
  }
  const server = createServer(createAdmin(view as AdminView)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
}

test('the list is JSON, and its query is the filter', async t => {
  const filters: ConnectionFilter[] = []
  const get = await serve(t, filters)
  const response = await get(
    '/connections?state=closed&clean=false&agent=Auto&error=ECHOBAHN_INVALID_UTF8&key=a%2Bb%3D&limit=5',
  )
  const { connections } = (await response.json()) as { connections: { id: number }[] }
  assert.deepEqual(
    connections.map(({ id }) => id),
    [7],
  )
  await get('/connections')
  assert.deepEqual(filters, [
    { state: 'closed', clean: false, agent: 'Auto', error: 'ECHOBAHN_INVALID_UTF8', key: 'a+b=', limit: 5 },
    { limit: 100 },
  ])
})

const BAD: [string, RegExp][] = [
  ['state=half', /state: allowed is open or closed/],
  ['clean=yes', /clean: allowed is true or false/],
  ['error=E', /error: allowed is an error code/],
  ['limit=0', /limit: allowed is a whole number 1–10000/],
  ['limit=10001', /limit: allowed is a whole number 1–10000/],
  ['agent=a&agent=b', /agent: allowed is one value/],
  ['colour=red', /colour: no such parameter; allowed are state, clean, agent, error, key, limit/],
]
for (const [query, message] of BAD)
  test(`?${query} is refused`, async t => {
    const response = await (await serve(t))(`/connections?${query}`)
    assert.equal(response.status, 400)
    const { error } = (await response.json()) as { error: { message: string } }
    assert.match(error.message, message)
  })

test('one connection is JSON; unknown ones are 404', async t => {
  const get = await serve(t)
  const report = (await (await get('/connections/7')).json()) as { id: number; log: unknown[] }
  assert.equal(report.id, 7)
  assert.equal(report.log.length, 3)
  for (const id of ['8', 'x', '07x', '9'.repeat(30)]) assert.equal((await get(`/connections/${id}`)).status, 404)
})

test('workers that do not answer are named', async t => {
  const none = (await (await (await serve(t))('/connections')).json()) as { unasked: number[] }
  assert.deepEqual(none.unasked, [])
  assert.doesNotMatch(await (await (await serve(t))('/connections', BROWSER)).text(), /missing/)

  const get = await serve(t, [], [1, 2, 4])
  const list = (await (await get('/connections')).json()) as { unasked: number[] }
  assert.deepEqual(list.unasked, [1, 2, 4])
  assert.match(await (await get('/connections', BROWSER)).text(), /missing: workers 1, 2 and 4 do not answer\./)
  assert.equal((await get('/connections/7')).status, 200)
  assert.equal((await get('/connections/x')).status, 404)
  const response = await get('/connections/8')
  assert.equal(response.status, 503)
  const { error } = (await response.json()) as { error: { message: string } }
  assert.equal(error.message, 'workers 1, 2 and 4 do not answer, and may know this connection')
  const alone = (await (await (await serve(t, [], [3]))('/connections/8')).json()) as typeof error & {
    error: typeof error
  }
  assert.equal(alone.error.message, 'worker 3 does not answer, and may know this connection')
})

for (const path of ['/connections', '/connections/7'])
  test(`${path} is a page for browsers, with everything from the wire escaped`, async t => {
    const response = await (await serve(t))(path, BROWSER)
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
    const page = await response.text()
    assert.doesNotMatch(page, /<script/i)
    assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\\u{7}'))
    const [, style] = page.match(/<style>([^<]*)<\/style>/) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    assert.ok(response.headers.get('content-security-policy')?.includes(`'sha256-${hash}'`))
  })
