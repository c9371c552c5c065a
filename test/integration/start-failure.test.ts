// Workers that die at their start, or cannot even be forked: backoff, recovery, and giving up.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { sabotage } from '../support/sabotage.js'
import { type LogLine, Service } from '../support/service.js'

const DIES_ALWAYS = 'if (cluster.isWorker) process.exit(9)'

function launch(t: TestContext, environment: Record<string, string>, ...options: string[]): Service {
  const service = new Service(options, environment)
  t.after(() => service.stop())
  return service
}

/** Everything on stderr that is not the log. */
async function complaintsOf(service: Service): Promise<string> {
  const stderr = service.child.stderr as NodeJS.ReadableStream
  let text = ''
  for await (const chunk of stderr) text += chunk
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('{'))
    .join('\n')
}

/** Makes workers die at their start for as long as a file exists. */
function fuse(t: TestContext): { environment: Record<string, string>; light: () => void; putOut: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'fuse')
  const code = `import { existsSync } from 'node:fs'; if (cluster.isWorker && existsSync(${JSON.stringify(file)})) process.exit(9)`
  return { environment: sabotage(code), light: () => writeFileSync(file, ''), putOut: () => rmSync(file) }
}

const isRestart = (line: LogLine): boolean => line.msg === 'worker restarts'

describe('workers that die at their start', () => {
  it('again and again end the service with one line and exit code 1, after growing pauses', async t => {
    const service = launch(t, sabotage(DIES_ALWAYS), '--workers', '2')
    const complaints = complaintsOf(service)
    assert.deepEqual(await service.exited, { code: 1, signal: null })
    assert.match(
      await complaints,
      /^echobahn: worker [12] did not get ready in 7 starts; the last one exited with code 9$/,
    )
    for (const worker of [1, 2]) {
      const delays = service.log.filter(line => isRestart(line) && line.worker === worker).map(({ delay }) => delay)
      assert.deepEqual(delays.slice(0, 5), [100, 200, 400, 800, 1600])
    }
    assert.deepEqual(service.stdout, [])
  })

  it('once each do not count as again and again, however many there are', async t => {
    const service = launch(
      t,
      sabotage('if (cluster.isWorker && cluster.worker.id <= 8) process.exit(9)'),
      '--workers',
      '8',
    )
    await service.listening()
    assert.equal(service.log.filter(isRestart).length, 8)
    const metrics = await service.metrics()
    assert.equal(metrics.get('echobahn_worker_restarts_total{reason="start_failed"}'), 8)
    assert.equal(metrics.get('echobahn_workers{state="ready"}'), 8)
  })

  it('are no matter once one of them lives: whoever connected meanwhile is served', async t => {
    const { environment, light, putOut } = fuse(t)
    const service = await launch(t, environment, '--workers', '1').listening()
    const [{ pid }] = await service.workers()
    light()
    process.kill(pid, 'SIGKILL')
    await service.logged(line => isRestart(line) && line.delay === 200)
    const waiting = EchoPeer.openMany(service.url, 10)
    assert.equal((await fetch(`${service.adminUrl}/readyz`)).status, 503)
    putOut()
    await Promise.all((await waiting).map(peer => peer.echo()))
    assert.equal((await fetch(`${service.adminUrl}/readyz`)).status, 200)
  })

  it('end a reload, and the old ones stay', async t => {
    const { environment, light } = fuse(t)
    const service = await launch(t, environment, '--workers', '2').listening()
    const before = await service.workers()
    const peers = await EchoPeer.openMany(service.url, 4)
    light()
    service.signal('SIGHUP')
    await service.logged(({ msg }) => msg.startsWith('reload stopped'))
    const after = await service.workers()
    assert.deepEqual(
      after.map(({ pid, state }) => [pid, state]),
      before.map(({ pid }) => [pid, 'ready']),
    )
    await Promise.all(peers.map(peer => peer.echo()))
  })
})

describe('workers that cannot be forked', () => {
  it('are tried again', async t => {
    const failThrice = `
      const { fork } = cluster
      let left = 3
      cluster.fork = () => {
        if (left-- > 0) throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM', errno: -12 })
        return fork.call(cluster)
      }`
    const service = await launch(t, sabotage(failThrice), '--workers', '1').listening()
    assert.deepEqual(
      service.log.filter(isRestart).map(({ delay }) => delay),
      [100, 200, 400],
    )
    assert.ok(service.log.some(({ msg }) => msg === 'worker could not be forked (ENOMEM)'))
    await (await EchoPeer.open(service.url)).echo()
  })
})
