// Pings to idle peers. That something does not come is shown against other connections, for which it comes meanwhile.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { RawClient } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'
import { connectionReports } from '../support/transport-under-test.js'

const TEXT = 1
const PING = 9
const PONG = 10

/** Waits for a ping and answers it. */
async function pingPong(client: RawClient): Promise<void> {
  const { opcode, payload } = await client.readFrame()
  assert.equal(opcode, PING)
  assert.equal(payload.length, 0)
  client.send({ opcode: PONG })
}

async function assertEchoes(client: RawClient): Promise<void> {
  client.send({ opcode: TEXT, payload: 'still here' })
  assert.equal(String((await client.readFrame()).payload), 'still here')
}

const dropped = (service: Service) =>
  service.until(
    () => service.metrics(),
    metrics => metrics.get('echobahn_closes_total{initiator="server",code="1006"}') === 1,
  )

describe('an idle peer', () => {
  it('is pinged again and again, and stays as long as it answers', async t => {
    const service = await startService(t, '--workers', '1', '--ping-interval', '50ms', '--ping-timeout', '30s')
    const client = await RawClient.open(service.port)
    for (let i = 0; i < 5; i++) await pingPong(client)
    const metrics = await service.metrics()
    assert.ok((metrics.get('echobahn_frames_total{direction="sent",opcode="ping"}') ?? 0) >= 5)
    assert.ok((metrics.get('echobahn_frames_total{direction="received",opcode="pong"}') ?? 0) >= 4)
  })

  it('is dropped when it stays silent after the ping', async t => {
    const service = await startService(t, '--workers', '1', '--ping-interval', '50ms', '--ping-timeout', '100ms')
    const client = await RawClient.open(service.port)
    const frames = await client.readFramesToEnd()
    assert.deepEqual(
      frames.map(({ opcode }) => opcode),
      [PING],
    )
    await dropped(service)
  })

  it('is never dropped with a ping timeout of 0, however silent', async t => {
    const service = await startService(t, '--workers', '1', '--ping-interval', '50ms', '--ping-timeout', '0')
    const silent = await RawClient.open(service.port)
    assert.equal((await silent.readFrame()).opcode, PING)
    const other = await RawClient.open(service.port)
    for (let i = 0; i < 10; i++) await pingPong(other)
    await assertEchoes(silent)
  })

  it('is never pinged with a ping interval of 0', async t => {
    const silent = await startService(t, '--workers', '1', '--ping-interval', '0')
    const pinging = await startService(t, '--workers', '1', '--ping-interval', '50ms')
    const client = await RawClient.open(silent.port)
    const other = await RawClient.open(pinging.port)
    for (let i = 0; i < 10; i++) await pingPong(other)
    await assertEchoes(client)
  })
})

describe('a peer that stops inside a frame', () => {
  const unfinished: Record<string, Buffer> = {
    'a binary frame of 100,000 octets, none of which comes': Buffer.from('82ff00000000000186a000000000', 'hex'),
    'half a header': Buffer.from('82ff0000', 'hex'),
    'a text frame of which a part has come': Buffer.from('81850000000068656c', 'hex'),
    'a ping of which a part has come': Buffer.from('89850000000070', 'hex'),
  }
  for (const [name, octets] of Object.entries(unfinished)) {
    it(`is dropped after both times: ${name}`, async t => {
      const service = await startService(t, '--workers', '1', '--ping-interval', '100ms', '--ping-timeout', '200ms')
      const client = await RawClient.open(service.port)
      client.write(octets)
      await client.readToEnd()
      await dropped(service)
      const [{ closing }] = await connectionReports(service, 1)
      assert.equal(closing.uncleanReason, 'the client sent nothing until ping-timeout')
    })
  }
})

describe('an active peer', () => {
  it('is not pinged', async t => {
    const service = await startService(t, '--workers', '1', '--ping-interval', '2s')
    const active = await EchoPeer.open(service.url)
    let pings = 0
    active.socket.on('ping', () => pings++)
    const idle = await RawClient.open(service.port)
    let idlePings = 0
    const pinged = (async () => {
      for (; idlePings < 2; idlePings++) await pingPong(idle)
    })()
    while (idlePings < 2) await active.echo()
    await pinged
    assert.equal(pings, 0)
  })
})
