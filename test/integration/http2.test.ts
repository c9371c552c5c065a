// WebSocket over HTTP/2 (RFC 8441) with a client of node:http2: handshakes and their refusals, ends, limits, the books, and
// what reports and metrics say. Frames are what they are over HTTP/1.1: see over-each-transport.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ConnectionReport, RefusalReport } from '../../src/report/report.js'
import { TlsFiles } from '../support/certificate.js'
import {
  CONNECT,
  closeOf,
  openSession,
  refusedResponse,
  request,
  responseTo,
  StreamClient,
} from '../support/http2-client.js'
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  framesIn,
  HEADERS,
  headerBlock,
  PREFACE,
  SETTINGS,
} from '../support/http2-frames.js'
import { clientFrame, closePayload, RawClient } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'
import { connectionReports } from '../support/transport-under-test.js'

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

test('a handshake over HTTP/2', async t => {
  const service = await startService(t, '--workers', '1')

  await t.test('the settings say that there are WebSockets, and how many streams', async t => {
    const { remoteSettings } = await openSession(t, service.port)
    assert.equal(remoteSettings.enableConnectProtocol, true)
    assert.equal(remoteSettings.maxConcurrentStreams, 256)
  })

  const accepted: Record<string, readonly [OutgoingHttpHeaders, Record<string, string | undefined>]> = {
    'without a key nothing proves anything': [{}, { 'sec-websocket-accept': undefined }],
    'a key is answered': [{ 'sec-websocket-key': KEY }, { 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' }],
    'the first subprotocol': [{ 'sec-websocket-protocol': 'chat, superchat' }, { 'sec-websocket-protocol': 'chat' }],
    compression: [
      { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' },
      {
        'sec-websocket-extensions': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      },
    ],
    'https over TCP, as HAProxy has it': [{ ':scheme': 'https' }, {}],
    'any path and query': [{ ':path': '/any/path?and=query' }, {}],
    'an origin': [{ origin: 'http://a.example' }, {}],
  }
  for (const [name, [fields, expected]] of Object.entries(accepted)) {
    await t.test(name, async t => {
      const client = await StreamClient.openStream(t, service.port, fields)
      for (const [field, value] of Object.entries(expected)) assert.equal(client.response.get(field), value, field)
      for (const field of ['connection', 'upgrade', 'date']) assert.equal(client.response.has(field), false)
      client.send({ opcode: 1, payload: 'hello' })
      assert.equal((await client.readFrame()).payload.toString(), 'hello')
    })
  }

  const head = { ...CONNECT }
  const without = (name: string): OutgoingHttpHeaders => {
    const { [name]: _, ...others } = head
    return others
  }
  const get = { ':method': 'GET', ':path': '/', ':scheme': 'http', ':authority': 'a' }
  const refused: Record<string, readonly [OutgoingHttpHeaders, number, RegExp]> = {
    'a plain GET': [get, 405, /extended CONNECT \(RFC 8441\).*"GET" is not allowed/],
    'a POST': [{ ...get, ':method': 'POST' }, 405, /"POST" is not allowed/],
    'a CONNECT to tunnel through': [{ ':method': 'CONNECT', ':authority': 'a:80' }, 501, /this CONNECT has none/],
    'another protocol': [{ ...head, ':protocol': 'connect-udp' }, 501, /":protocol: websocket".*"connect-udp"/],
    'another scheme': [{ ...head, ':scheme': 'wss' }, 400, /:scheme must be https or http/],
    'no version': [without('sec-websocket-version'), 400, /Sec-WebSocket-Version header must be there/],
    'an old version': [{ ...head, 'sec-websocket-version': '8' }, 400, /"8".*version 13 only/],
    'a short key': [{ ...head, 'sec-websocket-key': 'c2hvcnQ=' }, 400, /16 octets in base64/],
    'a body': [{ ...head, 'content-length': '4' }, 400, /has no body/],
    'a malformed offer': [{ ...head, 'sec-websocket-extensions': 'a b' }, 400, /Extensions header is malformed/],
    'a malformed subprotocol': [{ ...head, 'sec-websocket-protocol': 'a b' }, 400, /Protocol header is malformed/],
    'an IPv6 address without brackets': [{ ...head, ':authority': '::1:51951' }, 400, /needs brackets/],
    'a fragment in the path': [{ ...head, ':path': '/a#b' }, 400, /:path must begin with "\/"/],
    'more than 100 fields': [
      { ...head, ...Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'y'])) },
      431,
      /more than 100 header lines/,
    ],
  }
  for (const [name, [fields, status, sentence]] of Object.entries(refused)) {
    await t.test(`${name} is refused with ${status}`, async t => {
      const session = await openSession(t, service.port)
      const response = await refusedResponse(request(session, fields))
      assert.equal(response.status, status, response.body)
      assert.match(response.body, sentence)
      assert.match(response.body, /^[^\n]+\.\n$/)
      assert.equal(response.headers.get('content-length'), String(response.body.length))
      assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
      assert.equal(response.code, NGHTTP2_NO_ERROR)
      for (const field of ['connection', 'upgrade']) assert.equal(response.headers.has(field), false)
      const other = request(session)
      assert.equal((await responseTo(other)).status, 200)
    })
  }

  await t.test('405 names the method, and the version that is spoken is told', async t => {
    const session = await openSession(t, service.port)
    assert.equal((await refusedResponse(request(session, get))).headers.get('allow'), 'CONNECT')
    const old = await refusedResponse(request(session, { ...head, 'sec-websocket-version': '8' }))
    assert.equal(old.headers.get('sec-websocket-version'), '13')
  })

  await t.test('a HEAD gets no body', async t => {
    const session = await openSession(t, service.port)
    const { status, body, headers } = await refusedResponse(request(session, { ...get, ':method': 'HEAD' }, true))
    assert.deepEqual([status, body], [405, ''])
    assert.ok(Number(headers.get('content-length')) > 0)
  })

  await t.test('the preface octet by octet', async t => {
    const socket = connect(service.port, '127.0.0.1').setNoDelay(true)
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    const frames = once(socket, 'data')
    for (const octet of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') await new Promise(written => socket.write(octet, written))
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    const [settings] = await frames
    assert.equal(settings[3], 4)
  })

  await t.test('what goes on otherwise than the preface is an error of the connection', async t => {
    const client = await RawClient.connect(service.port)
    t.after(() => client.destroy())
    client.write('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')
    assert.doesNotMatch((await client.readToEnd()).toString('latin1'), /HTTP\/1\.1/)
  })

  await t.test('HTTP/1.1 goes on beside it', async t => {
    const client = await RawClient.open(service.port)
    t.after(() => client.destroy())
    client.send({ opcode: 1, payload: 'hello' })
    assert.equal((await client.readFrame()).payload.toString(), 'hello')
  })
})

test('over TLS, ALPN decides', async t => {
  const service = await startService(t, '--workers', '1', ...new TlsFiles(t).flags)
  const client = await StreamClient.openStream(t, service.port, {}, true)
  client.send({ opcode: 1, payload: 'hello' })
  assert.equal((await client.readFrame()).payload.toString(), 'hello')
  const [report] = await connectionReports(service, 1)
  assert.deepEqual([report.transport, report.httpVersion], ['h2', '2'])

  const without = await RawClient.connect(service.port, true)
  t.after(() => without.destroy())
  without.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.match((await without.readToEnd()).toString(), /^HTTP\/1\.1 400 .*preface of HTTP\/2/s)
})

test('--http2 off', async t => {
  const service = await startService(t, '--workers', '1', '--http2', 'off')
  const client = await RawClient.connect(service.port)
  t.after(() => client.destroy())
  client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.match((await client.readToEnd()).toString(), /^HTTP\/1\.1 400 .*preface of HTTP\/2/s)
})

test('path, origin and --plain-http as configured', async t => {
  const options = ['--path', '/echo', '--origin', 'https://good.example', '--plain-http', 'describe']
  const service = await startService(t, '--workers', '1', ...options)
  const session = await openSession(t, service.port)
  const ask = async (fields: OutgoingHttpHeaders) => refusedResponse(request(session, { ...CONNECT, ...fields }))
  assert.equal((await ask({ ':path': '/other' })).status, 404)
  assert.equal((await ask({ ':path': '/echo', origin: 'https://evil.example' })).status, 403)
  const allowed = request(session, { ...CONNECT, ':path': '/echo?x', origin: 'https://good.example' })
  assert.equal((await responseTo(allowed)).status, 200)

  const plain = { ':method': 'GET', ':path': '/any?q=1', ':scheme': 'http', ':authority': 'a', 'x-test': '1' }
  const { status, headers, body } = await refusedResponse(request(session, plain, true))
  assert.deepEqual([status, headers.get('content-type')], [200, 'application/json'])
  const { method, httpVersion, path, query, fields } = JSON.parse(body)
  assert.deepEqual([method, httpVersion, path, query], ['GET', '2', '/any', 'q=1'])
  assert.deepEqual(fields['x-test'], ['1'])
})

test('test controls', async t => {
  const service = await startService(t, '--workers', '1', '--controls', 'all')
  const asking = (query: string): OutgoingHttpHeaders => ({ ':path': `/?${query}` })

  for (const query of ['eb-handshake=bad-accept', 'eb-trickle=10ms', 'eb-chop=7', 'eb-chop=7&eb-chop-delay=1ms']) {
    await t.test(`${query} is of HTTP/1.1`, async t => {
      const session = await openSession(t, service.port)
      const { status, body } = await refusedResponse(request(session, { ...CONNECT, ...asking(query) }))
      assert.equal(status, 400)
      assert.match(body, new RegExp(`^The control ${query.split(/[-=]/)[1]} .* not to be had over HTTP/2\\.\n$`))
    })
  }

  await t.test('a field that HTTP/2 does not have', async t => {
    const session = await openSession(t, service.port)
    const fields = asking('eb-header=Keep-Alive:5')
    const { status, body } = await refusedResponse(request(session, { ...CONNECT, ...fields }))
    assert.equal(status, 400)
    assert.match(body, /header=Keep-Alive/)
  })

  await t.test('status, with what belongs to it', async t => {
    const session = await openSession(t, service.port)
    const fields = asking('eb-status=307&eb-location=/elsewhere&eb-retry-after=1500ms&eb-header=X-Test:1&eb-cookie=a=b')
    const { status, headers, body } = await refusedResponse(request(session, { ...CONNECT, ...fields }))
    assert.equal(status, 307)
    assert.equal(headers.get('location'), '/elsewhere')
    assert.equal(headers.get('retry-after'), '2')
    assert.equal(headers.get('x-test'), '1')
    assert.equal(headers.get('set-cookie'), 'a=b')
    assert.match(headers.get('echobahn-controls') ?? '', /status=307/)
    assert.match(body, /asked for 307/)
  })

  await t.test('304 has no body', async t => {
    const session = await openSession(t, service.port)
    const { status, body } = await refusedResponse(request(session, { ...CONNECT, ...asking('eb-status=304') }))
    assert.deepEqual([status, body], [304, ''])
  })

  await t.test('handshake-delay, with frames sent before the answer', async t => {
    const session = await openSession(t, service.port)
    const stream = request(session, { ...CONNECT, ...asking('eb-handshake-delay=50ms&eb-delay=1ms') })
    const client = new StreamClient(stream)
    t.after(() => client.destroy())
    client.send({ opcode: 1, payload: 'early' })
    const { status, headers } = await responseTo(stream)
    assert.equal(status, 200)
    assert.match(headers.get('echobahn-controls') ?? '', /handshake-delay=50ms/)
    assert.equal((await client.readFrame()).payload.toString(), 'early')
  })

  await t.test('describe tells of the stream', async t => {
    const client = await StreamClient.openStream(t, service.port, asking('eb-describe'))
    const { httpVersion, method, fields } = JSON.parse((await client.readFrame()).payload.toString())
    assert.deepEqual([httpVersion, method], ['2', 'CONNECT'])
    assert.deepEqual(fields[':protocol'], ['websocket'])
  })

  await t.test('end=fin is END_STREAM', async t => {
    const client = await StreamClient.openStream(t, service.port, asking('eb-end=fin'))
    assert.deepEqual(await client.readFramesToEnd(), [])
    assert.equal(client.stream.rstCode, NGHTTP2_NO_ERROR)
    client.stream.end()
    assert.equal(await closeOf(client.stream), NGHTTP2_NO_ERROR)
  })

  await t.test('end=reset is RST_STREAM, and the session lives', async t => {
    const session = await openSession(t, service.port)
    const stream = request(session, { ...CONNECT, ...asking('eb-end=reset') })
    assert.equal(await closeOf(stream), NGHTTP2_CANCEL)
    assert.equal((await responseTo(request(session))).status, 200)
  })

  await t.test('a violation goes out as its octets', async t => {
    const client = await StreamClient.openStream(t, service.port, asking('eb-send=masked'))
    const [first, second] = await client.read(2)
    assert.deepEqual([first & 0x80, second & 0x80], [0x80, 0x80])
  })
})

/** The report of the newest connection, once that is gone. */
async function closedReport(service: Service): Promise<ConnectionReport> {
  const [report] = await service.until(
    () => connectionReports(service, 1),
    ([newest]) => newest?.state === 'closed',
  )
  return report
}

test('ends', async t => {
  const service = await startService(t, '--workers', '1', '--handshake-timeout', '2s')

  await t.test('a closing handshake that the client begins ends with END_STREAM on both sides', async t => {
    const client = await StreamClient.openStream(t, service.port)
    client.send({ opcode: 8, payload: closePayload(1000, 'bye') })
    const frames = await client.readFramesToEnd()
    assert.deepEqual(
      frames.map(({ opcode }) => opcode),
      [8],
    )
    client.stream.end()
    assert.equal(await closeOf(client.stream), NGHTTP2_NO_ERROR)
    const { clean, closing } = await closedReport(service)
    assert.deepEqual([clean, closing.received?.reason], [true, 'bye'])
  })

  await t.test('what came before END_STREAM is echoed', async t => {
    const client = await StreamClient.openStream(t, service.port)
    client.send({ opcode: 1, payload: 'last words' })
    client.stream.end()
    const frames = await client.readFramesToEnd()
    assert.deepEqual(
      frames.map(({ payload }) => String(payload)),
      ['last words'],
    )
    assert.equal(await closeOf(client.stream), NGHTTP2_NO_ERROR)
    const { closing } = await closedReport(service)
    assert.equal(closing.uncleanReason, 'the client ended TCP without a Close')
  })

  await t.test('RST_STREAM is an end without ceremony, and none of the session', async t => {
    const session = await openSession(t, service.port)
    const other = new StreamClient(request(session))
    await responseTo(other.stream)
    for (const code of [NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR]) {
      const stream = request(session)
      await responseTo(stream)
      stream.close(code)
      await service.until(
        () => service.workers(),
        ([{ connections }]) => connections === 2,
      )
    }
    other.send({ opcode: 1, payload: 'still here' })
    assert.equal((await other.readFrame()).payload.toString(), 'still here')
  })

  await t.test('a client that keeps its side open after the Closes is dropped, and the session lives', async t => {
    const session = await openSession(t, service.port)
    const client = new StreamClient(request(session))
    await responseTo(client.stream)
    client.send({ opcode: 8 })
    await client.readFramesToEnd()
    assert.equal(client.stream.writableEnded, false)
    assert.equal(await closeOf(client.stream), NGHTTP2_NO_ERROR)
    assert.equal((await responseTo(request(session))).status, 200)
  })

  await t.test('with the session every stream is gone', async t => {
    const session = await openSession(t, service.port)
    const streams = await Promise.all(Array.from({ length: 5 }, () => openedStream(session)))
    assert.equal(streams.length, 5)
    session.destroy()
    await service.until(
      () => service.workers(),
      ([{ connections }]) => connections === 0,
    )
  })
})

async function openedStream(session: Parameters<typeof request>[0]): Promise<ClientHttp2Stream> {
  const stream = request(session)
  await responseTo(stream)
  return stream
}

test('request, message and END_STREAM in one write are answered, echoed and counted', async t => {
  const service = await startService(t, '--workers', '1')
  const client = await RawClient.connect(service.port)
  t.after(() => client.destroy())
  const message = clientFrame({ opcode: 1, payload: 'hello' })
  client.write(
    Buffer.concat([
      PREFACE,
      frame(SETTINGS, 0, 0),
      frame(HEADERS, END_HEADERS, 1, headerBlock(CONNECT)),
      frame(DATA, 0, 1, message.subarray(0, 3)),
      frame(DATA, END_STREAM, 1, message.subarray(3)),
    ]),
  )
  let answer = Buffer.alloc(0)
  const data = () => Buffer.concat([...framesIn(answer)].filter(({ type }) => type === DATA).map(each => each.payload))
  while (data().length < 7) answer = Buffer.concat([answer, await client.read(1)])
  assert.deepEqual(data(), Buffer.from('\x81\x05hello', 'latin1'))
  const { received, sent } = await closedReport(service)
  assert.deepEqual([received.octets, sent.octets], [message.length, 7])
})

test('limits of connections count streams beside their sessions', async t => {
  await t.test('max-connections', async t => {
    const service = await startService(t, '--workers', '1', '--max-connections', '3')
    const session = await openSession(t, service.port)
    const first = await openedStream(session)
    await openedStream(session)
    const { status, body } = await refusedResponse(request(session))
    assert.equal(status, 503)
    assert.match(body, /max-connections/)
    first.close(NGHTTP2_CANCEL)
    await service.until(
      () => service.workers(),
      ([{ connections }]) => connections === 2,
    )
    await openedStream(session)
    const metrics = await service.metrics()
    assert.equal(metrics.get('echobahn_connections_rejected_total{reason="max_connections"}'), 1)
  })

  await t.test('max-connections-per-ip', async t => {
    const service = await startService(t, '--workers', '2', '--max-connections-per-ip', '2')
    const session = await openSession(t, service.port)
    await openedStream(session)
    const { status, body } = await refusedResponse(request(session))
    assert.equal(status, 429)
    assert.match(body, /max-connections-per-ip/)
  })

  await t.test('a session above the limit has its requests refused', async t => {
    const service = await startService(t, '--workers', '1', '--max-connections', '1')
    const client = await RawClient.open(service.port)
    t.after(() => client.destroy())
    const session = await openSession(t, service.port)
    const { status } = await refusedResponse(request(session))
    assert.equal(status, 503)
    client.destroy()
    await service.until(
      () => service.metrics(),
      metrics => metrics.get('echobahn_connections{worker="1"}') === 1,
    )
    assert.equal((await refusedResponse(request(session))).status, 503)
  })
})

test('the books, the octets and the reports', async t => {
  const service = await startService(t, '--workers', '2')
  const socket = connect(service.port, '127.0.0.1')
  const session = await openSession(t, service.port, false, socket)
  const client = new StreamClient(request(session, { ...CONNECT, ':path': '/path?q', 'user-agent': 'me' }))
  await responseTo(client.stream)
  for (const size of [0, 125, 70_000]) {
    client.send({ opcode: 2, payload: Buffer.alloc(size, 7) })
    assert.equal((await client.readFrame()).payload.length, size)
  }
  const [open] = await connectionReports(service, 1)
  assert.deepEqual([open.transport, open.httpVersion, open.path, open.query], ['h2c', '2', '/path', 'q'])
  assert.deepEqual([open.key, open.userAgent], [null, 'me'])
  assert.match(open.handshake.request, /^:method: CONNECT\r\n.*:protocol: websocket\r\n.*user-agent: me/s)
  assert.equal(open.handshake.response, ':status: 200')
  assert.deepEqual([open.received.octets, open.sent.octets], [client.sent, client.received])

  const refused = await refusedResponse(request(session, { ':method': 'GET', ':path': '/a?b', ':authority': 'a' }))
  const list = (await (await fetch(`${service.adminUrl}/connections`)).json()) as { connections: { id: number }[] }
  const answer = await fetch(`${service.adminUrl}/connections/${list.connections[0].id}`)
  const report = (await answer.json()) as RefusalReport
  assert.deepEqual([report.state, report.transport, report.path, report.query], ['refused', 'h2c', '/a', 'b'])
  assert.deepEqual(report.refusal, { status: 405, reason: 'not_upgrade', sentence: refused.body.trimEnd() })

  const during = await service.metrics()
  assert.equal(sumOf(during, 'echobahn_http2_sessions'), 1)
  assert.equal(sumOf(during, 'echobahn_websockets_by_version', 'http_version="2"'), 1)
  assert.equal(sumOf(during, 'echobahn_websockets_by_version', 'http_version="1"'), 0)
  assert.equal(during.get('echobahn_handshakes_by_version_total{http_version="2",result="accepted"}'), 1)
  assert.equal(during.get('echobahn_handshakes_by_version_total{http_version="2",result="refused"}'), 1)
  assert.equal(sumOf(during, 'echobahn_connections_total'), 3)
  assert.equal(sumOf(during, 'echobahn_connections'), 2)

  client.send({ opcode: 8, payload: closePayload(1000) })
  await client.readFrame()
  client.stream.end()
  await closeOf(client.stream)
  session.close()
  await once(socket, 'close')
  const { bytesRead, bytesWritten } = socket
  const after = await service.until(
    () => service.metrics(),
    metrics => sumOf(metrics, 'echobahn_connections') === 0,
  )
  assert.equal(sumOf(after, 'echobahn_connections_ended_total', 'cause="closed"'), 3)
  assert.equal(after.get('echobahn_http2_sessions_ended_total{cause="peer"}'), 1)
  const wire = (direction: string) => after.get(`echobahn_wire_bytes_total{direction="${direction}"}`) ?? 0
  const overhead = (direction: string) =>
    after.get(`echobahn_http2_overhead_bytes_total{direction="${direction}"}`) ?? 0
  assert.deepEqual([wire('received'), wire('sent')], [bytesWritten, bytesRead])
  assert.equal(wire('received') - overhead('received'), client.sent)
  assert.equal(wire('sent') - overhead('sent'), client.received + refused.body.length)
})

function sumOf(metrics: ReadonlyMap<string, number>, name: string, label = ''): number {
  let sum = 0
  for (const [series, value] of metrics)
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(label)) sum += value
  return sum
}

