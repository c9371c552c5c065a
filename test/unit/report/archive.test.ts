// What a worker keeps of connections, and how pages of them are picked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalResponse } from '../../../src/protocol/handshake-response.js'
import { judgeUpgrade } from '../../../src/protocol/upgrade-request.js'
import { Archive, type ArchiveRules } from '../../../src/report/archive.js'
import type { Entry } from '../../../src/report/entry.js'
import { type Conditions, type ConnectionFilter, matches } from '../../../src/report/filter.js'
import { formatCursor, Order, type Position, parseCursor, type Sort } from '../../../src/report/order.js'
import { pickPage } from '../../../src/report/page.js'
import type { Recorder } from '../../../src/report/recorder.js'
import { RefusedHandshake, type RefusedRequest } from '../../../src/report/refused-handshake.js'
import { plainPage } from '../../../src/worker/opening/plain-page.js'
import { requestHead } from '../../support/raw-client.js'
import { sampleOpened } from '../../support/sample-opened.js'

const OCTETS = { octetsReceived: 100, octetsSent: 90, unsent: 0 }
const NEWEST = { sort: 'newest', limit: 10 } as const
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

function archiveOf(rules: Partial<ArchiveRules> = {}): Archive {
  return new Archive({ reports: 2, reportsFailed: 2, reportsSecrets: 'mask', ...rules }, 2)
}

function end(archive: Archive, id: number, clean: boolean): void {
  const recorder = archive.opened(sampleOpened({ id }), OCTETS)
  if (clean) {
    recorder.closeReceived(1000, '')
    recorder.closeSent(1000, '')
  }
  recorder.closed()
  archive.closed(recorder)
}

function refused(changes: Partial<RefusedRequest> = {}): RefusedRequest {
  const response = refusalResponse(
    { kind: 'refuse', status: 400, sentence: 'No.', headers: {}, reason: 'bad_http' },
    true,
  )
  return { id: 1, peer: '10.0.0.1:2', transport: 'tcp', head: 'GET', reason: 'bad_http', response, ...changes }
}

async function listed(archive: Archive, filter: ConnectionFilter = NEWEST): Promise<[id: number, state: string][]> {
  return (await archive.list(filter, Date.now(), turn)).map(({ id, state }) => [id, state])
}

test('each kind has a ring of its own, and tells how many had to go', async () => {
  const archive = archiveOf()
  archive.opened(sampleOpened({ id: 1 }), OCTETS)
  for (const id of [2, 3, 4, 5, 6]) archive.refused(refused({ id }))
  for (const id of [7, 8, 9, 10]) end(archive, id, true)
  for (const id of [11, 12, 13]) end(archive, id, false)
  assert.deepEqual(await listed(archive), [
    [13, 'closed'],
    [12, 'closed'],
    [10, 'closed'],
    [9, 'closed'],
    [6, 'refused'],
    [5, 'refused'],
    [1, 'open'],
  ])
  assert.deepEqual(archive.counts, {
    kept: { open: 1, closed: 2, failed: 2, refused: 2 },
    evicted: { closed: 2, failed: 1, refused: 3 },
  })
  assert.deepEqual(
    [...archive.allEnded()].map(({ id }) => id),
    [13, 12, 10, 9, 6, 5],
  )
  for (const id of [4, 8, 11]) assert.equal(archive.get(id), undefined)
  for (const id of [1, 5, 9, 12]) assert.equal(archive.get(id)?.id, id)
  assert.equal(archive.get(1)?.clean, null)
})

test('one that had to go gives the memory of its wire log back', () => {
  const archive = archiveOf({ reportsFailed: 1 })
  const [first, second] = [1, 2].map(id => archive.opened(sampleOpened({ id }), OCTETS))
  for (const recorder of [first, second]) {
    recorder.read(Buffer.from([0x89, 0x80, 0, 0, 0, 0]), 6, performance.now())
    recorder.closed()
    archive.closed(recorder)
  }
  assert.deepEqual([first.report().log.length, second.report().log.length], [0, 2])
})

test('a ring of none keeps none', async () => {
  const archive = archiveOf({ reportsFailed: 0 })
  archive.refused(refused())
  end(archive, 2, false)
  assert.deepEqual(await listed(archive), [])
  assert.deepEqual(archive.counts.evicted, { closed: 0, failed: 1, refused: 1 })
})

test('secrets are hidden, or shown where that is wanted', async () => {
  for (const reportsSecrets of ['mask', 'show'] as const) {
    const archive = archiveOf({ reportsSecrets })
    archive.refused(refused({ id: 1, head: 'GET /a;sid=1?token=2 HTTP/1.1\r\nCookie: 3\r\n\r\n' }))
    archive.opened(sampleOpened({ id: 2, path: '/;sid=1', query: 'token=2' }), OCTETS)
    const [entry] = await archive.list(NEWEST, Date.now(), turn)
    const told = JSON.stringify([archive.get(1), archive.get(2), archive.summary(entry)])
    assert.equal(told.includes('sid=1'), reportsSecrets === 'show')
    assert.equal(told.includes('token=2'), reportsSecrets === 'show')
    assert.equal(told.includes('Cookie: 3'), reportsSecrets === 'show')
    assert.deepEqual([...archive.allEnded()], [archive.get(1)])
  }
})

