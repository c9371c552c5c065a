// A codec whose threads fail: no message is lost, and the threads come back unless they fail again and again.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, describe, it } from 'node:test'
import workerThreads from 'node:worker_threads'
import { CostEstimate } from '../../../src/codec/cost-estimate.js'
import {
  codecFor,
  Group,
  messageOf,
  replies,
  threadsLoaded,
  threadsStarted,
  until,
} from '../../support/codec-client.js'
import { POISON } from '../../support/poison.js'

/** Makes threads fail at their start, until the test ends. */
function breakThreads(): void {
  process.env.ECHOBAHN_TEST_THREADS = 'broken'
}

function mendThreads(): void {
  delete process.env.ECHOBAHN_TEST_THREADS
}

/** What the system says when it has no more threads to give. */
class Unmakeable {
  constructor() {
    throw new Error('ERR_WORKER_INIT_FAILED: EAGAIN')
  }
}

describe('a codec thread that fails', () => {
  afterEach(mendThreads)

  for (const how of ['exit', 'throw'] as const) {
    it(`by ${how} costs no message, and the pool serves again`, async t => {
      const poison = POISON[how]
      const threads = threadsStarted(t)
      const [codec, seen] = codecFor(t)
      assert.deepEqual(await replies(codec, 'before'), ['before'])
      const ended = threads.map(thread => once(thread, 'exit'))
      const groups = [new Group('a', messageOf(poison), 'b'), new Group('c'), new Group('d')]
      for (const group of groups) group.submitTo(codec)
      await Promise.all(groups.map(group => group.settled))
      assert.deepEqual(
        groups.map(group => group.replies),
        [['a', poison, 'b'], ['c'], ['d']],
      )
      assert.ok(seen.failures.length > 0)
      assert.ok(!codec.prefersInline(new CostEstimate(), 1, true))
      seen.where.length = 0
      assert.deepEqual(await replies(codec, 'behind'), ['behind'])
      assert.deepEqual(seen.where, ['pool'])
      assert.equal(codec.threads, 2)
      assert.equal(codec.queued, 0)
      await Promise.all(ended)
    })
  }

  it('costs no message that came in pieces, and no work for who is gone meanwhile', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const { source, ...pieced } = messageOf('put together')
    const message = { ...pieced, source: Buffer.alloc(0), pieces: [source.subarray(0, 4), source.subarray(4)] }
    const group = new Group(message, messageOf(POISON.exit)).submitTo(codec)
    const gone = new Group('gone').submitTo(codec)
    await new Promise(setImmediate)
    gone.gone = true
    await group.settled
    assert.deepEqual(group.replies, ['put together', POISON.exit])
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.deepEqual(seen.where, ['inline', 'inline', 'pool'])
    assert.equal(codec.queued, 0)
  })

  it('says why', async t => {
    const [codec, seen] = codecFor(t)
    await replies(codec, messageOf(POISON.throw))
    assert.deepEqual(
      seen.failures.map(error => error.message),
      ['poisoned'],
    )
  })

  it('by being killed with a batch under way and others waiting costs no message', async t => {
    const threads = threadsLoaded(t)
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const groups = [new Group(messageOf(POISON.hang), 'a'), new Group('b'), new Group('c')]
    for (const group of groups) {
      group.submitTo(codec)
      await until(() => threads.length > 0)
    }
    await threads[0].terminate()
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(
      groups.map(group => group.replies),
      [[POISON.hang, 'a'], ['b'], ['c']],
    )
    assert.deepEqual(seen.where, ['inline', 'inline', 'pool', 'pool'])
  })

  it('by being killed while idle is replaced', async t => {
    const threads = threadsLoaded(t)
    const [codec, seen] = codecFor(t)
    await replies(codec, 'before')
    await until(() => threads.length > 0)
    await Promise.all([once(threads[0], 'exit'), threads[0].terminate()])
    await until(() => seen.failures.length > 0)
    seen.where.length = 0
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.deepEqual(seen.where, ['pool'])
    assert.equal(codec.threads, 2)
  })

  it('five times in a row leaves everything to be done inline', async t => {
    const [codec, seen] = codecFor(t)
    for (let failures = 0; failures < 5; failures++) {
      assert.ok(!codec.prefersInline(new CostEstimate(), 1, true))
      assert.deepEqual(await replies(codec, messageOf(POISON.exit)), [POISON.exit])
    }
    assert.ok(codec.prefersInline(new CostEstimate(), 1, true))
    seen.failures.length = 0
    assert.deepEqual(await replies(codec, 'behind', messageOf(POISON.exit)), ['behind', POISON.exit])
    assert.deepEqual(seen.failures, [])
    assert.equal(codec.threads, 0)
  })

  it('now and then does not', async t => {
    const [codec, seen] = codecFor(t)
    for (let round = 0; round < 3; round++) {
      for (let failures = 0; failures < 4; failures++) await replies(codec, messageOf(POISON.throw))
      assert.deepEqual(await replies(codec, 'well'), ['well'])
      assert.equal(seen.where.at(-1), 'pool')
    }
  })

  it('counts once, however many batches it takes along', async t => {
    const [codec] = codecFor(t, { codecThreads: 6 })
    await replies(codec, 'before')
    const groups = Array.from({ length: 12 }, () => new Group(messageOf(POISON.exit)))
    for (const group of groups) group.submitTo(codec)
    await Promise.all(groups.map(group => group.settled))
    assert.ok(!codec.prefersInline(new CostEstimate(), 1, true))
  })

  it('at its start costs no message, and no message waits for it', async t => {
    breakThreads()
    const [codec, seen] = codecFor(t)
    assert.deepEqual(await replies(codec, 'first'), ['first'])
    assert.deepEqual(await replies(codec, 'second'), ['second'])
    assert.deepEqual(seen.where, ['inline', 'inline'])
    mendThreads()
    assert.deepEqual(await replies(codec, 'third'), ['third'])
    assert.equal(seen.where.at(-1), 'pool')
  })

  it('that cannot be made costs no message', async t => {
    const made = t.mock.method(workerThreads, 'Worker', Unmakeable)
    const [codec, seen] = codecFor(t)
    assert.deepEqual(await replies(codec, 'first'), ['first'])
    assert.deepEqual(seen.failures.map(String), ['Error: ERR_WORKER_INIT_FAILED: EAGAIN'])
    assert.equal(codec.threads, 0)
    made.mock.restore()
    assert.deepEqual(await replies(codec, 'second'), ['second'])
    assert.deepEqual(seen.where, ['inline', 'pool'])
  })

  it('that can never be made is not tried a sixth time', async t => {
    const made = t.mock.method(workerThreads, 'Worker', Unmakeable)
    const [codec, seen] = codecFor(t)
    for (let i = 0; i < 7; i++) assert.deepEqual(await replies(codec, 'text'), ['text'])
    assert.equal(made.mock.callCount(), 5)
    assert.equal(seen.failures.length, 5)
  })

  it('when it is to replace another, makes no message wait either', async t => {
    const threads = threadsLoaded(t)
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    await replies(codec, 'before')
    await until(() => threads.length > 0)
    breakThreads()
    await threads[0].terminate()
    for (const text of ['one', 'two', 'three']) assert.deepEqual(await replies(codec, text), [text])
    assert.deepEqual(seen.where, ['pool', 'inline', 'inline', 'inline'])
    mendThreads()
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.equal(seen.where.at(-1), 'pool')
  })
})