test('streams of a session that a killed worker had are lost with it', async t => {
  const service = await startService(t, '--workers', '1')
  const session = await openSession(t, service.port)
  await openedStream(session)
  await openedStream(session)
  const [{ pid }] = await service.workers()
  process.kill(pid, 'SIGKILL')
  await once(session, 'close')
  const metrics = await service.until(
    () => service.metrics(),
    each => sumOf(each, 'echobahn_connections_ended_total') === 3,
  )
  assert.equal(sumOf(metrics, 'echobahn_connections_ended_total', 'cause="lost"'), 3)
  assert.equal(sumOf(metrics, 'echobahn_connections_total'), 3)
})

test('a stream that is not read holds up no other of its session', async t => {
  const service = await startService(t, '--workers', '1', '--high-water-mark', '64kB', '--low-water-mark', '16kB')
  const session = await openSession(t, service.port)
  const slow = new StreamClient(request(session), false)
  await once(slow.stream, 'response')
  slow.send({ opcode: 2, payload: Buffer.alloc(300_000, 1) })
  const quick = new StreamClient(request(session))
  await responseTo(quick.stream)
  for (let i = 0; i < 100; i++) {
    quick.send({ opcode: 2, payload: Buffer.alloc(10_000, i) })
    assert.equal((await quick.readFrame()).payload.length, 10_000)
  }
  slow.startReading()
  assert.deepEqual((await slow.readFrame()).payload, Buffer.alloc(300_000, 1))
})

