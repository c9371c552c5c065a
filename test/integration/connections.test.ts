// Connection reports of the real service, held against what a raw client sent and received itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionReport, ConnectionSummary, RefusalReport, ReportCounts } from '../../src/report/report.js'
import { closePayload, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { sabotage } from '../support/sabotage.js'
import { Service, startService } from '../support/service.js'

async function list(service: Service, query = ''): Promise<ConnectionSummary[]> {
  const response = await fetch(`${service.adminUrl}/connections${query}`)
  assert.equal(response.status, 200)
  return ((await response.json()) as { connections: ConnectionSummary[] }).connections
}

async function tell(service: Service, id: number): Promise<ConnectionReport> {
  const response = await fetch(`${service.adminUrl}/connections/${id}`)
  assert.equal(response.status, 200)
  return (await response.json()) as ConnectionReport
}

/** The newest closed connections, once there are `count` of them. */
function closed(service: Service, count: number): Promise<ConnectionSummary[]> {
  return service.until(
    () => list(service, '?state=closed'),
    connections => connections.length === count,
  )
}

test('a report tells to the octet what the client sent and received', async t => {
  const service = await startService(t, '--workers', '2')
  const client = await RawClient.connect(service.port)
  const head = requestHead([...UPGRADE_HEADERS, 'User-Agent: raw', 'Sec-WebSocket-Protocol: chat'])
  client.write(head)
  const response = await client.readHead()
  client.send({ opcode: 1, payload: 'Grüße' }, { opcode: 9, payload: 'p' }, { opcode: 2, fin: false, payload: 'ab' })
  client.send({ opcode: 0, payload: 'c' }, { opcode: 8, payload: closePayload(3456, 'done') })
  await client.readToEnd()
  client.destroy()

  const [{ id }] = await closed(service, 1)
  const { received, sent, ...report } = await tell(service, id)
  assert.equal(received.octets, client.sent)
  assert.equal(sent.octets, client.received)
  assert.deepEqual(received.frames, { continuation: 1, text: 1, binary: 1, close: 1, ping: 1, pong: 0 })
  assert.deepEqual(sent.frames, { continuation: 1, text: 1, binary: 1, close: 1, ping: 0, pong: 1 })
  assert.deepEqual(received.messages, { text: 1, binary: 1 })
  assert.deepEqual(sent.messageOctets, { text: 7, binary: 3 })
  const chopped = received.chops.reduce((sum, { size, count }) => sum + size * count, 0)
  assert.equal(chopped, client.sent - head.length)
  assert.equal(report.handshake.request, head.trimEnd())
  assert.equal(report.handshake.response, response)
  assert.equal(report.handshake.subprotocol, 'chat')
  assert.equal(report.userAgent, 'raw')
  assert.deepEqual(report.closing, {
    initiator: 'client',
    received: { code: 3456, reason: 'done' },
    sent: { code: 3456, reason: 'done' },
    droppedBy: 'server',
    uncleanReason: null,
    errorMeaning: null,
  })
  assert.equal(report.clean, true)
  assert.ok(report.log.some(event => event.event === 'frame received' && event.opcode === 9 && event.length === 1))
})

test('open and failed connections are there, and can be told apart', async t => {
  const service = await startService(t, '--workers', '2')
  const open = await RawClient.open(service.port)
  const failed = await RawClient.open(service.port)
  failed.send({ opcode: 3 })
  await failed.readToEnd()
  failed.destroy()
  await closed(service, 1)
  const [bad] = await list(service, '?clean=false')
  assert.equal(bad.error, 'ECHOBAHN_RESERVED_OPCODE')
  assert.deepEqual(await list(service, '?error=ECHOBAHN_RESERVED_OPCODE'), [bad])
  const [living] = await list(service, '?state=open')
  assert.equal(living.clean, null)
  assert.equal((await tell(service, living.id)).closing.uncleanReason, null)
  open.destroy()
  await closed(service, 2)
  assert.equal((await tell(service, living.id)).closing.uncleanReason, 'the client ended TCP without a Close')
})

test('refused handshakes have reports, with secrets masked, and their number is bounded', async t => {
  const service = await startService(t, '--workers', '1', '--reports-failed', '3', '--handshake-timeout', '2s')
  const refuse = async (head: string, end = false): Promise<string> => {
    const client = await RawClient.connect(service.port)
    client.write(Buffer.from(head, 'latin1'))
    if (end) client.socket.end()
    const answer = (await client.readToEnd()).toString('latin1')
    client.destroy()
    return answer
  }
  const refusals = (query = '') => list(service, `?state=refused${query}`)
  const answer = await refuse('GET /a?token=b HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\nUser-Agent: curl\r\n\r\n')
  const [{ id }] = await refusals()
  const report = (await tell(service, id)) as ConnectionReport | RefusalReport
  assert.ok(report.state === 'refused')
  assert.equal(report.refusal.reason, 'not_upgrade')
  assert.equal(report.handshake.response, answer.trimEnd())
  assert.equal(report.handshake.request, 'GET /a?token=*** HTTP/1.1\r\nHost: a\r\nCookie: ***\r\nUser-Agent: curl')
  assert.deepEqual(
    (await refusals('&agent=CURL&path=/a&error=not_upgrade')).map(refused => refused.id),
    [id],
  )

  // However it came, and whatever was wrong with it.
  await refuse('PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n')
  await refuse('GET / HT', true)
  await refuse(`GET / HTTP/1.1\r\nX: ${'y'.repeat(17_000)}`)
  const requests = []
  for (const refused of await refusals()) {
    const { handshake, ...rest } = await tell(service, refused.id)
    requests.push([rest.error, handshake.request.slice(0, 40), handshake.request.length, handshake.requestCut])
  }
  assert.deepEqual(requests, [
    ['bad_http', `GET / HTTP/1.1\r\nX: ${'y'.repeat(21)}`, 4096, true],
    ['bad_http', 'GET / HT', 8, false],
    ['bad_http', 'PROXY', 5, false],
  ])
  await refuse('GET /slow')
  const [slow] = await refusals()
  assert.equal(slow.error, 'timeout')
  assert.equal((await tell(service, slow.id)).handshake.request, 'GET /slow')
  const { kept, evicted } = (await (await fetch(`${service.adminUrl}/connections?limit=1`)).json()) as ReportCounts
  assert.deepEqual([kept.refused, evicted.refused], [3, 2])

  // They outlive their worker, and are counted on.
  const [{ pid }] = await service.workers()
  service.signal('SIGHUP')
  await service.until(
    () => service.workers(),
    workers => workers.every(worker => worker.pid !== pid),
  )
  const after = (await (await fetch(`${service.adminUrl}/connections`)).json()) as ReportCounts
  assert.deepEqual([after.kept.refused, after.evicted.refused], [3, 2])
})

test('good connections do not push out those that failed, and all are listed page by page', async t => {
  const service = await startService(t, '--workers', '2', '--reports', '2', '--reports-secrets', 'show')
  const failed = await RawClient.open(service.port)
  failed.send({ opcode: 3 })
  await failed.readToEnd()
  failed.destroy()
  for (let i = 0; i < 8; i++) {
    const client = await RawClient.connect(service.port)
    client.write(requestHead([...UPGRADE_HEADERS, 'Cookie: a=b']))
    await client.readHead()
    client.send({ opcode: 8 })
    await client.readToEnd()
    client.destroy()
  }
  const page = async (query: string) =>
    (await (await fetch(`${service.adminUrl}/connections?${query}`)).json()) as ReportCounts & {
      connections: ConnectionSummary[]
      cursor: string | null
    }
  const all = await service.until(
    () => page('limit=1000'),
    ({ kept, evicted }) => kept.closed + evicted.closed === 8,
  )
  assert.deepEqual(all.kept, { open: 0, closed: 4, failed: 1, refused: 0 })
  assert.equal((await page('code=1002')).connections[0].error, 'ECHOBAHN_RESERVED_OPCODE')
  const paged: ConnectionSummary[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { connections, cursor: next }: Awaited<ReturnType<typeof page>> = await page(
      `limit=2${cursor && `&cursor=${cursor}`}`,
    )
    paged.push(...connections)
    cursor = next
  }
  assert.deepEqual(paged, all.connections)
  assert.match((await tell(service, all.connections[0].id)).handshake.request, /\r\nCookie: a=b/)
})

test('reports of a worker that a reload replaced are still there', async t => {
  const service = await startService(t, '--workers', '1', '--drain-timeout', '1s')
  const client = await RawClient.open(service.port)
  client.send({ opcode: 8 })
  await client.readToEnd()
  client.destroy()
  const [{ id }] = await closed(service, 1)
  const [{ pid }] = await service.workers()
  service.signal('SIGHUP')
  await service.until(
    () => service.workers(),
    workers => workers.every(worker => worker.pid !== pid),
  )
  assert.equal((await tell(service, id)).clean, true)
  assert.equal((await list(service))[0].id, id)
})

/** The first worker hangs when it has told a part of its reports, as long as it has its parent. */
const HANGS_AMONG_ITS_REPORTS = `
  const { send } = process
  if (cluster.worker?.id === 1) process.send = function (message, ...more) {
    const parent = process.ppid
    if (message.type === 'departing-reports' && message.reports.length < 100) while (process.ppid === parent);
    return send.call(this, message, ...more)
  }
`

test('the newest reports of a worker that is killed among them are still there', async t => {
  const service = new Service(
    ['--workers', '1', '--drain-timeout', '0', '--reports', '200'],
    sabotage(HANGS_AMONG_ITS_REPORTS),
  )
  t.after(() => service.stop())
  await service.listening()
  for (let i = 0; i < 105; i++) {
    const client = await RawClient.open(service.port)
    client.send({ opcode: 8 })
    await client.readToEnd()
    client.destroy()
  }
  const before = await service.until(
    () => list(service, '?state=closed&limit=200'),
    connections => connections.length === 105,
  )
  const [{ pid }] = await service.workers()
  service.signal('SIGHUP')
  await service.until(
    () => service.workers(),
    workers => workers.every(worker => worker.pid !== pid),
  )
  const ids = (connections: readonly ConnectionSummary[]) => connections.map(({ id }) => id)
  assert.deepEqual(ids(await list(service, '?limit=200')), ids(before).slice(0, 100))
})

test('with --reports 0 there are none, and no more are kept than wanted', async t => {
  for (const [reports, kept] of [
    ['0', 0],
    ['2', 2],
  ] as const) {
    const service = await startService(t, '--workers', '1', '--reports', reports)
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.open(service.port)
      client.send({ opcode: 8 })
      await client.readToEnd()
      client.destroy()
    }
    await service.until(
      () => service.workers(),
      ([worker]) => worker.connections === 0,
    )
    assert.equal((await list(service)).length, kept)
  }
})
