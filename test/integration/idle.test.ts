// 5,000 connections that do nearly nothing.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openFilesLimit } from '../../src/primary/open-files.js'
import { EchoPeer } from '../support/echo-peer.js'
import { type Service, startService } from '../support/service.js'

const CONNECTIONS = 5000
const WORKERS = 2
/** Opened together: fewer than the kernel's accept queue takes. */
const GROUP = 250

/** A file for each connection here, some more for everything else; each process of the service needs no more. */
const limit = openFilesLimit()?.soft ?? 0
const skip = limit < CONNECTIONS + 500 && `the limit of ${limit} open files is too low`

async function openConnections(service: Service): Promise<number> {
  const metrics = await service.metrics()
  return Array.from({ length: WORKERS }, (_, i) => metrics.get(`echobahn_connections{worker="${i + 1}"}`) ?? 0).reduce(
    (sum, count) => sum + count,
  )
}

it(`${CONNECTIONS} idle connections are all there, all echo, and all close`, { skip }, async t => {
  const service = await startService(t, '--workers', String(WORKERS), '--handshake-timeout', '60s')
  const peers: EchoPeer[] = []
  while (peers.length < CONNECTIONS) peers.push(...(await EchoPeer.openMany(service.url, GROUP)))
  assert.equal(await openConnections(service), CONNECTIONS)
  await Promise.all(peers.map(peer => peer.echo()))
  assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.close()))), new Set([1000]))
  await service.until(
    () => openConnections(service),
    open => open === 0,
  )
  const metrics = await service.metrics()
  assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="text"}'), CONNECTIONS)
  assert.equal(metrics.get('echobahn_closes_total{initiator="client",code="1000"}'), CONNECTIONS)
})
