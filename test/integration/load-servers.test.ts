// `echobahn load` against servers that misbehave, one way at a time, and against ws: every kind of wrong is told by its
// name, and what the URL orders is no error.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocketServer } from 'ws'
import {
  acceptanceOf,
  echo,
  faultsOf,
  frameOf,
  type LoadFile,
  loadHere,
  type Misbehaviour,
  type Peer,
  startMisbehaving,
} from '../support/load-command.js'

/** Longer than any machine stands still. */
const PATIENT = ['--timeout', '2m']
/** 100 messages, 4 at a time: enough to see every kind of wrong, and over at once. */
const SMALL = ['--in-flight', '4', '--messages', '100', '--size', '64', '--payload', 'random', ...PATIENT]
/** The fourth message is the last. */
const FOUR = ['--in-flight', '1', '--messages', '4', ...PATIENT]
/** Over before another connection is tried, or soon after. */
const REFUSED = ['--rate', '10', '--duration', '200ms', ...PATIENT]

interface Case {
  readonly name: string
  readonly server: Misbehaviour
  readonly options?: readonly string[]
  /** Query of the URL that orders what the server does. */
  readonly orders: string
  /** What is counted, by kind. */
  readonly faults: Readonly<Record<string, number>>
  readonly check?: (results: LoadFile) => void
}

const CASES: readonly Case[] = [
  {
    name: 'drops every tenth echo',
    server: { onFrame: (frame, peer) => (peer.count % 10 === 9 ? undefined : echo(frame, peer)) },
    options: ['--in-flight', '4', '--messages', '95', '--size', '64', ...PATIENT],
    orders: 'eb-drop=10%25',
    faults: { lost: 9 },
  },
  {
    name: 'says every tenth twice',
    server: {
      onFrame: (frame, peer) => {
        echo(frame, peer)
        if (peer.count % 10 === 0) echo(frame, peer)
      },
    },
    orders: 'eb-duplicate=10%25',
    faults: { duplicated: 10 },
  },
  {
    name: 'flips a bit of every tenth',
    server: {
      onFrame: (frame, peer) => {
        if (peer.count % 10 === 0) frame.payload[peer.count % 64] ^= 1
        echo(frame, peer)
      },
    },
    orders: 'eb-corrupt=10%25',
    faults: { corrupted: 10 },
  },
  {
    name: 'swaps two of every ten',
    server: { onFrame: swapping() },
    orders: 'eb-swap=10%25',
    faults: { outOfOrder: 10 },
  },
  {
    name: 'pushes messages of its own',
    server: {
      onFrame: (frame, peer) => {
        if (peer.count === 5) peer.send(0x82, Buffer.alloc(3))
        echo(frame, peer)
      },
    },
    options: ['--in-flight', '1', '--messages', '20', '--payload', 'random', ...PATIENT],
    orders: 'eb-push=1s',
    faults: {},
    check: ({ counts }) =>
      // With a message under way it cannot be told from a damaged echo of it, whose own then is one too many.
      assert.ok(
        counts.faults.unasked + counts.ordered.unasked + counts.faults.corrupted + counts.ordered.corrupted > 0,
      ),
  },
  {
    name: 'answers with other words',
    server: { onFrame: (_, peer) => peer.send(0x82, 'something else') },
    orders: 'eb-reply=upper',
    faults: { corrupted: 100 },
  },
  {
    name: 'answers nothing',
    server: { onFrame: () => {} },
    options: ['--rate', '100', '--messages', '20', '--timeout', '1s'],
    orders: 'eb-reply=none',
    faults: {},
    // Whether a message timed out before the end is a matter of when somebody looked.
    check: ({ counts: { faults, ordered } }) =>
      assert.equal(faults.lost + faults.timeOuts + ordered.lost + ordered.timeOuts, 20),
  },
  {
    name: 'closes with a code',
    server: { onFrame: (frame, peer) => (peer.count === 3 ? closeWith(peer.socket, 4001) : echo(frame, peer)) },
    options: FOUR,
    orders: 'eb-close=4001&eb-after=3',
    faults: { closes: 1, lost: 1 },
    check: ({ counts }) => assert.equal(counts.closes['4001 server'], 1),
  },
  {
    name: 'resets',
    server: { onFrame: (frame, peer) => (peer.count === 3 ? peer.socket.resetAndDestroy() : echo(frame, peer)) },
    options: FOUR,
    orders: 'eb-end=reset',
    faults: { resets: 1, lost: 1 },
    check: ({ counts }) => assert.equal(counts.closes['1006 server'], 1),
  },
  {
    name: 'ends TCP without a Close',
    server: { onFrame: (frame, peer) => (peer.count === 3 ? peer.socket.end() : echo(frame, peer)) },
    options: FOUR,
    orders: 'eb-end=fin',
    faults: { closes: 1, lost: 1 },
  },
  {
    name: 'masks a frame',
    server: {
      onFrame: (frame, peer) =>
        peer.count === 3 ? void peer.socket.write(Buffer.from([0x82, 0x80, 1, 2, 3, 4])) : echo(frame, peer),
    },
    options: FOUR,
    orders: 'eb-send=masked',
    faults: { violations: 1, lost: 1 },
    check: ({ counts }) => assert.deepEqual(counts.violations, { ECHOBAHN_MASKED_FRAME: 1 }),
  },
  {
    name: 'refuses with 503',
    server: {
      onRequest: (_, socket) => {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
        return true
      },
    },
    options: REFUSED,
    orders: 'eb-status=503',
    faults: { handshakes: 1 },
    check: isOnlyReason('503'),
  },
  {
    name: 'accepts with a key that is not ours',
    server: {
      onRequest: (_, socket) => {
        socket.write(acceptanceOf('Sec-WebSocket-Key: another'))
        return true
      },
    },
    options: REFUSED,
    orders: 'eb-handshake=bad-accept',
    faults: { handshakes: 1 },
    check: isOnlyReason('ECHOBAHN_BAD_ACCEPT'),
  },
  {
    name: 'agrees to an extension that nobody offered',
    server: {
      onRequest: (head, socket) => {
        socket.write(acceptanceOf(head, 'Sec-WebSocket-Extensions: permessage-deflate'))
        return true
      },
    },
    options: REFUSED,
    orders: 'eb-handshake=unasked-extension',
    faults: { handshakes: 1 },
    check: isOnlyReason('ECHOBAHN_BAD_EXTENSION'),
  },
  {
    name: 'answers garbage',
    server: {
      onRequest: (_, socket) => {
        socket.write('SSH-2.0-OpenSSH_9.6\r\n')
        return true
      },
    },
    options: REFUSED,
    orders: 'eb-handshake=garbage',
    faults: { handshakes: 1 },
    check: isOnlyReason('ECHOBAHN_BAD_RESPONSE'),
  },
  {
    name: 'never answers the handshake',
    server: { onRequest: () => true },
    options: ['--rate', '10', '--duration', '200ms', '--timeout', '300ms'],
    orders: 'eb-handshake=hang',
    faults: { timeOuts: 1 },
    check: ({ counts: { handshakes, faults, ordered } }) =>
      assert.deepEqual(handshakes, { 'time-out': faults.timeOuts + ordered.timeOuts }),
  },
]

