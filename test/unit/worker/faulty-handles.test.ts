// Handles that throw or fail, one connection's in a worker with two: that one ends, by 1011 where something can still be
// said, a line of the log tells of what is an error of ours, and the other connection is served on.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConnectionReport } from '../../../src/report/report.js'
import { END_OF_FILE } from '../../../src/transport/tcp-handle.js'
import { FakeHandle } from '../../support/fake-handle.js'
import { serverFrames } from '../../support/fake-transport.js'
import { clientFrame, closePayload, requestHead } from '../../support/raw-client.js'
import { WorkerInProcess } from '../../support/worker-in-process.js'

const TEXT = 1
const CLOSE = 8
const EPIPE = -32
const ENOTCONN = -107
const FAULTY = 7
const OTHER = 8

const hello = clientFrame({ opcode: TEXT, payload: 'hello' })
const fail = (): never => {
  throw new Error('broken')
}

/** Frames that went out since the last call. */
function framesOf({ writes }: FakeHandle): string[] {
  return serverFrames(Buffer.concat(writes.splice(0).map(({ bytes }) => bytes))).map(
    ({ opcode, payload }) => `${opcode} ${opcode === CLOSE ? payload.readUInt16BE() : payload}`,
  )
}

async function served(t: TestContext, handle = new FakeHandle(), ...flags: string[]) {
  const worker = new WorkerInProcess(t, ...flags)
  const other = new FakeHandle()
  for (const [id, each] of [
    [FAULTY, handle],
    [OTHER, other],
  ] as const) {
    await worker.take(id, each)
    each.receive(requestHead())
    assert.match(String(each.writes.splice(0)[0].bytes), /^HTTP\/1\.1 101 /)
  }
  return { t, worker, handle, other }
}

type Served = Awaited<ReturnType<typeof served>>

/** What the log says of it. */
const FAILED = [50, 'a connection failed inside the server']

function errorsOf(worker: WorkerInProcess): unknown[] {
  return worker.log.filter(({ level }) => level >= 40).map(({ level, msg }) => [level, msg])
}

/** The connection is gone, the log has `lines` of an error of ours, and the other one lives. */
function assertEnded({ t, worker, handle, other }: Served, lines: number): void {
  assert.ok(handle.calls.includes('close'))
  handle.tellClosed()
  t.mock.timers.tick(10)
  assert.deepEqual(worker.last('changes'), { type: 'changes', ended: [FAULTY] })
  assertAlone({ worker, other }, lines)
}

function assertAlone({ worker, other }: Pick<Served, 'worker' | 'other'>, lines: number): void {
  assert.deepEqual(errorsOf(worker), Array(lines).fill(FAILED))
  other.receive(hello)
  assert.deepEqual(framesOf(other), ['1 hello'])
  assert.deepEqual(worker.exits, [])
}

function reportOf({ worker }: Served): ConnectionReport {
  worker.hear({ type: 'tell-connection', question: 9, id: FAULTY })
  return worker.last('connection')?.report as ConnectionReport
}

test('a write that throws once is answered with 1011', async t => {
  const bench = await served(t)
  const { handle } = bench
  const { writeBuffer } = FakeHandle.prototype
  handle.writeBuffer = () => {
    handle.writeBuffer = writeBuffer
    return fail()
  }
  handle.receive(hello)
  assert.deepEqual(framesOf(handle), ['8 1011'])
  assert.equal(reportOf(bench).error, 'ECHOBAHN_INTERNAL')
  handle.receive(clientFrame({ opcode: CLOSE, payload: closePayload(1011) }))
  handle.complete(handle.shutdownRequest ?? {})
  handle.tellRead(END_OF_FILE)
  assertEnded(bench, 1)
})

test('a handle that throws at every write is dropped', async t => {
  const bench = await served(t)
  bench.handle.writeBuffer = fail
  bench.handle.receive(hello)
  assertEnded(bench, 2)
})

test('a pause that throws is answered with 1011', async t => {
  const bench = await served(t, undefined, '--high-water-mark', '1kB', '--low-water-mark', '1')
  bench.handle.takes = 0
  bench.handle.readStop = fail
  bench.handle.receive(clientFrame({ opcode: TEXT, payload: 'x'.repeat(2000) }))
  assert.deepEqual(
    framesOf(bench.handle).map(frame => frame.slice(0, 6)),
    ['1 xxxx', '8 1011'],
  )
  assertAlone(bench, 1)
})

