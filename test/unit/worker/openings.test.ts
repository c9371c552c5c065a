// All opening handshakes of a worker, over handles without connections: how many there may be, and what is counted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Admission, OpenStreams } from '../../../src/messages.js'
import { Counters } from '../../../src/metrics/counters.js'
import { type CounterName, offsetOf } from '../../../src/metrics/layout.js'
import { Openings } from '../../../src/worker/opening/openings.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { certificate, privateKey } from '../../support/certificate.js'
import { FakeHandle } from '../../support/fake-handle.js'
import { settingsFor } from '../../support/fake-transport.js'
import { request } from '../../support/http2-client.js'
import { PREFACE } from '../../support/http2-frames.js'
import { proxyLine } from '../../support/proxy-headers.js'
import { requestHead } from '../../support/raw-client.js'
import { socketPair } from '../../support/socket-pair.js'

function bench(...flags: string[]) {
  return benchWith(undefined, ...flags)
}

function benchWith(secureContext: SecureContext | undefined, ...flags: string[]) {
  const counters = new Counters()
  const events: string[] = []
  const asked: unknown[] = []
  const openings = new Openings(settingsFor(...flags), secureContext, new Traffic(counters), {
    onUpgraded: (_transport, terms, behind) => void events.push(`upgraded ${terms.id} ${behind}`),
    onGone: id => void events.push(`gone ${id}`),
    onRefused: () => {},
    ask: message => void asked.push(message),
    onFallback: () => void events.push('fallback'),
    onInternalError: error => void events.push(String(error)),
  })
  const take = (id: number, admission: Admission = 0): FakeHandle => {
    const handle = new FakeHandle()
    openings.take(id, handle, admission)
    return handle
  }
  const counted = (name: CounterName, labels: Record<string, string>): number => counters.values[offsetOf(name, labels)]
  return { openings, events, asked, take, counted }
}

const isClosed = (handle: FakeHandle): boolean => handle.calls.includes('close')

test('who is upgraded is no opening any more; who is gone neither', () => {
  const { openings, events, take, counted } = bench()
  const first = take(1)
  const second = take(2)
  assert.equal(openings.size, 2)
  first.receive(`${requestHead()}behind`)
  assert.deepEqual([openings.size, counted('handshakes_total', { result: 'accepted' })], [1, 1])
  second.tellRead(-104)
  second.tellClosed()
  assert.equal(openings.size, 0)
  assert.deepEqual(events, ['upgraded 1 behind', 'gone 2'])
})

test('refusals are counted by their reason', () => {
  const { take, counted } = bench()
  take(1).receive(requestHead(['Host: a']))
  take(2).receive('no HTTP at all')
  assert.equal(counted('handshakes_total', { result: 'not_upgrade' }), 1)
  assert.equal(counted('handshakes_total', { result: 'bad_http' }), 1)
})

test('connections above a limit are counted by that limit', () => {
  const { take, counted } = bench()
  take(1, 503)
  take(2, 429)
  take(3, 429)
  take(4)
  assert.equal(counted('connections_rejected_total', { reason: 'max_connections' }), 1)
  assert.equal(counted('connections_rejected_total', { reason: 'max_connections_per_ip' }), 2)
})

test('of more than a worker may have the oldest are dropped, and those that had no answer counted', () => {
  const { openings, events, take, counted } = bench('--max-openings', '5', '--workers', '2')
  const handles = [1, 2, 3].map(id => take(id))
  handles[0].receive(requestHead(['Host: a']))
  assert.deepEqual(handles.map(isClosed), [false, false, false])
  handles.push(take(4))
  assert.deepEqual(handles.map(isClosed), [true, false, false, false])
  assert.equal(counted('handshakes_total', { result: 'max_openings' }), 0)
  handles.push(take(5))
  assert.deepEqual(handles.map(isClosed), [true, true, false, false, false])
  assert.deepEqual([openings.size, counted('handshakes_total', { result: 'max_openings' })], [3, 1])
  handles[0].tellClosed()
  assert.deepEqual([openings.size, events], [3, ['gone 1']])
})

test('max-openings 0 is no limit', () => {
  const { take } = bench('--max-openings', '0', '--workers', '1')
  const handles = Array.from({ length: 50 }, (_, id) => take(id))
  assert.ok(!handles.some(isClosed))
})

test('deadlines are those of the handshake timeout', t => {
  t.mock.method(performance, 'now', () => 20_000)
  const { openings, take, counted } = bench('--handshake-timeout', '5s')
  take(1)
  take(2)
  openings.sweep(24_999)
  assert.equal(counted('handshakes_total', { result: 'timeout' }), 0)
  openings.sweep(25_000)
  assert.equal(counted('handshakes_total', { result: 'timeout' }), 2)
})

test('one is dropped by its number, or all of them', () => {
  const { openings, take } = bench()
  const handles = [1, 2, 3].map(id => take(id))
  openings.drop(2)
  openings.drop(99)
  assert.deepEqual(handles.map(isClosed), [false, true, false])
  openings.close()
  assert.deepEqual(handles.map(isClosed), [true, true, true])
})

