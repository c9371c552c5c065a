// What is checked of the service behind a proxy, each with real clients through it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Service } from '../support/service.js'
import type { Message } from '../support/ws-client.js'
import { CLIENT_ADDRESS, connectionsOf, DRAIN_DELAY, reportOf, type Stage, type StagedClient } from './stage.js'

/** Does what it checks, and says what is to stand in the table; throws where it fails. */
export type Check = (stage: Stage) => Promise<string>

const MIB = 2 ** 20

/** In the order in which they are done: the last ends a service. */
export const CHECKS: Readonly<Record<string, Check>> = {
  text: stage => echoes(stage, ['', 'Grüße', 'x'.repeat(70_000)]),
  binary: stage => echoes(stage, [Buffer.alloc(0), randomBytes(125), randomBytes(70_000)]),
  compressed,
  '16 MiB': stage => echoes(stage, [randomBytes(16 * MIB)]),
  '1,000 pipelined': stage =>
    echoes(
      stage,
      Array.from({ length: 1000 }, (_, i) => `message ${i} ${'.'.repeat(i)}`),
    ),
  'slow reader': slowReader,
  'true address': trueAddress,
  'close 1000': closedByClient,
  'close 1012': restarted,
  'close 1001, drain': drained,
}

async function assertEchoes({ client }: Pick<StagedClient, 'client'>, messages: readonly Message[]): Promise<void> {
  for (const message of messages) client.send(message)
  for (const message of messages) {
    const echo = await client.receive()
    assert.equal(typeof echo, typeof message)
    assert.ok(Buffer.from(message as Buffer).equals(Buffer.from(echo as Buffer)), 'the echo is not what was sent')
  }
}

async function echoes(stage: Stage, messages: readonly Message[]): Promise<string> {
  const client = await stage.open()
  await assertEchoes({ client }, messages)
  client.close(1000)
  await client.closed
  return 'yes'
}

async function compressed(stage: Stage): Promise<string> {
  const { client, service, connection } = await stage.openFound({ perMessageDeflate: true })
  assert.match(client.extensions, /^permessage-deflate/)
  await assertEchoes({ client }, ['abc '.repeat(50_000), 'def '.repeat(5000)])
  const { received, sent } = await reportOf(service, connection.id)
  for (const { compressionRatio } of [received, sent]) assert.ok((compressionRatio ?? 1) < 0.1, 'it went uncompressed')
  client.close(1000)
  await client.closed
  return 'yes'
}

/** MiB that no chain of buffers takes, and that the service would hold if it went on reading. */
const FLOOD = 96

/** Milliseconds without an octet after which it is the proxy that reads no more of its client. */
const STANDSTILL = 3000

async function slowReader(stage: Stage): Promise<string> {
  const { client, service, connection } = await stage.openFound()
  client.socket.pause()
  const message = randomBytes(MIB)
  for (let i = 0; i < FLOOD; i++) client.send(message)
  const who = await whoStops(service, connection.id)
  client.socket.resume()
  for (let i = 0; i < FLOOD; i++) assert.ok(message.equals((await client.receive()) as Buffer))
  client.close(1000)
  await client.closed
  return who === 'service' ? 'yes' : 'yes, the proxy stops before it'
}

async function whoStops(service: Service, id: number): Promise<'service' | 'proxy'> {
  let octets = 0
  for (let since = performance.now(); ; await setTimeout(100)) {
    const paused = (await service.metrics()).entries()
    if ([...paused].some(([series, value]) => series.startsWith('echobahn_paused_connections') && value > 0))
      return 'service'
    const { received } = await reportOf(service, id)
    if (received.octets === octets && performance.now() - since > STANDSTILL) return 'proxy'
    if (received.octets !== octets) since = performance.now()
    octets = received.octets
  }
}

/** As reports have it. */
const TRANSPORTS = { plain: 'tcp', TLS: 'tls', 'HTTP/2': 'h2c' } as const