test('a stream whose client reads nothing is dropped, with what is unsent in its report', async t => {
  const service = await startService(t, '--workers', '1', '--slow-reader-timeout', '300ms')
  const session = await openSession(t, service.port)
  const slow = new StreamClient(request(session), false)
  await once(slow.stream, 'response')
  slow.send({ opcode: 2, payload: Buffer.alloc(300_000, 1) })
  assert.equal(await closeOf(slow.stream), NGHTTP2_CANCEL)
  const { closing, sent, unsentOctets } = await closedReport(service)
  assert.match(closing.uncleanReason ?? '', /slow-reader-timeout/)
  assert.equal(sent.octets + unsentOctets, 300_010)
  // A window of 65,535 octets, in pieces of 16 KiB of which the last waits, and what the client reads ahead.
  assert.ok(sent.octets > 40_000 && sent.octets < 150_000, String(sent.octets))
  assert.equal((await responseTo(request(session))).status, 200)
})

test('the memory budget holds for streams: the one that holds most is closed', async t => {
  const options = ['--memory-budget', '2MiB', '--max-message', '512kB', '--slow-reader-timeout', '0']
  const service = await startService(t, '--workers', '1', '--high-water-mark', '1GiB', ...options)
  const session = await openSession(t, service.port)
  const unread = async (octets: number, messages: number): Promise<StreamClient> => {
    const client = new StreamClient(request(session), false)
    await once(client.stream, 'response')
    for (let i = 0; i < messages; i++) client.send({ opcode: 2, payload: Buffer.alloc(octets, 1) })
    return client
  }
  const large = await unread(400_000, 3)
  // What a window of 64 KiB leaves of these is little.
  for (let i = 0; i < 14; i++) await unread(180_000, 1)
  assert.equal(await closeOf(large.stream), NGHTTP2_CANCEL)
  const metrics = await service.metrics()
  assert.equal(metrics.get('echobahn_memory_budget_closes_total'), 1)
})

