// What the workers, living and departed, know of connections.

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { ConnectionReports, type ReportingWorker } from '../../../src/primary/connection-reports.js'
import type { ConnectionFilter } from '../../../src/report/filter.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import type { Position } from '../../../src/report/order.js'
import { Recorder } from '../../../src/report/recorder.js'
import { RefusedHandshake } from '../../../src/report/refused-handshake.js'
import { sampleOpened } from '../../support/sample-opened.js'

const FILTER = { sort: 'newest', limit: 10 } as const
const COUNTS = {
  kept: { open: 1, closed: 2, failed: 3, refused: 4 },
  evicted: { closed: 5, failed: 6, refused: 7 },
}

function recorder(id: number): Recorder {
  return new Recorder(sampleOpened({ id }), 1, { octetsReceived: 0, octetsSent: 0, unsent: 0 }, new LogBlocks())
}

/** Of connections that failed. */
const reportsOf = (...ids: number[]) =>
  ids.map(id => {
    const failed = recorder(id)
    failed.closed()
    return failed.report()
  })

function refused(id: number) {
  const response = 'HTTP/1.1 400 Bad Request\r\n\r\nNo.\n'
  return new RefusedHandshake({ id, peer: '', transport: 'tcp', head: '', reason: 'bad_http', response }, 1).report()
}

class FakeWorker implements ReportingWorker {
  readonly number: number
  responsive = true
  question = 0

  constructor(number: number) {
    this.number = number
  }

  after: Position | undefined

  listConnections(question: number, { after }: ConnectionFilter): void {
    this.question = question
    this.after = after
  }

  tellConnection(question: number): void {
    this.question = question
  }
}

function reportsFrom(workers: FakeWorker[], mostKept = 10): ConnectionReports<FakeWorker> {
  return new ConnectionReports(
    () => workers,
    ({ responsive }) => responsive,
    { reports: 0, reportsFailed: mostKept },
  )
}

function answerList(reports: ConnectionReports<FakeWorker>, worker: FakeWorker, ...ids: number[]): void {
  const connections = ids.map(id => recorder(id).summary())
  reports.answered(worker, { type: 'connections', question: worker.question, connections, counts: COUNTS })
}

const ids = (connections: readonly { id: number }[]) => connections.map(({ id }) => id)

describe('the list', () => {
  it('merges the answers of all, newest first', async () => {
    const [one, two] = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom([one, two])
    const list = reports.list({ ...FILTER, limit: 3 })
    answerList(reports, one, 1, 4)
    answerList(reports, two, 3, 2)
    const { connections, unasked } = await list
    assert.deepEqual(ids(connections), [4, 3, 2])
    assert.deepEqual(unasked, [])
  })

  it('names the workers that do not answer, each once', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [slow, answering, stuck, replaced] = [3, 2, 1, 1].map(number => new FakeWorker(number))
    stuck.responsive = false
    replaced.responsive = false
    const reports = reportsFrom([slow, answering, stuck, replaced])
    const list = reports.list(FILTER)
    answerList(reports, answering, 5)
    t.mock.timers.tick(500)
    const { connections, unasked } = await list
    assert.deepEqual(ids(connections), [5])
    assert.deepEqual(unasked, [1, 3])
  })

  it('does not wait for a worker that dies', async () => {
    const [alive, dying] = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom([alive, dying])
    const list = reports.list(FILTER)
    answerList(reports, alive, 1)
    reports.gone(dying)
    assert.deepEqual((await list).unasked, [])
  })
})

