// A worker from its start to its exit, in this process: what it answers the primary, and what becomes of connections.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { offsetOf } from '../../../src/metrics/layout.js'
import type { FakeHandle } from '../../support/fake-handle.js'
import { serverFrames } from '../../support/fake-transport.js'
import { clientFrame, requestHead } from '../../support/raw-client.js'
import { WorkerInProcess } from '../../support/worker-in-process.js'

const TEXT = 1
const CLOSE = 8

const hello = clientFrame({ opcode: TEXT, payload: 'hello' })

function isClosed({ calls }: FakeHandle): boolean {
  return calls.includes('close') || calls.includes('reset')
}

/** Frames that went out since the last call, behind the answer to the handshake. */
function framesOf({ writes }: FakeHandle): string[] {
  const octets = Buffer.concat(writes.splice(1).map(({ bytes }) => bytes))
  return serverFrames(octets).map(
    ({ opcode, payload }) => `${opcode} ${opcode === CLOSE ? payload.readUInt16BE() : payload}`,
  )
}

/** A worker with connection 7, which is a WebSocket one. */
async function serving(t: TestContext, ...flags: string[]) {
  const worker = new WorkerInProcess(t, ...flags)
  const handle = await worker.take(7)
  handle.receive(requestHead())
  return { worker, handle }
}

