// One HTTP/2 session over a real connection, whose octets are those that the test says.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { Http2Session } from '../../../src/transport/http2-session.js'
import type { Http2StreamTransport } from '../../../src/transport/http2-stream-transport.js'
import type { OctetObserver } from '../../../src/transport/transport.js'
import { certificate, privateKey } from '../../support/certificate.js'
import { request } from '../../support/http2-client.js'
import { frame, framesIn, GOAWAY, PREFACE, SETTINGS } from '../../support/http2-frames.js'
import { socketPair } from '../../support/socket-pair.js'

/** Stands for the TCP socket where octets are counted. */
class Carrier extends EventEmitter {
  readonly _handle = { bytesRead: 0, bytesWritten: 0, writeQueueSize: 0 }
  destroyed = false

  destroy(): void {
    this.destroyed = true
  }
}

function counting() {
  const told = { received: 0, sent: 0, overheadReceived: 0, overheadSent: 0 }
  const add = (what: keyof typeof told, size: number): void => {
    told[what] += size
  }
  const observer: OctetObserver = {
    read() {},
    write() {},
    taken() {},
    tlsHandshake() {},
    wireReceived: size => add('received', size),
    wireSent: size => add('sent', size),
    overheadReceived: size => add('overheadReceived', size),
    overheadSent: size => add('overheadSent', size),
  }
  return { told, observer }
}

async function bench(t: TestContext, octets = Buffer.alloc(0)) {
  const { client: plain, accepted } = await socketPair(t)
  const carrier = new Carrier()
  const { told, observer } = counting()
  const [ends, streams, names]: [string[], Http2StreamTransport[], string[]] = [[], [], []]
  const heard = new EventEmitter()
  const released = { socket: accepted, carrier: carrier as unknown as Socket }
  const session = new Http2Session(released, '192.0.2.1:50000', octets, observer, {
    onStream: (transport, rawHeaders) => {
      streams.push(transport)
      names.push(rawHeaders[0])
      heard.emit('stream')
    },
    onClosed: end => {
      ends.push(end)
      heard.emit('closed')
    },
  })
  return { session, plain, accepted, carrier, told, ends, streams, names, heard }
}

async function withClient(t: TestContext) {
  const all = await bench(t)
  const client = connectHttp2('http://127.0.0.1', {
    createConnection: () => all.plain,
    settings: { enablePush: false },
  })
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'remoteSettings')
  return { ...all, client }
}

async function goAwayOf(client: ClientHttp2Session): Promise<number> {
  const [code] = await once(client, 'goaway')
  return code
}

test('what it is, and what it lets its peer do', async t => {
  const { session, client, carrier } = await withClient(t)
  assert.deepEqual([session.peer, session.secure, session.tlsVersion], ['192.0.2.1:50000', false, undefined])
  assert.deepEqual([session.size, session.closed, carrier.destroyed], [0, false, false])
  const { enableConnectProtocol, maxConcurrentStreams, maxHeaderListSize } = client.remoteSettings
  assert.deepEqual([enableConnectProtocol, maxConcurrentStreams, maxHeaderListSize], [true, 256, 16 * 1024])
})