describe('a page', () => {
  const position = (id: number) => ({ sort: 'newest', value: -id, id })

  it('ends where more follow, whoever has those', async () => {
    const [one, two] = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom([one, two])
    reports.keep(new FakeWorker(3), reportsOf(2))
    const list = reports.list({ ...FILTER, limit: 2 })
    answerList(reports, one, 5)
    answerList(reports, two, 4)
    const { connections, end } = await list
    assert.deepEqual(ids(connections), [5, 4])
    assert.ok(end)
    const { asOf, ...place } = end
    assert.deepEqual(place, position(4))
    const next = reports.list({ ...FILTER, limit: 2, after: end })
    assert.deepEqual(one.after, end)
    answerList(reports, one)
    answerList(reports, two)
    const last = await next
    assert.deepEqual(ids(last.connections), [2])
    assert.equal(last.end, undefined)
    assert.ok(asOf > 0)
  })

  it('is put together of the parts that come, and not of those of an earlier question', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const worker = new FakeWorker(1)
    const reports = reportsFrom([worker])
    const part = (question: number, id: number, counts: typeof COUNTS | null) =>
      reports.answered(worker, { type: 'connections', question, connections: [recorder(id).summary()], counts })
    const late = reports.list(FILTER)
    part(worker.question, 1, null)
    t.mock.timers.tick(500)
    assert.deepEqual((await late).unasked, [1])
    const list = reports.list(FILTER)
    part(worker.question, 3, null)
    part(worker.question, 2, COUNTS)
    assert.deepEqual(ids((await list).connections), [3, 2])
  })

  it('tells how many reports there are of each kind, and had to go', async () => {
    const [one, two] = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom([one, two], 1)
    reports.leaves({ type: 'left', cut: 0, evicted: { closed: 10, failed: 20, refused: 30 } })
    reports.keep(new FakeWorker(3), [...reportsOf(2, 1), refused(3), refused(4), refused(5)])
    const list = reports.list(FILTER)
    answerList(reports, one)
    answerList(reports, two)
    const { kept, evicted } = await list
    assert.deepEqual(kept, { open: 2, closed: 4, failed: 7, refused: 9 })
    assert.deepEqual(evicted, { closed: 20, failed: 33, refused: 46 })
  })
})

describe('one connection', () => {
  it('is told by the worker that knows it, whoever else is silent', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const workers = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom(workers)
    const found = reports.find(7)
    const [, { question }] = workers
    reports.answered(workers[1], { type: 'connection', question, report: recorder(7).report() })
    t.mock.timers.tick(500)
    const { report, unasked } = await found
    assert.equal(report?.id, 7)
    assert.deepEqual(unasked, [])
  })

  it('is unknown when nobody knows it, and may be known to those who are silent', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const workers = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom(workers)
    const nobody = reports.find(7)
    for (const worker of workers)
      reports.answered(worker, { type: 'connection', question: worker.question, report: null })
    assert.deepEqual(await nobody, { report: undefined, unasked: [] })
    const silent = reports.find(7)
    reports.answered(workers[0], { type: 'connection', question: workers[0].question, report: null })
    t.mock.timers.tick(500)
    assert.deepEqual(await silent, { report: undefined, unasked: [2] })
  })
})

describe('reports of workers that left', () => {
  it('are there, up to the number wanted, the newest of each', async () => {
    const reports = reportsFrom([], 3)
    const worker = new FakeWorker(1)
    reports.keep(worker, reportsOf(9, 8))
    reports.keep(worker, reportsOf(7, 6))
    assert.deepEqual(ids((await reports.list(FILTER)).connections), [9, 8, 7])
    assert.equal((await reports.find(7)).report?.id, 7)
    assert.equal((await reports.find(6)).report, undefined)
  })

  it('give way to those of workers that leave later', async () => {
    const reports = reportsFrom([], 3)
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)]
    reports.keep(first, reportsOf(9, 1))
    reports.keep(second, reportsOf(8, 2))
    assert.deepEqual(ids((await reports.list(FILTER)).connections), [9, 8, 2])
    reports.keep(second, reportsOf(3))
    assert.deepEqual(ids((await reports.list(FILTER)).connections), [8, 3, 2])
    reports.keep(first, reportsOf(4))
    assert.deepEqual(ids((await reports.list(FILTER)).connections), [8, 3, 2])
  })

  it('are kept apart by kind', async () => {
    const reports = new ConnectionReports<FakeWorker>(
      () => [],
      () => true,
      { reports: 1, reportsFailed: 1 },
    )
    const clean = recorder(9)
    clean.closeReceived(1000, '')
    clean.closeSent(1000, '')
    clean.closed()
    reports.keep(new FakeWorker(1), [...reportsOf(8, 7), clean.report(), refused(6), refused(5)])
    assert.deepEqual(ids((await reports.list(FILTER)).connections), [9, 8, 6])
    assert.equal((await reports.find(6)).report?.state, 'refused')
    assert.deepEqual(ids((await reports.list({ ...FILTER, error: 'bad_http' })).connections), [6])
  })

  it('are not kept when none are wanted', async () => {
    const reports = reportsFrom([], 0)
    reports.keep(new FakeWorker(1), reportsOf(3, 2, 1))
    assert.deepEqual((await reports.list(FILTER)).connections, [])
  })
})