for (const { name, server, options = SMALL, orders, faults, check } of CASES)
  test(`a server that ${name}`, async t => {
    const [plain, ordered] = await Promise.all([
      loadHere(await startMisbehaving(t, server), ...options),
      loadHere(`${await startMisbehaving(t, server)}?${orders}`, ...options),
    ])
    for (const [fault, count] of Object.entries(faults))
      assert.ok(atLeast(plain.results.counts.faults[fault], count, fault), JSON.stringify(plain.results.counts))
    assert.equal(plain.code, 1)
    check?.(plain.results)

    for (const [fault, count] of Object.entries(faults))
      assert.ok(atLeast(ordered.results.counts.ordered[fault], count, fault), JSON.stringify(ordered.results.counts))
    check?.(ordered.results)
    if (name.startsWith('pushes')) return
    assert.deepEqual(faultsOf(ordered.results.counts.faults), {})
    assert.equal(ordered.code, 0)
  })

/** A connection that failed is tried again, so what ends connections may come more than once; messages are counted. */
function atLeast(actual: number, expected: number, fault: string): boolean {
  return ['handshakes', 'timeOuts'].includes(fault) ? actual >= expected : actual === expected
}

/** Each handshake that failed did so for this reason: another connection is tried where the machine is slow. */
function isOnlyReason(reason: string): (results: LoadFile) => void {
  return ({ counts: { handshakes, faults, ordered } }) =>
    assert.deepEqual(handshakes, { [reason]: faults.handshakes + ordered.handshakes })
}

function closeWith(socket: { write(octets: Buffer): unknown; end(): unknown }, code: number): void {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  socket.write(frameOf(0x88, payload))
  socket.end()
}

/** Of every ten frames of a connection, the third is held back until the fourth is echoed. */
function swapping(): NonNullable<Misbehaviour['onFrame']> {
  const held = new Map<Peer['socket'], Parameters<typeof echo>[0]>()
  return (frame, peer) => {
    if (peer.count % 10 === 3) return void held.set(peer.socket, frame)
    echo(frame, peer)
    const late = held.get(peer.socket)
    held.delete(peer.socket)
    if (late !== undefined) echo(late, peer)
  }
}

test('late by order is not late, and a delay that is not ordered is a time-out', async t => {
  const url = await startMisbehaving(t, {
    onFrame: (frame, peer) => void setTimeout(() => echo(frame, peer), 700),
  })
  const options = ['--rate', '50', '--messages', '10', '--timeout', '300ms']
  const plain = await loadHere(url, ...options)
  assert.ok(plain.results.counts.faults.timeOuts > 0)
  const ordered = await loadHere(`${url}?eb-delay=1m&eb-jitter=1m`, ...options)
  assert.deepEqual(faultsOf(ordered.results.counts.faults), {})
  assert.equal(ordered.results.counts.messages.echoed, 10)
  assert.equal(ordered.code, 0)
})

async function startWs(t: TestContext, perMessageDeflate: boolean | object): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  server.on('connection', socket => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
  await once(server, 'listening')
  t.after(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const OFFERS = [
  'off',
  'on',
  'permessage-deflate',
  'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  'permessage-deflate; server_max_window_bits=10; client_max_window_bits=9',
] as const

for (const offer of OFFERS)
  test(`ws echoes everything, compression ${offer}`, async t => {
    const url = await startWs(t, { threshold: 0 })
    const { code, results } = await loadHere(
      ...[url, ...PATIENT, '--in-flight', '3', '--messages', '300', '--connections', '3', '--payload', 'json'],
      ...['--size', '0..1000:60%,16KiB:35%,200000:5%', '--compression', offer, '--fragment', '4KiB', '--ping', '20ms'],
    )
    assert.deepEqual(faultsOf(results.counts.faults), {})
    assert.equal(results.counts.messages.echoed, 300)
    assert.equal(code, 0)
    const { sent, received } = results.traffic
    const octets = (side: typeof sent) => side.payload.text + side.payload.continuation
    const plain = (results.traffic.sent as unknown as { messageOctets: { text: number } }).messageOctets.text
    assert.equal(octets(sent) < 0.8 * plain, offer !== 'off')
    assert.equal(octets(received) < 0.8 * plain, offer !== 'off')
  })