test('what requests are judged by are the settings', () => {
  const flags = ['--path', '/echo', '--origin', 'https://good.example', '--subprotocol', 'chat', '--compression', 'off']
  const { take, counted } = bench(...flags)
  take(1).receive(requestHead())
  assert.equal(counted('handshakes_total', { result: 'path' }), 1)
  const upgrade = requestHead(undefined, 'GET /echo HTTP/1.1').slice(0, -2)
  take(2).receive(`${upgrade}Origin: https://evil.example\r\n\r\n`)
  assert.equal(counted('handshakes_total', { result: 'origin' }), 1)
  const handle = take(3)
  handle.receive(
    `${upgrade}Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: superchat, chat\r\n\r\n`,
  )
  const [{ bytes }] = handle.writes
  assert.match(String(bytes), /\r\nSec-WebSocket-Protocol: chat\r\n\r\n$/)
})

test('context takeover is agreed on only where it is on', () => {
  for (const [flags, answer] of [
    [[], 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
    [['--context-takeover', 'on'], 'permessage-deflate'],
  ] as const) {
    const handle = bench(...flags).take(1)
    handle.receive(`${requestHead().slice(0, -2)}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`)
    const [{ bytes }] = handle.writes
    assert.match(String(bytes), new RegExp(`Sec-WebSocket-Extensions: ${answer}\r\n`))
  }
})

test('the fallback is told of, bare handles are not', t => {
  const { openings, events, take } = bench()
  take(1)
  assert.deepEqual(events, [])
  const socket = new Socket()
  t.after(() => socket.destroy())
  openings.take(2, socket, 0)
  assert.deepEqual(events, ['fallback'])
})

test('an error of our own is handed on', () => {
  const { events, take } = bench()
  const handle = take(1)
  Object.defineProperty(handle, 'writeBuffer', {
    value: () => {
      throw new Error('broken')
    },
  })
  handle.receive(requestHead())
  assert.deepEqual(events, ['Error: broken'])
})

test('over HTTP/2 a session is no opening, each of its requests is one, once it has a number', async t => {
  const { openings, events, asked, counted } = bench()
  const { client: plain, accepted } = await socketPair(t)
  openings.take(1, accepted, 0)
  const client = connectHttp2('http://127.0.0.1', { createConnection: () => plain, settings: { enablePush: false } })
  client.on('error', () => {})
  t.after(() => client.destroy())
  await once(client, 'remoteSettings')
  assert.deepEqual([openings.size, openings.sessions], [0, 1])
  const stream = request(client)
  const answer = once(stream, 'response')
  while (asked.length === 0) await new Promise(setImmediate)
  const [{ type, streams }] = asked as OpenStreams[]
  assert.deepEqual([type, streams.length, streams[0].session, openings.size], ['open-streams', 1, 1, 1])
  openings.opened([{ request: streams[0].request, id: 2, admission: 0 }])
  const [headers] = await answer
  assert.deepEqual([headers[':status'], openings.size], [200, 0])
  assert.deepEqual(events.slice(0, 2), ['fallback', 'upgraded 2 '])
  const by = (http_version: string) => counted('handshakes_by_version_total', { http_version, result: 'accepted' })
  assert.deepEqual([by('1'), by('2')], [0, 1])
  openings.cut()
  client.destroy()
  while (openings.sessions > 0) await new Promise(setImmediate)
  assert.equal(events.at(-1), 'gone 1')
})

test('where HTTP/2 is off its preface is no request', async () => {
  const { openings, take, counted } = bench('--http2', 'off')
  const handle = take(1)
  handle.receive(String(PREFACE))
  assert.deepEqual([openings.sessions, counted('handshakes_total', { result: 'bad_http' })], [0, 1])
  assert.match(String(handle.writes[0].bytes), /^HTTP\/1\.1 400 /)
})

test('with a certificate connections speak TLS', async t => {
  const secureContext = createSecureContext({ cert: certificate('first'), key: privateKey('first') })
  const { openings, events } = benchWith(secureContext)
  const { client: plain, accepted } = await socketPair(t)
  openings.take(1, accepted, 0)
  const client = connectTls({ socket: plain, rejectUnauthorized: false })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  client.write(`${requestHead()}behind`)
  const [answer] = await once(client, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 101 /)
  assert.deepEqual(events, ['upgraded 1 behind'])
  plain.destroy()
})

test('TLS that begins in the chunk of the PROXY header is read as TLS, and as nothing else', async t => {
  const secureContext = createSecureContext({ cert: certificate('first'), key: privateKey('first') })
  const flags = ['--trusted-proxies', '127.0.0.1', '--proxy-protocol', 'required']
  const { openings, events } = benchWith(secureContext, ...flags)
  const { client: plain, accepted } = await socketPair(t)
  openings.take(1, accepted, 0)
  let before: readonly Buffer[] = [Buffer.from(proxyLine('198.51.100.1'))]
  const carrier = new Duplex({
    read() {},
    write(octets, _encoding, done) {
      plain.write(Buffer.concat([...before, octets]), done)
      before = []
    },
  })
  plain.on('data', octets => void carrier.push(octets))
  const client = connectTls({ socket: carrier, rejectUnauthorized: false })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  client.write(`${requestHead()}behind`)
  const [answer] = await once(client, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 101 /)
  assert.deepEqual(events, ['upgraded 1 behind'])
  plain.destroy()
})
