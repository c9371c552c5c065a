// Codec: who does a message, how groups travel, and when the queue is full.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codecFor, Group, messageOf, replies, until } from '../../support/codec-client.js'
import { deflateMessage } from '../../support/deflate-message.js'
import { noise, prose } from '../../support/plain-texts.js'

const COMPRESSED = [true, false]

describe('Codec', () => {
  it('prefers inline as --offload says', t => {
    const [always] = codecFor(t, { offload: 'always' })
    const [never] = codecFor(t, { offload: 'never' })
    const [automatic] = codecFor(t, { offload: 'auto' })
    for (const compressed of COMPRESSED) {
      assert.ok(!always.prefersInline(1, compressed))
      assert.ok(never.prefersInline(2 ** 24, compressed))
      assert.ok(automatic.prefersInline(256, compressed))
      assert.ok(!automatic.prefersInline(256 * 1024, compressed))
    }
  })

  it('prefers inline always when there are no threads', t => {
    for (const offload of ['always', 'auto'] as const) {
      const [codec] = codecFor(t, { offload, codecThreads: 0 })
      for (const compressed of COMPRESSED) assert.ok(codec.prefersInline(2 ** 24, compressed))
    }
  })

  it('starts no thread before the first batch', async t => {
    const [codec] = codecFor(t)
    codec.transcode(messageOf('inline'))
    assert.equal(codec.threads, 0)
    await replies(codec, 'on a thread')
    assert.equal(codec.threads, 2)
  })

  it('learns from what it does inline that messages are worth a thread', t => {
    const [codec] = codecFor(t, { offload: 'auto', maxMessage: 2 ** 22 })
    const bomb = deflateMessage(Buffer.alloc(2 ** 22))
    assert.ok(codec.prefersInline(2048, true))
    for (let i = 0; i < 20; i++) codec.transcode(messageOf(bomb, { compressed: true }))
    assert.ok(!codec.prefersInline(2048, true))
  })

  it('answers each group in order, whichever thread is faster', async t => {
    const [codec, seen] = codecFor(t)
    const groups = Array.from({ length: 60 }, (_, g) => {
      const texts = Array.from({ length: 1 + (g % 5) }, (_, i) => `${g} ${i} ${prose((g * 7919) % 20_000)}`)
      return { texts, group: new Group(...texts) }
    })
    for (const [g, { group }] of groups.entries()) {
      codec.submit(group)
      if (g % 7 === 0) await new Promise(setImmediate)
    }
    for (const { texts, group } of groups) {
      await group.settled
      assert.deepEqual(group.errors, [])
      assert.deepEqual(group.replies, texts)
    }
    assert.ok(seen.where.every(where => where === 'pool'))
    assert.equal(seen.where.length, groups.flatMap(({ texts }) => texts).length)
    assert.equal(codec.queued, 0)
  })

  it('passes on violations, of the messages that have them alone', async t => {
    const [codec] = codecFor(t)
    const corrupt = messageOf(Buffer.from([0xff, 0xff]), { compressed: true })
    const notUtf8 = messageOf(deflateMessage(Buffer.from([0xff])), { compressed: true, text: true })
    assert.deepEqual(await replies(codec, 'before', corrupt, 'between', notUtf8, 'behind'), [
      'before',
      'ECHOBAHN_INVALID_DEFLATE',
      'between',
      'ECHOBAHN_INVALID_UTF8',
      'behind',
    ])
  })

  it('gives back the end of the plain text for the windows, from a thread as inline', async t => {
    const [codec] = codecFor(t)
    const plain = prose(5000)
    const inflateWindow = noise(500)
    const message = messageOf(deflateMessage(plain, { dictionary: inflateWindow }), {
      compressed: true,
      inflateWindow,
      plainEndLength: 1024,
    })
    const group = new Group(message)
    let end = Buffer.alloc(0)
    group.onMessageDone = (_message, result) => {
      assert.equal(result.plainLength, plain.length)
      end = Buffer.from(result.plainEnd as Buffer)
    }
    codec.submit(group)
    await group.settled
    assert.deepEqual(end, plain.subarray(-1024))
    const { plain: whole, plainOffset, plainLength } = codec.transcode(message)
    assert.deepEqual(whole.subarray(plainOffset, plainOffset + plainLength), plain)
  })

  it('sends the groups of one turn together, in equal shares for the threads', async t => {
    for (const codecThreads of [1, 2]) {
      const [codec, seen] = codecFor(t, { codecThreads })
      const groups = Array.from({ length: 10 }, (_, i) => new Group(`first of ${i}`, `second of ${i}`))
      for (const group of groups) codec.submit(group)
      assert.equal(codec.queued, 20)
      await Promise.all(groups.map(group => group.settled))
      assert.deepEqual(seen.batches, codecThreads === 1 ? [20] : [10, 10])
    }
  })

  it('closes a batch at 1 MiB, and cuts no group in two', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const large = () => messageOf(Buffer.alloc(600 * 1024))
    const groups = [[large()], [large()], [large()], [large(), large(), large()], ['small']].map(g => new Group(...g))
    for (const group of groups) codec.submit(group)
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(seen.batches, [2, 4, 1])
    for (const group of groups) assert.deepEqual(group.errors, [])
  })

  it('is full above its bound, and tells all who wait once it has room', async t => {
    const [codec] = codecFor(t, { codecQueue: 3 })
    const first = new Group('1', '2', '3')
    codec.submit(first)
    assert.ok(!codec.full)
    codec.submit(new Group('4'))
    assert.ok(codec.full)
    const told: string[] = []
    for (const name of ['one', 'another']) codec.whenRoom(() => told.push(name))
    await new Promise<void>(resolve => codec.whenRoom(resolve))
    assert.deepEqual(told, ['one', 'another'])
    assert.ok(!codec.full)
  })

  it('is full of few messages when they are large', async t => {
    const [codec] = codecFor(t)
    const groups = Array.from({ length: 5 }, () => new Group(messageOf(Buffer.alloc(2 ** 24))))
    for (const group of groups.slice(0, 4)) codec.submit(group)
    assert.ok(!codec.full)
    codec.submit(groups[4])
    assert.ok(codec.full)
    await Promise.all(groups.map(group => group.settled))
    assert.ok(!codec.full)
  })

  it('lets nobody in while it is still full', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1, codecQueue: 1 })
    const large = () => new Group(messageOf(Buffer.alloc(2 ** 20)))
    for (let i = 0; i < 5; i++) codec.submit(large())
    await new Promise<void>(resolve => codec.whenRoom(resolve))
    assert.ok(codec.queued <= 1)
    assert.ok(seen.batches.length >= 4)
  })

  it('keeps an exception in a callback of one group from all others', async t => {
    const [codec] = codecFor(t, { codecThreads: 1 })
    const failing = [new Group('a', 'b'), new Group('c')]
    failing[0].onMessageDone = () => assert.fail('in onMessageDone')
    failing[1].onGroupDone = () => assert.fail('in onGroupDone')
    const groups = [new Group('before'), failing[0], new Group('between'), failing[1], new Group('behind')]
    for (const group of groups) codec.submit(group)
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(
      groups.map(group => group.errors.length),
      [0, 1, 0, 1, 0],
    )
    assert.deepEqual(
      [groups[0], groups[2], groups[4]].flatMap(group => group.replies),
      ['before', 'between', 'behind'],
    )
    assert.deepEqual(await replies(codec, 'later'), ['later'])
    assert.equal(codec.queued, 0)
  })

  it('takes a group from within a callback', async t => {
    const [codec] = codecFor(t)
    const second = new Group('second')
    const first = new Group('first')
    first.onGroupDone = () => codec.submit(second)
    codec.submit(first)
    await second.settled
    assert.deepEqual(second.replies, ['second'])
  })

  it('tells how long the threads worked, once', async t => {
    const [codec] = codecFor(t)
    await replies(codec, prose(100_000).toString())
    assert.ok(codec.takeRunTime() > 0)
    assert.equal(codec.takeRunTime(), 0)
  })

  it('when it closes, lets its threads do what they have, and does inline what comes later', async t => {
    const [codec, seen] = codecFor(t)
    const underWay = new Group('under way')
    codec.submit(underWay)
    await until(() => codec.threads > 0)
    await codec.close()
    await underWay.settled
    assert.deepEqual(await replies(codec, 'late'), ['late'])
    assert.deepEqual(seen.where, ['pool', 'inline'])
    assert.deepEqual(seen.failures, [])
    assert.equal(codec.threads, 0)
  })
})
