// The opening handshake on the wire: what is accepted and with what answer, what is refused and how (RFC 6455 section 4).

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { clientFrame, closePayload, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'

const [HOST, UPGRADE, CONNECTION, KEY, VERSION] = UPGRADE_HEADERS
/** The answer to the key of RFC 6455 section 1.3, which the upgrade headers have. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

interface Response {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Parses a whole response; its headers must come once each. */
function parseResponse(text: string): Response {
  const [head, body] = text.split('\r\n\r\n', 2)
  const [line, ...fields] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const field of fields) {
    const [, name, value] = /^([^:]+): (.*)$/.exec(field) ?? assert.fail(`not a header: ${field}`)
    assert.ok(!headers.has(name.toLowerCase()), `repeated: ${field}`)
    headers.set(name.toLowerCase(), value)
  }
  const [, status] = /^HTTP\/1\.1 (\d{3}) [A-Z]/.exec(line) ?? assert.fail(`not a status line: ${line}`)
  return { status: Number(status), headers, body }
}

/** Connects for as long as the test lasts. */
async function connect(t: TestContext, { port }: Service): Promise<RawClient> {
  const client = await RawClient.connect(port)
  t.after(() => client.destroy())
  return client
}

/** Sends `request` and reads until the server ends the connection by itself. */
async function refusal(t: TestContext, service: Service, request: string | Buffer): Promise<Response> {
  const client = await connect(t, service)
  client.write(request)
  const response = parseResponse((await client.readToEnd()).toString('latin1'))
  client.destroy()
  return response
}

async function upgrade(t: TestContext, service: Service, request: string): Promise<[Response, RawClient]> {
  const client = await connect(t, service)
  client.write(request)
  const response = parseResponse(`${await client.readHead()}\r\n\r\n`)
  assert.equal(response.status, 101)
  assert.equal(response.headers.get('upgrade'), 'websocket')
  assert.equal(response.headers.get('connection'), 'Upgrade')
  assert.equal(response.headers.get('sec-websocket-accept'), ACCEPT)
  return [response, client]
}

async function assertEchoes(client: RawClient): Promise<void> {
  client.send({ opcode: 1, payload: 'hello' })
  const { opcode, payload } = await client.readFrame()
  assert.deepEqual([opcode, payload.toString()], [1, 'hello'])
}

/** A refusal is plain text of one line, with its length, and ends the connection. */
function assertRefused({ status, headers, body }: Response, expected: number, sentence: RegExp): void {
  assert.equal(status, expected, body)
  assert.match(body, sentence)
  assert.match(body, /^[^\n]+\.\n$/)
  assert.equal(headers.get('content-length'), String(body.length))
  assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.match(headers.get('connection') ?? '', expected === 426 ? /^Upgrade, close$/ : /^close$/)
}

/** The upgrade headers with one left out, and others added. */
function headers(without?: string, ...extra: string[]): string[] {
  return [...UPGRADE_HEADERS.filter(header => header !== without), ...extra]
}

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
    'a fragment in the target': [requestHead(UPGRADE_HEADERS, 'GET /a#b HTTP/1.1'), 400, /request target/],
    'a subprotocol that is no token': [
      requestHead(headers(undefined, 'Sec-WebSocket-Protocol: a b')),
      400,
      /Sec-WebSocket-Protocol header is malformed/,
    ],
    garbage: ['\x16\x03\x01 this is not HTTP\r\n\r\n', 400, /not valid HTTP\/1\.1/],
    'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, /not valid HTTP\/1\.1/],
    'a bare line feed in a header': ['GET / HTTP/1.1\r\nHost: a\r\nB: c\nd\r\n\r\n', 400, /not valid HTTP\/1\.1/],
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

test('path, origin and subprotocol as configured', async t => {
  const configured = [
    '--path',
    '/echo',
    '--origin',
    'https://good.example',
    '--subprotocol',
    'v2',
    '--subprotocol',
    'v1',
  ]
  const service = await startService(t, '--workers', '1', ...configured)
  const at = (path: string, ...extra: string[]) => requestHead(headers(undefined, ...extra), `GET ${path} HTTP/1.1`)

  for (const path of ['/echo', '/echo?query', 'http://127.0.0.1/echo', 'WSS://other.example:99/echo?query']) {
    await t.test(`${path} is served`, async t => {
      const [, client] = await upgrade(t, service, at(path))
      await assertEchoes(client)
    })
  }
  for (const path of ['/', '/echo/', '/Echo', '/echo2', 'http://127.0.0.1']) {
    await t.test(`${path} is not`, async t => {
      assertRefused(await refusal(t, service, at(path)), 404, /the echo service is at "\/echo"/)
    })
  }

  await t.test('the allowed origin, and no origin', async t => {
    await upgrade(t, service, at('/echo', 'Origin: https://good.example'))
    await upgrade(t, service, at('/echo'))
  })
  for (const origin of ['https://evil.example', 'http://good.example', 'https://good.example:8443', 'null']) {
    await t.test(`origin ${origin} is refused`, async t => {
      assertRefused(await refusal(t, service, at('/echo', `Origin: ${origin}`)), 403, /not among the origins allowed/)
    })
  }

  for (const [offered, selected] of [
    [['v1'], 'v1'],
    [['v3, v1, v2'], 'v1'],
    [['v3', 'v2'], 'v2'],
    [['v3'], undefined],
    [['V1'], undefined],
  ] as const) {
    await t.test(`subprotocols ${offered.join(' | ')} give ${selected}`, async t => {
      const lines = offered.map(names => `Sec-WebSocket-Protocol: ${names}`)
      const [response] = await upgrade(t, service, at('/echo', ...lines))
      assert.equal(response.headers.get('sec-websocket-protocol'), selected)
    })
  }
})

