// `echobahn load` over TLS, and over HTTP/2 (RFC 8441).

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { TlsFiles } from '../support/certificate.js'
import { faultsOf, frameOf, loadHere, loadResults, takeFrame } from '../support/load-command.js'
import { startService } from '../support/service.js'

test('over TLS everything comes back, for whoever trusts the certificate', async t => {
  const files = new TlsFiles(t)
  const service = await startService(t, '--workers', '1', ...files.flags)
  const options = [service.url, '--in-flight', '4', '--messages', '200', '--size', '0..2000:90%,300000:10%']
  const trusting = await loadResults(...options, '--ca', files.cert, '--admin', service.adminUrl)
  assert.deepEqual(faultsOf(trusting.results.counts.faults), {})
  assert.equal(trusting.results.counts.messages.echoed, 200)
  assert.deepEqual([trusting.results.comparison?.mismatches, trusting.results.comparison?.compared], [[], 1])
  assert.equal(trusting.code, 0)

  const insecure = await loadHere(...options, '--insecure')
  assert.equal(insecure.code, 0)

  const strict = await loadHere(...options)
  assert.equal(strict.code, 1)
  assert.deepEqual(strict.results.counts.handshakes, { DEPTH_ZERO_SELF_SIGNED_CERT: 1 })
})

test('SNI is the name that is asked for', async t => {
  const files = new TlsFiles(t)
  const names: unknown[] = []
  const server = createTlsServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, socket => {
    names.push(socket.servername)
    socket.on('error', () => {})
    socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}`
  const options = ['--insecure', '--rate', '1', '--messages', '1']
  const { results } = await loadHere(url, ...options, '--servername', 'echo.example')
  assert.deepEqual(results.counts.handshakes, { '404': 1 })
  await loadHere(url, ...options)
  assert.deepEqual(names, ['echo.example', false])
})

interface Http2Echo {
  readonly url: string
  readonly sessions: Set<Http2Session>
  /** Fields of each request. */
  readonly requests: Record<string, unknown>[]
}

/** An HTTP/2 server whose streams echo frames. @param answer status and fields of each answer */
async function startHttp2(
  t: TestContext,
  server: Http2Server = createServer({ settings: { enableConnectProtocol: true } }),
  answer: Record<string, unknown> = { ':status': 200 },
): Promise<Http2Echo> {
  const sessions = new Set<Http2Session>()
  const requests: Record<string, unknown>[] = []
  server.on('session', session => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream, fields) => {
    requests.push(fields)
    stream.on('error', () => {})
    stream.respond(answer as { ':status': number }, { endStream: answer[':status'] !== 200 })
    echoFrames(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}/echo?a=b`, sessions, requests }
}

function echoFrames(stream: ServerHttp2Stream): void {
  let octets: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    octets = Buffer.concat([octets, chunk])
    for (let taken = takeFrame(octets); taken !== undefined; taken = takeFrame(octets)) {
      octets = taken.rest
      const { first, opcode, payload } = taken.frame
      stream.write(frameOf(opcode === 9 ? 0x8a : first, payload))
      if (opcode === 8) stream.end()
    }
  })
}

test('over HTTP/2 streams share sessions, and everything comes back', async t => {
  const { url, sessions, requests } = await startHttp2(t)
  const { code, results } = await loadHere(
    ...[`ws://${url}`, '--http2', '--streams', '4', '--connections', '10', '--in-flight', '3', '--messages', '300'],
    ...[
      '--size',
      '0..3000:95%,200000:5%',
      '--ping',
      '20ms',
      '--header',
      'X-A: 1',
      '--header',
      'X-A: 2',
      '--subprotocol',
      'x',
    ],
  )
  assert.deepEqual(faultsOf(results.counts.faults), {})
  assert.equal(results.counts.messages.echoed, 300)
  assert.deepEqual(results.counts.closes, { '1000 client': 10 })
  assert.equal(code, 0)
  assert.equal(sessions.size, 3)
  assert.equal(requests.length, 10)
  const [request] = requests
  assert.equal(request[':method'], 'CONNECT')
  assert.equal(request[':protocol'], 'websocket')
  assert.equal(request[':scheme'], 'http')
  assert.equal(request[':path'], '/echo?a=b')
  assert.equal(request['sec-websocket-version'], '13')
  assert.equal(request['sec-websocket-protocol'], 'x')
  assert.equal(request['x-a'], '1, 2')
  assert.equal(request['sec-websocket-key'], undefined)
})

test('HTTP/2 over TLS', async t => {
  const files = new TlsFiles(t)
  const server = createSecureServer({
    ...{ cert: readFileSync(files.cert), key: readFileSync(files.key), settings: { enableConnectProtocol: true } },
  })
  const { url } = await startHttp2(t, server)
  const options = [`wss://${url}`, '--http2', '--in-flight', '1', '--messages', '20']
  const trusting = await loadHere(...options, '--ca', files.cert)
  assert.deepEqual([trusting.code, trusting.results.counts.messages.echoed], [0, 20])
  const strict = await loadHere(...options)
  assert.equal(strict.code, 1)
  assert.deepEqual(strict.results.counts.handshakes, { DEPTH_ZERO_SELF_SIGNED_CERT: 1 })
})

test('an HTTP/2 server that takes no WebSockets, and one that refuses', async t => {
  const options = ['--http2', '--rate', '1', '--messages', '1', '--connections', '2']
  const none = await startHttp2(t, createServer())
  const without = await loadHere(`ws://${none.url}`, ...options)
  assert.deepEqual(without.results.counts.handshakes, { 'no enable_connect_protocol': 2 })
  assert.equal(without.code, 1)
  const closed = await startHttp2(t, undefined, { ':status': 403 })
  const refused = await loadHere(`ws://${closed.url}`, ...options)
  assert.deepEqual(refused.results.counts.handshakes, { '403': 2 })
  const nobody = await loadHere('ws://127.0.0.1:1', ...options)
  assert.deepEqual(nobody.results.counts.handshakes, { ECONNREFUSED: 2 })
})
