// SIGTERM and SIGINT: how the service stops, and what it still does for its connections.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { EchoPeer } from '../support/echo-peer.js'
import { clientFrame, closePayload, RawClient, type ServerFrame } from '../support/raw-client.js'
import { sabotage } from '../support/sabotage.js'
import { Service, startService } from '../support/service.js'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const RSV1 = 4
const GOING_AWAY = closePayload(1001)

const draining = (service: Service) => service.logged(({ msg }) => msg.includes('draining'))

/** Connections cut, as the last line of the log has it. */
const cutOf = (service: Service) => service.log.at(-1)?.cut

function openClients(service: Service, count: number, ...headers: string[]): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => RawClient.open(service.port, headers)))
}

/** What a client gets up to the Close and with it, which it answers. */
async function framesToClose(client: RawClient): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = []
  do frames.push(await client.readFrame())
  while (frames[frames.length - 1].opcode !== CLOSE)
  client.send({ opcode: CLOSE, payload: frames[frames.length - 1].payload })
  assert.equal((await client.readToEnd()).length, 0)
  client.socket.end()
  return frames
}

describe('a stop signal', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal}: not ready at once, no new connection, Close 1001 for all, exit code 0`, async t => {
      const service = await startService(t, '--workers', '2', '--drain-timeout', '60s', '--handshake-timeout', '60s')
      const peers = await EchoPeer.openMany(service.url, 200)
      const lastClient = await RawClient.open(service.port)
      service.signal(signal)
      await draining(service)
      assert.equal((await fetch(`${service.adminUrl}/readyz`)).status, 503)
      assert.equal((await fetch(`${service.adminUrl}/livez`)).status, 200)
      const [refusal] = await once(connect(service.port, '127.0.0.1'), 'error')
      assert.equal(refusal.code, 'ECONNREFUSED')
      assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.closed))), new Set([1001]))

      // One connection is still open, so the last scrape can see what became of the others.
      await service.until(
        () => service.metrics(),
        now =>
          now.get('echobahn_closes_total{initiator="server",code="1001"}') === 200 &&
          now.get('echobahn_workers{state="leaving"}') === 1,
      )
      assert.deepEqual((await framesToClose(lastClient)).at(-1)?.payload, GOING_AWAY)
      assert.deepEqual(await service.exited, { code: 0, signal: null })
      assert.equal(cutOf(service), 0)
    })
  }

  it('lets messages that were sent before be echoed first', async t => {
    const service = await startService(t, '--workers', '2', '--drain-timeout', '60s')
    const clients = await openClients(service, 20)
    // Few enough octets for the kernel to take them all at once, so that they are really sent before the signal.
    const messages = Array.from({ length: 100 }, (_, i) => Buffer.alloc(i * 2, i))
    const octets = Buffer.concat(messages.map(payload => clientFrame({ opcode: BINARY, payload })))
    for (const client of clients) client.write(octets)
    service.signal('SIGTERM')
    for (const frames of await Promise.all(clients.map(framesToClose))) {
      assert.deepEqual(Buffer.concat(frames.map(({ payload }) => payload)), Buffer.concat([...messages, GOING_AWAY]))
    }
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(cutOf(service), 0)
  })

  it('lets an upload in the middle of one frame come to its end, beyond the handshake timeout', async t => {
    const service = await startService(t, '--workers', '1', '--drain-timeout', '60s', '--handshake-timeout', '2s')
    const payload = Buffer.alloc(500_000, 'upload ')
    const frame = clientFrame({ opcode: BINARY, payload })
    const [uploading, deaf] = await openClients(service, 2)
    uploading.write(frame.subarray(0, 200_000))
    await uploading.read(100_000)
    service.signal('SIGTERM')
    // This one gets its Close at once, says nothing, and is dropped when the handshake timeout is over.
    assert.deepEqual(
      (await deaf.readFramesToEnd()).map(frame => frame.payload),
      [GOING_AWAY],
    )
    uploading.write(frame.subarray(200_000))
    const rest = await uploading.read(10 + payload.length - 100_000)
    assert.ok(rest.equals(payload.subarray(100_000 - 10)))
    assert.deepEqual(
      (await framesToClose(uploading)).map(frame => frame.payload),
      [GOING_AWAY],
    )
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(cutOf(service), 1)
  })

  it('lets codec threads finish what they have begun', async t => {
    const service = await startService(t, '--workers', '2', '--offload', 'always', '--drain-timeout', '60s')
    const clients = await openClients(service, 20, 'Sec-WebSocket-Extensions: permessage-deflate')
    const messages = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(10_000))
    const octets = Buffer.concat(
      messages.map(text => clientFrame({ opcode: TEXT, rsv: RSV1, payload: deflateMessage(text) })),
    )
    for (const client of clients) client.write(octets)
    service.signal('SIGTERM')
    for (const frames of await Promise.all(clients.map(framesToClose))) {
      const close = frames.pop()
      assert.deepEqual(
        frames.map(({ payload }) => inflateMessage(payload).toString()),
        messages,
      )
      assert.deepEqual(close?.payload, GOING_AWAY)
    }
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.deepEqual(
      service.log.filter(({ msg }) => msg.includes('codec')),
      [],
    )
  })

  it('drops opening handshakes, and they delay nothing', async t => {
    const service = await startService(t, '--workers', '1', '--drain-timeout', '60s', '--handshake-timeout', '60s')
    const silent = await RawClient.connect(service.port)
    await service.until(
      () => service.metrics(),
      now => now.get('echobahn_connections_total') === 1,
    )
    silent.write('GET / HTTP/1.1\r\n')
    service.signal('SIGTERM')
    await silent.readToEnd()
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(silent.received, 0)
  })

  it('during the start ends the start', async t => {
    const hang = 'if (cluster.worker?.id === 2) { setInterval(() => {}, 1000); await new Promise(() => {}) }'
    const service = new Service(['--workers', '2'], sabotage(hang))
    t.after(() => service.stop())
    await service.logged(({ msg }) => msg === 'worker ready')
    service.signal('SIGTERM')
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(service.log.filter(({ msg }) => msg === 'worker was ended by SIGKILL').length, 1)
  })
})

describe('peers that ignore the Close', () => {
  for (const [bound, drainTimeout, handshakeTimeout] of [
    ['the drain timeout', '2s', '60s'],
    ['the time that a peer has to answer a Close', '60s', '2s'],
  ]) {
    it(`are cut at ${bound}, and the log says how many`, async t => {
      const options = ['--drain-timeout', drainTimeout, '--handshake-timeout', handshakeTimeout]
      const service = await startService(t, '--workers', '2', ...options)
      const deaf = await openClients(service, 3)
      const peers = await EchoPeer.openMany(service.url, 5)
      service.signal('SIGTERM')
      assert.deepEqual(await service.exited, { code: 0, signal: null })
      assert.equal(cutOf(service), 3)
      for (const client of deaf)
        assert.deepEqual(
          (await client.readFramesToEnd()).map(frame => frame.payload),
          [GOING_AWAY],
        )
      assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.closed))), new Set([1001]))
    })
  }

  it('and do not read either are cut too', async t => {
    const service = await startService(t, '--workers', '1', '--drain-timeout', '500ms')
    const [blocked] = await openClients(service, 1)
    blocked.socket.pause()
    const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(1024 * 1024) })
    for (let i = 0; i < 32; i++) blocked.write(frame)
    await service.until(
      () => service.metrics(),
      now => now.get('echobahn_paused_connections{worker="1"}') === 1,
    )
    service.signal('SIGTERM')
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(cutOf(service), 1)
  })
})

describe('a second stop signal', () => {
  for (const [first, second, code] of [
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
  ] as const) {
    it(`${second} after ${first} ends the service at once with ${code}`, async t => {
      const service = await startService(t, '--workers', '2', '--drain-timeout', '60s', '--handshake-timeout', '60s')
      const deaf = await openClients(service, 2)
      service.signal(first)
      await draining(service)
      service.signal(second)
      assert.deepEqual(await service.exited, { code, signal: null })
      await Promise.all(deaf.map(client => client.readToEnd()))
    })
  }
})
