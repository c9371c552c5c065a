// /connections and /connections/:id: filters and JSON.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { readFilter } from '../../../src/admin/connection-query.js'
import { createAdmin } from '../../../src/admin/server.js'
import type { AdminView, ConnectionList } from '../../../src/admin/view.js'
import { refusalResponse } from '../../../src/protocol/handshake-response.js'
import type { ConnectionFilter } from '../../../src/report/filter.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { Recorder } from '../../../src/report/recorder.js'
import { RefusedHandshake } from '../../../src/report/refused-handshake.js'
import type { RefusalReport } from '../../../src/report/report.js'
import type { Settings } from '../../../src/settings.js'
import { sampleOpened } from '../../support/sample-opened.js'
import { silentFeed } from '../../support/silent-feed.js'

const EVIL = '<script>alert("1")</script>\u0007'

function evilRecorder(): Recorder {
  const recorder = new Recorder(
    sampleOpened({
      id: 7,
      userAgent: EVIL,
      request: `GET / HTTP/1.1\r\nUser-Agent: ${EVIL}\r\n\r\n`,
      subprotocol: EVIL,
    }),
    1,
    { octetsReceived: 6, octetsSent: 0, unsent: 0 },
    new LogBlocks(),
  )
  recorder.read(Buffer.from([0x81, 0x80, 1, 2, 3, 4]), 6, performance.now())
  recorder.closeReceived(1000, EVIL)
  return recorder
}

function refusedHandshake() {
  const response = refusalResponse(
    { kind: 'refuse', status: 400, sentence: EVIL, headers: {}, reason: 'bad_http' },
    true,
  )
  const head = `GET / HTTP/1.1\r\nUser-Agent: ${EVIL}\r\n${'x'.repeat(5000)}`
  return new RefusedHandshake({ id: 8, peer: EVIL, transport: 'tcp', head, reason: 'bad_http', response }, 1)
}

const COUNTS = {
  kept: { open: 1, closed: 2, failed: 3, refused: 4 },
  evicted: { closed: 0, failed: 0, refused: 0 },
}

/**
 * An admin server that knows connection 7 and refused 8; `filters` collects what it was asked for, `unasked` workers do not
 * answer, and `changes` are made to the list.
 */
async function serve(
  t: TestContext,
  filters: ConnectionFilter[] = [],
  unasked: number[] = [],
  changes: Partial<ConnectionList> = {},
) {
  const recorder = evilRecorder()
  const view: Partial<AdminView> = {
    settings: { adminHost: '127.0.0.1', adminAllowedHost: [] } as Partial<Settings> as Settings,
    adminToken: () => undefined,
    connections: async filter => {
      filters.push(filter)
      return { connections: [recorder.summary()], end: undefined, unasked, ...COUNTS, ...changes }
    },
    connection: async id => {
      const refusal = id === 8 ? refusedHandshake().report() : undefined
      return { report: id === 7 ? recorder.report() : refusal, unasked }
    },
    onError: error => assert.fail(`unexpected: ${error}`),
  }
  const server = createServer(createAdmin(view as AdminView, silentFeed())).listen(0, '127.0.0.1')
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
    '/connections?state=closed&worker=2&clean=false&code=1007&error=ECHOBAHN_INVALID_UTF8&peer=::1&path=/a&agent=Auto' +
      '&key=a%2Bb%3D&since=2030-01-31T12:00:00%2B01:00&min-duration=500ms&max-duration=2m&sort=longest' +
      '&cursor=longest_-5_7_9&limit=1000',
  )
  const { connections } = (await response.json()) as { connections: { id: number }[] }
  assert.deepEqual(
    connections.map(({ id }) => id),
    [7],
  )
  await get('/connections')
  await get('/connections?error=bad_http')
  assert.deepEqual(filters, [
    {
      ...{ state: 'closed', worker: 2, clean: false, code: 1007, error: 'ECHOBAHN_INVALID_UTF8', peer: '::1' },
      ...{ path: '/a', agent: 'Auto', key: 'a+b=', since: Date.UTC(2030, 0, 31, 11), minDuration: 500 },
      ...{ maxDuration: 120_000, sort: 'longest', limit: 1000 },
      after: { sort: 'longest', value: -5, id: 7, asOf: 9 },
    },
    { sort: 'newest', limit: 100 },
    { sort: 'newest', limit: 100, error: 'bad_http' },
  ])
})