test('a refused handshake tells its request, its answer and why', () => {
  const archive = archiveOf({ reportsSecrets: 'show' })
  const head = 'GET http://a/b?c=d HTTP/1.1\r\nHost: a\r\nuser-agent:  e f \r\nSec-WebSocket-Key: g\r\n\r\n'
  const before = Date.now()
  archive.refused(refused({ id: 7, head }))
  const { openedAt, ...report } = archive.get(7) as NonNullable<ReturnType<Archive['get']>>
  assert.ok(Date.parse(openedAt) >= before - 1 && Date.parse(openedAt) <= Date.now() + 1, openedAt)
  assert.deepEqual(report, {
    ...{ id: 7, worker: 2, state: 'refused', duration: 0, peer: '10.0.0.1:2', transport: 'tcp' },
    ...{ addressSource: 'socket', proxy: null },
    ...{ path: '/b', query: 'c=d', key: 'g', userAgent: 'e f', clean: null, error: 'bad_http', code: null },
    handshake: {
      request: head.trimEnd(),
      requestCut: false,
      response:
        'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nNo.',
    },
    refusal: { status: 400, reason: 'bad_http', sentence: 'No.' },
  })
})

test('of a page that a browser got instead of a sentence, the title is told, and all of it kept', () => {
  const head = requestHead(['Host: a', 'Accept: text/html'])
  const request = { method: 'GET', httpVersion: '1.1', target: '/', rawHeaders: ['Host', 'a', 'Accept', 'text/html'] }
  const refusal = judgeUpgrade(request, { origins: [], subprotocols: [], compression: undefined })
  assert.ok(refusal.kind === 'refuse')
  const response = plainPage(refusal, request)
  assert.ok(response !== undefined)
  const refused = new RefusedHandshake(
    { id: 1, peer: '::1', transport: 'tcp', head, reason: refusal.reason, response },
    1,
  ).report()
  assert.match(refused.refusal.sentence, /^This is a WebSocket echo service, and a browser/)
  assert.equal(refused.handshake.response, response.trimEnd())
})

test('of a refused head there may be nothing, a part, or more than is kept', () => {
  const archive = archiveOf({ reportsFailed: 9 })
  const heads = [
    '',
    '\x16\x03\x01',
    'GET /x',
    'GET /x HTT',
    '\r\nGET /y HTTP/1.1\r\n',
    'GET * HTTP/1.1',
    `GET /${'z'.repeat(5000)}`,
  ]
  for (const [id, head] of heads.entries()) archive.refused(refused({ id, head, response: '' }))
  const reports = heads.map((_, id) => archive.get(id))
  assert.deepEqual(
    reports.map(report => report?.path),
    [null, null, null, null, '/y', null, null],
  )
  for (const report of reports.slice(0, -1)) assert.equal(report?.handshake.requestCut, false)
  assert.equal(reports.at(-1)?.handshake.requestCut, true)
  assert.equal(reports.at(-1)?.handshake.request.length, 4096)
  assert.deepEqual([reports[0]?.key, reports[0]?.userAgent], [null, null])
  assert.equal(reports[0]?.handshake.response, '')
})

const ENTRY: Entry = {
  ...{ id: 5, worker: 2, state: 'closed', openedDate: 1000, duration: 30, peer: '::1:80', path: '/a', key: 'k' },
  ...{ addressSource: 'socket', proxy: null },
  ...{ userAgent: 'Autobahn/1', clean: false, error: 'ECHOBAHN_INTERNAL', code: 1011 },
}

const MATCHING: Conditions[] = [
  {},
  { state: 'closed', worker: 2, clean: false, code: 1011, error: 'ECHOBAHN_INTERNAL', path: '/a', key: 'k' },
  { peer: '::1:80' },
  { peer: '::1' },
  { agent: 'AUTObahn' },
  { since: 1000 },
  { minDuration: 30, maxDuration: 30 },
]
for (const conditions of MATCHING)
  test(`a connection meets ${JSON.stringify(conditions)}`, () => assert.ok(matches(ENTRY, conditions)))

const FAILING: Conditions[] = [
  { state: 'open' },
  { worker: 1 },
  { clean: true },
  { code: 1000 },
  { error: 'bad_http' },
  { path: '/' },
  { key: 'K' },
  { peer: '::1:8' },
  { peer: '::' },
  { agent: 'ws' },
  { since: 1001 },
  { minDuration: 30.001 },
  { maxDuration: 29.999 },
]
for (const conditions of FAILING)
  test(`a connection does not meet ${JSON.stringify(conditions)}`, () => assert.ok(!matches(ENTRY, conditions)))

