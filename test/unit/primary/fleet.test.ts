// The fleet with workers that start, die and leave when the test says so: restarts, reloads, drains, and giving up.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ExitError } from '../../../src/errors.js'
import { Fleet } from '../../../src/primary/fleet.js'
import type { WorkerProcess } from '../../../src/primary/worker-process.js'
import type { Settings } from '../../../src/settings.js'
import { fakeForks } from '../../support/fake-worker.js'
import { LogKeeper } from '../../support/log-keeper.js'

const EAGAIN = -11

function bench(t: TestContext, workers = 2) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const forked = fakeForks()
  const log = new LogKeeper()
  const told: string[] = []
  const errors: ExitError[] = []
  const tell =
    (what: string) =>
    ({ number, pid }: WorkerProcess) =>
      void told.push(`${what} ${number} ${pid}`)
  const fleet = new Fleet({ workers, drainTimeout: 1000 } as Settings, log.logger, {
    onReady: tell('ready'),
    onRetired: tell('retired'),
    onExit: tell('exit'),
    onMessage: ({ number }, { type }) => void told.push(`${type} ${number}`),
    onGiveUp: error => void errors.push(error),
  })
  const pids = () => [...fleet.members].map(({ pid }) => pid)
  return { fleet, forked, log, told, errors, pids }
}

/** The same, with all workers ready. */
async function started(t: TestContext, workers = 2) {
  const all = bench(t, workers)
  const ready = all.fleet.start()
  for (const worker of all.forked) worker.getReady()
  await ready
  all.told.length = 0
  return all
}

/** Lets all promises settle that can. */
const settled = () => new Promise(setImmediate)

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settled()
  return done
}

test('it is started when every place has a ready worker', async t => {
  const { fleet, forked, told, pids } = bench(t)
  const ready = fleet.start()
  assert.deepEqual(pids(), [101, 102])
  forked[0].getReady()
  assert.equal(await isDone(ready), false)
  forked[1].getReady()
  assert.equal(await isDone(ready), true)
  assert.deepEqual(told, ['awake 1', 'ready 1 101', 'awake 2', 'ready 2 102'])
})

test('what a worker says besides is passed on; a second ready is none', async t => {
  const { forked, told } = await started(t)
  forked[1].say({ type: 'changes', taken: [1] })
  assert.deepEqual(told, ['changes 2'])
})

test('a dead worker is restarted at its place, after 100 ms, 200 ms, …; at once if it had served for long', async t => {
  const { forked, told, fleet, log, pids } = await started(t)
  forked[0].die(null, 'SIGKILL')
  assert.deepEqual([told, pids()], [['exit 1 101'], [102]])
  t.mock.timers.tick(99)
  assert.equal(forked.length, 2)
  t.mock.timers.tick(1)
  assert.deepEqual(pids(), [102, 103])
  forked[2].getReady()
  assert.ok(told.includes('ready 1 103'))
  forked[2].die(3)
  t.mock.timers.tick(199)
  assert.equal(forked.length, 3)
  t.mock.timers.tick(1)
  assert.equal(forked.length, 4)
  assert.deepEqual(fleet.restarts, { exit: 1, signal: 1, start_failed: 0, reload: 0 })
  const warnings = log.lines.filter(({ level }) => level === 40).map(({ msg }) => msg)
  assert.deepEqual(warnings, [
    'worker was ended by SIGKILL',
    'worker restarts',
    'worker exited with code 3',
    'worker restarts',
  ])
})

test('seven deaths in a row of workers that never got ready end it, with one error', t => {
  const { fleet, forked, errors } = bench(t)
  void fleet.start()
  forked[1].getReady()
  for (let deaths = 1; deaths <= 7; deaths++) {
    forked.at(deaths === 1 ? 0 : -1)?.die(9)
    assert.equal(errors.length, deaths === 7 ? 1 : 0)
    t.mock.timers.tick(5000)
  }
  assert.equal(errors[0].code, 'ECHOBAHN_WORKERS_FAILED')
  assert.match(errors[0].message, /^worker 1 did not get ready in 7 starts; the last one exited with code 9$/)
  assert.deepEqual([fleet.restarts.start_failed, forked.length], [6, 8])
})

test('a start that succeeds forgives those that failed', t => {
  const { fleet, forked, errors } = bench(t, 1)
  void fleet.start()
  for (let deaths = 1; deaths <= 12; deaths++) {
    if (deaths === 6) forked.at(-1)?.getReady()
    forked.at(-1)?.die(9)
    t.mock.timers.tick(5000)
  }
  assert.deepEqual(errors, [])
  forked.at(-1)?.die(9)
  assert.equal(errors.length, 1)
})

test('where the system has no process to give, those that serve go on; with nobody to serve it gives up', async t => {
  const serving = await started(t)
  serving.forked[0].die(null, 'SIGKILL')
  for (let i = 0; i < 20; i++) {
    t.mock.timers.tick(5000)
    serving.forked.at(-1)?.die(EAGAIN)
  }
  assert.deepEqual(serving.errors, [])
  assert.ok(serving.log.lines.some(({ msg }) => msg === 'worker could not be forked (EAGAIN)'))
  t.mock.timers.reset()
  const alone = bench(t, 1)
  void alone.fleet.start()
  for (let i = 0; i < 7; i++) {
    alone.forked.at(-1)?.die(EAGAIN)
    t.mock.timers.tick(5000)
  }
  assert.equal(alone.errors.length, 1)
})

