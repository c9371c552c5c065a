// The warning about a limit on open files that is too low, given by the real service under a real limit.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { Service } from '../support/service.js'
import { goOn, stopUntilOurEnd } from '../support/watchdog.js'

const warnings = (service: Service) => service.log.filter(({ msg }) => msg.includes('ulimit -n')).map(({ msg }) => msg)

async function start(t: { after: (hook: () => Promise<void>) => void }, ...options: string[]): Promise<Service> {
  const service = new Service(['--workers', '1', ...options], {}, 512)
  t.after(() => service.stop())
  return service.listening()
}

/** Undefined where the primary has no descriptor for who asks. */
function metricsOf(service: Service): Promise<Map<string, number> | undefined> {
  return service.metrics().catch(() => undefined)
}

describe('with at most 512 open files', () => {
  it('the service warns and names the number it needs', async t => {
    const service = await start(t, '--max-connections', '10000')
    assert.equal(warnings(service).length, 1)
    assert.match(warnings(service)[0], /\b512 open files\b.*`ulimit -n 10256`/)
  })

  it('there is no warning when fewer connections are allowed', async t => {
    assert.deepEqual(warnings(await start(t, '--max-connections', '256')), [])
  })
})

describe('when the primary has no file descriptors left', () => {
  it('newcomers are turned away, counted and told of, and those that it holds are served later', async t => {
    const limit = 256
    const service = new Service(['--workers', '1'], {}, limit)
    t.after(() => service.stop())
    await service.listening()
    const old = await EchoPeer.open(service.url)
    const [{ pid }] = await service.workers()
    stopUntilOurEnd(pid)
    t.after(() => goOn(pid))
    const attempts = Array.from({ length: limit }, () => EchoPeer.open(service.url).catch(() => undefined))
    await service.until(
      () => service.metrics(),
      metrics => metrics.get('echobahn_shortages_total{kind="turned_away"}') === 64,
    )
    process.kill(pid, 'SIGCONT')
    const peers = (await Promise.all(attempts)).filter(peer => peer !== undefined)
    assert.equal(peers.length, limit - 64)
    await Promise.all([old, ...peers].map(peer => peer.echo()))
    const { level } = await service.logged(({ msg }) => msg.includes('closed unanswered'))
    assert.equal(level, 40)
    await Promise.all(peers.map(peer => peer.close()))
    await (await EchoPeer.open(service.url)).echo()
  })
})

describe('when the workers have no file descriptors left', () => {
  it('those that are connected are served on, no worker dies, and it ends by itself when files are free', async t => {
    const service = new Service(['--workers', '2', '--handshake-timeout', '2m'], {}, 200)
    t.after(() => service.stop())
    await service.listening()
    const honest = await Promise.all(Array.from({ length: 4 }, () => EchoPeer.open(service.url)))
    const pids = (await service.workers()).map(({ pid }) => pid)

    const silent = Array.from({ length: 500 }, () => connect(service.port, '127.0.0.1').on('error', () => {}))
    t.after(() => silent.forEach(socket => void socket.destroy()))
    // On a slow machine the primary is out of descriptors before the workers are.
    await service.until(
      () => metricsOf(service),
      metrics => {
        const of = (series: string): number => metrics?.get(`echobahn_${series}`) ?? 0
        const open = of('connections{worker="1"}') + of('connections{worker="2"}')
        return open > 300 || open + of('shortages_total{kind="turned_away"}') >= honest.length + silent.length
      },
    )
    for (let round = 0; round < 5; round++) {
      for (const peer of honest) await peer.echo()
      // A scrape asks the workers for a snapshot, which looks at their memory.
      const metrics = await service.until(
        () => metricsOf(service),
        scraped => scraped !== undefined,
      )
      assert.equal(metrics?.get('echobahn_workers{state="ready"}'), 2)
    }
    for (const socket of silent) socket.destroy()
    await service.until(
      () => metricsOf(service),
      metrics =>
        (metrics?.get('echobahn_connections{worker="1"}') ?? 0) +
          (metrics?.get('echobahn_connections{worker="2"}') ?? 0) ===
        honest.length,
    )
    assert.deepEqual(
      (await service.workers()).map(({ pid }) => pid),
      pids,
    )
    const late = await EchoPeer.open(service.url)
    await Promise.all([...honest, late].map(peer => peer.echo()))
    await Promise.all([...honest, late].map(peer => peer.close()))
  })
})
