// One question to many: who is waited for, how long, and who is named as silent.

import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { Gathering } from '../../../src/primary/gathering.js'

const TIMEOUT = 300

/** Lets every promise settle that can. */
const settle = () => new Promise(resolve => setImmediate(resolve))

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settle()
  return done
}

let members: string[] = []
let stuck: string[] = []
let asked: string[] = []
let gathering: Gathering<string, string>

beforeEach(() => {
  members = ['a', 'b']
  stuck = []
  asked = []
  gathering = new Gathering<string, string>(
    () => members,
    member => !stuck.includes(member),
    TIMEOUT,
  )
})

const ask = () => gathering.ask((member, question) => asked.push(`${member}${question}`))

describe('a question', () => {
  it('waits for everybody', async () => {
    const gathered = ask()
    assert.deepEqual(asked, ['a1', 'b1'])
    gathering.answered('a', 1, 'yes')
    assert.equal(await isDone(gathered), false)
    gathering.answered('b', 1, 'no')
    assert.deepEqual(await gathered, { answers: ['yes', 'no'], silent: [] })
  })

  it('is answered at once when there is nobody, again and again', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    members = []
    assert.deepEqual(await ask(), { answers: [], silent: [] })
    assert.deepEqual(await ask(), { answers: [], silent: [] })
  })

  it('is not put to those who cannot be expected to answer, and they are named', async () => {
    stuck = ['a']
    const gathered = ask()
    assert.deepEqual(asked, ['b1'])
    gathering.answered('a', 1, 'after all')
    gathering.answered('b', 1, 'yes')
    assert.deepEqual(await gathered, { answers: ['yes'], silent: ['a'] })
    stuck = ['a', 'b']
    assert.deepEqual(await ask(), { answers: [], silent: ['a', 'b'] })
  })

  it('takes only answers that bear its number, and one of each', async () => {
    const first = ask()
    const second = ask()
    gathering.answered('a', 0, 'unasked')
    gathering.answered('a', 2, 'a second')
    gathering.answered('a', 2, 'a second again')
    gathering.answered('b', 2, 'b second')
    assert.deepEqual(await second, { answers: ['a second', 'b second'], silent: [] })
    assert.equal(await isDone(first), false)
    gathering.answered('b', 1, 'b first')
    gathering.answered('a', 1, 'a first')
    assert.deepEqual((await first).answers, ['b first', 'a first'])
  })

  it('does not wait for the dead, nor name them', async () => {
    members = ['a', 'b', 'c']
    const gathered = ask()
    gathering.gone('c')
    gathering.answered('a', 1, 'yes')
    assert.equal(await isDone(gathered), false)
    gathering.gone('b')
    assert.deepEqual(await gathered, { answers: ['yes'], silent: [] })

    members = ['a', 'b']
    stuck = ['b']
    const again = ask()
    gathering.gone('b')
    gathering.answered('a', 2, 'yes')
    assert.deepEqual((await again).silent, [])
  })

  it('is given up when the time is over, and names those who were too slow', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const gathered = ask()
    gathering.answered('b', 1, 'yes')
    t.mock.timers.tick(TIMEOUT - 1)
    assert.equal(await isDone(gathered), false)
    t.mock.timers.tick(1)
    assert.deepEqual(await gathered, { answers: ['yes'], silent: ['a'] })
    gathering.answered('a', 1, 'late')
    assert.deepEqual((await gathered).answers, ['yes'])
  })
})
