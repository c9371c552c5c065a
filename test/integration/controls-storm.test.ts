// Many connections with controls at random, beside some that only echo: each harms itself alone, and nothing stays behind.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HANDSHAKE_FAULT_NAMES } from '../../src/controls/handshake-faults.js'
import { readControls } from '../../src/controls/parse.js'
import { CONTROL_ENTRIES } from '../../src/controls/schema.js'
import { VIOLATION_NAMES } from '../../src/controls/violations.js'
import { clientFrame, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { startService } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'

const WILD = 100
const HONEST = 10
const MESSAGES = 100

/** Extreme values of what has a range; of the others all. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  status: ['503'],
  'handshake-delay': ['0', '20ms'],
  handshake: HANDSHAKE_FAULT_NAMES,
  trickle: ['1ms'],
  delay: ['1ms', '1m'],
  jitter: ['1m'],
  rate: ['100B', '1GiB'],
  'read-rate': ['100B'],
  stall: ['0', '2'],
  fragment: ['1B'],
  chop: ['1B'],
  compress: ['always', 'never'],
  reply: ['none', 'count', 'describe', 'upper', 'sha256', 'size'],
  push: ['10ms'],
  'push-size': ['1MiB'],
  pong: ['off', '1m'],
  end: ['fin', 'reset', 'vanish'],
  'close-reply': ['off', '1m'],
  'close-wait': ['1m'],
  send: [...VIOLATION_NAMES.filter(name => name !== 'bomb'), 'bomb=16MiB'],
  after: ['0', '1', '1..3', '1ms..50ms', '10B'],
}

/** Numbers that are the same at each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** One to five controls that may stand together. */
function randomQuery(below: (below: number) => number): string {
  for (;;) {
    const query = Array.from({ length: 1 + below(5) }, () => {
      const [name, { example }] = CONTROL_ENTRIES[below(CONTROL_ENTRIES.length)]
      const values = VALUES[name] ?? [example]
      return `eb-${name}=${encodeURIComponent(values[below(values.length)])}`
    }).join('&')
    const read = readControls(query, { prefix: 'eb-', restricted: true, maxMessage: 2 ** 24 })
    if (read.problem === undefined) return query
  }
}

test('100 connections with controls at random harm none of 10 that echo, and leave nothing behind', async t => {
  const service = await startService(t, '--workers', '1', '--controls', 'all', '--controls-hold-timeout', '2s')
  const below = numbers(20_260_101)
  const honest = await Promise.all(Array.from({ length: HONEST }, () => WsClient.open(t, service.url)))
  const wild: RawClient[] = []
  for (let i = 0; i < WILD; i++) {
    const client = await RawClient.connect(service.port)
    wild.push(client)
    client.write(
      requestHead(
        [...UPGRADE_HEADERS, 'Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Protocol: chat'],
        `GET /?${randomQuery(below)} HTTP/1.1`,
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
    now => now.get('echobahn_connections{worker="1"}') === HONEST,
  )
  assert.equal(metrics.get('echobahn_websockets'), HONEST)
  assert.equal(metrics.get('echobahn_buffered_bytes{worker="1"}'), 0)
  assert.equal(metrics.get('echobahn_paused_connections{worker="1"}'), 0)
  assert.equal(metrics.get('echobahn_protocol_errors_total{code="ECHOBAHN_INTERNAL"}'), 0)
  assert.deepEqual(
    service.log.filter(({ level }) => level >= 50),
    [],
  )
})