test('one without a User-Agent or path has none to match', () => {
  const bare = { ...ENTRY, userAgent: null, path: null }
  assert.ok(!matches(bare, { agent: 'a' }) && matches(bare, { agent: '' }) && !matches(bare, { path: '/' }))
})

test('after 500 entries a page waits for its next turn', async () => {
  let looked = 0
  function* many() {
    for (; looked < 501; looked++) yield ENTRY
  }
  let go = () => {}
  const picked = pickPage(many(), { sort: 'newest', limit: 1 }, new Order('newest', undefined, 0), () => {
    assert.equal(looked, 499)
    return new Promise(resolve => {
      go = resolve
    })
  })
  assert.equal(looked, 499)
  go()
  await picked
  assert.equal(looked, 501)
})

/** Opened at 1000, 2000, …, 6000; at 7000 they have lasted as long as stated, the first two still do. */
const DURATIONS = [6000, 5000, 100, 3000, 100, 1000]
const ENTRIES = DURATIONS.map((duration, i) => ({ ...ENTRY, id: i + 1, openedDate: (i + 1) * 1000, duration }))

async function pages(sort: Sort, limit: number, later: typeof ENTRIES = ENTRIES): Promise<number[][]> {
  const all: number[][] = []
  let after: Position | undefined
  for (let entries = ENTRIES; ; entries = later) {
    const order = new Order(sort, after, after === undefined ? 7000 : 99_000)
    const picked = await pickPage(entries, { sort, limit, after }, order, turn)
    all.push(picked.slice(0, limit).map(({ id }) => id))
    if (picked.length <= limit) return all
    after = parseCursor(formatCursor(order.positionOf(picked[limit - 1])))
    assert.ok(after)
  }
}

const ORDERS: [Sort, number[]][] = [
  ['newest', [6, 5, 4, 3, 2, 1]],
  ['oldest', [1, 2, 3, 4, 5, 6]],
  ['longest', [1, 2, 4, 6, 5, 3]],
  ['shortest', [5, 3, 6, 4, 2, 1]],
]
for (const [sort, order] of ORDERS)
  for (const limit of [1, 2, 3, 6, 7])
    test(`${sort} first, in pages of ${limit}`, async () => {
      const expected = []
      for (let start = 0; start < order.length; start += limit) expected.push(order.slice(start, start + limit))
      assert.deepEqual(await pages(sort, limit), expected)
    })

test('pages by duration do not shift while connections go on and come', async () => {
  const later = ENTRIES.map(entry => (entry.id <= 2 ? { ...entry, duration: entry.duration + 9000 } : entry))
  later.push({ ...ENTRY, id: 7, openedDate: 7001, duration: 50 })
  assert.deepEqual(await pages('longest', 2, later), [
    [1, 2],
    [4, 6],
    [5, 3],
  ])
  assert.deepEqual(await pages('shortest', 2, later), [
    [5, 3],
    [6, 4],
    [2, 1],
  ])
})

test('cursors are read as they were written, and nothing else is one', () => {
  const position = { sort: 'longest', value: -12.345, id: 7, asOf: 1_700_000_000_000 } as const
  assert.deepEqual(parseCursor(formatCursor(position)), position)
  for (const text of [
    '',
    '7',
    'newest',
    'newest_-7_7',
    'widest_-7_7_0',
    'newest_x_7_0',
    'newest_-7_7_0 ',
    'newest_-7_-7_0',
  ])
    assert.equal(parseCursor(text), undefined, text)
})

test('many are looked at in more turns than one, and what closes meanwhile is listed once', async () => {
  const archive = archiveOf({ reports: 9, reportsFailed: 9 })
  const recorders: Recorder[] = []
  for (let id = 1; id <= 2000; id++) recorders.push(archive.opened(sampleOpened({ id }), OCTETS))
  let turns = 0
  const picked = await archive.list({ sort: 'oldest', limit: 3 }, Date.now(), async () => {
    turns++
    if (turns > 1) return
    recorders[0].closed()
    archive.closed(recorders[0])
  })
  assert.equal(turns, 4)
  assert.deepEqual(
    picked.map(({ id }) => id),
    [1, 2, 3, 4],
  )
})

test('what is not there is null: the query of a head without a target, the proxy of who came without one', () => {
  const { query, path } = new RefusedHandshake(refused({ head: '' }), 1).report()
  assert.deepEqual([query, path], [null, null])
  const proxied = { peer: '10.0.0.9:1', proxy: '10.0.0.1:2', source: 'forwarded' } as const
  const proxies = [{}, { proxied }].map(each => archiveOf().opened(sampleOpened(each), OCTETS).proxy)
  assert.deepEqual(proxies, [null, '10.0.0.1:2'])
})
