// The metrics of the real cluster against the client's own books, to the octet: two workers, plain and compressed
// connections, refused handshakes, violations, and a worker that is killed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProtocolErrorCode } from '../../src/errors.js'
import {
  type CounterDescription,
  type HistogramDescription,
  PRIMARY_METRICS,
  SUMMED,
} from '../../src/metrics/catalogue.js'
import { labelSets } from '../../src/metrics/layout.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/protocol/opcodes.js'
import { deflateMessage } from '../support/deflate-message.js'
import { CountedClient, Ledger } from '../support/ledger.js'
import { closePayload, type FrameParts, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate'
const LONG = 'a text that is worth compressing, compressing, compressing, compressing '

function compressed(plain: string, opcode = TEXT): FrameParts {
  return { rsv: 4, opcode, payload: deflateMessage(plain) }
}

/** Opens a counted connection, and enters its handshake. */
async function open({ port }: Service, ledger: Ledger, ...extra: string[]): Promise<CountedClient> {
  const client = new CountedClient(await RawClient.open(port, extra), ledger)
  ledger.add('connections_total')
  ledger.add('handshakes_total', { result: 'accepted' })
  return client
}

/** Has a request refused, and enters it. */
async function refused({ port }: Service, ledger: Ledger, request: string, result: string): Promise<void> {
  const raw = await RawClient.connect(port)
  const client = new CountedClient(raw, ledger)
  raw.write(request)
  await raw.readToEnd()
  raw.socket.end()
  client.countOctets()
  ledger.add('connections_total')
  ledger.add('handshakes_total', { result })
}

/** Waits until nobody is connected any more; what was counted is then complete. */
async function settledMetrics(service: Service): Promise<Map<string, number>> {
  await service.until(
    () => service.workers(),
    workers => workers.every(({ connections }) => connections === 0),
  )
  return service.metrics()
}

function assertAgrees(metrics: ReadonlyMap<string, number>, ledger: Ledger): void {
  const expected = [...ledger.counts].filter(([, count]) => count !== 0)
  assert.deepEqual(Object.fromEntries(ledger.sameFamilies(metrics)), Object.fromEntries(expected))
}

async function plainConversation(service: Service, ledger: Ledger): Promise<void> {
  const client = await open(service, ledger)
  const messages: FrameParts[] = [
    { opcode: TEXT, payload: 'hällo' },
    { opcode: TEXT },
    { opcode: BINARY, payload: Buffer.alloc(126, 1) },
    { opcode: BINARY, payload: Buffer.alloc(70_000, 2) },
    { opcode: TEXT, payload: 'x'.repeat(300_000) },
    { opcode: BINARY, payload: Buffer.alloc(2_000_000, 3) },
  ]
  for (const message of messages) {
    client.send(message)
    await client.receive()
  }
  client.send({ fin: false, opcode: TEXT, payload: 'frag' }, { opcode: PING, payload: 'ping' })
  await client.receive()
  client.send({ fin: false, opcode: CONTINUATION }, { opcode: PONG, payload: 'unasked' })
  client.send({ opcode: CONTINUATION, payload: 'mented' })
  await client.receive()
  client.send({ opcode: CLOSE, payload: closePayload(1000, 'bye') })
  await client.finish()
  ledger.add('closes_total', { initiator: 'client', code: 1000 })
  ledger.add('echo_duration_seconds_count', { compressed: 'false' }, messages.length + 1)
}

async function compressedConversation(service: Service, ledger: Ledger): Promise<void> {
  const client = await open(service, ledger, OFFER)
  const messages: FrameParts[] = [
    compressed(LONG),
    compressed(''),
    compressed('short'),
    { opcode: TEXT, payload: LONG },
    { opcode: BINARY, payload: 'tiny' },
    compressed(LONG.repeat(10_000), BINARY),
  ]
  for (const message of messages) {
    client.send(message)
    await client.receive()
  }
  const payload = deflateMessage(LONG)
  client.send(
    { fin: false, rsv: 4, opcode: BINARY, payload: payload.subarray(0, 7) },
    { opcode: PING },
    { opcode: CONTINUATION, payload: payload.subarray(7) },
    ...Array.from({ length: 20 }, () => compressed(LONG)),
  )
  for (let i = 0; i < 22; i++) await client.receive()
  client.send({ opcode: CLOSE })
  await client.finish()
  ledger.add('closes_total', { initiator: 'client', code: 1005 })
  ledger.add('echo_duration_seconds_count', { compressed: 'true' }, messages.length + 21)
}

/** A violation behind a message; what comes after it is read, and counts on the wire only. */
async function violation(
  service: Service,
  ledger: Ledger,
  close: number,
  code: ProtocolErrorCode,
  octets: Buffer,
): Promise<void> {
  const client = await open(service, ledger)
  client.send({ opcode: TEXT, payload: 'before' })
  client.raw.write(octets)
  client.raw.write(Buffer.alloc(1000, 0x81))
  await client.finish()
  ledger.add('echo_duration_seconds_count', { compressed: 'false' })
  ledger.add('closes_total', { initiator: 'server', code: close })
  ledger.add('protocol_errors_total', { code })
}

for (const offload of ['auto', 'always', 'never']) {
  test(`totals are the client's own, --offload ${offload}`, async t => {
    const service = await startService(t, '--workers', '2', '--offload', offload)
    const ledger = new Ledger()

    for (let round = 0; round < 2; round++) {
      const talks = Array.from({ length: 4 }, () => [
        plainConversation(service, ledger),
        compressedConversation(service, ledger),
      ])
      await Promise.all(talks.flat())
      assertAgrees(await settledMetrics(service), ledger)
    }

    const metrics = await service.metrics()
    const messages = (operation: string, where: string) =>
      metrics.get(`echobahn_codec_messages_total{operation="${operation}",where="${where}"}`) as number
    assert.equal(messages('inflate', 'inline') + messages('inflate', 'pool'), 8 * 25)
    assert.equal(messages('deflate', 'inline') + messages('deflate', 'pool'), 8 * 24)
    if (offload === 'always') assert.equal(messages('inflate', 'inline') + messages('deflate', 'inline'), 0)
    if (offload === 'never') assert.equal(messages('inflate', 'pool') + messages('deflate', 'pool'), 0)
    assert.equal(metrics.get('echobahn_connection_duration_seconds_count'), 16)
  })
}

test('what goes wrong is counted too', async t => {
  const service = await startService(t, '--workers', '2')
  const ledger = new Ledger()

  await refused(service, ledger, requestHead([UPGRADE_HEADERS[0]]), 'not_upgrade')
  await refused(service, ledger, requestHead(UPGRADE_HEADERS.slice(1)), 'bad_request')
  await refused(
    service,
    ledger,
    requestHead([...UPGRADE_HEADERS.slice(0, 4), 'Sec-WebSocket-Version: 12']),
    'bad_version',
  )
  await refused(service, ledger, requestHead(UPGRADE_HEADERS, 'PUT / HTTP/1.1'), 'method')
  await refused(service, ledger, 'not HTTP\r\n\r\n', 'bad_http')
  await refused(service, ledger, requestHead([`X: ${'x'.repeat(100_000)}`]), 'bad_http')

  const silent = await RawClient.connect(service.port)
  silent.socket.end()
  await silent.readToEnd()
  ledger.add('connections_total')

  await violation(service, ledger, 1002, 'ECHOBAHN_RESERVED_OPCODE', Buffer.from([0x83, 0x80, 0, 0, 0, 0]))
  await violation(service, ledger, 1002, 'ECHOBAHN_UNMASKED_FRAME', Buffer.from([0x81, 0x00]))
  await violation(
    service,
    ledger,
    1009,
    'ECHOBAHN_MESSAGE_TOO_BIG',
    Buffer.from([0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]),
  )

  const deserter = await open(service, ledger)
  deserter.send({ opcode: TEXT, payload: 'gone in a moment' })
  await deserter.receive()
  deserter.raw.socket.end()
  await deserter.finish()
  ledger.add('echo_duration_seconds_count', { compressed: 'false' })
  ledger.add('closes_total', { initiator: 'client', code: 1006 })

  const early = await open(service, ledger)
  early.send({ opcode: CLOSE, payload: closePayload(4001) })
  early.raw.write(Buffer.alloc(5000))
  await early.finish()
  ledger.add('closes_total', { initiator: 'client', code: '4xxx' })

  assertAgrees(await settledMetrics(service), ledger)
})

test('frames that are whole but not allowed are frames', async t => {
  const service = await startService(t, '--workers', '1')
  for (const [frame, close, code] of [
    [{ opcode: CLOSE, payload: closePayload(1005) }, 1002, 'ECHOBAHN_CLOSE_CODE'],
    [{ opcode: CLOSE, payload: Buffer.from([3, 232, 0xff]) }, 1007, 'ECHOBAHN_CLOSE_REASON'],
    [{ fin: false, opcode: TEXT, payload: Buffer.from([0xff]) }, 1007, 'ECHOBAHN_INVALID_UTF8'],
  ] as const) {
    await t.test(code, async () => {
      const before = await service.metrics()
      const ledger = new Ledger()
      const client = await open(service, ledger)
      client.send(frame)
      await client.finish()
      ledger.add('closes_total', { initiator: 'server', code: close })
      ledger.add('protocol_errors_total', { code })
      const metrics = await settledMetrics(service)
      assertAgrees(new Map([...metrics].map(([series, value]) => [series, value - (before.get(series) ?? 0)])), ledger)
    })
  }
})

test('refused above a limit', async t => {
  const service = await startService(t, '--workers', '2', '--max-connections', '2', '--max-connections-per-ip', '1')
  const ledger = new Ledger()
  const client = await open(service, ledger)
  await refused(service, ledger, requestHead(), 'max_connections_per_ip')
  ledger.add('connections_rejected_total', { reason: 'max_connections_per_ip' })
  client.send({ opcode: CLOSE })
  await client.finish()
  ledger.add('closes_total', { initiator: 'client', code: 1005 })
  assertAgrees(await settledMetrics(service), ledger)
})

test('every known label set is there from the start, with 0', async t => {
  const service = await startService(t, '--workers', '2')
  const metrics = await service.metrics()
  const seriesOf = (name: string, labels: Readonly<Record<string, string>>): string => {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return `echobahn_${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`
  }
  for (const [name, metric] of Object.entries<CounterDescription | HistogramDescription>(SUMMED)) {
    const suffix = metric.type === 'histogram' ? '_count' : ''
    if ('byWorker' in metric) {
      // Those watch the event loop, and have begun to.
      for (const worker of ['1', '2']) assert.ok(metrics.has(seriesOf(name + suffix, { worker })), name)
      continue
    }
    for (const labels of labelSets(metric.labels)) assert.equal(metrics.get(seriesOf(name + suffix, labels)), 0, name)
  }
  for (const reason of PRIMARY_METRICS.worker_restarts_total.labels.reason)
    assert.equal(metrics.get(seriesOf('worker_restarts_total', { reason })), 0)
  for (const [state, count] of Object.entries({ starting: 0, ready: 2, unresponsive: 0, leaving: 0 }))
    assert.equal(metrics.get(seriesOf('workers', { state })), count)
  for (const worker of ['1', '2'])
    for (const name of ['connections', 'paused_connections', 'buffered_bytes', 'codec_queue_messages', 'codec_threads'])
      assert.equal(metrics.get(seriesOf(name, { worker })), 0, name)
})

test('a worker that is killed takes nothing back, and its successor goes on from there', async t => {
  const service = await startService(t, '--workers', '2')
  const ledger = new Ledger()
  const clients = [await open(service, ledger), await open(service, ledger, OFFER)]
  const talk = async (client: CountedClient) => {
    client.send({ opcode: TEXT, payload: LONG }, { opcode: PING, payload: 'p' })
    await client.receive()
    await client.receive()
    client.countOctets()
  }
  await Promise.all(clients.map(talk))
  const before = await service.metrics()
  assertAgrees(before, ledger)

  const [{ pid }] = await service.workers()
  process.kill(pid, 'SIGKILL')
  await service.until(
    () => service.workers(),
    workers => workers.length === 2 && workers.every(worker => worker.state === 'ready' && worker.pid !== pid),
  )
  const after = await service.metrics()
  assertAgrees(after, ledger)
  for (const [series, value] of before) {
    // `nodejs_active_resources_total` and the like are gauges of prom-client, whatever their names say.
    if (!/^(?!nodejs_active_).*_(total|count|sum|bucket)(\{|$)/.test(series)) continue
    assert.ok((after.get(series) as number) >= value, `${series} fell from ${value} to ${after.get(series)}`)
  }

  const successors = [await open(service, ledger), await open(service, ledger)]
  await Promise.all(successors.map(talk))
  assertAgrees(await service.metrics(), ledger)
  for (const { raw } of [...clients, ...successors]) raw.destroy()
})
