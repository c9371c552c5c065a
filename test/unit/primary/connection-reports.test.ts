// What the workers, living and departed, know of connections.

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { ConnectionReports, type ReportingWorker } from '../../../src/primary/connection-reports.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { Recorder } from '../../../src/report/recorder.js'
import { sampleOpened } from '../../support/sample-opened.js'

const FILTER = { limit: 10 }

function recorder(id: number): Recorder {
  return new Recorder(sampleOpened({ id }), 1, { octetsReceived: 0, octetsSent: 0, unsent: 0 }, new LogBlocks())
}

const reportsOf = (...ids: number[]) => ids.map(id => recorder(id).report())

class FakeWorker implements ReportingWorker {
  readonly number: number
  responsive = true
  question = 0

  constructor(number: number) {
    this.number = number
  }

  listConnections(question: number): void {
    this.question = question
  }

  tellConnection(question: number): void {
    this.question = question
  }
}

function reportsFrom(workers: FakeWorker[], mostKept = 10): ConnectionReports<FakeWorker> {
  return new ConnectionReports(
    () => workers,
    ({ responsive }) => responsive,
    mostKept,
  )
}

function answerList(reports: ConnectionReports<FakeWorker>, worker: FakeWorker, ...ids: number[]): void {
  const connections = ids.map(id => recorder(id).summary())
  reports.answered(worker, { type: 'connections', question: worker.question, connections })
}

const ids = (connections: readonly { id: number }[]) => connections.map(({ id }) => id)

describe('the list', () => {
  it('merges the answers of all, newest first', async () => {
    const [one, two] = [new FakeWorker(1), new FakeWorker(2)]
    const reports = reportsFrom([one, two])
    const list = reports.list({ limit: 3 })
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

  it('are not kept when none are wanted', async () => {
    const reports = reportsFrom([], 0)
    reports.keep(new FakeWorker(1), reportsOf(3, 2, 1))
    assert.deepEqual((await reports.list(FILTER)).connections, [])
  })
})