async function trueAddress(stage: Stage): Promise<string> {
  const { service, connection } = await stage.openFound()
  const { peer, addressSource, proxy } = connection
  const { transport } = await reportOf(service, connection.id)
  assert.equal(transport, TRANSPORTS[stage.way.to ?? 'plain'])
  assert.equal(addressSource, stage.way.source)
  assert.match(proxy ?? '', /^127\.0\.0\.1:\d+$/)
  const [address, port] = peer.split(':')
  assert.equal(address, CLIENT_ADDRESS)
  return port === '0' ? 'yes' : 'yes, with port'
}

async function closedByClient(stage: Stage): Promise<string> {
  const { client, service, connection } = await stage.openFound()
  client.close(1000, 'that is all')
  assert.deepEqual(await client.closed, { code: 1000, reason: 'that is all' })
  const { clean, closing } = await service.until(
    () => reportOf(service, connection.id),
    ({ state }) => state === 'closed',
  )
  assert.deepEqual(closing.received, { code: 1000, reason: 'that is all' })
  if (clean) return 'yes'
  assert.match(closing.uncleanReason ?? '', /did not end the connection until handshake-timeout/)
  return 'yes, but the proxy does not end its side'
}

/** A rolling restart leaves connections alone for a while, and closes them then. */
async function restarted(stage: Stage): Promise<string> {
  const { client, service } = await stage.openFound()
  const before = await pidsOf(service)
  service.signal('SIGHUP')
  assert.equal((await client.closed).code, 1012)
  await service.until(
    () => pidsOf(service),
    pids => pids.length === 2 && pids.every(pid => !before.includes(pid)),
  )
  return 'yes'
}

async function pidsOf(service: Service): Promise<number[]> {
  return (await service.workers()).filter(({ state }) => state === 'ready').map(({ pid }) => pid)
}

/** Milliseconds between two new clients. */
const PAUSE = 100

interface Arrival {
  /** Milliseconds after SIGTERM. */
  readonly at: number
  readonly served: boolean
  /** By the service that leaves. */
  readonly there: boolean
}

async function drained(stage: Stage): Promise<string> {
  const clients: StagedClient[] = []
  for (let i = 0; i < 6; i++) clients.push(await stage.openFound())
  const leaving = clients[0].service
  const those = clients.filter(({ service }) => service === leaving)
  assert.ok(those.length < clients.length, 'all connections went to one service')
  const start = performance.now()
  leaving.signal('SIGTERM')
  const arrivals: Arrival[] = []
  let gone = false
  void leaving.exited.then(() => {
    gone = true
  })
  while (!gone) {
    arrivals.push(await arrive(stage, leaving, start))
    await setTimeout(PAUSE)
  }
  for (let i = 0; i < 10; i++) arrivals.push(await arrive(stage, leaving, start))
  const codes = await Promise.all(those.map(async ({ client }) => (await client.closed).code))
  assert.deepEqual(
    codes,
    codes.map(() => 1001),
  )
  assert.deepEqual(await leaving.exited, { code: 0, signal: null })
  for (const staged of clients) if (staged.service !== leaving) await assertEchoes(staged, ['still here'])

  const last = Math.max(0, ...arrivals.filter(({ there }) => there).map(({ at }) => at))
  const lost = arrivals.filter(({ served }) => !served)
  const by = last < DRAIN_DELAY - 1000 ? 'by /readyz' : 'when connections are refused'
  const told = lost.length === 0 ? `all ${arrivals.length}` : `${arrivals.length - lost.length} of ${arrivals.length}`
  return `1001; ${told} new clients served, elsewhere after ${(last / 1000).toFixed(1)} s, ${by}`
}

async function arrive(stage: Stage, leaving: Service, start: number): Promise<Arrival> {
  const at = performance.now() - start
  const agent = stage.nextAgent()
  try {
    const client = await stage.open(agent)
    const there = await connectionsOf(leaving, agent).then(
      ({ length }) => length > 0,
      () => false,
    )
    client.send('hello')
    // One that comes in the last moment may be told to go at once, with a Close.
    const served = await Promise.race([
      client.receive().then(() => true),
      client.closed.then(({ code }) => code === 1001),
    ])
    client.close(1000)
    return { at, served, there }
  } catch {
    return { at, served: false, there: false }
  }
}
