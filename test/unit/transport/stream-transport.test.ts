// What only the transport over Node's streams does: TLS that begins later, a socket given up, errors below TLS.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { acceptBeforeTls } from '../../../src/transport/accept.js'
import { StreamTransport } from '../../../src/transport/stream-transport.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { Listener } from '../../support/accept-transport.js'
import { certificate, privateKey } from '../../support/certificate.js'
import { socketPair } from '../../support/socket-pair.js'

const SECURE_CONTEXT = createSecureContext({ cert: certificate('first'), key: privateKey('first') })

function handshakes({ values }: Counters): number[] {
  return (['completed', 'failed'] as const).map(result => values[offsetOf('tls_handshakes_total', { result })])
}

/** Plain, until the test starts TLS. */
async function beforeTls(t: TestContext, http2 = false) {
  const { client, accepted } = await socketPair(t)
  const [listener, counters] = [new Listener(), new Counters()]
  const { transport, startTls } = acceptBeforeTls(accepted, SECURE_CONTEXT, new Traffic(counters), listener, http2)
  return { client, accepted, listener, counters, transport, startTls }
}

/** TLS from the start. */
async function overTls(t: TestContext) {
  const { client, accepted } = await socketPair(t)
  const [listener, counters] = [new Listener(), new Counters()]
  const above = new TLSSocket(accepted, { isServer: true, secureContext: SECURE_CONTEXT })
  const transport = new StreamTransport(above, accepted, new Traffic(counters), listener)
  return { client, accepted, above, listener, counters, transport }
}

function secured(plain: Socket, protocols: readonly string[] = []): TLSSocket {
  const client = connectTls({ socket: plain, rejectUnauthorized: false, ALPNProtocols: [...protocols] })
  client.on('error', () => {})
  return client
}

test('TLS begins behind what came before it', async t => {
  const { client, listener, counters, transport, startTls } = await beforeTls(t)
  transport.resume()
  client.write('first, who I am')
  await listener.octets(15)
  transport.pause()
  assert.deepEqual([transport.kind, transport.open, transport.tlsVersion], ['stream', true, undefined])
  startTls(Buffer.alloc(0))
  assert.deepEqual([transport.kind, transport.open, transport.wantsHttp2], ['tls', false, false])
  transport.resume()
  const above = secured(client)
  await once(above, 'secureConnect')
  above.write('hello')
  assert.equal(String(await listener.octets(20)), 'first, who I amhello')
  assert.deepEqual([transport.open, transport.tlsVersion, transport.wantsHttp2], [true, 'TLSv1.3', false])
  assert.equal(transport.unread, 0)
  assert.deepEqual(handshakes(counters), [1, 0])
  transport.destroy()
  await listener.heard('closed')
  assert.deepEqual([listener.events.filter(event => event === 'closed').length, transport.tlsVersion], [1, undefined])
})

test('TLS begins with what was read behind that; it may agree on HTTP/2', async t => {
  for (const [http2, read] of [
    [true, Number.POSITIVE_INFINITY],
    [false, Number.POSITIVE_INFINITY],
    [false, 1],
  ] as const) {
    const { client, accepted, listener, transport, startTls } = await beforeTls(t, http2)
    listener.whenChunk = () => transport.pause()
    transport.resume()
    const above = secured(client, ['h2', 'http/1.1'])
    await listener.heard('chunk')
    const hello = listener.received
    listener.whenChunk = () => {}
    if (read < hello.length) accepted.unshift(hello.subarray(read))
    startTls(hello.subarray(0, read))
    transport.resume()
    await once(above, 'secureConnect')
    above.write('hello')
    await listener.octets(hello.length + 5)
    assert.equal(transport.wantsHttp2, http2)
    assert.equal(above.alpnProtocol, http2 ? 'h2' : 'http/1.1')
  }
})

test('with one that has ended, or is gone, no TLS begins', async t => {
  const ended = await beforeTls(t)
  ended.transport.resume()
  ended.client.end()
  await ended.listener.heard('end')
  ended.startTls(Buffer.alloc(0))
  await ended.listener.heard('closed')
  assert.deepEqual([ended.transport.kind, handshakes(ended.counters)], ['stream', [0, 0]])
  const gone = await beforeTls(t)
  gone.transport.destroy()
  gone.startTls(Buffer.alloc(0))
  await gone.listener.heard('closed')
  assert.deepEqual([gone.transport.kind, handshakes(gone.counters)], ['stream', [0, 0]])
})

test('a socket that fails below TLS ends the connection, and only it', async t => {
  const { accepted, listener, counters, transport } = await overTls(t)
  transport.resume()
  accepted.destroy(new Error('read ECONNRESET'))
  await listener.heard('closed')
  assert.deepEqual([listener.events, handshakes(counters)], [['closed'], [0, 1]])
})

test('given up, the socket is half-open no longer, and nothing of it comes here any more', async t => {
  const { client, accepted, listener, transport } = await beforeTls(t)
  transport.resume()
  client.write('hello')
  await listener.octets(5)
  transport.pause()
  const { socket, carrier } = transport.release()
  assert.deepEqual([socket === accepted, carrier === accepted, accepted.allowHalfOpen], [true, true, false])
  const more = once(socket, 'data')
  socket.resume()
  client.write('more')
  assert.equal(String((await more)[0]), 'more')
  const closed = once(socket, 'close')
  client.end()
  await closed
  assert.deepEqual(listener.events, ['chunk'])
})

test('given up with TLS above it, both are', async t => {
  const { client, accepted, above, listener, transport } = await overTls(t)
  transport.resume()
  await once(secured(client), 'secureConnect')
  const { socket, carrier } = transport.release()
  assert.deepEqual([socket === above, carrier === accepted], [true, true])
  assert.deepEqual([above.allowHalfOpen, accepted.allowHalfOpen, above.isPaused()], [false, false, true])
  above.destroy()
  await once(above, 'close')
  assert.deepEqual(listener.events, [])
})

test('octets of the socket are counted when they are asked for, and before it is dropped or given up', async t => {
  const counted = ({ values }: Counters) =>
    (['received', 'sent'] as const).map(direction => values[offsetOf('wire_bytes_total', { direction })])
  for (const last of ['octetsReceived', 'octetsSent', 'destroy', 'reset', 'release'] as const) {
    const { client, accepted, counters, transport } = await beforeTls(t)
    // Past the transport, which has not seen it.
    await new Promise<void>(resolve => void accepted.write('hello', () => resolve()))
    await once(client, 'data')
    assert.deepEqual(counted(counters), [0, 0])
    if (last === 'octetsReceived' || last === 'octetsSent') void transport[last]
    else transport[last]()
    assert.deepEqual(counted(counters), [0, 5], last)
  }
})
