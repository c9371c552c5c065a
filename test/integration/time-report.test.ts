// The report of a connection says whose time was whose: the server's, or the client's who did not send or did not read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionReport } from '../../src/report/report.js'
import { RawClient } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'

async function newestReport(service: Service): Promise<ConnectionReport> {
  const get = async (path: string) => (await fetch(service.adminUrl + path)).json()
  const { connections } = (await get('/connections')) as { connections: { id: number }[] }
  return (await get(`/connections/${connections[0].id}`)) as ConnectionReport
}

test('a client that does not read', async t => {
  const service = await startService(t, '--workers', '1')
  const client = await RawClient.open(service.port)
  client.socket.pause()
  for (let i = 0; i < 16; i++) client.send({ opcode: 2, payload: Buffer.alloc(1024 * 1024) })
  const { time, slowestEcho } = await service.until(
    () => newestReport(service),
    report => report.time.unread > 300,
  )
  assert.ok(time.paused.high_water > 0)
  assert.ok(time.client >= 300 && time.client > time.server, JSON.stringify(time))
  assert.ok(time.server >= time.worked && time.worked > 0)
  assert.ok(slowestEcho !== null && slowestEcho.duration > 0)
  client.destroy()
})

test('a client that sends a ping’s answer, and a server that has next to nothing to do', async t => {
  const service = await startService(t, '--workers', '1', '--ping-interval', '50ms')
  const client = await RawClient.open(service.port)
  for (let i = 0; i < 2; i++) {
    assert.equal((await client.readFrame()).opcode, 9)
    client.send({ opcode: 10 })
  }
  const { time, pings } = await service.until(
    () => newestReport(service),
    report => report.pings?.answered === 2,
  )
  assert.ok(pings !== null && pings.least > 0 && pings.least <= pings.mean && pings.mean <= pings.most)
  assert.ok(time.client > time.server)
  client.destroy()
})
