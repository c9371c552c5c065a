// Workers killed with SIGKILL, or cut off from the primary: what is lost, and what must not be.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CounterWatch } from '../support/counter-watch.js'
import { EchoLoad, EchoPeer } from '../support/echo-peer.js'
import { sabotage } from '../support/sabotage.js'
import { Service, startService, type WorkerInfo } from '../support/service.js'
import { stopUntilOurEnd } from '../support/watchdog.js'

const serving = (count: number, killed: number) => (workers: WorkerInfo[]) =>
  workers.filter(({ state, pid }) => state === 'ready' && pid !== killed).length === count

describe('a worker killed under load', () => {
  it('takes its own connections with it and nothing else', async t => {
    const service = await startService(t, '--workers', '2')
    const peers = await EchoPeer.openMany(service.url, 40)
    const [victim, survivor] = await service.workers()
    assert.equal(victim.connections + survivor.connections, 40)
    const watch = new CounterWatch(service)
    const load = new EchoLoad(peers, true)
    // Everybody has been served before the blow.
    await Promise.all(
      peers.map(peer =>
        service.until(
          async () => peer.echoes,
          echoes => echoes > 5,
        ),
      ),
    )

    process.kill(victim.pid, 'SIGKILL')
    const attempts = await EchoPeer.openMany(service.url, 50)
    await service.until(() => service.workers(), serving(2, victim.pid))
    await service.until(
      async () => peers.filter(peer => peer.isOpen).length,
      open => open === survivor.connections,
    )
    await Promise.all(attempts.map(peer => peer.echo()))
    await load.stop()
    await watch.stop()

    const lost = peers.filter(peer => !peer.isOpen)
    assert.equal(lost.length, victim.connections)
    assert.deepEqual(new Set(await Promise.all(lost.map(peer => peer.closed))), new Set([1006]))
    await Promise.all(peers.filter(peer => peer.isOpen).map(peer => peer.echo()))
    const survivors = (await service.workers()).map(({ pid }) => pid)
    assert.ok(survivors.includes(survivor.pid))
    const metrics = await service.metrics()
    assert.equal(metrics.get('echobahn_worker_restarts_total{reason="signal"}'), 1)
    assert.equal(metrics.get('echobahn_handshakes_total{result="accepted"}'), 90)
    const value = (name: string): number => metrics.get(`echobahn_${name}`) ?? Number.NaN
    assert.equal(value('connections_total'), 90)
    assert.equal(value('connections_ended_total{cause="lost"}'), victim.connections)
    assert.equal(value('connections{worker="1"}') + value('connections{worker="2"}'), 90 - victim.connections)
    assert.equal(value('websockets_lost_total'), victim.connections)
    assert.equal(value('websockets'), 90 - victim.connections)
    const { level, lost: told } = await service.logged(({ msg }) => msg.startsWith('connections lost'))
    assert.deepEqual([level, told], [40, victim.connections])
  })

  it('loses no connection attempt when it was the only one', async t => {
    const service = await startService(t, '--workers', '1')
    const [before] = await service.workers()
    process.kill(before.pid, 'SIGKILL')
    const peers = await EchoPeer.openMany(service.url, 50)
    await Promise.all(peers.map(peer => peer.echo()))
    const [after] = await service.workers()
    assert.notEqual(after.pid, before.pid)
    assert.equal(after.connections, 50)
  })

  it('loses no connection that it had been given but not taken', async t => {
    const service = await startService(t, '--workers', '1')
    const [{ pid }] = await service.workers()
    stopUntilOurEnd(pid)
    const opening = EchoPeer.openMany(service.url, 20)
    await service.until(
      () => service.workers(),
      ([worker]) => worker.connections === 20,
    )
    process.kill(pid, 'SIGKILL')
    await Promise.all((await opening).map(peer => peer.echo()))
  })

  it('is replaced each time, and what it had counted stays', async t => {
    const service = await startService(t, '--workers', '1')
    for (let deaths = 0; deaths < 3; deaths++) {
      const peer = await EchoPeer.open(service.url)
      await peer.echo()
      const metrics = await service.metrics()
      assert.equal(metrics.get('echobahn_worker_restarts_total{reason="signal"}'), deaths)
      assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="text"}'), deaths + 1)
      const [{ pid }] = await service.workers()
      process.kill(pid, 'SIGKILL')
      assert.equal(await peer.closed, 1006)
    }
  })
})

/** At SIGUSR2 the first worker closes its channel to the primary, and the second dies in the middle of a message. */
const CHANNEL_FAULTS = `
  import { writeSync } from 'node:fs'
  process.on('SIGUSR2', () => {
    if (cluster.worker?.id === 1) process.disconnect()
    if (cluster.worker?.id !== 2) return
    writeSync(process.channel.fd, '{"type":"changes","ended":[1,2')
    process.kill(process.pid, 'SIGKILL')
  })`

describe('a channel between primary and worker', () => {
  it('that is closed, or ends in the middle of a message, takes its worker along and nothing else', async t => {
    const service = new Service(['--workers', '2'], sabotage(CHANNEL_FAULTS))
    t.after(() => service.stop())
    await service.listening()
    for (const number of [1, 2]) {
      const workers = await service.workers()
      const [victim] = workers.filter(({ worker }) => worker === number)
      const before = (await service.metrics()).get('echobahn_connections_ended_total{cause="lost"}') ?? 0
      const peers = await EchoPeer.openMany(service.url, 20)
      await Promise.all(peers.map(peer => peer.echo()))
      const mine = (await service.workers()).find(({ pid }) => pid === victim.pid)?.connections ?? 0
      process.kill(victim.pid, 'SIGUSR2')
      await service.until(() => service.workers(), serving(2, victim.pid))
      await service.until(
        async () => peers.filter(peer => !peer.isOpen).length,
        gone => gone === mine,
      )
      const left = peers.filter(peer => peer.isOpen)
      await Promise.all(left.map(peer => peer.echo()))
      const metrics = await service.metrics()
      assert.equal(metrics.get('echobahn_connections_ended_total{cause="lost"}'), before + mine)
      assert.deepEqual(new Set(await Promise.all(left.map(peer => peer.close()))), new Set([1000]))
    }
    const told = service.log.filter(({ level, msg }) => level >= 40 && !msg.includes('open files'))
    assert.deepEqual(
      told.map(({ level, msg }) => `${level} ${msg}`),
      // The one without its channel ends itself so, too.
      [1, 2].flatMap(() => [
        '40 connections lost with the worker: 10',
        '40 worker was ended by SIGKILL',
        '40 worker restarts',
      ]),
    )
  })
})
