// What a hostile client can send over HTTP/2 is bounded: its session ends, and nobody else notices. No test waits for time to
// pass: the service's own deadlines are short.

import assert from 'node:assert/strict'
import { constants } from 'node:http2'
import { test } from 'node:test'
import { CONNECT, StreamClient } from '../support/http2-client.js'
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  frame,
  framesIn,
  GOAWAY,
  HEADERS,
  headerBlock,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '../support/http2-frames.js'
import { RawClient } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'

const { NGHTTP2_CANCEL: CANCEL, NGHTTP2_ENHANCE_YOUR_CALM: ENHANCE_YOUR_CALM } = constants
const REQUEST = headerBlock(CONNECT)
const GET = headerBlock({ ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'a' })

const FLOODS = 'echobahn_http2_sessions_ended_total{cause="flood"}'

/** Numbers of streams that a client opens. */
const streams = (count: number): number[] => Array.from({ length: count }, (_, i) => 2 * i + 1)

/** Writes frames until all are out, or the server has ended the connection. */
async function flood(t: { after(hook: () => void): void }, { port }: Service, frames: Iterable<Buffer>) {
  const client = await RawClient.connect(port)
  t.after(() => client.destroy())
  client.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), ...frames]))
  return client
}

async function assertServes(t: { after(hook: () => void): void }, { port }: Service): Promise<void> {
  const client = await StreamClient.openStream(t, port)
  client.send({ opcode: 1, payload: 'hello' })
  assert.equal((await client.readFrame()).payload.toString(), 'hello')
  client.destroy()
}

test('a flood ends its session', async t => {
  const options = ['--handshake-timeout', '2s', '--ping-interval', '1s', '--ping-timeout', '2s']
  const service = await startService(t, '--workers', '1', ...options)
  const open = frame(HEADERS, END_HEADERS, 1, REQUEST)

  const floods: Record<string, Buffer[]> = {
    'rapid reset': streams(5000).flatMap(stream => [
      frame(HEADERS, END_HEADERS, stream, REQUEST),
      frame(RST_STREAM, 0, stream, uint32(CANCEL)),
    ]),
    SETTINGS: Array(20_000).fill(frame(SETTINGS, 0, 0)),
    'SETTINGS with too many entries': [
      frame(SETTINGS, 0, 0, Buffer.concat(Array(2000).fill(Buffer.from('000300000064', 'hex')))),
    ],
    PING: Array(20_000).fill(frame(PING, 0, 0, Buffer.alloc(8))),
    'CONTINUATION without end': [
      frame(HEADERS, 0, 1, REQUEST),
      ...Array(20_000).fill(frame(CONTINUATION, 0, 1, headerBlock({ x: 'y' }))),
    ],
    'empty CONTINUATION without end': [frame(HEADERS, 0, 1, REQUEST), ...Array(20_000).fill(frame(CONTINUATION, 0, 1))],
    'empty DATA': [open, ...Array(20_000).fill(frame(DATA, 0, 1))],
    'RST_STREAM of streams that were never open': streams(2000).map(stream =>
      frame(RST_STREAM, 0, stream, uint32(CANCEL)),
    ),
    'SETTINGS behind a stream': [open, ...Array(20_000).fill(frame(SETTINGS, 0, 0))],
  }
  for (const [name, frames] of Object.entries(floods)) {
    await t.test(name, async t => {
      const client = await flood(t, service, frames)
      await client.readToEnd()
      await assertServes(t, service)
    })
  }

  await t.test('and no connection is left of them', async () => {
    await service.until(
      () => service.metrics(),
      metrics => metrics.get('echobahn_connections{worker="1"}') === 0,
    )
    const metrics = await service.metrics()
    const ended = (cause: string) => metrics.get(`echobahn_connections_ended_total{cause="${cause}"}`) ?? 0
    assert.equal(metrics.get('echobahn_connections_total'), ended('closed'))
    assert.equal(ended('lost'), 0)
  })
})

