// A codec whose threads fail: no message is lost, and the threads come back unless they fail again and again.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, describe, it } from 'node:test'
import { codecFor, Group, messageOf, replies, threadsStarted, until } from '../../support/codec-client.js'
import { POISON } from '../../support/poison.js'

/** Makes threads fail at their start, until the test ends. */
function breakThreads(): void {
  process.env.ECHOBAHN_TEST_THREADS = 'broken'
}

function mendThreads(): void {
  delete process.env.ECHOBAHN_TEST_THREADS
}

describe('a codec thread that fails', () => {
  afterEach(mendThreads)

  for (const [how, poison] of Object.entries(POISON)) {
    it(`by ${how} costs no message, and the pool serves again`, async t => {
      const threads = threadsStarted(t)
      const [codec, seen] = codecFor(t)
      assert.deepEqual(await replies(codec, 'before'), ['before'])
      const ended = threads.map(thread => once(thread, 'exit'))
      const groups = [new Group('a', messageOf(poison), 'b'), new Group('c'), new Group('d')]
      for (const group of groups) codec.submit(group)
      await Promise.all(groups.map(group => group.settled))
      assert.deepEqual(
        groups.map(group => group.replies),
        [['a', poison, 'b'], ['c'], ['d']],
      )
      assert.equal(seen.failures.length, 1)
      assert.ok(!codec.prefersInline(1, true))
      seen.where.length = 0
      assert.deepEqual(await replies(codec, 'behind'), ['behind'])
      assert.deepEqual(seen.where, ['pool'])
      assert.equal(codec.threads, 2)
      assert.equal(codec.queued, 0)
      await Promise.all(ended)
    })
  }

  it('says why', async t => {
    const [codec, seen] = codecFor(t)
    await replies(codec, messageOf(POISON.throw))
    assert.match(seen.failures[0].message, /poisoned/)
  })

  it('by being killed with batches under way and waiting costs no message', async t => {
    const threads = threadsStarted(t)
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const groups = Array.from({ length: 20 }, (_, i) => new Group(`${i} a`, `${i} b`))
    for (const group of groups) {
      codec.submit(group)
      await new Promise(setImmediate)
    }
    await until(() => threads.length > 0)
    await threads[0].terminate()
    await Promise.all(groups.map(group => group.settled))
    for (const [i, group] of groups.entries()) assert.deepEqual(group.replies, [`${i} a`, `${i} b`])
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.equal(seen.where.at(-1), 'pool')
  })

  it('by being killed while idle is replaced', async t => {
    const threads = threadsStarted(t)
    const [codec, seen] = codecFor(t)
    await replies(codec, 'before')
    await Promise.all([once(threads[0], 'exit'), threads[0].terminate()])
    await until(() => seen.failures.length > 0)
    seen.where.length = 0
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.deepEqual(seen.where, ['pool'])
    assert.equal(codec.threads, 2)
  })

  it('again and again leaves everything to be done inline', async t => {
    const [codec, seen] = codecFor(t)
    for (let failures = 0; !codec.prefersInline(1, true); failures++) {
      assert.equal(seen.failures.length, failures)
      assert.deepEqual(await replies(codec, messageOf(POISON.exit)), [POISON.exit])
    }
    assert.equal(seen.failures.length, 5)
    assert.deepEqual(await replies(codec, 'behind', messageOf(POISON.exit)), ['behind', POISON.exit])
    assert.equal(seen.failures.length, 5)
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
    const [codec, seen] = codecFor(t, { codecThreads: 8 })
    await replies(codec, 'before')
    const groups = Array.from({ length: 16 }, () => new Group(messageOf(POISON.exit)))
    for (const group of groups) codec.submit(group)
    await Promise.all(groups.map(group => group.settled))
    assert.equal(seen.failures.length, 1)
    assert.ok(!codec.prefersInline(1, true))
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

  it('when it is to replace another, makes no message wait either', async t => {
    const threads = threadsStarted(t)
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    await replies(codec, 'before')
    breakThreads()
    await threads[0].terminate()
    for (const text of ['one', 'two', 'three']) assert.deepEqual(await replies(codec, text), [text])
    assert.deepEqual(seen.where, ['pool', 'inline', 'inline', 'inline'])
    mendThreads()
    assert.deepEqual(await replies(codec, 'behind'), ['behind'])
    assert.equal(seen.where.at(-1), 'pool')
  })

  it('is waited for by nobody once the codec is closed', async t => {
    const [codec, seen] = codecFor(t)
    const underWay = new Group('under way')
    codec.submit(underWay)
    await until(() => codec.threads > 0)
    await codec.close()
    await underWay.settled
    assert.deepEqual(underWay.replies, ['under way'])
    assert.deepEqual(await replies(codec, 'late'), ['late'])
    assert.deepEqual(seen.where, ['inline', 'inline'])
    assert.deepEqual(seen.failures, [])
    assert.equal(codec.threads, 0)
  })
})
