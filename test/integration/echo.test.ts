// Real clients against the running cluster, ws and undici's WebSocket, under every option that changes how an echo is made.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Service } from '../support/service.js'
import { isOverBareTcp, isOverHttp2, startService } from '../support/transport-under-test.js'
import { type EchoClient, type Lasting, type Message, UndiciClient, WsClient } from '../support/ws-client.js'

const MIB = 2 ** 20
/** The default of max-message. */
const MOST = 16 * MIB

/** Of these there is not much more to see one by one. */
const LARGE = MIB / 2

const TEXT = 'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich 🥊 '

/** Lengths around the seams of RFC 6455 section 5.2, of buffers, and of the codec. */
const MESSAGES: readonly Message[] = [
  '',
  Buffer.alloc(0),
  'a',
  TEXT,
  Buffer.from([0x00, 0xff, 0x80]),
  ...[125, 126, 127, 65_535, 65_536, 65_537].flatMap(length => ['x'.repeat(length), randomBytes(length)]),
  TEXT.repeat(3000),
  randomBytes(MIB),
  Buffer.alloc(MIB),
  TEXT.repeat(13_000),
]

/** Compares without printing megabytes when it fails. */
function assertSame(echo: Message, message: Message, name: string): void {
  assert.equal(typeof echo, typeof message, `${name} changed its type`)
  assert.ok(Buffer.from(echo as Buffer).equals(Buffer.from(message as Buffer)), `${name} changed on its way`)
}

/** Sends each message that is not a large one when the one before it is back, and then all of them at once. */
async function assertEchoesAll(client: EchoClient, messages: readonly Message[] = MESSAGES): Promise<void> {
  for (const [i, message] of messages.entries()) {
    if (message.length >= LARGE) continue
    client.send(message)
    assertSame(await client.receive(), message, `message ${i}`)
  }
  for (const message of messages) client.send(message)
  for (const [i, message] of messages.entries()) assertSame(await client.receive(), message, `message ${i} of all`)
}

async function assertClosesCleanly(client: EchoClient): Promise<void> {
  client.close(4321, 'done')
  assert.deepEqual(await client.closed, { code: 4321, reason: 'done' })
}

/** The clients, by what they offer. ws deflates all that it sends once there is an agreement, if it is told to. */
const CLIENTS: Record<string, (t: Lasting, service: Service) => Promise<EchoClient>> = {
  'ws without compression': (t, { url }) => WsClient.open(t, url, { perMessageDeflate: false }),
  'ws with compression': (t, { url }) => WsClient.open(t, url, { perMessageDeflate: { threshold: 0 } }),
  'ws with small windows': (t, { url }) =>
    WsClient.open(t, url, { perMessageDeflate: { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 } }),
  undici: (t, { url }) => UndiciClient.open(t, url),
}

const CONFIGURATIONS: Record<string, { readonly options: readonly string[]; readonly extensions: RegExp }> = {
  'as it comes': { options: [], extensions: /server_no_context_takeover; client_no_context_takeover/ },
  'on codec threads only': { options: ['--offload', 'always'], extensions: /^permessage-deflate/ },
  'inline only': { options: ['--offload', 'never'], extensions: /^permessage-deflate/ },
  'without codec threads': { options: ['--codec-threads', '0'], extensions: /^permessage-deflate/ },
  'with context takeover': {
    options: ['--context-takeover', 'on'],
    extensions: /^permessage-deflate(?!.*no_context_takeover)/,
  },
  'with context takeover on codec threads': {
    options: ['--context-takeover', 'on', '--offload', 'always'],
    extensions: /^permessage-deflate(?!.*no_context_takeover)/,
  },
  'with small windows and context takeover': {
    options: ['--window-bits', '9', '--context-takeover', 'on'],
    extensions: /client_max_window_bits=9/,
  },
  'at level 9 with little memory': {
    options: ['--deflate-level', '9', '--mem-level', '1'],
    extensions: /^permessage-deflate/,
  },
  'at level 0': { options: ['--deflate-level', '0'], extensions: /^permessage-deflate/ },
  'without compression': { options: ['--compression', 'off'], extensions: /^$/ },
  'with a queue of one message': {
    options: ['--offload', 'always', '--codec-queue', '1'],
    extensions: /^permessage-deflate/,
  },
}

/** What a codec does is nothing to a transport; how long it takes is. */
const OVER_EACH_TRANSPORT = new Set(['as it comes', 'on codec threads only', 'with a queue of one message'])
const configurations = Object.entries(CONFIGURATIONS).filter(
  ([name]) => isOverBareTcp() || OVER_EACH_TRANSPORT.has(name),
)

