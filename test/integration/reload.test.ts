// SIGHUP and POST /reload: all workers are replaced while the service goes on.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CounterWatch } from '../support/counter-watch.js'
import { EchoLoad, EchoPeer } from '../support/echo-peer.js'
import { RawClient, requestHead } from '../support/raw-client.js'
import { Service, startService, type WorkerInfo } from '../support/service.js'

const WORKERS = 2

const TRIGGERS: Record<string, (service: Service) => Promise<void>> = {
  SIGHUP: async service => service.signal('SIGHUP'),
  'POST /reload': async service => {
    const response = await fetch(`${service.adminUrl}/reload`, { method: 'POST' })
    assert.equal(response.status, 202)
  },
}

const reloaded = (service: Service) => service.logged(({ msg }) => msg === 'reload: all workers are replaced')

const pidsOf = (workers: readonly WorkerInfo[]) => workers.map(({ pid }) => pid)

const connectionsIn = (workers: readonly WorkerInfo[], state: string) =>
  workers.filter(worker => worker.state === state).reduce((sum, { connections }) => sum + connections, 0)

/** Opens, uses and closes connections one after another until told to stop. */
class Visitors {
  readonly #done: Promise<void>
  #stopped = false
  visits = 0

  constructor(service: Service) {
    this.#done = this.#run(service)
    this.#done.catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(service: Service): Promise<void> {
    while (!this.#stopped) {
      const peer = await EchoPeer.open(service.url)
      await peer.echo()
      assert.equal(await peer.close(), 1000)
      this.visits++
    }
  }
}

/** The least number of ready workers that any look at them finds. */
class ReadinessWatch {
  readonly #done: Promise<void>
  #stopped = false
  least = Number.POSITIVE_INFINITY

  constructor(service: Service) {
    this.#done = this.#run(service)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(service: Service): Promise<void> {
    while (!this.#stopped) {
      const ready = (await service.workers()).filter(({ state }) => state === 'ready')
      this.least = Math.min(this.least, ready.length)
    }
  }
}

describe('a reload', () => {
  for (const [name, trigger] of Object.entries(TRIGGERS)) {
    it(`by ${name} turns nobody away and leaves open connections alone`, async t => {
      const service = await startService(t, '--workers', String(WORKERS), '--drain-timeout', '60s')
      const old = await service.workers()
      const residents = await EchoPeer.openMany(service.url, 20)
      const load = new EchoLoad(residents)
      const visitors = [new Visitors(service), new Visitors(service), new Visitors(service)]
      const readiness = new ReadinessWatch(service)
      const counters = new CounterWatch(service)
      await trigger(service)
      await reloaded(service)
      const after = visitors.map(({ visits }) => visits)
      await Promise.all(
        visitors.map((visitor, i) =>
          service.until(
            async () => visitor.visits,
            n => n > after[i] + 5,
          ),
        ),
      )
      for (const watch of [...visitors, readiness, counters, load]) await watch.stop()
      assert.ok(readiness.least >= WORKERS, `only ${readiness.least} workers were ready`)

      await Promise.all((await EchoPeer.openMany(service.url, 10)).map(peer => peer.echo()))
      const workers = await service.workers()
      const fresh = workers.filter(({ state }) => state === 'ready')
      assert.equal(fresh.length, WORKERS)
      assert.ok(pidsOf(fresh).every(pid => !pidsOf(old).includes(pid)))
      assert.equal(connectionsIn(workers, 'ready'), 10)
      assert.equal(connectionsIn(workers, 'leaving'), 20)

      // The old workers go with the last of their connections.
      assert.deepEqual(new Set(await Promise.all(residents.map(peer => peer.close()))), new Set([1000]))
      await service.until(
        () => service.workers(),
        now => now.length === WORKERS,
      )
      const metrics = await service.metrics()
      assert.equal(metrics.get('echobahn_worker_restarts_total{reason="reload"}'), WORKERS)
      const echoes = residents.reduce((sum, peer) => sum + peer.echoes, 0)
      const visits = visitors.reduce((sum, visitor) => sum + visitor.visits, 0)
      assert.equal(metrics.get('echobahn_messages_total{direction="sent",opcode="text"}'), echoes + visits + 10)
    })
  }

  it('ends what still lives on old workers with 1012 at the drain timeout', async t => {
    const service = await startService(t, '--workers', String(WORKERS), '--drain-timeout', '300ms')
    const residents = await EchoPeer.openMany(service.url, 20)
    service.signal('SIGHUP')
    assert.deepEqual(new Set(await Promise.all(residents.map(peer => peer.closed))), new Set([1012]))
    await service.until(
      () => service.workers(),
      now => now.length === WORKERS,
    )
    await Promise.all((await EchoPeer.openMany(service.url, 10)).map(peer => peer.echo()))
    assert.equal((await service.metrics()).get('echobahn_closes_total{initiator="server",code="1012"}'), 20)
  })

  it('lets an opening handshake on an old worker come to its end', async t => {
    const service = await startService(t, '--workers', '1', '--drain-timeout', '60s', '--handshake-timeout', '60s')
    const [old] = await service.workers()
    const client = await RawClient.connect(service.port)
    const head = requestHead()
    client.write(head.slice(0, 20))
    await service.until(
      () => service.metrics(),
      now => now.get('echobahn_connections{worker="1"}') === 1,
    )
    service.signal('SIGHUP')
    await reloaded(service)
    client.write(head.slice(20))
    assert.match(await client.readHead(), /^HTTP\/1\.1 101 /)
    client.send({ opcode: 1, payload: 'still here' })
    assert.equal(String((await client.readFrame()).payload), 'still here')
    const leaving = (await service.workers()).find(({ pid }) => pid === old.pid)
    assert.equal(leaving?.connections, 1)
  })

  it('is refused while another is under way', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    const answers = await Promise.all([1, 2, 3].map(() => fetch(`${service.adminUrl}/reload`, { method: 'POST' })))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409, 409])
    await reloaded(service)
    assert.equal((await fetch(`${service.adminUrl}/reload`, { method: 'POST' })).status, 202)
  })

  it('also replaces a worker that is being restarted', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    const old = await service.workers()
    const survivors = await EchoPeer.openMany(service.url, 1)
    for (const { pid } of old) process.kill(pid, 'SIGKILL')
    await service.logged(({ msg }) => msg === 'worker restarts')
    service.signal('SIGHUP')
    await reloaded(service)
    const workers = await service.until(
      () => service.workers(),
      now => now.length === WORKERS && now.every(({ state }) => state === 'ready'),
    )
    assert.ok(pidsOf(workers).every(pid => !pidsOf(old).includes(pid)))
    assert.deepEqual(await Promise.all(survivors.map(peer => peer.closed)), [1006])
    await Promise.all((await EchoPeer.openMany(service.url, 10)).map(peer => peer.echo()))
  })

  it('is not begun during the start, which it does not disturb', async t => {
    const service = new Service(['--workers', '4'])
    t.after(() => service.stop())
    await service.logged(({ msg }) => msg === 'worker ready')
    service.signal('SIGHUP')
    await service.listening()
    assert.equal((await service.workers()).length, 4)
    await (await EchoPeer.open(service.url)).echo()
  })

  it('gives way to a stop signal', async t => {
    const service = await startService(t, '--workers', String(WORKERS), '--drain-timeout', '60s')
    const peers = await EchoPeer.openMany(service.url, 20)
    service.signal('SIGHUP')
    await service.logged(({ msg }) => msg.startsWith('reload'))
    service.signal('SIGTERM')
    assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.closed))), new Set([1001]))
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal(service.log.at(-1)?.cut, 0)
  })
})
