// The real service behind a proxy that the test plays: true addresses in reports, filters, descriptions, logs and limits, over
// plain TCP and TLS, and books that balance whatever dies.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ConnectionReport, ConnectionSummary, RefusalReport } from '../../src/report/report.js'
import { certificate, TlsFiles } from '../support/certificate.js'
import { CONNECT, openSession, request, responseTo, StreamClient } from '../support/http2-client.js'
import { LOCAL, proxyBlock, proxyBlock4, proxyLine } from '../support/proxy-headers.js'
import { closePayload, RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'

interface Lasting {
  after(hook: () => void): void
}

const TRUSTING = ['--workers', '2', '--trusted-proxies', '127.0.0.1']
const PROXY_PROTOCOL = [...TRUSTING, '--proxy-protocol', 'required']

/** Connects from an address of this machine, 127.0.0.1 being the proxy's. */
async function connected(t: Lasting, { port }: Service, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function client(t: Lasting, service: Service, localAddress?: string): Promise<RawClient> {
  return new RawClient(await connected(t, service, localAddress))
}

/** Sends a header and a request as a proxy does, and returns the response's head. */
async function handshake(raw: RawClient, header: Buffer | string, ...extra: string[]): Promise<string> {
  raw.write(header)
  raw.write(requestHead([...UPGRADE_HEADERS, ...extra]))
  return raw.readHead()
}

async function list(service: Service, query = ''): Promise<ConnectionSummary[]> {
  const response = await fetch(`${service.adminUrl}/connections${query}`)
  return ((await response.json()) as { connections: ConnectionSummary[] }).connections
}

async function tell<Report = ConnectionReport>(service: Service, id: number): Promise<Report> {
  const response = await fetch(`${service.adminUrl}/connections/${id}`)
  return (await response.json()) as Report
}

function sum(metrics: ReadonlyMap<string, number>, name: string): number {
  return [...metrics].reduce((total, [series, value]) => (series.split('{', 1)[0] === name ? total + value : total), 0)
}

/** Resolves once nothing is open, and asserts that what was opened has ended. */
async function assertBalance(service: Service): Promise<void> {
  const metrics = await service.until(
    () => service.metrics(),
    series => sum(series, 'echobahn_connections') === 0,
  )
  assert.equal(sum(metrics, 'echobahn_connections_total'), sum(metrics, 'echobahn_connections_ended_total'))
}

async function assertEchoes(raw: RawClient): Promise<void> {
  raw.send({ opcode: 1, payload: 'hello' })
  assert.equal(String((await raw.readFrame()).payload), 'hello')
}

test('PROXY headers tell whom connections are from: reports, filters, describe, octets', async t => {
  const service = await startService(t, ...PROXY_PROTOCOL, '--log-level', 'debug', '--plain-http', 'describe')
  const first = await client(t, service)
  const proxy = `127.0.0.1:${first.socket.localPort}`
  first.write(proxyLine('198.51.100.1', 5))
  first.write(requestHead(UPGRADE_HEADERS, 'GET /?eb-describe HTTP/1.1'))
  assert.match(await first.readHead(), /^HTTP\/1\.1 101 /)
  const told = JSON.parse(String((await first.readFrame()).payload))
  assert.deepEqual([told.peer, told.addressSource, told.proxy], ['198.51.100.1:5', 'proxy-protocol', proxy])
  await assertEchoes(first)

  const second = await client(t, service)
  assert.match(await handshake(second, proxyBlock4('198.51.100.2', 6, Buffer.alloc(500))), /^HTTP\/1\.1 101 /)
  const local = await client(t, service)
  assert.match(await handshake(local, proxyBlock(LOCAL, 0)), /^HTTP\/1\.1 101 /)

  const [summary, ...others] = await list(service, '?peer=198.51.100.1')
  assert.deepEqual(others, [])
  const from = { peer: '198.51.100.1:5', addressSource: 'proxy-protocol', proxy }
  const report = await tell(service, summary.id)
  for (const { peer, addressSource, proxy } of [summary, report]) assert.deepEqual({ peer, addressSource, proxy }, from)
  // The report has the octets of the socket, and the head of the request alone.
  assert.equal(report.received.octets, first.sent)
  assert.match(report.handshake.request, /^GET /)
  assert.deepEqual(
    (await list(service, '?peer=127.0.0.1')).map(({ peer, addressSource, proxy }) => ({ peer, addressSource, proxy })),
    [{ peer: `127.0.0.1:${local.socket.localPort}`, addressSource: 'socket', proxy: null }],
  )
  await service.logged(({ msg, peer }) => msg === 'connection accepted' && peer === '198.51.100.2:6')
  const metrics = await service.metrics()
  const wire = metrics.get('echobahn_wire_bytes_total{direction="received"}')
  assert.equal(wire, first.sent + second.sent + local.sent)

  const plain = await client(t, service)
  plain.write(`${proxyLine('198.51.100.3', 7)}${requestHead(['Host: a'])}`)
  const [, body] = String(await plain.readToEnd()).split('\r\n\r\n')
  assert.equal(JSON.parse(body).peer, '198.51.100.3:7')

  // An error is logged with the true address too.
  second.write(Buffer.from([0x81, 0]))
  await service.logged(({ msg, peer }) => msg === 'protocol error' && peer === '198.51.100.2:6')
  for (const raw of [first, second, local, plain]) raw.destroy()
  await assertBalance(service)
})

test('who does not begin with a PROXY header, or is no trusted proxy, is refused', async t => {
  const service = await startService(t, ...PROXY_PROTOCOL)
  const junk = await client(t, service)
  assert.match(await handshake(junk, ''), /^HTTP\/1\.1 400 /)
  assert.match(String(await junk.readToEnd()), /must begin with a header of the PROXY protocol/)
  const untrusted = await client(t, service, '127.0.0.2')
  assert.match(await handshake(untrusted, proxyLine('127.0.0.1')), /^HTTP\/1\.1 403 /)
  const [second, first] = await list(service, '?state=refused')
  assert.deepEqual([first.error, second.error], ['bad_proxy_header', 'untrusted_peer'])
  assert.equal(second.peer, `127.0.0.2:${untrusted.socket.localPort}`)
  for (const raw of [junk, untrusted]) raw.destroy()
  await assertBalance(service)
})

test('without the option a PROXY header is the 400 that it was', async t => {
  const service = await startService(t, ...TRUSTING, '--forwarded-header', 'forwarded')
  const raw = await client(t, service)
  raw.write(proxyLine('198.51.100.1'))
  assert.match(String(await raw.readToEnd()), /^HTTP\/1\.1 400 .*turn the PROXY protocol off at the proxy/s)
})

test('under TLS the PROXY header comes before the ClientHello', async t => {
  const { flags } = new TlsFiles(t)
  const service = await startService(t, ...PROXY_PROTOCOL, ...flags)
  const socket = await connected(t, service)
  let sent = 0
  for (const octet of proxyBlock4('198.51.100.1', 5, Buffer.alloc(9))) {
    socket.write(Buffer.of(octet))
    sent++
  }
  const secure = connectTls({ socket, ca: certificate('first'), servername: 'first.echobahn.test' })
  await once(secure, 'secureConnect')
  const raw = new RawClient(secure)
  assert.match(await handshake(raw, ''), /^HTTP\/1\.1 101 /)
  await assertEchoes(raw)
  const [{ id, peer, addressSource }] = await list(service)
  assert.deepEqual([peer, addressSource], ['198.51.100.1:5', 'proxy-protocol'])
  assert.equal((await tell(service, id)).transport, 'tls')
  raw.send({ opcode: 8, payload: closePayload(1000) })
  await raw.readFramesToEnd()
  socket.destroy()

  // Header and ClientHello in one write.
  const together = await connected(t, service)
  const options = { ca: certificate('first'), servername: 'first.echobahn.test' }
  const bundle = connectTls({ socket: behind(together, proxyLine('198.51.100.2', 6)), ...options })
  await once(bundle, 'secureConnect')
  const other = new RawClient(bundle)
  assert.match(await handshake(other, ''), /^HTTP\/1\.1 101 /)
  await assertEchoes(other)
  bundle.destroy()
  together.destroy()

  // Without one nobody understands an answer: the connection ends, and the report says why.
  const bare = await client(t, service)
  bare.write(Buffer.from([0x16, 3, 1, 2, 0]))
  assert.equal((await bare.readToEnd()).length, 0)
  const [refused] = await list(service, '?state=refused')
  const { handshake: heads, refusal } = await tell<RefusalReport>(service, refused.id)
  assert.deepEqual([refused.error, heads.response, refusal.status], ['bad_proxy_header', '', null])
  const untrusted = await client(t, service, '127.0.0.2')
  untrusted.write(proxyLine('198.51.100.1'))
  assert.equal((await untrusted.readToEnd()).length, 0)
  assert.equal((await list(service, '?error=untrusted_peer')).length, 1)

  const metrics = await service.metrics()
  assert.ok((metrics.get('echobahn_wire_bytes_total{direction="received"}') ?? 0) > sent)
  assert.equal(metrics.get('echobahn_tls_handshakes_total{result="completed"}'), 2)
  assert.equal(metrics.get('echobahn_tls_handshakes_total{result="failed"}') ?? 0, 0)
  for (const raw of [bare, untrusted]) raw.destroy()
  await assertBalance(service)
})

/** Writes to the socket, `header` together with what is written first. */
function behind(socket: Socket, header: string): Duplex {
  let before = Buffer.from(header)
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, written) => {
      socket.write(Buffer.concat([before, chunk]), () => written())
      before = Buffer.alloc(0)
    },
  })
  socket.on('data', chunk => stream.push(chunk))
  return stream
}

