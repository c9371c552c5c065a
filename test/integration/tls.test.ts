// wss: echoes over TLS, octets of the wire counted as TLS makes them, and a new certificate by SIGHUP.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls'
import { CLOSE, TEXT } from '../../src/protocol/opcodes.js'
import { certificate, TlsFiles } from '../support/certificate.js'
import { clientFrame, closePayload, RawClient, requestHead } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'
import { type Lasting, type Message, WsClient } from '../support/ws-client.js'

const MIB = 2 ** 20
const CA = [certificate('first'), certificate('second')]
const MESSAGES: readonly Message[] = ['', 'hällo', randomBytes(126), randomBytes(MIB), 'wss '.repeat(MIB / 4)]

async function assertEchoesAll(client: WsClient): Promise<void> {
  for (const message of MESSAGES) client.send(message)
  for (const message of MESSAGES)
    assert.ok(Buffer.from(message as Buffer).equals(Buffer.from((await client.receive()) as Buffer)))
}

function noConnection(service: Service): Promise<unknown> {
  return service.until(
    () => service.workers(),
    workers => workers.every(({ connections }) => connections === 0),
  )
}

/** Stands between clients and the service, and counts what passes. */
async function countingProxy(t: Lasting, servicePort: number) {
  const octets = { received: 0, sent: 0 }
  const server = createServer({ allowHalfOpen: true }, client => {
    const upstream = connect({ port: servicePort, host: '127.0.0.1', allowHalfOpen: true })
    client.on('data', chunk => {
      octets.received += chunk.length
    })
    upstream.on('data', chunk => {
      octets.sent += chunk.length
    })
    client.on('error', () => upstream.destroy()).pipe(upstream)
    upstream.on('error', () => client.destroy()).pipe(client)
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, octets }
}

async function tlsSocket(t: Lasting, port: number): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: CA })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

async function commonName(t: Lasting, { port }: Service): Promise<unknown> {
  const socket = await tlsSocket(t, port)
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return name
}

test('echoes over wss', async t => {
  const service = await startService(t, '--workers', '2', ...new TlsFiles(t).flags)
  assert.match(service.stdout[0], /^listening wss:\/\/127\.0\.0\.1:\d+ admin http:/)

  for (const perMessageDeflate of [false, { threshold: 0 }]) {
    await t.test(perMessageDeflate ? 'compressed' : 'plain', async t => {
      const client = await WsClient.open(t, service.url, { perMessageDeflate })
      await assertEchoesAll(client)
      client.close(1000, 'done')
      assert.deepEqual(await client.closed, { code: 1000, reason: 'done' })
    })
  }

  await t.test('the server ends the connection after the closing handshake', async t => {
    const client = new RawClient(await tlsSocket(t, service.port))
    client.write(requestHead())
    assert.match(await client.readHead(), /^HTTP\/1\.1 101 /)
    client.write(clientFrame({ opcode: TEXT, payload: 'last' }))
    client.write(clientFrame({ opcode: CLOSE, payload: closePayload(1000) }))
    const frames = await client.readFramesToEnd()
    assert.deepEqual(
      frames.map(({ opcode }) => opcode),
      [TEXT, CLOSE],
    )
  })

  await t.test('a refused handshake gets its answer', async t => {
    const client = new RawClient(await tlsSocket(t, service.port))
    client.write(requestHead(['Host: 127.0.0.1']))
    assert.match((await client.readToEnd()).toString(), /^HTTP\/1\.1 426 /)
  })
})

test('octets of the wire are those of TLS', async t => {
  const service = await startService(t, '--workers', '2', ...new TlsFiles(t).flags)
  const proxy = await countingProxy(t, service.port)
  for (const perMessageDeflate of [false, true]) {
    const client = await WsClient.open(t, `wss://127.0.0.1:${proxy.port}`, { perMessageDeflate })
    await assertEchoesAll(client)
    client.close()
    await client.closed
  }
  await noConnection(service)

  const metrics = await service.metrics()
  assert.ok(proxy.octets.received > 2 * MIB)
  assert.equal(metrics.get('echobahn_wire_bytes_total{direction="received"}'), proxy.octets.received)
  assert.equal(metrics.get('echobahn_wire_bytes_total{direction="sent"}'), proxy.octets.sent)
  assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="text"}'), 6)
})

test('who does not speak TLS is dropped', async t => {
  const service = await startService(t, '--workers', '1', '--handshake-timeout', '3s', ...new TlsFiles(t).flags)
  await t.test('at once, for plain HTTP', async () => {
    const client = await RawClient.connect(service.port)
    client.write(requestHead())
    await client.readToEnd()
    client.destroy()
  })
  await t.test('after the handshake timeout, for silence', async () => {
    const client = await RawClient.connect(service.port)
    assert.equal((await client.readToEnd()).length, 0)
    client.destroy()
  })
  await noConnection(service)
  await assertEchoesAll(await WsClient.open(t, service.url))
})

test('SIGHUP takes a new certificate into use, and cuts nobody off', async t => {
  const files = new TlsFiles(t)
  const service = await startService(t, '--workers', '2', '--drain-timeout', '1m', ...files.flags)
  assert.equal(await commonName(t, service), 'first.echobahn.test')
  const early = await WsClient.open(t, service.url)

  files.use('second')
  service.signal('SIGHUP')
  await service.logged(({ msg }) => msg === 'reload: all workers are replaced')
  assert.equal(await commonName(t, service), 'second.echobahn.test')
  await assertEchoesAll(early)

  await t.test('a bad one changes nothing', async t => {
    files.spoil()
    service.signal('SIGHUP')
    await service.logged(({ msg }) => msg.startsWith('reload not begun: '))
    assert.equal(await commonName(t, service), 'second.echobahn.test')
    await assertEchoesAll(early)
  })
})

test('TLS is 1.2 at the oldest, and a client cannot have its handshake done again', async t => {
  const service = await startService(t, '--workers', '1', ...new TlsFiles(t).flags)
  const open = (version: SecureVersion) => {
    const options = { minVersion: version, maxVersion: version, ca: CA, checkServerIdentity: () => undefined }
    return connectTls({ port: service.port, host: '127.0.0.1', ciphers: 'DEFAULT@SECLEVEL=0', ...options })
  }
  const [refused] = await once(open('TLSv1.1'), 'error')
  assert.match(String(refused), /protocol version|unsupported protocol|EPROTO|ECONNRESET/i)

  const client = open('TLSv1.2')
  await once(client, 'secureConnect')
  client.on('error', () => {})
  client.renegotiate({}, () => {})
  await once(client, 'close')
  await noConnection(service)
  await assertEchoesAll(await WsClient.open(t, service.url))
})