test('octets that lie unread in streams are held, and the memory budget knows of them', async t => {
  const STREAMS = 40
  const WINDOW = 65_535
  const service = await startService(t, '--workers', '1')
  const session = await openSession(t, service.port)
  for (let i = 0; i < STREAMS; i++) {
    const stream = request(session, { ...CONNECT, ':path': '/?eb-stall=0' })
    await once(stream, 'response')
    stream.write(Buffer.alloc(WINDOW))
  }
  const held = (metrics: ReadonlyMap<string, number>): number => sumOf(metrics, 'echobahn_buffered_bytes')
  const metrics = await service.until(
    () => service.metrics(),
    each => held(each) >= STREAMS * WINDOW,
  )
  assert.ok(held(metrics) < STREAMS * WINDOW * 1.1, String(held(metrics)))
  session.destroy()
  await service.until(
    () => service.metrics(),
    each => held(each) === 0,
  )
})

test('drain', async t => {
  const options = ['--workers', '1', '--drain-timeout', '60s', '--handshake-timeout', '60s']

  await t.test('streams end with 1001, the session with GOAWAY, and the socket after them', async t => {
    const service = await startService(t, ...options)
    const { session, clients } = await sessionOf(t, service, 3)
    const goaway = once(session, 'goaway')
    const closed = once(session, 'close')
    service.signal('SIGTERM')
    for (const client of clients) {
      const { opcode, payload } = await client.readFrame()
      assert.deepEqual([opcode, payload.readUInt16BE()], [8, 1001])
      client.send({ opcode: 8, payload: closePayload(1001) })
      assert.deepEqual(await client.readFramesToEnd(), [])
      client.stream.end()
      assert.equal(await closeOf(client.stream), NGHTTP2_NO_ERROR)
    }
    const [code] = await goaway
    assert.equal(code, NGHTTP2_NO_ERROR)
    await closed
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal((await service.logged(line => 'cut' in line)).cut, 0)
  })

  await t.test('a session without streams does not hold it up', async t => {
    const service = await startService(t, ...options)
    const session = await openSession(t, service.port)
    const closed = once(session, 'close')
    service.signal('SIGTERM')
    await closed
    assert.deepEqual(await service.exited, { code: 0, signal: null })
  })

  await t.test('during --drain-delay requests are served', async t => {
    const service = await startService(t, ...options, '--drain-delay', '60s')
    const session = await openSession(t, service.port)
    service.signal('SIGTERM')
    await service.logged(({ msg }) => msg.includes('no longer ready'))
    const client = new StreamClient(request(session))
    await responseTo(client.stream)
    client.send({ opcode: 1, payload: 'served' })
    assert.equal((await client.readFrame()).payload.toString(), 'served')
  })

  await t.test('a reload sends GOAWAY; streams go on until they end, new sessions go to the new worker', async t => {
    const service = await startService(t, ...options)
    const { session, clients } = await sessionOf(t, service, 1)
    const [{ pid }] = await service.workers()
    const goaway = once(session, 'goaway')
    service.signal('SIGHUP')
    await goaway
    clients[0].send({ opcode: 1, payload: 'still here' })
    assert.equal((await clients[0].readFrame()).payload.toString(), 'still here')
    const fresh = await StreamClient.openStream(t, service.port)
    fresh.send({ opcode: 1, payload: 'new' })
    assert.equal((await fresh.readFrame()).payload.toString(), 'new')
    clients[0].send({ opcode: 8 })
    await clients[0].readFramesToEnd()
    clients[0].stream.end()
    await service.until(
      () => service.workers(),
      workers => workers.every(worker => worker.pid !== pid),
    )
  })

  await t.test('who does not answer is cut, with the session', async t => {
    const service = await startService(t, '--workers', '1', '--drain-timeout', '300ms')
    const { session } = await sessionOf(t, service, 2)
    const closed = once(session, 'close')
    service.signal('SIGTERM')
    await closed
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal((await service.logged(line => 'cut' in line)).cut, 2)
  })
})

