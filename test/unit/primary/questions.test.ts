import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Questions, type Witness } from '../../../src/primary/questions.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { Recorder } from '../../../src/report/recorder.js'
import { sampleOpened } from '../../support/sample-opened.js'

const FILTER = { limit: 10 }

function recorder(id: number): Recorder {
  return new Recorder(sampleOpened({ id }), 1, { octetsReceived: 0, octetsSent: 0, unsent: 0 }, new LogBlocks())
}

/** A worker that answers when it is told to. */
class FakeWitness implements Witness {
  asked: number[] = []
  listConnections(question: number): void {
    this.asked.push(question)
  }
  tellConnection(question: number): void {
    this.asked.push(question)
  }
}

test('answers of all workers are merged, newest first', async () => {
  const witnesses = [new FakeWitness(), new FakeWitness()]
  const questions = new Questions(() => witnesses, 10)
  const list = questions.list(FILTER)
  for (const [i, witness] of witnesses.entries()) {
    const [question] = witness.asked
    questions.answered(witness, { type: 'connections', question, connections: [recorder(i + 1).summary()] })
  }
  assert.deepEqual(
    (await list).map(({ id }) => id),
    [2, 1],
  )
})

test('a worker that dies is not waited for', async () => {
  const [alive, dying] = [new FakeWitness(), new FakeWitness()]
  const questions = new Questions(() => [alive, dying], 10)
  const list = questions.list(FILTER)
  questions.answered(alive, { type: 'connections', question: alive.asked[0], connections: [recorder(1).summary()] })
  questions.gone(dying)
  assert.equal((await list).length, 1)
})

test('a worker that does not answer is left out when the time is up', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [alive, stuck] = [new FakeWitness(), new FakeWitness()]
  const questions = new Questions(() => [alive, stuck], 10)
  const list = questions.list(FILTER)
  questions.answered(alive, { type: 'connections', question: alive.asked[0], connections: [recorder(1).summary()] })
  t.mock.timers.tick(500)
  assert.equal((await list).length, 1)
})

test('the worker that knows a connection tells it; nobody knows another', async () => {
  const witnesses = [new FakeWitness(), new FakeWitness()]
  const questions = new Questions(() => witnesses, 10)
  const ask = async (report: (i: number) => ReturnType<Recorder['report']> | null) => {
    const told = questions.tell(7)
    for (const [i, witness] of witnesses.entries())
      questions.answered(witness, { type: 'connection', question: witness.asked.at(-1) ?? 0, report: report(i) })
    return told
  }
  assert.equal((await ask(i => (i === 1 ? recorder(7).report() : null)))?.id, 7)
  assert.equal(await ask(() => null), undefined)
})

test('reports of workers that left are kept, up to the number wanted', async () => {
  const questions = new Questions(() => [], 2)
  questions.keep([1, 2, 3].map(id => recorder(id).report()))
  assert.deepEqual(
    (await questions.list(FILTER)).map(({ id }) => id),
    [3, 2],
  )
  assert.equal((await questions.tell(3))?.id, 3)
  assert.equal(await questions.tell(1), undefined)
})