for (const [configuration, { options, extensions }] of configurations) {
  test(`every message comes back ${configuration}`, async t => {
    const service = await startService(t, '--workers', '1', ...options)
    for (const [name, open] of Object.entries(CLIENTS)) {
      await t.test(name, async t => {
        const client = await open(t, service)
        assert.match(client.extensions, name === 'ws without compression' ? /^$/ : extensions)
        await assertEchoesAll(client)
        await assertClosesCleanly(client)
      })
    }
  })
}

test('one service', async t => {
  const service = await startService(t, '--workers', '1', '--subprotocol', 'v2', '--subprotocol', 'v1')
  await t.test('max-message', t => testMaxMessage(t, service))
  await t.test('a message of 65,537 frames, with pings among them', t => testManyFrames(t, service))
  await t.test('subprotocols', t => testSubprotocols(t, service))
  await t.test('pings come back as pongs, with their payload', t => testPings(t, service))
})

async function testMaxMessage(t: TestContext, { url }: Service): Promise<void> {
  const plain = { perMessageDeflate: false }
  const compressed = { perMessageDeflate: { threshold: 0 }, maxPayload: MOST }
  const zeros = (length: number) => Buffer.alloc(length)
  const contents: Record<string, (length: number) => Message> = isOverBareTcp()
    ? { text: length => 'x'.repeat(length), zeros, noise: length => randomBytes(length) }
    : { zeros }

  for (const [mode, options] of Object.entries({ plain, compressed })) {
    for (const [content, make] of Object.entries(contents)) {
      await t.test(`16,777,216 octets of ${content}, ${mode}, come back`, async t => {
        const client = await WsClient.open(t, url, options)
        const message = make(MOST)
        client.send(message)
        assertSame(await client.receive(), message, 'the message')
        await assertClosesCleanly(client)
      })
      await t.test(`one octet more of ${content}, ${mode}, is closed with 1009`, async t => {
        const client = await WsClient.open(t, url, options)
        client.send('before')
        client.send(make(MOST + 1))
        assert.equal(await client.receive(), 'before')
        assert.equal((await client.closed).code, 1009)
      })
    }
    await t.test(`the same in fragments, ${mode}`, async t => {
      const client = await WsClient.open(t, url, options)
      const half = Buffer.alloc(MOST / 2, 'half')
      client.send(half, { fin: false })
      client.send(half)
      assertSame(await client.receive(), Buffer.alloc(MOST, 'half'), 'the message')
      client.send(half, { fin: false })
      client.send(half, { fin: false })
      client.send('x')
      assert.equal((await client.closed).code, 1009)
    })
  }
}

async function testManyFrames(t: TestContext, { url }: Service): Promise<void> {
  const client = await WsClient.open(t, url, { perMessageDeflate: false, maxFragments: 65_537 })
  let pongs = 0
  client.socket.on('pong', () => pongs++)
  for (let frame = 1; frame <= 65_537; frame++) {
    client.send(`${frame % 10}`, { fin: frame === 65_537 })
    if (frame % 1000 === 0) client.socket.ping()
  }
  assertSame(await client.receive(), '1234567890'.repeat(6554).slice(0, 65_537), 'the message')
  assert.equal(pongs, 65)
  await assertClosesCleanly(client)
}

async function testSubprotocols(t: TestContext, { url }: Service): Promise<void> {
  for (const client of [
    await WsClient.open(t, url, {}, 'v0', 'v1', 'v2'),
    await UndiciClient.open(t, url, 'v0', 'v1', 'v2'),
  ]) {
    assert.equal(client.protocol, 'v1')
    await assertEchoesAll(client, ['hello'])
  }
}

async function testPings(t: TestContext, { url }: Service): Promise<void> {
  const client = await WsClient.open(t, url)
  for (const payload of ['', 'payload', 'x'.repeat(125)]) {
    client.socket.ping(payload)
    const [pong] = await once(client.socket, 'pong')
    assert.equal(String(pong), payload)
  }
}

test('300 connections at once, each with its own messages', async t => {
  const service = await startService(t, '--workers', '2', '--offload', 'always', '--handshake-timeout', '60s')
  const clients = await Promise.all(
    Array.from({ length: 300 }, (_, i) => WsClient.open(t, service.url, { perMessageDeflate: i % 2 === 0 })),
  )
  const messagesOf = (i: number): Message[] =>
    Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? `${i}/${n} `.repeat(n * 100) : Buffer.alloc(n * 1000, i)))
  await Promise.all(clients.map((client, i) => assertEchoesAll(client, messagesOf(i))))
  // Streams are where their sessions are.
  if (!isOverHttp2()) {
    const connections = (await service.workers()).map(({ connections }) => connections)
    // Not half each: while a worker is behind with what it was handed, the other one gets more.
    assert.ok(connections.every(count => count > 0))
    assert.equal(
      connections.reduce((sum, count) => sum + count),
      300,
    )
  }
  await Promise.all(clients.map(assertClosesCleanly))
})