async function sessionOf(t: TestContext, service: Service, streams: number) {
  const session = await openSession(t, service.port)
  const clients: StreamClient[] = []
  for (let i = 0; i < streams; i++) {
    const client = new StreamClient(request(session))
    await responseTo(client.stream)
    clients.push(client)
  }
  return { session, clients }
}

test('a session that answers no PING ends, although its stream is alive', async t => {
  const service = await startService(t, '--workers', '1', '--ping-interval', '300ms', '--ping-timeout', '3s')
  const client = await RawClient.connect(service.port)
  t.after(() => client.destroy())
  const open = frame(HEADERS, END_HEADERS, 1, headerBlock(CONNECT))
  client.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), open]))
  let answer = Buffer.alloc(0)
  let pongs = 0
  for (let gone = false; !gone; ) {
    answer = await client.read(1).then(
      octets => Buffer.concat([answer, octets]),
      () => {
        gone = true
        return answer
      },
    )
    const pings = [...framesIn(answer)].filter(({ type, payload }) => type === DATA && payload[0] === 0x89).length
    for (; pongs < pings; pongs++) client.write(frame(DATA, 0, 1, clientFrame({ opcode: 10 })))
  }
  await service.until(
    () => service.metrics(),
    metrics => metrics.get('echobahn_http2_sessions_ended_total{cause="silent"}') === 1,
  )
})

