// Test controls in the real service: handshakes, real clients, the default of an admin over all workers, and actions.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ConnectionReport } from '../../src/report/report.js'
import { certificate, TlsFiles } from '../support/certificate.js'
import { closePayload, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { Service, startService } from '../support/service.js'
import { stopUntilOurEnd } from '../support/watchdog.js'
import { UndiciClient, WsClient } from '../support/ws-client.js'

const CLOSE = 8

/** The service as it comes, which no test changes; one with options that only some tests look at; one with TLS. */
let service: Service
let odd: Service
let secure: Service
/** Two workers, with the default controls that a test puts; it takes them back. */
let pair: Service

const tlsHooks: (() => void)[] = []

before(async () => {
  const { flags } = new TlsFiles({ after: hook => tlsHooks.push(hook) })
  const strange = ['--context-takeover', 'on', '--controls-hold-timeout', '100ms', '--plain-http', 'describe']
  // A client that takes "no-upgrade" for an answer yet to come fails at the first ping.
  strange.push('--ping-interval', '500ms')
  service = await new Service(['--workers', '1']).listening()
  odd = await new Service(['--workers', '1', ...strange]).listening()
  secure = await new Service(['--workers', '1', ...flags]).listening()
  pair = await new Service(['--workers', '2']).listening()
})

after(async () => {
  for (const each of [service, odd, secure, pair]) await each.stop()
  for (const hook of tlsHooks) hook()
})

/** The head of the answer to a handshake with this query; the connection ends with the test. */
async function answerTo(
  t: TestContext,
  service: Service,
  query: string,
  ...extra: string[]
): Promise<{ head: string; client: RawClient }> {
  const client = await RawClient.connect(service.port)
  t.after(() => client.destroy())
  client.write(requestHead([...UPGRADE_HEADERS, ...extra], `GET /x?${query} HTTP/1.1`))
  return { head: await client.readHead(), client }
}

async function statusOf(service: Service, query: string): Promise<number> {
  const client = await RawClient.connect(service.port)
  client.write(requestHead(UPGRADE_HEADERS, `GET /x?${query} HTTP/1.1`))
  const head = await client.readHead()
  client.destroy()
  return Number(head.split(' ')[1])
}

async function admin(service: Service, method: string, path: string, body?: unknown): Promise<[number, unknown]> {
  const response = await fetch(`${service.adminUrl}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return [response.status, await response.json()]
}

/** Number of the newest connection. */
async function newestOf(service: Service): Promise<number> {
  const [, { connections }] = (await admin(service, 'GET', '/connections')) as [
    number,
    { connections: { id: number }[] },
  ]
  return connections[0].id
}

async function reportOf(service: Service, id: number): Promise<ConnectionReport> {
  return (await (await fetch(`${service.adminUrl}/connections/${id}`)).json()) as ConnectionReport
}

describe('a handshake with controls', () => {
  it('tells what was understood, refuses what is not, and leaves other parameters alone', async t => {
    const before = await service.metrics()
    const { head, client } = await answerTo(t, service, 'token=eb&eb-delay=10ms&delay=x&eb-close=4001&eb-after=1')
    assert.match(head, /^HTTP\/1.1 101 [\s\S]*\r\nEchobahn-Controls: delay=10ms; close=4001; after=1$/)
    client.send({ opcode: 1, payload: 'hi' })
    assert.equal(String((await client.readFrame()).payload), 'hi')
    assert.deepEqual((await client.readFrame()).payload, closePayload(4001))
    client.destroy()
    const refused = await answerTo(t, service, 'eb-dely=1s')
    assert.match(refused.head, /^HTTP\/1.1 400 /)
    assert.match(String(await refused.client.readToEnd()), /^There is no control "eb-dely". The nearest is eb-delay\./)
    assert.match((await answerTo(t, service, 'delay=1s')).head, /^HTTP\/1.1 101 (?![\s\S]*Echobahn)/)
    assert.equal(await statusOf(service, 'eb-header=A:b'), 400)
    assert.equal(await statusOf(service, 'eb-send=bomb'), 400)
    assert.equal(await statusOf(service, 'eb-compress=always'), 400)
    assert.equal(await statusOf(service, 'eb-status=418'), 418)
    const after = await service.metrics()
    const grown = (series: string) => (after.get(`echobahn_${series}`) ?? 0) - (before.get(`echobahn_${series}`) ?? 0)
    assert.equal(grown('handshakes_total{result="bad_control"}'), 4)
    assert.equal(grown('handshakes_total{result="control"}'), 1)
    assert.equal(grown('handshakes_total{result="accepted"}'), 2)
    assert.equal(grown('controls_total{control="delay"}'), 1)
    assert.equal(grown('controls_total{control="close"}'), 1)
    assert.equal(grown('controls_total{control="status"}'), 1)
  })

  it('has other prefixes, all of them, or none', async t => {
    const off = await startService(t, '--workers', '1', '--controls', 'off')
    assert.equal(await statusOf(off, 'eb-nonsense=1'), 101)
    assert.equal((await admin(off, 'PUT', '/controls', { controls: 'delay=1s' }))[0], 409)
    const all = await startService(t, '--workers', '1', '--controls', 'all', '--controls-prefix', '')
    const { head } = await answerTo(t, all, 'header=X-A:b&cookie=c=d&header=X-E:f')
    assert.match(head, /\r\nX-A: b\r\nX-E: f\r\nSet-Cookie: c=d$/)
    assert.equal(await statusOf(all, 'token=1'), 400)
  })

  it('agrees on what the controls leave', async t => {
    const offers = ['Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Protocol: chat, v2']
    const { head } = await answerTo(t, odd, 'eb-compression=off&eb-subprotocol=v2', ...offers)
    assert.match(head, /\r\nSec-WebSocket-Protocol: v2\r\n/)
    assert.doesNotMatch(head, /Extensions/)
    const without = await answerTo(t, odd, 'eb-subprotocol=v3', ...offers)
    assert.doesNotMatch(without.head, /Sec-WebSocket-Protocol/)
    assert.match(without.head, /server_no_context_takeover; client_no_context_takeover/)
  })

  it('comes late or octet by octet, and what the client sent meanwhile is not lost', async () => {
    for (const query of [
      'eb-handshake-delay=50ms',
      'eb-trickle=1ms',
      'eb-delay=1ms&eb-handshake-delay=1ms&eb-trickle=1ms',
    ]) {
      const client = await RawClient.connect(service.port)
      client.write(requestHead(UPGRADE_HEADERS, `GET /?${query} HTTP/1.1`))
      client.send({ opcode: 1, payload: 'early' })
      assert.match(await client.readHead(), /^HTTP\/1.1 101 /)
      client.send({ opcode: 1, payload: 'later' })
      assert.equal(String((await client.readFrame()).payload), 'early')
      assert.equal(String((await client.readFrame()).payload), 'later')
      client.destroy()
    }
  })

  it('that hangs is dropped at controls-hold-timeout, and at once when its client leaves', async () => {
    const client = await RawClient.connect(odd.port)
    client.write(requestHead(UPGRADE_HEADERS, 'GET /?eb-handshake=hang HTTP/1.1'))
    assert.equal((await client.readToEnd()).length, 0)
    const held = (metrics: Map<string, number>) => metrics.get('echobahn_controls_total{control="handshake"}') ?? 0
    const before = held(await service.metrics())
    const leaver = await RawClient.connect(service.port)
    leaver.write(requestHead(UPGRADE_HEADERS, 'GET /?eb-handshake=hang HTTP/1.1'))
    await service.until(
      () => service.metrics(),
      metrics => held(metrics) === before + 1,
    )
    leaver.destroy()
    await service.until(
      () => service.workers(),
      workers => workers.every(({ connections }) => connections === 0),
    )
  })

  it('that is wrong is refused by ws and undici', async t => {
    const faults = [
      'close',
      'reset',
      'garbage',
      'bad-accept',
      'no-accept',
      'no-upgrade',
      'unasked-extension',
      'wrong-subprotocol',
      'bad-window-bits',
    ]
    for (const fault of faults) {
      await assert.rejects(WsClient.open(t, `${odd.url}/?eb-handshake=${fault}`), fault)
      if (fault !== 'bad-window-bits')
        await assert.rejects(UndiciClient.open(t, `${odd.url}/?eb-handshake=${fault}`), fault)
    }
  })
})

describe('a client of a real library', () => {
  it('meets delays, endings and violations as its authors promise', async t => {
    for (const open of [WsClient.open, UndiciClient.open]) {
      const delayed = await open(t, `${service.url}/?eb-delay=20ms&eb-jitter=20ms&eb-fragment=3&eb-chop=5`)
      for (let i = 0; i < 20; i++) delayed.send(`message ${i}`)
      for (let i = 0; i < 20; i++) assert.equal(await delayed.receive(), `message ${i}`)
      delayed.close(1000)
      assert.equal((await delayed.closed).code, 1000)
      const closed = await open(t, `${service.url}/?eb-close=4001&eb-reason=bye`)
      assert.deepEqual(await closed.closed, { code: 4001, reason: 'bye' })
      for (const query of [
        'eb-end=fin',
        'eb-end=reset',
        'eb-send=truncated-frame',
        'eb-send=masked',
        'eb-send=rsv2',
        'eb-send=opcode3',
      ]) {
        const ended = await open(t, `${service.url}/?${query}&eb-after=1`)
        ended.send('x')
        assert.equal((await ended.closed).code, 1006, query)
      }
    }
  })

  it('gets RST for end=reset, over TLS too, and FIN for end=fin', async t => {
    const open = async ({ port, secure }: Service, query: string): Promise<Socket> => {
      const socket = secure
        ? connectTls({ port, host: '127.0.0.1', ca: certificate('first') })
        : connect(port, '127.0.0.1')
      socket.write(requestHead(UPGRADE_HEADERS, `GET /?${query} HTTP/1.1`))
      t.after(() => void socket.destroy())
      return socket.resume()
    }
    for (const each of [service, secure]) {
      const [error] = await once(await open(each, 'eb-end=reset&eb-after=20ms'), 'error')
      assert.equal(error.code, 'ECONNRESET')
      await once(await open(each, 'eb-end=fin&eb-after=20ms'), 'end')
    }
  })

  it('is judged in the report', async t => {
    const client = await WsClient.open(t, `${service.url}/?eb-send=masked`)
    await client.closed
    const id = await newestOf(service)
    const report = await service.until(
      () => reportOf(service, id),
      ({ state }) => state === 'closed',
    )
    assert.equal(report.controls?.controls, 'send=masked')
    assert.equal(report.controls.judgement?.client, 'failed with 1002')
    assert.equal(report.controls.judgement.right, true)
    assert.match(report.handshake.response, /Echobahn-Controls: send=masked/)
  })
})

describe('descriptions', () => {
  it('say who answered, over TLS as well, and mask secrets', async t => {
    const client = await WsClient.open(t, `${service.url}/room?eb-describe&token=s3cret`, {
      headers: { authorization: 's3cret' },
    })
    const told = JSON.parse(String(await client.receive()))
    const id = await newestOf(service)
    assert.deepEqual([told.id, told.worker, told.path, told.controls], [id, 1, '/room', 'describe'])
    assert.deepEqual(told.fields.authorization, ['***'])
    assert.doesNotMatch(JSON.stringify(told), /s3cret/)
    const overTls = await WsClient.open(t, `${secure.url}/?eb-reply=describe`, { ca: certificate('first') })
    overTls.send('who?')
    assert.equal(JSON.parse(String(await overTls.receive())).tlsVersion, 'TLSv1.3')
  })

  it('answer a plain GET where that is on', async () => {
    const response = await fetch(`http://127.0.0.1:${odd.port}/a?b=c`, {
      headers: { cookie: 's3cret=1', 'x-a': 'ü' },
    })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'application/json')
    const told = (await response.json()) as Record<string, unknown>
    assert.deepEqual([told.path, told.query, told.worker, told.method], ['/a', 'b=c', 1, 'GET'])
    const head = await fetch(`http://127.0.0.1:${odd.port}/`, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal((await fetch(`http://127.0.0.1:${odd.port}/`, { method: 'POST' })).status, 426)
    const metrics = await odd.metrics()
    assert.equal(metrics.get('echobahn_handshakes_total{result="plain_http"}'), 2)
    assert.equal((await fetch(`http://127.0.0.1:${service.port}/`)).status, 426)
  })
})