test('over TLS it says which', async t => {
  const { client: plain, accepted } = await socketPair(t)
  const secureContext = createSecureContext({ cert: certificate('first'), key: privateKey('first') })
  const above = new TLSSocket(accepted, { isServer: true, secureContext, ALPNProtocols: ['h2'] })
  const tls = connectTls({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  await Promise.all([once(above, 'secure'), once(tls, 'secureConnect')])
  const heard = new EventEmitter()
  const session = new Http2Session({ socket: above, carrier: accepted }, 'peer', Buffer.alloc(0), counting().observer, {
    onStream: () => {},
    onClosed: () => void heard.emit('closed'),
  })
  assert.deepEqual([session.secure, session.tlsVersion], [true, 'TLSv1.3'])
  const client = connectHttp2('https://127.0.0.1', { createConnection: () => tls })
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'remoteSettings')
  const closed = once(heard, 'closed')
  client.close()
  await closed
})

test('it goes on from what was read before it took over', async t => {
  const { session, plain, heard } = await bench(t, PREFACE.subarray(0, 10))
  plain.write(Buffer.concat([PREFACE.subarray(10), frame(SETTINGS, 0, 0)]))
  await once(plain, 'data')
  assert.equal(session.closed, false)
  const closed = once(heard, 'closed')
  plain.destroy()
  await closed
  assert.equal(session.closed, true)
})

test('a stream is told with its fields, and counts until it is closed', async t => {
  const { session, client, streams, names, heard } = await withClient(t)
  const first = once(heard, 'stream')
  const stream = request(client)
  await first
  assert.deepEqual([session.size, streams.length, names], [1, 1, [':method']])
  assert.equal(streams[0].peer, '192.0.2.1:50000')
  streams[0].respond(200, [])
  stream.resume()
  streams[0].destroy()
  await once(stream, 'close')
  assert.equal(session.size, 0)
})

test('overhead is what the socket carried beyond the octets of streams; it never shrinks', async t => {
  const { session, carrier, told } = await bench(t)
  Object.assign(carrier._handle, { bytesRead: 100, bytesWritten: 60, writeQueueSize: 10 })
  session.carriedReceived(30)
  session.carriedSent(20)
  session.count()
  assert.deepEqual(told, { received: 100, sent: 50, overheadReceived: 70, overheadSent: 30 })
  // Known of the streams before it is of the socket.
  session.carriedReceived(50)
  session.carriedSent(40)
  session.count()
  assert.deepEqual(told, { received: 100, sent: 50, overheadReceived: 70, overheadSent: 30 })
  Object.assign(carrier._handle, { bytesRead: 155, bytesWritten: 103, writeQueueSize: 0 })
  session.count()
  assert.deepEqual(told, { received: 155, sent: 103, overheadReceived: 75, overheadSent: 43 })
})

test('what was counted before it took over is not counted again, and none of it is overhead', async t => {
  const { client: plain, accepted } = await socketPair(t)
  const carrier = Object.assign(new Carrier(), { bytesRead: 0, bytesWritten: 0 })
  Object.assign(carrier._handle, { bytesRead: 24, bytesWritten: 9 })
  const { told, observer } = counting()
  const handler = { onStream() {}, onClosed() {} }
  const released = { socket: accepted, carrier: carrier as unknown as Socket }
  const session = new Http2Session(released, 'peer', Buffer.alloc(0), observer, handler)
  session.count()
  assert.deepEqual([told.received, told.sent], [0, 0])
  plain.destroy()
})

test('closed, it lets its streams go on, takes no other, and ends after the last, for the reason given first', async t => {
  const { session, client, streams, ends, heard } = await withClient(t)
  const first = once(heard, 'stream')
  const stream = request(client)
  await first
  streams[0].respond(200, [])
  const goAway = goAwayOf(client)
  session.close('leaving')
  session.close('idle')
  assert.equal(await goAway, constants.NGHTTP2_NO_ERROR)
  assert.deepEqual([session.closed, session.size, ends], [true, 1, []])
  const closed = once(heard, 'closed')
  stream.resume()
  stream.end()
  streams[0].finish()
  await closed
  assert.deepEqual(ends, ['leaving'])
})

test('closed by its peer, it says so', async t => {
  const { client, ends, heard } = await withClient(t)
  const closed = once(heard, 'closed')
  client.close()
  await closed
  assert.deepEqual(ends, ['peer'])
})

test('dropped, it takes its streams along, and tells the code', async t => {
  const { session, client, streams, ends, heard } = await withClient(t)
  const first = once(heard, 'stream')
  request(client)
  await first
  const [goAway, closed] = [goAwayOf(client), once(heard, 'closed')]
  session.destroy('flood', constants.NGHTTP2_ENHANCE_YOUR_CALM)
  assert.equal(await goAway, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  await closed
  assert.deepEqual([ends, session.closed, streams[0].closed], [['flood'], true, true])
})

test('dropped after it was closed, it has ended for the reason of that', async t => {
  const { session, plain, client, ends, heard } = await withClient(t)
  const first = once(heard, 'stream')
  request(client)
  await first
  session.close('leaving')
  const closed = once(heard, 'closed')
  session.destroy('flood')
  plain.destroy()
  await closed
  assert.deepEqual(ends, ['leaving'])
})

test('dropped or closed before Node has begun, it ends as soon as that is done', async t => {
  for (const action of ['close', 'destroy'] as const) {
    const { session, plain, ends, heard } = await bench(t)
    plain.resume()
    plain.once('end', () => plain.end())
    const closed = once(heard, 'closed')
    session[action]('leaving')
    assert.deepEqual(ends, [])
    await closed
    assert.deepEqual(ends, ['leaving'])
  }
})

test('where its peer does not end the socket, a drop does', async t => {
  const { session, plain, carrier, told } = await bench(t)
  plain.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
  await once(plain, 'data')
  const ended = once(plain, 'end')
  session.close('leaving')
  plain.resume()
  await ended
  Object.assign(carrier._handle, { bytesRead: 40, bytesWritten: 90, writeQueueSize: 30 })
  assert.equal(carrier.destroyed, false)
  session.destroy('leaving')
  assert.deepEqual([carrier.destroyed, told.received, told.sent], [true, 40, 60])
  // What the system cancels is not sent.
  carrier._handle.writeQueueSize = 0
  session.count()
  assert.equal(told.sent, 60)
})

test('what waits when the session or its socket fails was not sent', async t => {
  const failures = {
    socket: ({ carrier }: { carrier: Carrier }) => void carrier.emit('error', new Error('reset')),
    session: ({ plain }: { plain: Socket }) => void plain.write('no HTTP/2 at all, and of some length'),
  }
  for (const fail of Object.values(failures)) {
    const all = await bench(t)
    const { session, carrier, plain, told, heard } = all
    Object.assign(carrier._handle, { bytesWritten: 20, writeQueueSize: 20 })
    const closed = once(heard, 'closed')
    fail(all)
    plain.end()
    plain.resume()
    await closed
    carrier._handle.writeQueueSize = 0
    session.count()
    assert.equal(told.sent, 0)
  }
})

test('a PING is answered; none is sent where the session is closed', async t => {
  const { session, plain, client, heard } = await withClient(t)
  await new Promise<void>(resolve => session.ping(resolve))
  const [closed, gone] = [once(heard, 'closed'), once(client, 'close')]
  plain.destroy()
  await Promise.all([closed, gone])
  session.ping(() => assert.fail())
})

test('a PING that is not answered before the end never is', async t => {
  const { session, plain, heard } = await bench(t)
  plain.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
  await once(plain, 'data')
  let answers = 0
  session.ping(() => answers++)
  const closed = once(heard, 'closed')
  plain.destroy()
  await closed
  assert.equal(answers, 0)
})

test('streams that came to nothing: 500 at once, 50 more each second, and the session ends', async t => {
  const clock = { now: 5000 }
  t.mock.method(performance, 'now', () => clock.now)
  const waste = (session: Http2Session, times: number): void => {
    for (let i = 0; i < times; i++) session.waste()
  }
  const { session, client, ends, heard } = await withClient(t)
  waste(session, 500)
  clock.now += 1000
  waste(session, 50)
  // A quiet hour brings back no more than there was.
  clock.now += 3_600_000
  waste(session, 500)
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  assert.equal(session.closed, false)
  const [goAway, closed] = [goAwayOf(client), once(heard, 'closed')]
  waste(session, 1)
  assert.equal(await goAway, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  await closed
  assert.deepEqual(ends, ['flood'])
})

test('a GOAWAY goes out as a frame of its own where nothing else is left', async t => {
  const { session, plain } = await bench(t)
  plain.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
  const chunks: Buffer[] = []
  plain.on('data', chunk => chunks.push(chunk))
  await once(plain, 'data')
  const ended = once(plain, 'end')
  session.close('leaving')
  await ended
  const types = [...framesIn(Buffer.concat(chunks))].map(({ type }) => type)
  assert.deepEqual([types[0], types.at(-1)], [SETTINGS, GOAWAY])
  plain.end()
})