test('the limit by address counts clients, on all workers together, and LOCAL as the proxy itself', async t => {
  const service = await startService(t, ...PROXY_PROTOCOL, '--max-connections-per-ip', '3')
  const open = async (address: string): Promise<[RawClient, string]> => {
    const raw = await client(t, service)
    const head = await handshake(raw, address === '' ? proxyBlock(LOCAL, 0) : proxyLine(address))
    return [raw, head.slice(9, 12)]
  }
  const statuses: string[] = []
  const clients: RawClient[] = []
  for (const address of [
    '198.51.100.1',
    '198.51.100.1',
    '198.51.100.1',
    '198.51.100.1',
    '198.51.100.2',
    '2001:db8::1',
    '',
  ]) {
    const [raw, status] = await open(address)
    clients.push(raw)
    statuses.push(status)
  }
  assert.deepEqual(statuses, ['101', '101', '101', '429', '101', '101', '101'])
  const workers = await service.workers()
  assert.ok(
    workers.every(({ connections }) => connections >= 3),
    JSON.stringify(workers),
  )
  for (const raw of clients.filter((_, i) => statuses[i] === '101')) await assertEchoes(raw)

  // One goes, and there is room for another.
  clients[0].send({ opcode: 8, payload: closePayload(1000) })
  await clients[0].readFramesToEnd()
  clients[0].destroy()
  await service.until(
    () => list(service, '?state=open&peer=198.51.100.1'),
    connections => connections.length === 2,
  )
  await service.until(
    async () => (await open('198.51.100.1'))[1],
    status => status === '101',
  )
  const metrics = await service.metrics()
  assert.ok((metrics.get('echobahn_connections_rejected_total{reason="max_connections_per_ip"}') ?? 0) >= 1)
})

