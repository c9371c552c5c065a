// One worker process as the primary sees it, from fork to exit, with a child that does what the test says.

import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { mock, type TestContext, test } from 'node:test'
import type { HandleChannel } from '../../../src/handle-channel.js'
import type { Handover } from '../../../src/messages.js'
import type { Accepted } from '../../../src/primary/accepted.js'
import { type Exit, WorkerProcess } from '../../../src/primary/worker-process.js'
import type { Settings } from '../../../src/settings.js'
import { type FakeWorker, fakeForks } from '../../support/fake-worker.js'

const SETTINGS = { drainTimeout: 10_000 } as Settings

function bench(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [exits, errors, messages]: [Exit[], Error[], string[]] = [[], [], []]
  const forked = fakeForks()
  const worker = new WorkerProcess(3, SETTINGS, {
    onMessage: (_, { type }) => void messages.push(type),
    onExit: (_, exit) => void exits.push(exit),
    onSendError: (_, error) => void errors.push(error),
  })
  const [child] = forked as [FakeWorker]
  return { worker, child, exits, errors, messages }
}

test('a worker that is awake gets its number and the settings, and is ready when it says so', t => {
  const { worker, child, messages } = bench(t)
  assert.deepEqual([worker.state, worker.pid, worker.readyAt, worker.cut], ['starting', 101, undefined, undefined])
  child.say({ type: 'awake' })
  assert.deepEqual(child.sent, [{ type: 'start', worker: 3, settings: SETTINGS }])
  assert.equal(worker.state, 'starting')
  child.say({ type: 'ready' })
  assert.equal(worker.state, 'ready')
  assert.equal(worker.readyAt, worker.heardAt)
  assert.deepEqual(messages, ['awake', 'ready'])
})

test('one that does not get ready in 30 s is killed; one that is ready lives on', t => {
  const late = bench(t)
  t.mock.timers.tick(29_999)
  assert.deepEqual(late.child.process.signals, [])
  t.mock.timers.tick(1)
  assert.deepEqual(late.child.process.signals, ['SIGKILL'])
  t.mock.timers.reset()
  const ready = bench(t)
  ready.child.getReady()
  t.mock.timers.tick(100_000)
  assert.deepEqual(ready.child.process.signals, [])
})

test('sent away, it has the drain timeout and 2 s more to leave; then it is killed', t => {
  const { worker, child } = bench(t)
  child.getReady()
  worker.leave('later')
  assert.equal(worker.state, 'leaving')
  assert.deepEqual(child.sent.at(-1), { type: 'leave', when: 'later' })
  t.mock.timers.tick(5000)
  // Told once more, it has its time from then on.
  worker.leave('now')
  t.mock.timers.tick(11_999)
  assert.deepEqual(child.process.signals, [])
  t.mock.timers.tick(1)
  assert.deepEqual(child.process.signals, ['SIGKILL'])
})

test('one that is gone is not killed any more', t => {
  const { worker, child, exits } = bench(t)
  child.getReady()
  worker.leave('now')
  child.say({ type: 'left', cut: 4, evicted: { closed: 0, failed: 0, refused: 0 } })
  child.die(0)
  assert.equal(worker.cut, 4)
  assert.deepEqual(exits, [{ code: 0, signal: null }])
  t.mock.timers.tick(100_000)
  assert.deepEqual(child.process.signals, [])
})

test('one that is starting has nothing to drain, and is killed; it does not become ready while it leaves', t => {
  const { worker, child } = bench(t)
  worker.leave('now')
  assert.deepEqual([child.process.signals, child.told], [['SIGKILL'], []])
  t.mock.timers.reset()
  const other = bench(t)
  other.child.getReady()
  other.worker.leave('now')
  other.child.say({ type: 'ready' })
  assert.equal(other.worker.state, 'leaving')
})

