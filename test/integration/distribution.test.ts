// How connections spread over the workers, as the workers themselves count them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { type Service, startService } from '../support/service.js'

const WORKERS = 4

/** Open connections by worker. */
async function connectionsOf(service: Service): Promise<number[]> {
  const metrics = await service.metrics()
  return Array.from({ length: WORKERS }, (_, i) => metrics.get(`echobahn_connections{worker="${i + 1}"}`) ?? Number.NaN)
}

async function openOneByOne(service: Service, count: number): Promise<EchoPeer[]> {
  const peers: EchoPeer[] = []
  for (let i = 0; i < count; i++) peers.push(await EchoPeer.open(service.url))
  return peers
}

/** Closes peers and waits until the primary knows. */
async function close(service: Service, peers: readonly EchoPeer[]): Promise<void> {
  const before = await total(service)
  await Promise.all(peers.map(peer => peer.close()))
  await service.until(
    () => total(service),
    now => now === before - peers.length,
  )
}

async function total(service: Service): Promise<number> {
  return (await service.workers()).reduce((sum, { connections }) => sum + connections, 0)
}

const difference = (now: readonly number[], before: readonly number[]): number[] => now.map((n, i) => n - before[i])

describe('least-connections', () => {
  it('spreads a burst of 1,000 connections over 4 workers within 2 %', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    await EchoPeer.openMany(service.url, 1000)
    const counts = await connectionsOf(service)
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      1000,
    )
    for (const count of counts) assert.ok(Math.abs(count - 250) <= 5, `a worker has ${count} of 1000: ${counts}`)
  })

  it('gives new connections to the workers that lost theirs', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    const peers = await openOneByOne(service, 40)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
    // Workers of equal load take turns, so every fourth connection is on the same one.
    const halfOfTwoWorkers = peers.filter((_, i) => i < 20 && i % WORKERS < 2)
    await close(service, halfOfTwoWorkers)
    assert.deepEqual((await connectionsOf(service)).sort(), [10, 10, 5, 5])
    await EchoPeer.openMany(service.url, 10)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
  })
})

describe('round-robin', () => {
  it('goes on in turns, whatever the workers hold', async t => {
    const service = await startService(t, '--workers', String(WORKERS), '--distribution', 'round-robin')
    const peers = await openOneByOne(service, 40)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
    await close(
      service,
      peers.filter((_, i) => i % WORKERS === 0),
    )
    const before = await connectionsOf(service)
    assert.deepEqual([...before].sort(), [0, 10, 10, 10])
    await EchoPeer.openMany(service.url, 8)
    assert.deepEqual(difference(await connectionsOf(service), before), [2, 2, 2, 2])
  })
})
