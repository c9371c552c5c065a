// Codec threads are lost while others start, many times over.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { codecFor, Group, messageOf, replies, threadsStarted, until } from '../../support/codec-client.js'
import { POISON } from '../../support/poison.js'

/** Of each of four kinds. */
const ROUNDS = 5

it('a codec thread that fails leads to no other thread’s end before its modules are loaded, which would take the process along', async t => {
  const threads = threadsStarted(t)
  const started = new Set<Worker>()
  process.on('worker', thread => thread.once('message', () => started.add(thread)))
  t.after(() => process.removeAllListeners('worker'))
  const early: Worker[] = []
  const { terminate } = Worker.prototype
  t.mock.method(Worker.prototype, 'terminate', function (this: Worker) {
    if (!started.has(this) && this.threadId !== -1) early.push(this)
    return terminate.call(this)
  })
  for (let round = 0; round < 4 * ROUNDS; round++) {
    const [codec, seen] = codecFor({ after() {} })
    const groups = [new Group('a', messageOf(POISON.exit)), new Group('b')]
    for (const group of groups) group.submitTo(codec)
    await until(() => threads.length > 0)
    // One that was started before the other was lost, and one that is started in the lost one's place.
    if (round % 2 === 0) await once(threads[0], 'message')
    const late = round % 4 < 2 ? replies(codec, 'late') : undefined
    await Promise.all([...groups.map(group => group.settled), late, codec.close()])
    assert.deepEqual(
      groups.map(group => group.replies),
      [['a', POISON.exit], ['b']],
    )
    assert.ok(seen.failures.length > 0)
    assert.ok(threads.splice(0).every(thread => thread.threadId === -1))
  }
  assert.equal(early.length, 0)
})