/** Lets the worker have its turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

test('it is ready, takes a connection, serves it, and tells its end', async t => {
  const { worker, handle } = await serving(t)
  assert.deepEqual(worker.said[0], { type: 'ready' })
  assert.deepEqual(worker.last('changes'), { type: 'changes', taken: [7] })
  assert.match(String(handle.writes[0].bytes), /^HTTP\/1\.1 101 /)
  handle.receive(hello)
  assert.deepEqual(framesOf(handle), ['1 hello'])
  handle.tellRead(-104)
  handle.tellClosed()
  t.mock.timers.tick(2)
  assert.deepEqual(worker.last('changes'), { type: 'changes', ended: [7] })
})

test('what comes without its handle, or too late, it says so', async t => {
  const worker = new WorkerInProcess(t)
  await worker.takeNothing(8)
  assert.deepEqual(worker.last('changes'), { type: 'changes', undelivered: [8] })
  const handle = await worker.take(9, undefined, 10)
  assert.deepEqual(worker.last('changes'), { type: 'changes', refused: [9] })
  assert.ok(isClosed(handle))
})

test('what is revoked it drops, opening or connection, whatever it was at', async t => {
  const { worker, handle } = await serving(t)
  const opening = await worker.take(8)
  for (const id of [7, 8, 99]) worker.hear({ type: 'revoke', id })
  assert.deepEqual([isClosed(handle), isClosed(opening)], [true, true])
})

test('a snapshot that is asked for has all counts and gauges; unasked they come by themselves', async t => {
  const { worker, handle } = await serving(t)
  handle.receive(hello)
  worker.hear({ type: 'snapshot-request', question: 12 })
  const snapshot = worker.last('snapshot')
  assert.equal(snapshot?.question, 12)
  const deltas = new Map<number, number>()
  for (let i = 0; i < (snapshot?.deltas.length ?? 0); i += 2)
    deltas.set(snapshot?.deltas[i] ?? 0, snapshot?.deltas[i + 1] ?? 0)
  assert.equal(deltas.get(offsetOf('messages_total', { direction: 'sent', opcode: 'text' })), 1)
  assert.equal(deltas.get(offsetOf('handshakes_total', { result: 'accepted' })), 1)
  assert.ok(snapshot?.gauges?.some(gauge => gauge > 0))
  const before = worker.said.length
  t.mock.timers.tick(50)
  assert.equal(worker.said.length, before + 1)
  assert.deepEqual([worker.last('snapshot')?.question, worker.last('snapshot')?.gauges !== null], [0, true])
})

test('its reports are listed and told', async t => {
  const { worker } = await serving(t)
  worker.hear({ type: 'tell-connection', question: 1, id: 7 })
  assert.deepEqual([worker.last('connection')?.question, worker.last('connection')?.report?.id], [1, 7])
  worker.hear({ type: 'tell-connection', question: 2, id: 8 })
  assert.equal(worker.last('connection')?.report, null)
  worker.hear({ type: 'list-connections', question: 3, filter: { sort: 'newest', limit: 5 }, asOf: Date.now() + 1000 })
  await turns()
  const listed = worker.last('connections')
  assert.deepEqual([listed?.question, listed?.connections.map(({ id }) => id)], [3, [7]])
  assert.equal(listed?.counts?.kept.open, 1)
})

test('without reports there are none, of connections or of refusals', async t => {
  const { worker } = await serving(t, '--reports', '0')
  const refused = await worker.take(8)
  refused.receive(requestHead(['Host: a']))
  worker.hear({ type: 'tell-connection', question: 1, id: 7 })
  assert.equal(worker.last('connection')?.report, null)
  worker.hear({ type: 'tell-connection', question: 2, id: 8 })
  assert.equal(worker.last('connection')?.report, null)
})

test('a refusal is reported', async t => {
  const { worker } = await serving(t)
  const refused = await worker.take(8)
  refused.receive(requestHead(['Host: a']))
  worker.hear({ type: 'tell-connection', question: 2, id: 8 })
  assert.equal(worker.last('connection')?.report?.id, 8)
})

test('default controls are set, granted where they are limited, and counted', async t => {
  const { worker } = await serving(t, '--controls', 'on')
  worker.hear({ type: 'default-controls', question: 4, controls: 'close=4001', limited: true })
  assert.deepEqual(worker.last('default-controls-set'), { type: 'default-controls-set', question: 4 })
  const handle = await worker.take(8)
  handle.receive(requestHead())
  await turns()
  assert.deepEqual(worker.last('claim'), { type: 'claim', opening: 8 })
  assert.equal(handle.writes.length, 0)
  worker.hear({ type: 'claimed', opening: 8, controls: 'close=4001' })
  assert.deepEqual(framesOf(handle), ['8 4001'])
})

test('an admin acts on its connections', async t => {
  const { worker, handle } = await serving(t)
  worker.hear({ type: 'act', question: 5, target: { id: 7 }, action: { act: 'close', code: 4000, reason: '' } })
  assert.deepEqual(worker.last('acted'), { type: 'acted', question: 5, done: [7], busy: [] })
  assert.deepEqual(framesOf(handle), ['8 4000'])
})

test('clients that proxies tell of are asked for, and admitted', async t => {
  const flags = ['--trusted-proxies', '192.0.2.7', '--forwarded-header', 'forwarded', '--max-connections-per-ip', '5']
  const worker = new WorkerInProcess(t, ...flags)
  const handle = await worker.take(8)
  handle.receive(`${requestHead().slice(0, -2)}Forwarded: for=198.51.100.1\r\n\r\n`)
  await turns()
  const asked = worker.last('admit-clients')
  assert.deepEqual(asked?.clients, [{ opening: 8, address: '198.51.100.1' }])
  worker.hear({ type: 'clients-admitted', clients: [{ opening: 8, admission: 0 }] })
  assert.match(String(handle.writes[0]?.bytes), /^HTTP\/1\.1 101 /)
})

test('sent away now, it closes its connections, drops openings, and exits once all are gone', async t => {
  const { worker, handle } = await serving(t)
  const opening = await worker.take(8)
  worker.hear({ type: 'leave', when: 'now' })
  assert.ok(isClosed(opening))
  opening.tellClosed()
  t.mock.timers.tick(20)
  assert.deepEqual(framesOf(handle), ['8 1001'])
  const late = await worker.take(9)
  assert.deepEqual([worker.last('changes')?.refused, isClosed(late)], [[9], true])
  assert.deepEqual([worker.last('left'), worker.exits], [undefined, []])
  handle.tellRead(-4095)
  handle.tellClosed()
  assert.deepEqual(worker.last('left'), { type: 'left', cut: 0, evicted: { closed: 0, failed: 0, refused: 0 } })
  assert.equal(worker.last('snapshot')?.question, 0)
  assert.ok(worker.last('departing-reports')?.reports.some(({ id }) => id === 7))
  await turns()
  assert.deepEqual(worker.exits, [0])
})

test('sent away later, it serves on until the drain timeout; who does not go then is cut', async t => {
  const { worker, handle } = await serving(t, '--drain-timeout', '5s')
  worker.hear({ type: 'leave', when: 'later' })
  t.mock.timers.tick(4999)
  handle.receive(hello)
  assert.deepEqual(framesOf(handle), ['1 hello'])
  t.mock.timers.tick(1)
  assert.deepEqual(framesOf(handle), ['8 1012'])
  t.mock.timers.tick(1000)
  assert.ok(isClosed(handle))
  handle.tellClosed()
  assert.equal(worker.last('left')?.cut, 1)
})

test('deadlines are looked at several times in each of them', async t => {
  const clock = { now: 5000 }
  t.mock.method(performance, 'now', () => clock.now)
  for (const [flags, interval] of [
    [[], 250],
    [['--ping-timeout', '200ms', '--ping-interval', '400ms'], 50],
    [['--ping-timeout', '10ms', '--ping-interval', '20ms'], 10],
    [
      ['--ping-interval', '0', '--handshake-timeout', '400ms', '--slow-reader-timeout', '0', '--ping-timeout', '0'],
      100,
    ],
  ] as const)
    await t.test(`${interval} ms`, async t => {
      const worker = new WorkerInProcess(t, ...flags)
      const handle = await worker.take(7)
      clock.now += 100_000
      t.mock.timers.tick(interval - 1)
      assert.equal(handle.writes.length, 0)
      t.mock.timers.tick(1)
      assert.match(String(handle.writes[0]?.bytes), /^HTTP\/1\.1 408 /)
    })
})

test('connections that go the way of streams are told of once', async t => {
  const { Socket } = await import('node:net')
  const worker = new WorkerInProcess(t)
  for (const id of [1, 2]) {
    const socket = new Socket()
    t.after(() => socket.destroy())
    await worker.take(id, socket as unknown as FakeHandle)
  }
  const warnings = worker.log.filter(({ level }) => level === 40)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0].msg, /no TCP handles as they are expected/)
  assert.equal(warnings[0].worker, 3)
})

test('an error of our own is a line of the log', async t => {
  const worker = new WorkerInProcess(t)
  const handle = await worker.take(7)
  Object.defineProperty(handle, 'writeBuffer', {
    value: () => {
      throw new Error('broken')
    },
  })
  handle.receive(requestHead())
  assert.deepEqual(
    worker.log.map(({ level, msg }) => [level, msg]),
    [[50, 'a connection failed inside the server']],
  )
})

test('at info what goes wrong is summed up, and nothing is left untold', async t => {
  const clock = { seconds: 100 }
  t.mock.method(process, 'hrtime', () => [clock.seconds, 0])
  const worker = new WorkerInProcess(t)
  for (const id of [7, 8, 9]) (await worker.take(id)).receive(requestHead(['Host: a']))
  const told = () => worker.log.filter(({ level }) => level === 30).map(({ msg, times }) => `${msg} ${times}`)
  assert.deepEqual(told(), ['opening handshakes were refused 1'])
  clock.seconds += 10
  t.mock.timers.tick(250)
  assert.deepEqual(told(), ['opening handshakes were refused 1', 'opening handshakes were refused 2'])
})

test('at debug each connection is told of: accepted, refused, failed, closed', async t => {
  const { worker, handle } = await serving(t, '--log-level', 'debug')
  const refused = await worker.take(8)
  refused.receive(requestHead(['Host: a']))
  handle.receive(clientFrame({ opcode: 3 }))
  handle.tellRead(-104)
  handle.tellClosed()
  const told = worker.log.filter(({ level }) => level === 20).map(({ msg, connection }) => `${msg} ${connection}`)
  assert.deepEqual(told, [
    'connection accepted 7',
    'opening handshake refused 8',
    'protocol error 7',
    'connection closed 7',
  ])
})
