// A worker that stalls, stopped from without or at work of its own: the first scrape that it answers afterwards shows it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sabotage } from '../support/sabotage.js'
import { Service } from '../support/service.js'
import { stopUntilOurEnd } from '../support/watchdog.js'

/** Milliseconds, and in seconds a bound of the buckets' below it, above what a busy machine adds by itself. */
const STALL = 3000
const BOUND = 2.5

/** A worker is busy for as long, whenever it gets SIGUSR2. */
const BUSY = `if (cluster.isWorker) process.on('SIGUSR2', () => {
  const end = performance.now() + ${STALL}
  while (performance.now() < end);
})`

/** Times that the worker was late by more than the bound. */
function later(metrics: ReadonlyMap<string, number>): number {
  const at = (le: string) => metrics.get(`echobahn_event_loop_delay_seconds_bucket{worker="1",le="${le}"}`) as number
  return at('+Inf') - at(String(BOUND))
}

/** The first scrape with what the worker said after `since`, in monotonic milliseconds. */
function firstAnswered(service: Service, since: number): Promise<Map<string, number>> {
  const age = (metrics: Map<string, number>) =>
    metrics.get('echobahn_worker_snapshot_age_seconds{worker="1"}') as number
  return service.until(
    () => service.metrics(),
    metrics => age(metrics) * 1000 < performance.now() - since,
  )
}

async function showsOneStall(service: Service, stall: (pid: number) => Promise<number>): Promise<void> {
  const [{ pid }] = await service.workers()
  const before = await service.metrics()
  const ended = await stall(pid)
  const after = await firstAnswered(service, ended)
  assert.equal(later(after) - later(before), 1)
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

test('a worker that is stopped, or busy, shows it once', async t => {
  const service = new Service(['--workers', '1'], sabotage(BUSY))
  t.after(() => service.stop())
  await service.listening()

  await t.test('stopped', async t => {
    await showsOneStall(service, async pid => {
      stopped(t, pid)
      await sleep(STALL)
      const during = await service.metrics()
      assert.ok((during.get('echobahn_worker_snapshot_age_seconds{worker="1"}') as number) > 1)
      process.kill(pid, 'SIGCONT')
      return performance.now()
    })
  })

  await t.test('busy', async () => {
    await showsOneStall(service, async pid => {
      process.kill(pid, 'SIGUSR2')
      await sleep(STALL)
      return performance.now()
    })
  })
})

/** Stops the process; it goes on when the test ends at the latest, since a stopped one outlives its primary. */
function stopped(t: TestContext, pid: number): void {
  stopUntilOurEnd(pid)
  t.after(() => {
    try {
      process.kill(pid, 'SIGCONT')
    } catch {}
  })
}
