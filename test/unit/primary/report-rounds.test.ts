import assert from 'node:assert/strict'
import { beforeEach, describe, it, mock } from 'node:test'
import { type Reporter, ReportRounds } from '../../../src/primary/report-rounds.js'

class FakeReporter implements Reporter {
  readonly asked: number[] = []

  requestReport(sequence: number): void {
    this.asked.push(sequence)
  }
}

let a = new FakeReporter()
let b = new FakeReporter()
let rounds = new ReportRounds(() => [])

beforeEach(() => {
  a = new FakeReporter()
  b = new FakeReporter()
  rounds = new ReportRounds(() => [a, b])
})

/** Lets every promise settle that can. */
const settle = () => new Promise(resolve => setImmediate(resolve))

async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settle()
  return done
}

describe('ReportRounds', () => {
  it('waits for everybody', async () => {
    const round = rounds.gather()
    rounds.answered(a, 1)
    assert.equal(await isDone(round), false)
    rounds.answered(b, 1)
    await round
  })

  it('ends at once without reporters, again and again', async () => {
    const alone = new ReportRounds(() => [])
    await alone.gather()
    await alone.gather()
  })

  it('does not take an unasked report for an answer', async () => {
    const round = rounds.gather()
    rounds.answered(a, 0)
    rounds.answered(b, 1)
    assert.equal(await isDone(round), false)
    rounds.gone(a)
    await round
  })

  it('asks anew for those who come while a round is under way, once for all of them', async () => {
    const first = rounds.gather()
    const second = rounds.gather()
    const third = rounds.gather()
    assert.deepEqual(a.asked, [1])
    for (const reporter of [a, b]) rounds.answered(reporter, 1)
    await first
    await settle()
    assert.deepEqual(a.asked, [1, 2])
    assert.equal(await isDone(second), false)
    for (const reporter of [a, b]) rounds.answered(reporter, 2)
    await Promise.all([second, third])
    assert.deepEqual(a.asked, [1, 2])
  })

  it('goes on without those who do not answer in time', async t => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const round = rounds.gather()
    rounds.answered(a, 1)
    mock.timers.tick(299)
    assert.equal(await isDone(round), false)
    mock.timers.tick(1)
    await round
  })
})