test('the books balance when a worker dies whose clients were counted, were being counted, or were not known', async t => {
  const service = await startService(t, ...PROXY_PROTOCOL, '--max-connections-per-ip', '8', '--max-connections', '60')
  const sockets: Socket[] = []
  for (let i = 0; i < 20; i++) {
    const raw = await client(t, service)
    sockets.push(raw.socket)
    if (i % 2 === 0) assert.match(await handshake(raw, proxyLine(`198.51.100.${i % 4}`)), /^HTTP\/1\.1 101 /)
    else raw.write('PROXY TCP4')
  }
  const [{ pid }] = await service.workers()
  for (let i = 0; i < 20; i++) {
    const raw = await client(t, service)
    sockets.push(raw.socket)
    raw.write(`${proxyLine(`198.51.100.${i % 4}`)}${requestHead()}`)
    if (i === 10) process.kill(pid, 'SIGKILL')
  }
  for (const socket of sockets) socket.destroy()
  await service.until(
    () => service.workers(),
    workers => workers.length === 2 && workers.every(worker => worker.pid !== pid && worker.connections === 0),
  )
  await assertBalance(service)
  // Nothing is left of those that are gone: each address has all its room again.
  for (const address of ['198.51.100.0', '198.51.100.2']) {
    for (let i = 0; i < 8; i++)
      assert.match(await handshake(await client(t, service), proxyLine(address)), /^HTTP\/1\.1 101 /)
    assert.match(await handshake(await client(t, service), proxyLine(address)), /^HTTP\/1\.1 429 /)
  }
})

test('a field of the request tells whom it is from; of who is not trusted it tells nothing', async t => {
  const limits = ['--max-connections-per-ip', '1']
  const service = await startService(t, ...TRUSTING, '--forwarded-header', 'x-forwarded-for', ...limits)
  const spoof = 'X-Forwarded-For: 10.9.9.9, 198.51.100.1'
  const first = await client(t, service)
  assert.match(await handshake(first, '', spoof), /^HTTP\/1\.1 101 /)
  assert.match(await handshake(await client(t, service), '', spoof), /^HTTP\/1\.1 429 /)
  const direct = await client(t, service, '127.0.0.2')
  assert.match(await handshake(direct, '', spoof), /^HTTP\/1\.1 101 /)
  assert.match(
    await handshake(await client(t, service, '127.0.0.2'), '', 'X-Forwarded-For: 1.1.1.1'),
    /^HTTP\/1\.1 429 /,
  )
  const junk = await client(t, service)
  assert.match(await handshake(junk, '', 'X-Forwarded-For: 1.1.1.1, nobody'), /^HTTP\/1\.1 400 /)
  assert.match(
    String(await junk.readToEnd()),
    /^\r?\n?The X-Forwarded-For header is malformed .* "nobody" is no address/,
  )
  for (const raw of [first, direct]) await assertEchoes(raw)
  const open = await list(service, '?state=open')
  assert.deepEqual(
    open.map(({ peer, addressSource }) => `${peer} ${addressSource}`),
    [`127.0.0.2:${direct.socket.localPort} socket`, '198.51.100.1:0 x-forwarded-for'],
  )
})