test('a write that fails at once ends the connection, and is no error of ours', async t => {
  const bench = await served(t)
  bench.handle.errors.write = EPIPE
  bench.handle.receive(hello)
  assertEnded(bench, 0)
})

test('a write that fails half-way ends the connection; the report tells what was not sent', async t => {
  const bench = await served(t)
  const { handle } = bench
  const before = reportOf(bench).sent.octets
  handle.takes = 3
  handle.receive(hello)
  const [{ request }] = handle.writes.splice(0)
  handle.complete(request, EPIPE)
  assertEnded(bench, 0)
  const { sent, unsentOctets, closing } = reportOf(bench)
  assert.deepEqual([sent.octets - before, unsentOctets, closing.sent], [3, 4, null])
})

test('an end that fails ends the connection', async t => {
  const bench = await served(t)
  bench.handle.errors.shutdown = ENOTCONN
  bench.handle.receive(clientFrame({ opcode: CLOSE }))
  assertEnded(bench, 0)
})

test('a connection that cannot be read is gone before it says anything', async t => {
  const worker = new WorkerInProcess(t)
  const handle = new FakeHandle()
  handle.errors.readStart = ENOTCONN
  await worker.take(FAULTY, handle)
  const other = await worker.take(OTHER)
  other.receive(requestHead())
  other.writes.splice(0)
  assertEnded({ t, worker, handle, other }, 0)
})

test('a peer whose address cannot be asked for is served, and named as nobody', async t => {
  const nobody = new FakeHandle()
  nobody.getpeername = () => ENOTCONN
  const bench = await served(t, nobody)
  nobody.receive(hello)
  assert.deepEqual(framesOf(nobody), ['1 hello'])
  assert.equal(reportOf(bench).peer, '')
  assertAlone(bench, 0)
})

test('a read that throws when it is to go on is answered with 1011', async t => {
  const bench = await served(t, undefined, '--high-water-mark', '1kB', '--low-water-mark', '1')
  const { handle } = bench
  handle.takes = 0
  handle.receive(clientFrame({ opcode: TEXT, payload: 'x'.repeat(2000) }))
  const [{ request }] = handle.writes.splice(0)
  handle.takes = Number.POSITIVE_INFINITY
  handle.take()
  handle.readStart = fail
  handle.complete(request)
  assert.deepEqual(framesOf(handle), ['8 1011'])
  assertAlone(bench, 1)
})

for (const { when, after, code } of [
  { when: 'now', after: 20, code: 1001 },
  { when: 'later', after: 5000, code: 1012 },
] as const) {
  const leaves = async (t: TestContext, writeBuffer: FakeHandle['writeBuffer']) => {
    const bench = await served(t, undefined, '--drain-timeout', '5s')
    bench.handle.writeBuffer = writeBuffer
    bench.worker.hear({ type: 'leave', when })
    t.mock.timers.tick(after)
    assert.deepEqual(framesOf(bench.other), [`8 ${code}`])
    return bench
  }

  test(`a connection that cannot be told to leave ${when} ends, and the others are told`, async t => {
    const { worker, handle } = await leaves(t, fail)
    assert.ok(handle.calls.includes('close'))
    assert.deepEqual(errorsOf(worker), Array(2).fill(FAILED))
  })

  test(`a connection that can be told to leave ${when} at the second try only is told 1011`, async t => {
    const { worker, handle } = await leaves(t, function (this: FakeHandle) {
      this.writeBuffer = FakeHandle.prototype.writeBuffer
      return fail()
    })
    assert.deepEqual(framesOf(handle), ['8 1011'])
    assert.ok(!handle.calls.includes('close'))
    assert.deepEqual(errorsOf(worker), [FAILED])
  })
}

test('a ping that cannot be written ends its connection alone', async t => {
  const clock = { now: 5000 }
  t.mock.method(performance, 'now', () => clock.now)
  const bench = await served(t, undefined, '--ping-interval', '1s')
  bench.handle.writeBuffer = fail
  for (let i = 0; i < 3; i++) {
    clock.now += 500
    t.mock.timers.tick(500)
  }
  assert.ok(bench.handle.calls.includes('close'))
  assert.deepEqual(framesOf(bench.other), ['9 '])
  assertAlone(bench, 2)
})

test("an answer to the client's FIN that cannot be written ends its connection alone", async t => {
  const bench = await served(t)
  bench.handle.takes = 0
  bench.handle.receive(hello)
  bench.handle.shutdown = fail
  bench.handle.tellRead(END_OF_FILE)
  assertAlone(bench, 1)
})
