// What a handshake agrees on or is refused for by configuration: path, origin, subprotocol, permessage-deflate, limits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { assertEchoes, assertRefused, HOST, headers, refusal, upgrade } from '../support/handshake.js'
import { requestHead } from '../support/raw-client.js'
import { isOverHttp2, startService } from '../support/transport-under-test.js'

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

/** Sessions of HTTP/2 count beside their streams: test/integration/http2.test.ts has these limits. */
const skip = isOverHttp2()

test('limits of connections', { skip }, async t => {
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

test('503 above the limit of all connections, whatever the request asks for', { skip }, async t => {
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