test('each request goes out as what it is', t => {
  const { worker, child } = bench(t)
  worker.revoke(5)
  worker.requestSnapshot(6)
  worker.tellConnection(7, 8)
  worker.listConnections(9, { sort: 'newest', limit: 1 }, 10)
  worker.setDefaultControls(11, 'delay=1s', true)
  worker.answerClaim(12, null)
  worker.act(13, { id: 14 }, { act: 'ping' })
  worker.answerClients([{ opening: 15, admission: 429 }])
  worker.answerStreams([{ request: 16, id: 17, admission: 0 }])
  assert.deepEqual(child.sent, [
    { type: 'revoke', id: 5 },
    { type: 'snapshot-request', question: 6 },
    { type: 'tell-connection', question: 7, id: 8 },
    { type: 'list-connections', question: 9, filter: { sort: 'newest', limit: 1 }, asOf: 10 },
    { type: 'default-controls', question: 11, controls: 'delay=1s', limited: true },
    { type: 'claimed', opening: 12, controls: null },
    { type: 'act', question: 13, target: { id: 14 }, action: { act: 'ping' } },
    { type: 'clients-admitted', clients: [{ opening: 15, admission: 429 }] },
    { type: 'streams-opened', streams: [{ request: 16, id: 17, admission: 0 }] },
  ])
})

test('a hand-over goes the way of handles', t => {
  const { worker, child } = bench(t)
  const sent: Handover[] = []
  const accepted = { sendTo: (_: HandleChannel, message: Handover) => void sent.push(message) }
  const handover: Handover = { type: 'handover', id: 1, admission: 0, deadline: 2 }
  worker.handOver(handover, accepted as unknown as Accepted)
  assert.deepEqual([sent, child.sent], [[handover], []])
})

test('nothing is sent through a channel that has closed', t => {
  const { worker, child } = bench(t)
  child.connected = false
  worker.requestSnapshot(1)
  assert.deepEqual(child.sent, [])
})

test('an error of the channel is told, and ends nothing by itself', t => {
  const { worker, child, errors, exits } = bench(t)
  child.getReady()
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  child.emit('error', broken)
  assert.deepEqual([errors, exits, worker.state, child.process.signals], [[broken], [], 'ready', []])
})

test('a worker is told from which size on memory goes back to the system', t => {
  t.after(() => mock.restoreAll())
  const fork = mock.method(cluster, 'fork', () => {
    throw Object.assign(new Error('spawn ENOMEM'), { errno: -12 })
  })
  new WorkerProcess(1, SETTINGS, { onMessage: () => {}, onSendError: () => {}, onExit: () => {} })
  const { MALLOC_MMAP_THRESHOLD_: mapped = '49152', MALLOC_TRIM_THRESHOLD_: trimmed = '1048576' } = process.env
  assert.deepEqual(fork.mock.calls[0].arguments as unknown[], [
    { MALLOC_MMAP_THRESHOLD_: mapped, MALLOC_TRIM_THRESHOLD_: trimmed },
  ])
})

test('a fork that the system refuses is an exit with its number, a turn later', async t => {
  const exits: Exit[] = []
  const observer = {
    onMessage: () => assert.fail(),
    onSendError: () => assert.fail(),
    onExit: (_: unknown, exit: Exit) => void exits.push(exit),
  }
  t.after(() => mock.restoreAll())
  mock.method(cluster, 'fork', () => {
    throw Object.assign(new Error('spawn ENOMEM'), { errno: -12 })
  })
  const worker = new WorkerProcess(1, SETTINGS, observer)
  assert.deepEqual([worker.pid, exits], [0, []])
  // Nothing can be done to what is not there.
  worker.kill()
  worker.revoke(1)
  await new Promise(setImmediate)
  assert.deepEqual(exits, [{ code: -12, signal: null }])
  mock.method(cluster, 'fork', () => {
    throw new TypeError('a mistake')
  })
  assert.throws(() => new WorkerProcess(1, SETTINGS, observer), TypeError)
})