test('permessage-deflate is negotiated', async t => {
  const service = await startService(t, '--workers', '1')
  const offer = (...lines: string[]) =>
    requestHead(headers(undefined, ...lines.map(line => `Sec-WebSocket-Extensions: ${line}`)))
  const PLAIN = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

  for (const [lines, answer] of [
    [['permessage-deflate'], PLAIN],
    [['permessage-deflate; client_max_window_bits'], PLAIN],
    [['permessage-deflate; client_max_window_bits=10'], `${PLAIN}; client_max_window_bits=10`],
    [['permessage-deflate; server_max_window_bits="9"'], `${PLAIN}; server_max_window_bits=9`],
    [['permessage-deflate; server_max_window_bits=8'], `${PLAIN}; server_max_window_bits=8`],
    [['permessage-deflate; server_no_context_takeover; client_no_context_takeover'], PLAIN],
    [['x-webkit-deflate-frame, permessage-deflate'], PLAIN],
    [
      ['permessage-deflate; server_max_window_bits=010, permessage-deflate; server_max_window_bits=12'],
      `${PLAIN}; server_max_window_bits=12`,
    ],
    [
      [
        'permessage-deflate; unknown, permessage-deflate; server_max_window_bits=7',
        'x-other; a="b"',
        'permessage-deflate',
      ],
      PLAIN,
    ],
  ] as const) {
    await t.test(`${lines.join(' | ')} is accepted`, async t => {
      const [response, client] = await upgrade(t, service, offer(...lines))
      assert.equal(response.headers.get('sec-websocket-extensions'), answer)
      const text = 'compressed '.repeat(50)
      client.send({ rsv: 4, opcode: 1, payload: deflateMessage(text, { windowBits: 9 }) })
      const reply = await client.readFrame()
      assert.equal(reply.rsv, 4)
      assert.equal(inflateMessage(reply.payload).toString(), text)
    })
  }

  for (const lines of [
    ['x-webkit-deflate-frame'],
    ['permessage-deflate; unknown'],
    ['permessage-deflate; server_no_context_takeover=1'],
    ['permessage-deflate; server_max_window_bits'],
    ['permessage-deflate; server_max_window_bits=16'],
    ['permessage-deflate; client_max_window_bits=+10'],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits', 'permessage-deflate; a; b'],
  ]) {
    await t.test(`${lines.join(' | ')} is declined`, async t => {
      const [response, client] = await upgrade(t, service, offer(...lines))
      assert.equal(response.headers.has('sec-websocket-extensions'), false)
      await assertEchoes(client)
      client.send({ rsv: 4, opcode: 1, payload: deflateMessage('a reserved bit now') })
      const close = await client.readFrame()
      assert.deepEqual([close.opcode, close.payload.readUInt16BE()], [8, 1002])
    })
  }

  for (const line of ['permessage-deflate;', '; permessage-deflate', 'permessage-deflate; =1', 'a b', 'x; y="z', '']) {
    await t.test(`"${line}" is malformed`, async t => {
      assertRefused(await refusal(t, service, offer(line)), 400, /Sec-WebSocket-Extensions header is malformed/)
    })
  }
})

test('a handshake that takes too long', async t => {
  const service = await startService(t, '--workers', '1', '--handshake-timeout', '200ms')

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

test('limits of connections', async t => {
  const service = await startService(t, '--workers', '2', '--max-connections', '3', '--max-connections-per-ip', '2')
  const nobodyLeft = () =>
    service.until(
      () => service.workers(),
      workers => workers.every(({ connections }) => connections === 0),
    )

  await t.test('429 above the limit of one address, 503 never before it', async t => {
    const [, first] = await upgrade(t, service, requestHead())
    const [, second] = await upgrade(t, service, requestHead())
    for (let i = 0; i < 3; i++) assertRefused(await refusal(t, service, requestHead()), 429, /max-connections-per-ip/)
    await assertEchoes(first)
    await assertEchoes(second)
  })

  await t.test('what has closed makes room again', async t => {
    await nobodyLeft()
    await upgrade(t, service, requestHead())
    await upgrade(t, service, requestHead())
  })
})

test('503 above the limit of all connections, whatever the request asks for', async t => {
  const service = await startService(t, '--workers', '2', '--max-connections', '2')
  const [, first] = await upgrade(t, service, requestHead())
  await upgrade(t, service, requestHead())
  assertRefused(await refusal(t, service, requestHead()), 503, /max-connections/)
  assertRefused(await refusal(t, service, requestHead([HOST])), 503, /max-connections/)

  first.destroy()
  await service.until(
    () => service.workers(),
    workers => workers.reduce((sum, { connections }) => sum + connections, 0) === 1,
  )
  const [, client] = await upgrade(t, service, requestHead())
  await assertEchoes(client)
})