test('over HTTP/2 each stream is from whom the PROXY header of its session names', async t => {
  for (const tls of [[], new TlsFiles(t).flags]) {
    const service = await startService(t, ...PROXY_PROTOCOL, '--max-connections-per-ip', '3', ...tls)
    const open = async (address: string): Promise<ClientHttp2Session> => {
      const socket = await connected(t, service)
      socket.write(proxyLine(address, 5))
      return openSession(t, service.port, service.secure, service.secure ? await securely(socket) : socket)
    }
    // The session itself is a connection from there too.
    const session = await open('198.51.100.1')
    const streams = [request(session), request(session), request(session)]
    const statuses = []
    for (const stream of streams) statuses.push((await responseTo(stream)).status)
    assert.deepEqual(statuses, [200, 200, 429])
    const other = new StreamClient(request(await open('198.51.100.2')))
    assert.equal((await responseTo(other.stream)).status, 200)
    other.send({ opcode: 1, payload: 'hello' })
    assert.equal(String((await other.readFrame()).payload), 'hello')
    assert.deepEqual(
      (await list(service, '?state=open')).map(({ peer, addressSource }) => `${peer} ${addressSource}`).sort(),
      ['198.51.100.1:5', '198.51.100.1:5', '198.51.100.2:5'].map(peer => `${peer} proxy-protocol`),
    )
    assert.equal((await list(service, '?state=refused&peer=198.51.100.1')).length, 1)
  }
})

async function securely(socket: Socket): Promise<TLSSocket> {
  const options = { ca: certificate('first'), servername: 'first.echobahn.test', ALPNProtocols: ['h2'] }
  const secure = connectTls({ socket, ...options })
  await once(secure, 'secureConnect')
  return secure
}

test('over HTTP/2 each stream is from whom its own field names', async t => {
  const service = await startService(t, ...TRUSTING, '--forwarded-header', 'forwarded', '--max-connections-per-ip', '1')
  const statusesOf = async (session: ClientHttp2Session, values: readonly string[]): Promise<number[]> => {
    const statuses: number[] = []
    for (const forwarded of values)
      statuses.push((await responseTo(request(session, { ...CONNECT, forwarded }))).status)
    return statuses
  }
  const session = await openSession(t, service.port)
  const values = ['for=198.51.100.1', 'for=198.51.100.1', 'for="[2001:db8::1]:7"', 'for=nobody']
  assert.deepEqual(await statusesOf(session, values), [200, 429, 200, 400])
  const another = await openSession(t, service.port)
  assert.deepEqual(await statusesOf(another, ['for=198.51.100.1', 'for=198.51.100.3']), [429, 200])
  assert.deepEqual(
    (await list(service, '?state=open')).map(({ peer, addressSource }) => `${peer} ${addressSource}`).sort(),
    ['198.51.100.1:0', '198.51.100.3:0', '2001:db8::1:7'].map(peer => `${peer} forwarded`),
  )
  // Of who is not trusted the session takes all the room that its address has.
  const untrusted = await openSession(t, service.port, false, await connected(t, service, '127.0.0.2'))
  assert.deepEqual(await statusesOf(untrusted, ['for=198.51.100.9', 'for="']), [429, 429])
  for (const each of [session, another, untrusted]) each.destroy()
  await assertBalance(service)
})

test('over HTTP/2 the field of a client that a PROXY header names changes nothing', async t => {
  const service = await startService(t, ...PROXY_PROTOCOL, '--forwarded-header', 'forwarded')
  const sessionFrom = async (address: string): Promise<ClientHttp2Session> => {
    const socket = await connected(t, service)
    socket.write(proxyLine(address, 5))
    return openSession(t, service.port, false, socket)
  }
  for (const address of ['198.51.100.1', '127.0.0.1']) {
    const stream = request(await sessionFrom(address), { ...CONNECT, forwarded: 'for="198.51.100.2:6"' })
    assert.equal((await responseTo(stream)).status, 200)
  }
  assert.deepEqual(
    (await list(service, '?sort=oldest')).map(({ peer, addressSource }) => `${peer} ${addressSource}`),
    ['198.51.100.1:5 proxy-protocol', '198.51.100.2:6 forwarded'],
  )
})