test('requests that come to nothing end their session with ENHANCE_YOUR_CALM, on every Node', async t => {
  const service = await startService(t, '--workers', '1')

  await t.test('reset before they are answered', async t => {
    // Below the thousand that newer versions of Node end by themselves; 50 more are let be for each second that goes by.
    const frames = streams(900).flatMap(stream => [
      frame(HEADERS, END_HEADERS, stream, REQUEST),
      frame(RST_STREAM, 0, stream, uint32(CANCEL)),
    ])
    const client = await flood(t, service, frames)
    const goaways = [...framesIn(await client.readToEnd())].filter(({ type }) => type === GOAWAY)
    assert.deepEqual([...new Set(goaways.map(({ payload }) => payload.readUInt32BE(4)))], [ENHANCE_YOUR_CALM])
    await service.until(
      () => service.metrics(),
      metrics => metrics.get(FLOODS) === 1,
    )
  })

  await t.test('refused, one after another', async t => {
    const client = await RawClient.connect(service.port)
    t.after(() => client.destroy())
    client.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
    // In parts, each behind the answers to the one before: above 256 streams at a time Node refuses some by itself. As many parts
    // as it takes, since 50 more are let be for each second that goes by.
    const answer: Buffer[] = []
    const answered = () => [...framesIn(Buffer.concat(answer))].filter(({ type }) => type === HEADERS).length
    for (let at = 0; answer.at(-1)?.length !== 0; at += 100) {
      const part = streams(at + 100).slice(at)
      client.write(Buffer.concat(part.map(stream => frame(HEADERS, END_HEADERS | 1, stream, GET))))
      while (answered() < at + 100 && answer.at(-1)?.length !== 0) answer.push(await client.readSome())
    }
    await service.until(
      () => service.metrics(),
      metrics => metrics.get(FLOODS) === 2,
    )
  })
})

test('a window that is filled octet by octet costs what it takes, and the memory budget closes it with 1013', async t => {
  const service = await startService(t, '--workers', '1', '--memory-budget', '4MiB', '--max-message', '1MiB')
  const client = await flood(t, service, [
    frame(HEADERS, END_HEADERS, 1, headerBlock({ ...CONNECT, ':path': '/?eb-stall=0' })),
    ...Array(30_000).fill(frame(DATA, 0, 1, Buffer.alloc(1))),
  ])
  let answer = Buffer.alloc(0)
  const sent = () => [...framesIn(answer)].find(({ type, payload }) => type === DATA && payload.length >= 4)
  while (sent() === undefined) answer = Buffer.concat([answer, await client.read(1)])
  assert.equal(sent()?.payload.readUInt16BE(2), 1013)
  await service.until(
    () => service.metrics(),
    metrics => metrics.get('echobahn_memory_budget_closes_total') === 1,
  )
  await assertServes(t, service)
})

test('what costs next to nothing is let be, and holds nobody up', async t => {
  const service = await startService(t, '--workers', '1')
  const frames: Record<string, Buffer> = {
    WINDOW_UPDATE: frame(WINDOW_UPDATE, 0, 0, uint32(1)),
    PRIORITY: frame(PRIORITY, 0, 3, Buffer.from([0, 0, 0, 0, 1])),
    'an unknown type': frame(0xfa, 0, 0, Buffer.alloc(8)),
  }
  for (const [name, each] of Object.entries(frames)) {
    await t.test(name, async t => {
      await flood(t, service, Array(20_000).fill(each))
      await assertServes(t, service)
    })
  }
})

test('a header list that is too long is refused, and a window that is overrun too', async t => {
  const service = await startService(t, '--workers', '1')
  const openings: Record<string, Buffer[]> = {
    'header list': [frame(HEADERS, END_HEADERS, 1, headerBlock({ ...CONNECT, ...fields(100, 150) }))],
    'header list of many fields': [frame(HEADERS, END_HEADERS, 1, headerBlock({ ...CONNECT, ...fields(300, 1) }))],
    window: [
      frame(HEADERS, END_HEADERS, 1, headerBlock({ ...CONNECT, ':path': '/?eb-stall=0' })),
      ...Array(8).fill(frame(DATA, 0, 1, Buffer.alloc(16_384))),
    ],
  }
  for (const [name, frames] of Object.entries(openings)) {
    await t.test(name, async t => {
      const client = await flood(t, service, frames)
      let answer = Buffer.alloc(0)
      const refuses = (): boolean => [...framesIn(answer)].some(({ type }) => type === RST_STREAM || type === GOAWAY)
      while (!refuses()) answer = Buffer.concat([answer, await client.read(1)])
      await assertServes(t, service)
    })
  }
})

function fields(count: number, octets: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'y'.repeat(octets)]))
}