test('a session without streams ends', async t => {
  await t.test('when none came within the handshake timeout', async t => {
    const service = await startService(t, '--workers', '1', '--handshake-timeout', '200ms')
    const session = await openSession(t, service.port)
    await once(session, 'close')
    // The client may see the end before the service has counted it.
    await service.until(
      () => service.metrics(),
      metrics => metrics.get('echobahn_http2_sessions_ended_total{cause="idle"}') === 1,
    )
  })

  await t.test('when it had some, after ping-interval', async t => {
    const service = await startService(t, '--workers', '1', '--handshake-timeout', '60s', '--ping-interval', '200ms')
    const session = await openSession(t, service.port)
    const stream = await openedStream(session)
    stream.close(NGHTTP2_CANCEL)
    await once(session, 'close')
    // The client may see the end before the service has counted it.
    await service.until(
      () => service.metrics(),
      metrics => metrics.get('echobahn_http2_sessions_ended_total{cause="idle"}') === 1,
    )
  })

  await t.test('also one that says nothing behind its preface', async t => {
    const service = await startService(t, '--workers', '1', '--handshake-timeout', '200ms')
    const client = await RawClient.connect(service.port)
    t.after(() => client.destroy())
    client.write('PRI * HTTP/2.0\r\n\r\n')
    await client.readToEnd()
    await service.until(
      () => service.workers(),
      ([{ connections }]) => connections === 0,
    )
  })
})

test('with all the streams that a session may have, another can begin once one has ended, and the others live', async t => {
  const service = await startService(t, '--workers', '1')
  const session = await openSession(t, service.port)
  const streams = await Promise.all(Array.from({ length: 256 }, () => openedStream(session)))
  streams[0].close(NGHTTP2_CANCEL)
  // One that is begun in the same packet may find the ended one still there: Node 24 then refuses it. The session is a connection too.
  await service.until(
    () => service.metrics(),
    metrics => metrics.get('echobahn_connections{worker="1"}') === 256,
  )
  assert.equal((await responseTo(request(session))).status, 200)
  const one = new StreamClient(streams[255])
  one.send({ opcode: 1, payload: 'hello' })
  assert.equal((await one.readFrame()).payload.toString(), 'hello')
})