test('since may be so long ago, in whole seconds', () => {
  const filter = readFilter({ since: '1500ms' }, 10_400)
  assert.deepEqual(filter, { sort: 'newest', limit: 100, since: 8000 })
})

test('an answer has the cursor of the next page', async t => {
  const last = await serve(t)
  assert.equal(((await (await last('/connections')).json()) as { cursor: null }).cursor, null)

  const filters: ConnectionFilter[] = []
  const end = { sort: 'newest', value: -7, id: 7, asOf: 9 } as const
  const get = await serve(t, filters, [], { end })
  const { cursor, ...answer } = (await (await get('/connections')).json()) as Record<string, unknown>
  assert.deepEqual(Object.keys(answer), ['connections', 'unasked', 'kept', 'evicted'])
  await get(`/connections?cursor=${cursor}`)
  assert.deepEqual(filters[1], { sort: 'newest', limit: 100, after: end })
})

test('a refused handshake has a report of its own', async t => {
  const get = await serve(t)
  const report = (await (await get('/connections/8')).json()) as RefusalReport
  assert.deepEqual([report.state, report.refusal.status, report.handshake.requestCut], ['refused', 400, true])
})

const BAD: [string, RegExp][] = [
  ['state=half', /state: allowed is open, closed or refused/],
  ['worker=0', /worker: allowed is the number of a worker, 1 or more/],
  ['worker=1.5', /worker: allowed is the number/],
  ['code=999', /code: allowed is a close code 1000–4999/],
  ['code=5000', /code: allowed is/],
  ['since=yesterday', /since: allowed is a duration such as 5m, or a time such as 2030-01-31T12:00:00Z/],
  ['since=2030-13-31T12:00:00Z', /since: allowed is/],
  ['since=2030-01-31', /since: allowed is/],
  ['min-duration=5', /min-duration: allowed is a duration such as 500ms or 30s/],
  ['max-duration=x', /max-duration: allowed is a duration/],
  ['sort=widest', /sort: allowed is newest, oldest, longest, shortest/],
  ['cursor=7', /cursor: allowed is the cursor of an answer to the same query/],
  ['cursor=longest_-5_7_9', /cursor: allowed is .* the same query, and this one is of sort=longest/],
  ['clean=yes', /clean: allowed is true or false/],
  ['error=E', /error: allowed is an error code/],
  ['limit=0', /limit: allowed is a whole number 1–1000/],
  ['limit=1001', /limit: allowed is a whole number 1–1000/],
  ['agent=a&agent=b', /agent: allowed is one value/],
  [
    'colour=red',
    /colour: no such parameter; allowed are state, worker, clean, code, error, peer, path, agent, key, since, min-duration, max-duration, sort, cursor, limit/,
  ],
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
  for (const id of ['9', 'x', '07x', '9'.repeat(30)]) assert.equal((await get(`/connections/${id}`)).status, 404)
})

test('workers that do not answer are named', async t => {
  const none = (await (await (await serve(t))('/connections')).json()) as { unasked: number[] }
  assert.deepEqual(none.unasked, [])

  const get = await serve(t, [], [1, 2, 4])
  const list = (await (await get('/connections')).json()) as { unasked: number[] }
  assert.deepEqual(list.unasked, [1, 2, 4])
  assert.equal((await get('/connections/7')).status, 200)
  assert.equal((await get('/connections/x')).status, 404)
  const response = await get('/connections/9')
  assert.equal(response.status, 503)
  const { error } = (await response.json()) as { error: { message: string } }
  assert.equal(error.message, 'workers 1, 2 and 4 do not answer, and may know this connection')
  const alone = (await (await (await serve(t, [], [3]))('/connections/9')).json()) as typeof error & {
    error: typeof error
  }
  assert.equal(alone.error.message, 'worker 3 does not answer, and may know this connection')
})
