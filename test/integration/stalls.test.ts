// A worker that stalls, stopped from without or at work of its own: the first scrape that it answers afterwards shows it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sabotage } from '../support/sabotage.js'
import { Service, startService } from '../support/service.js'
import { stopUntilOurEnd } from '../support/watchdog.js'

/** Milliseconds, each with a bucket that is certainly below it, and above what a machine at work adds by itself. */
const STALLS = [
  [1200, 1],
  [3000, 2.5],
] as const

/** A worker is busy for as many milliseconds as the environment says, whenever it gets SIGUSR2. */
const BUSY = `if (cluster.isWorker) process.on('SIGUSR2', () => {
  const end = performance.now() + Number(process.env.BUSY)
  while (performance.now() < end);
})`

/** Times that the worker was late by more than a bucket's bound. */
function later(metrics: ReadonlyMap<string, number>, bound: number): number {
  const at = (le: string) => metrics.get(`echobahn_event_loop_delay_seconds_bucket{worker="1",le="${le}"}`) as number
  return at('+Inf') - at(String(bound))
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

async function showsOneStall(service: Service, bound: number, stall: (pid: number) => Promise<number>): Promise<void> {
  const [{ pid }] = await service.workers()
  const before = await service.metrics()
  const ended = await stall(pid)
  const after = await firstAnswered(service, ended)
  assert.equal(later(after, bound) - later(before, bound), 1)
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

for (const [length, bound] of STALLS) {
  test(`a worker stopped for ${length} ms shows it, once`, async t => {
    const service = await startService(t, '--workers', '1')
    await showsOneStall(service, bound, async pid => {
      stopped(t, pid)
      await sleep(length)
      if (length > 1000) {
        const during = await service.metrics()
        assert.ok((during.get('echobahn_worker_snapshot_age_seconds{worker="1"}') as number) > 1)
      }
      process.kill(pid, 'SIGCONT')
      return performance.now()
    })
  })

  test(`a worker busy for ${length} ms shows it, once`, async t => {
    const environment = { ...sabotage(BUSY), BUSY: String(length) }
    const service = new Service(['--workers', '1'], environment)
    t.after(() => service.stop())
    await service.listening()
    await showsOneStall(service, bound, async pid => {
      process.kill(pid, 'SIGUSR2')
      await sleep(length)
      return performance.now()
    })
  })
}

/** Stops the process; it goes on when the test ends at the latest, since a stopped one outlives its primary. */
function stopped(t: TestContext, pid: number): void {
  stopUntilOurEnd(pid)
  t.after(() => {
    try {
      process.kill(pid, 'SIGCONT')
    } catch {}
  })
}