describe('the default controls', () => {
  it('of the option are for connections that ask for nothing', async t => {
    const service = await startService(t, '--workers', '1', '--default-controls', 'status=503')
    assert.equal(await statusOf(service, 'a=b'), 503)
    assert.equal(await statusOf(service, 'eb-delay=1ms'), 101)
    assert.deepEqual(await admin(service, 'GET', '/controls'), [
      200,
      { controls: 'status=503', from: 'option', left: null, share: null, seed: null },
    ])
  })

  it('are changed for exactly the next few handshakes, over all workers, and taken back', async () => {
    const statuses = async (count: number): Promise<number[]> =>
      (await Promise.all(Array.from({ length: count }, () => statusOf(pair, '')))).sort()
    const [status, put] = await admin(pair, 'PUT', '/controls', { controls: 'status=503', count: 3 })
    assert.deepEqual(
      [status, put],
      [200, { inForce: { controls: 'status=503', from: 'admin', left: 3, share: null, seed: null }, unasked: [] }],
    )
    assert.deepEqual(await statuses(12), [...Array(9).fill(101), 503, 503, 503])
    assert.deepEqual(await statuses(4), [101, 101, 101, 101])
    const [, after] = await admin(pair, 'GET', '/controls')
    assert.equal((after as { controls: unknown }).controls, null)
    await admin(pair, 'PUT', '/controls', { controls: 'status=504' })
    assert.deepEqual(await statuses(4), [504, 504, 504, 504])
    assert.deepEqual((await admin(pair, 'DELETE', '/controls'))[0], 200)
    assert.deepEqual(await statuses(4), [101, 101, 101, 101])
  })

  it('are for a share of handshakes, the same for the same seed', async () => {
    const fates = async (): Promise<number[]> => {
      await admin(pair, 'PUT', '/controls', { controls: 'status=503', share: '50%', seed: 4 })
      const found: number[] = []
      for (let i = 0; i < 16; i++) found.push(await statusOf(pair, ''))
      return found
    }
    const first = await fates()
    assert.ok(first.includes(101) && first.includes(503))
    assert.deepEqual(await fates(), first)
    await admin(pair, 'DELETE', '/controls')
  })

  it('that an admin put are those of a worker that comes later too', async t => {
    const service = await startService(t, '--workers', '1')
    await admin(service, 'PUT', '/controls', { controls: 'status=503' })
    const [{ pid }] = await service.workers()
    process.kill(pid, 'SIGKILL')
    await service.until(
      () => service.workers(),
      workers => workers.some(worker => worker.pid !== pid && worker.state === 'ready'),
    )
    assert.equal(await statusOf(service, ''), 503)
  })

  it('name the workers that have not heard of them', async t => {
    const service = await startService(t, '--workers', '2')
    const [, { pid }] = await service.workers()
    stopUntilOurEnd(pid)
    t.after(() => void process.kill(pid, 'SIGKILL'))
    const [status, change] = await admin(service, 'PUT', '/controls', { controls: 'status=503' })
    assert.equal(status, 200)
    assert.deepEqual((change as { unasked: number[] }).unasked, [2])
  })

  it('are judged before they are put', async () => {
    for (const [body, why] of [
      [{ controls: 'dely=1s' }, /nearest is delay/],
      [{ controls: '' }, /there is none in it/],
      [{ controls: 'delay=1s', count: 0 }, /^count: allowed is a whole number from 1/],
      [{ controls: 'delay=1s', share: '110%' }, /^share: allowed is percentages/],
      [{ controls: 'delay=1s', seed: -1 }, /^seed: allowed is/],
      [{ controls: 'delay=1s', often: 1 }, /^often: no such field/],
      [{}, /^controls: allowed is a text/],
    ] as const) {
      const [status, answer] = await admin(service, 'PUT', '/controls', body)
      assert.equal(status, 400)
      assert.match((answer as { error: { message: string } }).error.message, why)
    }
    const foreign = await fetch(`${service.adminUrl}/controls`, {
      method: 'DELETE',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(foreign.status, 403)
    assert.equal((await fetch(`${service.adminUrl}/controls/catalogue`)).status, 200)
    assert.equal((await admin(service, 'POST', '/controls'))[0], 405)
  })
})

describe('an admin', () => {
  it('sends, pings, closes and aborts one connection, with or without controls', async t => {
    const before = await pair.metrics()
    for (const query of ['', '?eb-delay=1ms']) {
      const client = await WsClient.open(t, `${pair.url}/${query}`)
      const pinged = once(client.socket, 'ping')
      const id = await newestOf(pair)
      const act = (action: string, body?: unknown) => admin(pair, 'POST', `/connections/${id}/${action}`, body)
      assert.deepEqual(await act('send', { text: 'hällo' }), [200, { done: [id], busy: [], unasked: [] }])
      assert.equal(await client.receive(), 'hällo')
      await act('send', { base64: 'AQI=' })
      assert.deepEqual(await client.receive(), Buffer.from([1, 2]))
      assert.equal((await act('ping'))[0], 200)
      await pinged
      assert.equal((await act('close', { code: 4002, reason: 'go' }))[0], 200)
      assert.deepEqual(await client.closed, { code: 4002, reason: 'go' })
      await pair.until(
        () => reportOf(pair, id),
        ({ state }) => state === 'closed',
      )
      assert.equal((await act('close'))[0], 404)
      const other = await WsClient.open(t, `${pair.url}/${query}`)
      const second = await newestOf(pair)
      assert.equal((await admin(pair, 'POST', `/connections/${second}/abort`))[0], 200)
      assert.equal((await other.closed).code, 1006)
    }
    const after = await pair.metrics()
    const grown = (series: string) => (after.get(`echobahn_${series}`) ?? 0) - (before.get(`echobahn_${series}`) ?? 0)
    assert.equal(grown('messages_total{direction="sent",opcode="text"}'), 2)
    assert.equal(grown('messages_total{direction="sent",opcode="binary"}'), 2)
    assert.equal(grown('frames_total{direction="sent",opcode="ping"}'), 2)
  })

  it('acts on all connections that match a filter, and on no others', async t => {
    const open = (agent: string) => WsClient.open(t, `${pair.url}/`, { headers: { 'user-agent': agent } })
    const chosen = await Promise.all([1, 2, 3].map(() => open('chosen')))
    const other = await open('other')
    const [status, result] = await admin(pair, 'POST', '/connections/close?agent=chosen', { code: 4003 })
    assert.equal(status, 200)
    assert.equal((result as { done: number[] }).done.length, 3)
    for (const client of chosen) assert.equal((await client.closed).code, 4003)
    other.send('still here')
    assert.equal(await other.receive(), 'still here')
  })

  it('is told what is wrong, and may not come from another site', async () => {
    const client = await RawClient.open(service.port)
    client.send({ opcode: 1, fin: false, payload: 'begun' })
    await client.readFrame()
    const id = await newestOf(service)
    const bad: readonly (readonly [path: string, body: unknown, status: number])[] = [
      [`/connections/${id}/close`, { code: 1006 }, 400],
      [`/connections/${id}/close`, { code: 1000, reason: 'x'.repeat(124) }, 400],
      [`/connections/${id}/send`, {}, 400],
      [`/connections/${id}/send`, { text: 'a', base64: '' }, 400],
      [`/connections/${id}/send`, { base64: '?' }, 400],
      [`/connections/${id}/send`, { text: 'a' }, 409],
      [`/connections/${id}/ping`, { a: 1 }, 400],
      ['/connections/x/ping', undefined, 400],
      ['/connections/999999/ping', undefined, 404],
      ['/connections/close?state=no', undefined, 400],
    ]
    for (const [path, body, status] of bad) assert.equal((await admin(service, 'POST', path, body))[0], status, path)
    const response = await fetch(`${service.adminUrl}/connections/${id}/abort`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(response.status, 403)
    client.send({ opcode: 0, payload: '' }, { opcode: CLOSE })
    assert.equal((await client.readFrame()).opcode, 0)
    client.destroy()
  })
})

describe('drain-delay', () => {
  it('serves and accepts after SIGTERM until it is over, though not ready; a second signal ends at once', async t => {
    const service = await startService(t, '--workers', '1', '--drain-delay', '10m')
    const before = await WsClient.open(t, service.url)
    service.signal('SIGTERM')
    await service.logged(({ msg }) => msg.includes('no longer ready'))
    const ready = await fetch(`${service.adminUrl}/readyz`)
    assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining' }])
    const after = await WsClient.open(t, service.url)
    for (const client of [before, after]) {
      client.send('served')
      assert.equal(await client.receive(), 'served')
    }
    assert.equal((await admin(service, 'POST', '/reload'))[0], 409)
    service.signal('SIGTERM')
    assert.deepEqual(await service.exited, { code: 143, signal: null })
  })

  it('is followed by the drain', async t => {
    const service = await startService(t, '--workers', '1', '--drain-delay', '1ms')
    const client = await WsClient.open(t, service.url)
    service.signal('SIGTERM')
    assert.equal((await client.closed).code, 1001)
    assert.deepEqual(await service.exited, { code: 0, signal: null })
  })
})
