// The HTTP/2 sessions of a worker over real connections, with a clock of the test's own: how long each lives, and its end.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { type TestContext, test } from 'node:test'
import type { Admission } from '../../../src/messages.js'
import { SESSION_ENDS } from '../../../src/metrics/catalogue.js'
import { Counters } from '../../../src/metrics/counters.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import type { Proxied } from '../../../src/proxied.js'
import { acceptTransport } from '../../../src/transport/accept.js'
import type { Http2StreamTransport } from '../../../src/transport/http2-stream-transport.js'
import { Http2Sessions } from '../../../src/worker/opening/http2-sessions.js'
import type { Origin } from '../../../src/worker/opening/origin.js'
import type { StreamSession } from '../../../src/worker/opening/stream-opening.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { FakeTransport } from '../../support/fake-transport.js'
import { request } from '../../support/http2-client.js'
import { frame, PREFACE, SETTINGS } from '../../support/http2-frames.js'
import { socketPair } from '../../support/socket-pair.js'

const NOBODY = { onChunk() {}, onProgress() {}, onEnd() {}, onClosed() {} }
const TIMES = { handshakeTimeout: 5000, pingInterval: 20_000, pingTimeout: 3000 }

interface Terms {
  readonly admission?: Admission
  readonly times?: typeof TIMES
  readonly proxied?: Proxied
}

const BEGIN = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)])

/** One session, that is connection 7, before its peer has said anything; its clock begins at 1000. */
async function unheard(t: TestContext, { admission = 0, times = TIMES, proxied }: Terms = {}) {
  const clock = { now: 1000 }
  t.mock.method(performance, 'now', () => clock.now)
  const counters = new Counters()
  const traffic = new Traffic(counters)
  const heard = new EventEmitter()
  const requests: { id: number; session: StreamSession; transport: Http2StreamTransport }[] = []
  const gone: number[] = []
  const sessions = new Http2Sessions(times, traffic, {
    onRequest: (id, session, transport) => {
      requests.push({ id, session, transport })
      heard.emit('request')
    },
    onSessionGone: id => {
      gone.push(id)
      heard.emit('gone')
    },
  })
  const { client: plain, accepted } = await socketPair(t)
  const transport = acceptTransport(accepted, undefined, traffic, NOBODY)
  transport.proxied = proxied
  const origin = { name: 'origin' } as unknown as Origin
  sessions.take(7, admission, transport, Buffer.alloc(0), origin)
  const ends = () =>
    SESSION_ENDS.flatMap(cause => (counters.values[offsetOf('http2_sessions_ended_total', { cause })] > 0 ? cause : []))
  const sweep = (now: number): void => {
    clock.now = now
    sessions.sweep(now)
  }
  return { sessions, plain, heard, requests, gone, counters, origin, ends, sweep }
}

/** The same, with a client. */
async function bench(t: TestContext, terms: Terms = {}) {
  const all = await unheard(t, terms)
  const client = connectHttp2('http://127.0.0.1', {
    createConnection: () => all.plain,
    settings: { enablePush: false },
  })
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'remoteSettings')
  return { ...all, client }
}

