// A worker that stands still (SIGSTOP) and goes on later: the service goes on without it.

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConnectionList } from '../../src/admin/view.js'
import { CounterWatch } from '../support/counter-watch.js'
import { EchoPeer } from '../support/echo-peer.js'
import { startService } from '../support/service.js'
import { goOn, stopUntilOurEnd } from '../support/watchdog.js'

/** Stops a worker; it goes on when the test ends at the latest, since a stopped process outlives its primary. */
function stall(t: TestContext, pid: number): void {
  stopUntilOurEnd(pid)
  t.after(() => goOn(pid))
}

const accepted = (metrics: Map<string, number>) => metrics.get('echobahn_handshakes_total{result="accepted"}')

describe('a stalled worker', () => {
  it('delays no scrape, gets no connection, and serves nobody twice when it goes on', async t => {
    const service = await startService(t, '--workers', '2')
    const early = await EchoPeer.openMany(service.url, 2)
    const [stalled, other] = await service.workers()
    const watch = new CounterWatch(service)
    // What a worker has counted but not reported is missing while it stands still.
    assert.equal(accepted(await service.metrics()), 2)

    stall(t, stalled.pid)
    // The worker cannot answer before it goes on: a scrape that waited for it would never end.
    await service.metrics()
    const peers = await EchoPeer.openMany(service.url, 20)
    await Promise.all(peers.map(peer => peer.echo()))
    const during = await service.metrics()
    assert.equal(during.get('echobahn_workers{state="unresponsive"}'), 1)
    assert.equal(accepted(during), 22)
    const loads = new Map((await service.workers()).map(({ pid, connections }) => [pid, connections]))
    assert.equal(loads.get(stalled.pid), 1)
    assert.equal(loads.get(other.pid), 21)

    process.kill(stalled.pid, 'SIGCONT')
    await service.until(
      () => service.workers(),
      workers => workers.every(({ state }) => state === 'ready'),
    )
    await Promise.all([...early, ...peers].map(peer => peer.echo()))
    const after = await service.metrics()
    assert.equal(accepted(after), 22)
    assert.equal(after.get('echobahn_connections{worker="1"}'), 1)
    assert.equal(after.get('echobahn_connections{worker="2"}'), 21)
    assert.deepEqual(new Set(peers.map(({ strays }) => strays)), new Set([0]))
    await watch.stop()

    // The next ones go to the worker that has few.
    await Promise.all((await EchoPeer.openMany(service.url, 10)).map(peer => peer.echo()))
    assert.equal((await service.metrics()).get('echobahn_connections{worker="1"}'), 11)
  })

  it('shows the age of what it last said', async t => {
    const service = await startService(t, '--workers', '2')
    const [stalled] = await service.workers()
    await service.metrics()
    stall(t, stalled.pid)
    const age = (metrics: Map<string, number>, worker: number) =>
      metrics.get(`echobahn_worker_snapshot_age_seconds{worker="${worker}"}`) ?? 0
    const metrics = await service.until(
      () => service.metrics(),
      now => age(now, 1) > 1.5,
    )
    assert.ok(age(metrics, 2) < age(metrics, 1))
    process.kill(stalled.pid, 'SIGCONT')
    await service.until(
      () => service.metrics(),
      now => age(now, 1) < 1,
    )
  })

  it('answers nobody a second time, though what it was given comes back to it', async t => {
    const service = await startService(t, '--workers', '2')
    const workers = await service.workers()
    for (const { pid } of workers) stall(t, pid)
    const opening = EchoPeer.openMany(service.url, 12)
    await service.until(
      () => service.workers(),
      now => now.every(({ state, connections }) => state === 'unresponsive' && connections === 0),
    )
    for (const { pid } of workers) process.kill(pid, 'SIGCONT')
    const peers = await opening
    await Promise.all(peers.map(peer => peer.echo()))
    const metrics = await service.metrics()
    assert.equal(accepted(metrics), 12)
    const answered = [...metrics].filter(([name]) => name.startsWith('echobahn_handshakes_total'))
    assert.equal(
      answered.reduce((sum, [, count]) => sum + count, 0),
      12,
    )
    await Promise.all(peers.map(peer => peer.echo()))
    assert.deepEqual(new Set(peers.map(({ strays }) => strays)), new Set([0]))
  })

  it('is named where its connections are missing', async t => {
    const service = await startService(t, '--workers', '2')
    await EchoPeer.openMany(service.url, 2)
    const get = async (path: string) => {
      const response = await fetch(`${service.adminUrl}${path}`)
      return { status: response.status, body: (await response.json()) as ConnectionList & { error: unknown } }
    }
    const { connections, unasked } = (await get('/connections')).body
    assert.deepEqual([connections.length, unasked], [2, []])
    const [stalled] = await service.workers()
    stall(t, stalled.pid)
    const list = (await get('/connections')).body
    assert.deepEqual(list.unasked, [1])
    assert.deepEqual(
      list.connections.map(({ worker }) => worker),
      [2],
    )
    for (const { id, worker } of connections)
      assert.equal((await get(`/connections/${id}`)).status, worker === 1 ? 503 : 200)
    process.kill(stalled.pid, 'SIGCONT')
    await service.until(
      () => get('/connections/999'),
      ({ status }) => status === 404,
    )
  })
})
