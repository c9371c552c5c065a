// Many connections with controls at random, beside some that only echo: each harms itself alone, and nothing stays behind.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomControls, seededNumbers } from '../support/random-controls.js'
import { clientFrame, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { startService } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'

const WILD = 100
const HONEST = 10
const MESSAGES = 100

test('100 connections with controls at random harm none of 10 that echo, and leave nothing behind', async t => {
  const service = await startService(t, '--workers', '1', '--controls', 'all', '--controls-hold-timeout', '2s')
  const below = seededNumbers(20_260_101)
  const honest = await Promise.all(Array.from({ length: HONEST }, () => WsClient.open(t, service.url)))
  const wild: RawClient[] = []
  for (let i = 0; i < WILD; i++) {
    const client = await RawClient.connect(service.port)
    wild.push(client)
    client.write(
      requestHead(
        [...UPGRADE_HEADERS, 'Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Protocol: chat'],
        `GET /?${randomControls(below)} HTTP/1.1`,
      ),
    )
    const frames = [
      { opcode: 1, payload: 'héllo' },
      { opcode: 9, payload: 'ping' },
      { opcode: 2, payload: Buffer.alloc(below(100_000)) },
      { opcode: 8 },
    ]
    for (const frame of frames) client.write(clientFrame(frame))
    // Some read nothing.
    if (below(4) === 0) client.socket.pause()
  }
  await Promise.all(
    honest.map(async (client, number) => {
      for (let i = 0; i < MESSAGES; i++) {
        client.send(`message ${i} of ${number}`)
        assert.equal(await client.receive(), `message ${i} of ${number}`)
      }
    }),
  )
  for (const client of wild) client.destroy()
  const metrics = await service.until(
    () => service.metrics(),
    // The primary counts the first, and the worker tells it of the second, which may come later.
    now => now.get('echobahn_connections{worker="1"}') === HONEST && now.get('echobahn_websockets') === HONEST,
  )
  assert.equal(metrics.get('echobahn_buffered_bytes{worker="1"}'), 0)
  assert.equal(metrics.get('echobahn_paused_connections{worker="1"}'), 0)
  assert.equal(metrics.get('echobahn_protocol_errors_total{code="ECHOBAHN_INTERNAL"}'), 0)
  assert.deepEqual(
    service.log.filter(({ level }) => level >= 50),
    [],
  )
})
