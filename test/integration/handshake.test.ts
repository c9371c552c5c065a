// The opening handshake on the wire: what is accepted and with what answer, what is refused and how (RFC 6455 section 4).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assertEchoes,
  assertRefused,
  CONNECTION,
  connect,
  HOST,
  headers,
  KEY,
  parseResponse,
  refusal,
  UPGRADE,
  upgrade,
  VERSION,
} from '../support/handshake.js'
import { clientFrame, closePayload, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { startService } from '../support/transport-under-test.js'

test('a legal handshake', async t => {
  const service = await startService(t, '--workers', '1')

  const requests: Record<string, string> = {
    'as browsers send it': requestHead(
      headers(CONNECTION, 'Connection: keep-alive, Upgrade', 'Origin: http://a.example'),
    ),
    'names and tokens in any case': requestHead([
      'hOST: 127.0.0.1',
      'UPGRADE: WebSocket',
      'connection: UPGRADE',
      KEY.toLowerCase().slice(0, 17) + KEY.slice(17),
      'SEC-WEBSOCKET-VERSION:13',
    ]),
    'several protocols to upgrade to': requestHead(headers(UPGRADE, 'Upgrade: h2c, websocket')),
    'any path and query': requestHead(UPGRADE_HEADERS, 'GET /any/path?and=query HTTP/1.1'),
    'absolute-form': requestHead(UPGRADE_HEADERS, 'GET ws://127.0.0.1/chat HTTP/1.1'),
    'an empty body': requestHead(headers(undefined, 'Content-Length: 0')),
    'any origin': requestHead(headers(undefined, 'Origin: null')),
  }
  for (const [name, request] of Object.entries(requests)) {
    await t.test(name, async t => {
      const [response, client] = await upgrade(t, service, request)
      assert.equal(response.headers.has('sec-websocket-protocol'), false)
      assert.equal(response.headers.has('sec-websocket-extensions'), false)
      await assertEchoes(client)
    })
  }

  await t.test('in pieces, octet by octet', async t => {
    const client = await connect(t, service)
    client.socket.setNoDelay(true)
    for (const octet of requestHead()) await new Promise(written => client.socket.write(octet, written))
    assert.match(await client.readHead(), /^HTTP\/1\.1 101 /)
    await assertEchoes(client)
  })

  await t.test('frames right behind the request are echoed, in one segment with it', async t => {
    const client = await connect(t, service)
    const frames = [clientFrame({ opcode: 1, payload: 'first' }), clientFrame({ opcode: 2, payload: 'second' })]
    const close = clientFrame({ opcode: 8, payload: closePayload(1000) })
    client.write(Buffer.concat([Buffer.from(requestHead()), ...frames, close]))
    await client.readHead()
    const echoes = await client.readFramesToEnd()
    assert.deepEqual(
      echoes.map(({ opcode, payload }) => [opcode, payload.toString('latin1')]),
      [
        [1, 'first'],
        [2, 'second'],
        [8, closePayload(1000).toString('latin1')],
      ],
    )
  })

  await t.test('half a frame right behind the request, the other half later', async t => {
    const client = await connect(t, service)
    const frame = clientFrame({ opcode: 2, payload: 'in two halves' })
    client.write(Buffer.concat([Buffer.from(requestHead()), frame.subarray(0, 9)]))
    await client.readHead()
    client.write(frame.subarray(9))
    assert.equal((await client.readFrame()).payload.toString(), 'in two halves')
  })

  await t.test("the client's first subprotocol", async t => {
    const [{ headers: fields }] = await upgrade(
      t,
      service,
      requestHead(headers(undefined, 'Sec-WebSocket-Protocol: chat, superchat')),
    )
    assert.equal(fields.get('sec-websocket-protocol'), 'chat')
  })
})

test('a request that is refused', async t => {
  const service = await startService(t, '--workers', '1')

  const refusals: Record<string, readonly [request: string | Buffer, status: number, sentence: RegExp]> = {
    'a plain GET': [requestHead([HOST]), 426, /WebSocket echo service: connect with a WebSocket client/],
    'a plain GET over HTTP/1.0': [requestHead([], 'GET / HTTP/1.0'), 426, /WebSocket echo service/],
    'an upgrade over HTTP/1.0': [requestHead(UPGRADE_HEADERS, 'GET / HTTP/1.0'), 426, /over HTTP\/1\.1/],
    'an upgrade to something else': [requestHead(headers(UPGRADE, 'Upgrade: h2c')), 426, /WebSocket echo service/],
    'a POST with a body': [`${requestHead([HOST, 'Content-Length: 4'], 'POST / HTTP/1.1')}body`, 426, /echo service/],
    'a POST that waits for 100': [
      requestHead([HOST, 'Content-Length: 4', 'Expect: 100-continue'], 'POST / HTTP/1.1'),
      426,
      /echo service/,
    ],
    'an expectation that nobody knows': [requestHead([HOST, 'Expect: the-unexpected']), 426, /echo service/],
    'a POST that upgrades': [requestHead(UPGRADE_HEADERS, 'POST / HTTP/1.1'), 405, /is a GET request; .*"POST"/],
    'a CONNECT': [requestHead([HOST], 'CONNECT 127.0.0.1:80 HTTP/1.1'), 426, /echo service/],
    'two requests at once': [requestHead([HOST]) + requestHead([HOST]), 426, /echo service/],
    'no Host': [requestHead(headers(HOST)), 400, /Host header/],
    'no Host in a plain GET': [requestHead([]), 400, /Host header/],
    'two Hosts': [requestHead(headers(undefined, HOST)), 400, /Host header/],
    'no Connection': [requestHead(headers(CONNECTION)), 400, /Connection header must include "Upgrade"/],
    'another Connection': [requestHead(headers(CONNECTION, 'Connection: close')), 400, /Connection header/],
    'no key': [requestHead(headers(KEY)), 400, /Sec-WebSocket-Key/],
    'two keys': [requestHead(headers(undefined, KEY)), 400, /Sec-WebSocket-Key/],
    'a short key': [requestHead(headers(KEY, 'Sec-WebSocket-Key: c2hvcnQ=')), 400, /16 octets in base64/],
    'no version': [requestHead(headers(VERSION)), 400, /Sec-WebSocket-Version/],
    'an old version': [requestHead(headers(VERSION, 'Sec-WebSocket-Version: 8')), 426, /"8".*version 13 only/],
    'a body': [`${requestHead(headers(undefined, 'Content-Length: 4'))}body`, 400, /has no body/],
    'a chunked body': [`${requestHead(headers(undefined, 'Transfer-Encoding: chunked'))}0\r\n\r\n`, 400, /no body/],
    'an IPv6 address without brackets': [requestHead(headers(HOST, 'Host: ::1:51951')), 400, /needs brackets/],
    'more than 100 header lines': [
      requestHead([...UPGRADE_HEADERS, ...Array.from({ length: 96 }, (_, i) => `X-${i}: y`)]),
      431,
      /more than 100 header lines/,
    ],
    'a fragment in the target': [requestHead(UPGRADE_HEADERS, 'GET /a#b HTTP/1.1'), 400, /request target/],
    'a subprotocol that is no token': [
      requestHead(headers(undefined, 'Sec-WebSocket-Protocol: a b')),
      400,
      /Sec-WebSocket-Protocol header is malformed/,
    ],
    garbage: ['this is\x01not HTTP\r\n\r\n', 400, /request line must be/],
    'a TLS ClientHello': [Buffer.from('1603010200010001fc0303', 'hex'), 400, /TLS ClientHello/],
    'a header of the PROXY protocol': ['PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n', 400, /PROXY protocol, version 1/],
    'a binary header of the PROXY protocol': [
      Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex'),
      400,
      /PROXY protocol, version 2/,
    ],
    'a bare line feed in a header': ['GET / HTTP/1.1\r\nHost: a\r\nB: c\nd\r\n\r\n', 400, /end with CR LF/],
    'a head above 16 KiB': [requestHead(headers(undefined, `X: ${'x'.repeat(17_000)}`)), 431, /longer than 16 KiB/],
    'a head of 8 MiB': [requestHead(headers(undefined, `X: ${'x'.repeat(2 ** 23)}`)), 431, /longer than 16 KiB/],
  }
  for (const [name, [request, status, sentence]] of Object.entries(refusals)) {
    await t.test(name, async t => assertRefused(await refusal(t, service, request), status, sentence))
  }

  await t.test('426 names what to upgrade to', async t => {
    const plain = await refusal(t, service, requestHead([HOST]))
    assert.equal(plain.headers.get('upgrade'), 'websocket')
    assert.equal(plain.headers.has('sec-websocket-version'), false)
    const version = await refusal(t, service, requestHead(headers(VERSION, 'Sec-WebSocket-Version: 14')))
    assert.equal(version.headers.get('upgrade'), 'websocket')
    assert.equal(version.headers.get('sec-websocket-version'), '13')
  })

  await t.test('405 names the method', async t => {
    const response = await refusal(t, service, requestHead(UPGRADE_HEADERS, 'DELETE / HTTP/1.1'))
    assert.equal(response.headers.get('allow'), 'GET')
  })

  for (const [name, fields, status] of [
    ['a plain HEAD', [HOST], 426],
    ['a HEAD that upgrades', UPGRADE_HEADERS, 405],
  ] as const) {
    await t.test(`${name} gets no body (RFC 9110 section 9.3.2)`, async t => {
      const response = await refusal(t, service, requestHead(fields, 'HEAD / HTTP/1.1'))
      assert.equal(response.status, status)
      assert.equal(response.body, '')
      assert.ok(Number(response.headers.get('content-length')) > 0)
    })
  }

  await t.test('and the service goes on', async t => {
    const [, client] = await upgrade(t, service, requestHead())
    await assertEchoes(client)
  })
})

test('a handshake that takes too long', async t => {
  const service = await startService(t, '--workers', '1', '--handshake-timeout', '300ms')

  await t.test('gets 408 when the request is not complete', async t => {
    assertRefused(await refusal(t, service, requestHead().slice(0, -2)), 408, /handshake timeout/)
  })

  await t.test('gets 408 when nothing is sent at all', async t => {
    const client = await connect(t, service)
    assertRefused(parseResponse((await client.readToEnd()).toString()), 408, /handshake timeout/)
  })

  await t.test('leaves no socket behind, though the client keeps its side open', async t => {
    const client = await connect(t, service)
    client.write(requestHead([HOST]))
    await client.readToEnd()
    assert.equal(client.socket.writableEnded, false)
    await service.until(
      () => service.workers(),
      workers => workers[0].connections === 0,
    )
  })
})