/** Lets what was sent come. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

test('a request is told with its session and its connection, and is from whom the session is', async t => {
  const proxied = { peer: '198.51.100.1:2' } as Proxied
  const { sessions, client, heard, requests, origin } = await bench(t, { admission: 429, proxied })
  const came = once(heard, 'request')
  request(client)
  await came
  const [{ id, session, transport }] = requests
  assert.deepEqual([id, sessions.size, transport.proxied], [7, 1, proxied])
  assert.deepEqual([session.admission, session.origin], [429, origin])
})

test('a session that sends no request in time is ended, and cut where its peer does not go', async t => {
  for (const [admission, time] of [
    [0, 5000],
    [503, 1000],
  ] as const) {
    const { sessions, client, plain, heard, gone, ends, sweep } = await bench(t, { admission })
    let goAways = 0
    client.on('goaway', () => goAways++)
    sweep(1000 + time - 1)
    await turns()
    assert.equal(goAways, 0)
    const goAway = once(client, 'goaway')
    sweep(1000 + time)
    await goAway
    plain.destroy()
    await once(heard, 'gone')
    assert.deepEqual([gone, ends(), sessions.size], [[7], ['idle'], 0])
  }
})

test('one that has a stream is not idle; without one it may rest for the ping interval', async t => {
  const { client, heard, requests, ends, sweep } = await bench(t)
  const came = once(heard, 'request')
  const stream = request(client)
  await came
  sweep(9000)
  stream.resume()
  requests[0].transport.destroy()
  await once(stream, 'close')
  await turns()
  sweep(9000 + 19_999)
  await turns()
  assert.deepEqual(ends(), [])
  const [goAway, gone] = [once(client, 'goaway'), once(heard, 'gone')]
  sweep(9000 + 20_000)
  await Promise.all([goAway, gone])
  assert.deepEqual(ends(), ['idle'])
})

test('one that is closed and has no stream left is cut after the handshake timeout', async t => {
  const { sessions, plain, heard, ends, sweep } = await bench(t)
  const { end } = plain
  // The peer does not go.
  plain.end = () => plain
  sessions.goAway()
  await turns()
  sweep(5999)
  await turns()
  assert.deepEqual(ends(), [])
  const gone = once(heard, 'gone')
  sweep(6000)
  plain.end = end
  await gone
  assert.deepEqual(ends(), ['leaving'])
})

test('a peer that answers is pinged each interval, and stays', async t => {
  const { client, heard, ends, sweep } = await bench(t)
  const came = once(heard, 'request')
  request(client)
  await came
  let pings = 0
  client.on('ping', () => pings++)
  for (const [now, expected] of [
    [20_999, 0],
    [21_000, 1],
    [24_000, 1],
    [40_999, 1],
    [41_000, 2],
  ]) {
    sweep(now)
    await turns()
    assert.equal(pings, expected, `at ${now}`)
  }
  assert.deepEqual(ends(), [])
})

test('one that does not answer is dropped after the ping timeout', async t => {
  const patient = { ...TIMES, handshakeTimeout: 1e9 }
  for (const [times, interval, timeout] of [
    [patient, 20_000, 3000],
    [{ ...patient, pingInterval: 0, pingTimeout: 0 }, 30_000, 10_000],
  ] as const) {
    const { plain, heard, ends, sweep } = await unheard(t, { times })
    plain.write(BEGIN)
    await once(plain, 'data')
    sweep(1000 + interval)
    sweep(1000 + interval + timeout - 1)
    await turns()
    assert.deepEqual(ends(), [])
    const gone = once(heard, 'gone')
    sweep(1000 + interval + timeout)
    await gone
    assert.deepEqual(ends(), ['silent'])
  }
})

test('where connections are not pinged, a session without a stream may rest for ever once it had one', async t => {
  const { client, heard, requests, ends, sweep } = await bench(t, { times: { ...TIMES, pingInterval: 0 } })
  const came = once(heard, 'request')
  const stream = request(client)
  await came
  stream.resume()
  requests[0].transport.destroy()
  await once(stream, 'close')
  for (let hour = 1; hour <= 3; hour++) {
    sweep(hour * 3_600_000)
    await turns()
  }
  assert.deepEqual(ends(), [])
})

test('it is dropped by its number, or with all others', async t => {
  for (const how of ['drop', 'destroy'] as const) {
    const { sessions, heard, ends } = await bench(t)
    sessions.drop(99)
    const gone = once(heard, 'gone')
    if (how === 'drop') sessions.drop(7)
    else sessions.destroy()
    await gone
    assert.deepEqual([ends(), sessions.size], [['leaving'], 0])
  }
})

test('its octets are counted when that is asked for', async t => {
  const { sessions, plain, client, counters } = await bench(t)
  await new Promise<void>(resolve => void client.ping(() => resolve()))
  sessions.count()
  assert.equal(counters.values[offsetOf('wire_bytes_total', { direction: 'received' })], plain.bytesWritten)
  assert.ok(counters.values[offsetOf('http2_overhead_bytes_total', { direction: 'sent' })] > 0)
})

test('a stream cannot carry a session', () => {
  const sessions = new Http2Sessions(TIMES, new Traffic(new Counters()), { onRequest() {}, onSessionGone() {} })
  assert.throws(() => sessions.take(1, 0, new FakeTransport(), Buffer.alloc(0), undefined), /session on a stream/)
  assert.equal(sessions.size, 0)
})