test('a reload replaces one after another; the old one leaves when the fresh one is ready', async t => {
  const { fleet, forked, told, log, pids } = await started(t)
  const reloaded = fleet.reload()
  assert.ok(fleet.reloading)
  assert.deepEqual(pids(), [101, 102, 103])
  assert.deepEqual(forked[0].told, ['start'])
  forked[2].getReady()
  await settled()
  assert.deepEqual(forked[0].sent.at(-1), { type: 'leave', when: 'later' })
  assert.deepEqual(told, ['awake 1', 'ready 1 103', 'retired 1 101'])
  assert.deepEqual(forked[1].told, ['start'])
  forked[0].die(0)
  assert.equal(forked.length, 4)
  forked[3].getReady()
  await reloaded
  assert.equal(fleet.reloading, false)
  assert.equal(fleet.restarts.reload, 2)
  assert.equal(log.lines.at(-1)?.msg, 'reload: all workers are replaced')
  forked[1].die(0)
  t.mock.timers.tick(60_000)
  // Who had been sent away is not restarted.
  assert.deepEqual(pids(), [103, 104])
})

test('a fresh worker that dies ends the reload, and the old ones stay', async t => {
  const { fleet, forked, log, pids } = await started(t)
  const reloaded = fleet.reload()
  forked[2].die(5)
  await reloaded
  assert.deepEqual([fleet.reloading, pids(), fleet.restarts.reload], [false, [101, 102], 0])
  assert.deepEqual(forked[0].told, ['start'])
  const errors = log.lines.filter(({ level }) => level === 50).map(({ msg }) => msg)
  assert.deepEqual(errors, ['reload stopped, old workers stay: the fresh one exited with code 5'])
  assert.ok(!log.lines.some(({ msg }) => msg === 'reload: all workers are replaced'))
  t.mock.timers.tick(60_000)
  assert.equal(forked.length, 3)
})

test('a worker that dies while its replacement starts is not restarted beside it', async t => {
  const { fleet, forked, told, pids } = await started(t)
  const reloaded = fleet.reload()
  forked[0].die(null, 'SIGKILL')
  t.mock.timers.tick(60_000)
  assert.deepEqual(pids(), [102, 103])
  assert.deepEqual(forked[2].process.signals, ['SIGKILL'])
  told.length = 0
  forked[2].die(null, 'SIGKILL')
  await reloaded
  // Nobody is at the place: that one is restarted, though the reload is over.
  t.mock.timers.tick(5000)
  assert.deepEqual(pids(), [102, 104])
  forked[3].getReady()
  assert.equal(told.at(-1), 'ready 1 104')
})

test('a place that waits for its restart is filled by the reload', async t => {
  const { fleet, forked, told, pids } = await started(t)
  forked[0].die(null, 'SIGKILL')
  const reloaded = fleet.reload()
  t.mock.timers.tick(5000)
  assert.deepEqual(pids(), [102, 103])
  forked[2].getReady()
  await settled()
  assert.ok(!told.some(line => line.startsWith('retired 1')))
  forked[3].getReady()
  await reloaded
  assert.equal(fleet.restarts.reload, 2)
})

test('a drain asks all to leave now, restarts nobody, and is over when the last is gone', async t => {
  const { fleet, forked, log, pids } = await started(t)
  forked[0].die(null, 'SIGKILL')
  const drained = fleet.drain()
  t.mock.timers.tick(500)
  assert.deepEqual(pids(), [102])
  assert.deepEqual(forked[1].sent.at(-1), { type: 'leave', when: 'now' })
  assert.equal(await isDone(drained), false)
  forked[1].die(0)
  await drained
  assert.equal(log.lines.at(-1)?.level, 30)
  t.mock.timers.tick(60_000)
  assert.equal(forked.length, 2)
  await fleet.drain()
})

test('a drain waits for each of them', async t => {
  const { fleet, forked } = await started(t)
  const drained = fleet.drain()
  forked[0].die(0)
  assert.equal(await isDone(drained), false)
  forked[1].die(0)
  await drained
})

test('a drain cuts a reload short', async t => {
  const { fleet, forked, log } = await started(t)
  const reloaded = fleet.reload()
  const drained = fleet.drain()
  assert.deepEqual(forked[2].process.signals, ['SIGKILL'])
  for (const worker of forked) worker.die(0)
  await Promise.all([drained, reloaded])
  assert.ok(!log.lines.some(({ level, msg }) => level === 50 || msg.includes('all workers are replaced')))
  assert.equal(forked.length, 3)
})

test('killed, all end at once, and nobody comes after them', async t => {
  const { fleet, forked } = await started(t)
  forked[0].die(null, 'SIGKILL')
  fleet.kill()
  assert.deepEqual(forked[1].process.signals, ['SIGKILL'])
  forked[1].die(null, 'SIGKILL')
  t.mock.timers.tick(60_000)
  assert.equal(forked.length, 2)
})

test('what cannot be sent is a line of the log, at debug', async t => {
  const { forked, log } = await started(t)
  forked[1].emit('error', new Error('write EPIPE'))
  assert.deepEqual(
    log.lines.filter(({ msg }) => msg === 'send').map(({ level, worker, workerPid }) => [level, worker, workerPid]),
    [[20, 2, 102]],
  )
})
