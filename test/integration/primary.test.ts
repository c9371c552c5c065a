// The primary with real processes, signals and sockets, and workers that do no more than the IPC contract asks.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WorkerView } from '../../src/admin/view.js'
import { parseExposition } from '../support/exposition.js'
import { endWithUs, stopUntilOurEnd } from '../support/watchdog.js'

const SERVICE = fileURLToPath(new URL('../support/fake-service.js', import.meta.url))

const SETTINGS = {
  host: '127.0.0.1',
  port: 0,
  workers: 2,
  distribution: 'least-connections',
  maxConnections: 0,
  maxConnectionsPerIp: 0,
  trustedProxies: [],
  drainTimeout: 500,
  codecQueue: 1024,
  reports: 0,
  reportsFailed: 0,
  adminHost: '127.0.0.1',
  adminAllowedHost: [],
  adminPort: 0,
  logLevel: 'silent',
}

interface Service {
  readonly process: ChildProcess
  readonly port: number
  readonly admin: string
}

const running: ChildProcess[] = []
const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

async function start(fakeWorker = ''): Promise<Service> {
  const child = spawn(process.execPath, [SERVICE, JSON.stringify(SETTINGS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FAKE_WORKER: fakeWorker },
  })
  endWithUs(child)
  running.push(child)
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const match = /^listening ws:\/\/127\.0\.0\.1:(\d+) admin (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))
  assert.ok(match, `unexpected first line: ${line}`)
  return { process: child, port: Number(match[1]), admin: match[2] }
}

/** Connects and resolves with the pid of the worker that serves the connection. */
async function open({ port }: Service): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  const [line] = await once(socket, 'data')
  return Number.parseInt(String(line), 10)
}

async function workersOf({ admin }: Service): Promise<WorkerView[]> {
  const response = await fetch(`${admin}/workers`)
  return (await response.json()) as WorkerView[]
}

/** Asks again and again until the workers are as wanted; the test's own time limit bounds it. */
async function until(service: Service, wanted: (workers: WorkerView[]) => boolean): Promise<WorkerView[]> {
  for (;;) {
    const workers = await workersOf(service)
    if (wanted(workers)) return workers
    await delay(20)
  }
}

const allReady = (workers: WorkerView[]) => workers.length === 2 && workers.every(({ state }) => state === 'ready')

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

describe('primary', () => {
  it('spreads bursts evenly', async () => {
    const service = await start()
    // Of no more at a time than what a worker may be behind with: above that the quicker one gets more.
    for (let burst = 0; burst < 10; burst++) await Promise.all(Array.from({ length: 10 }, () => open(service)))
    const workers = await workersOf(service)
    assert.deepEqual(
      workers.map(({ connections }) => connections),
      [50, 50],
    )
  })

  it('gives a socket to another worker when the first refuses it', async () => {
    const service = await start('refuse')
    const pids = await Promise.all([open(service), open(service), open(service), open(service)])
    assert.equal(new Set(pids).size, 2)
  })

  it('serves and answers scrapes while a worker is stopped, and takes it back when it goes on', async () => {
    const service = await start()
    const [stopped, other] = await workersOf(service)
    stopUntilOurEnd(stopped.pid)
    const pids = await Promise.all(Array.from({ length: 10 }, () => open(service)))
    assert.deepEqual([...new Set(pids)], [other.pid])
    const series = parseExposition(await (await fetch(`${service.admin}/metrics`)).text())
    assert.equal(series.get('echobahn_workers{state="unresponsive"}'), 1)
    process.kill(stopped.pid, 'SIGCONT')
    await until(service, allReady)
    assert.equal(await open(service), stopped.pid)
  })

  it('replaces a killed worker and leaves the other alone', async () => {
    const service = await start()
    const before = await workersOf(service)
    process.kill(before[0].pid, 'SIGKILL')
    const after = await until(service, workers => allReady(workers) && workers[0].pid !== before[0].pid)
    assert.equal(after[1].pid, before[1].pid)
    const series = parseExposition(await (await fetch(`${service.admin}/metrics`)).text())
    assert.equal(series.get('echobahn_worker_restarts_total{reason="signal"}'), 1)
  })

  it('replaces all workers at SIGHUP and lets the old ones keep their connections', async () => {
    const service = await start()
    const old = await open(service)
    service.process.kill('SIGHUP')
    const workers = await until(service, all =>
      all.filter(({ state }) => state === 'ready').every(it => it.pid !== old),
    )
    const leaving = workers.find(({ pid }) => pid === old)
    assert.deepEqual([leaving?.state, leaving?.connections], ['leaving', 1])
    assert.notEqual(await open(service), old)
  })

  it('exits with 0 at SIGTERM, also when a worker is stopped', async () => {
    const service = await start()
    const [stopped] = await workersOf(service)
    stopUntilOurEnd(stopped.pid)
    service.process.kill('SIGTERM')
    assert.equal(await exitOf(service.process), 0)
    assert.throws(() => process.kill(stopped.pid, 0), { code: 'ESRCH' })
  })

  it('ends at once at a second signal', async () => {
    const service = await start()
    const [stopped] = await workersOf(service)
    stopUntilOurEnd(stopped.pid)
    service.process.kill('SIGTERM')
    await until(service, workers => workers.every(({ state }) => state === 'leaving'))
    service.process.kill('SIGINT')
    assert.equal(await exitOf(service.process), 130)
  })
})
