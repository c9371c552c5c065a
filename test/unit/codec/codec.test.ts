// Codec: who does a message, how groups travel, and when the queue is full.

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { BatchMessage } from '../../../src/codec/batch.js'
import { Codec } from '../../../src/codec/codec.js'
import { CodecThreads } from '../../../src/codec/codec-threads.js'
import { CostEstimate } from '../../../src/codec/cost-estimate.js'
import { type Outgoing, Transcoder } from '../../../src/codec/transcoder.js'
import {
  codecFor,
  compressedMessage,
  Group,
  messageOf,
  Observations,
  replies,
  SETTINGS,
  threadsStarted,
  until,
} from '../../support/codec-client.js'
import { deflateMessage } from '../../support/deflate-message.js'
import type { Rest } from '../../support/fragile-codec-thread.js'
import { noise, prose, repeated } from '../../support/plain-texts.js'
import { POISON } from '../../support/poison.js'

const COMPRESSED = [true, false]

/** What threads say of their rests, until the test ends. */
function restsOf(context: TestContext): Rest[] {
  const rests: Rest[] = []
  const channel = new BroadcastChannel('codec-rests')
  channel.onmessage = ({ data }: { data: Rest }) => rests.push(data)
  context.after(() => channel.close())
  return rests
}

describe('Codec', () => {
  it('prefers inline as --offload says', t => {
    const [always] = codecFor(t, { offload: 'always' })
    const [never] = codecFor(t, { offload: 'never' })
    const [automatic] = codecFor(t, { offload: 'auto' })
    for (const compressed of COMPRESSED) {
      assert.ok(!always.prefersInline(new CostEstimate(), 1, compressed))
      assert.ok(never.prefersInline(new CostEstimate(), 2 ** 24, compressed))
      assert.ok(automatic.prefersInline(new CostEstimate(), 256, compressed))
      assert.ok(!automatic.prefersInline(new CostEstimate(), 256 * 1024, compressed))
    }
  })

  it('prefers inline always when there are no threads', t => {
    for (const offload of ['always', 'auto'] as const) {
      const [codec] = codecFor(t, { offload, codecThreads: 0 })
      for (const compressed of COMPRESSED) assert.ok(codec.prefersInline(new CostEstimate(), 2 ** 24, compressed))
    }
  })

  it('learns from what a message took', t => {
    const [codec] = codecFor(t, {}, undefined, () => 5000)
    const estimate = new CostEstimate()
    const guess = estimate.cost(1000, false)
    codec.tryInline(messageOf('x'.repeat(1000)), estimate)
    assert.ok(estimate.cost(1000, false) < guess)
  })

  it('starts no thread before the first batch', async t => {
    const [codec] = codecFor(t)
    codec.tryInline(messageOf('inline'), new CostEstimate())
    assert.equal(codec.threads, 0)
    await replies(codec, 'on a thread')
    assert.equal(codec.threads, 2)
  })

  it('has each thread rest once when there was no work for a second, and serves who comes meanwhile', async t => {
    const released = t.mock.method(Transcoder.prototype, 'release')
    const rests = restsOf(t)
    let now = 5000
    const [codec] = codecFor(t, {}, undefined, () => now)
    codec.sweep()
    assert.deepEqual(await replies(codec, 'first'), ['first'])
    now = 5999
    codec.sweep()
    const underWay = new Group('second').submitTo(codec)
    now = 7000
    codec.sweep()
    await underWay.settled
    now = 8000
    codec.sweep()
    codec.sweep()
    assert.deepEqual(await replies(codec, 'meanwhile'), ['meanwhile'])
    await until(() => rests.length >= 2)
    assert.deepEqual(await replies(codec, 'last'), ['last'])
    assert.equal(new Set(rests.map(rest => rest.threadId)).size, 2)
    assert.equal(rests.length, 2)
    now = 14_000
    codec.sweep()
    await until(() => rests.length >= 4)
    for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    codec.sweep()
    assert.deepEqual(await replies(codec, 'later'), ['later'])
    assert.equal(rests.length, 4)
    assert.equal(released.mock.callCount(), 2)
  })

  it('gives threads that rest no batch', async t => {
    let now = 5000
    let rested = (): void => {}
    t.mock.method(CodecThreads.prototype, 'rest', () => new Promise<void>(resolve => (rested = resolve)))
    const run = t.mock.method(CodecThreads.prototype, 'run')
    const [codec] = codecFor(t, {}, undefined, () => now)
    await replies(codec, 'first')
    now = 7000
    codec.sweep()
    const meanwhile = replies(codec, 'meanwhile')
    for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    assert.equal(run.mock.callCount(), 1)
    rested()
    assert.deepEqual(await meanwhile, ['meanwhile'])
  })

  it('collects what large buffers leave behind once its thread rests, and nothing else', async t => {
    const rests = restsOf(t)
    let now = 0
    const [codec] = codecFor(t, { codecThreads: 1 }, undefined, () => now)
    const collectionsAfter = async (message: BatchMessage): Promise<number> => {
      const before = rests.length
      assert.equal((await replies(codec, message)).length, 1)
      now += 10_000
      codec.sweep()
      await until(() => rests.length > before)
      return rests[before].collections
    }
    assert.equal(await collectionsAfter(messageOf(noise(1_500_000))), 0)
    assert.equal(await collectionsAfter(messageOf(noise(1_500_000))), 1)
    assert.equal(await collectionsAfter(messageOf(noise(1_500_000))), 1)
    assert.equal(await collectionsAfter(messageOf('small')), 1)
    assert.equal(await collectionsAfter(compressedMessage(Buffer.alloc(6_000_000))), 2)
  })

  it('gives up inline what is more than small work, and does all of it where there is nobody else', t => {
    const [automatic] = codecFor(t, { offload: 'auto' })
    const [never] = codecFor(t, { offload: 'never' })
    const [alone] = codecFor(t, { offload: 'auto', codecThreads: 0 })
    const finalBlocks = (count: number) => Buffer.concat(Array(count).fill(deflateRawSync('')))
    const within = [deflateMessage(Buffer.alloc(16 * 1024)), finalBlocks(8)]
    const beyond = [deflateMessage(Buffer.alloc(16 * 1024 + 1)), finalBlocks(9)]
    const estimate = new CostEstimate()
    for (const payload of [...within, ...beyond]) {
      const message = messageOf(payload, { compressed: true })
      const inline = automatic.tryInline(message, estimate)
      assert.equal(inline !== undefined, within.includes(payload))
      for (const codec of [never, alone]) assert.equal(codec.tryInline(message, estimate)?.violation, undefined)
    }
  })

  it('learns from what it does inline, and from what threads do, that messages of a connection are worth a thread', async t => {
    const [codec] = codecFor(t, { offload: 'auto', maxMessage: 2 ** 22 }, 1)
    const bomb = messageOf(deflateMessage(Buffer.alloc(2 ** 22)), { compressed: true })
    const group = new Group(...Array(10).fill(bomb)).submitTo(codec)
    assert.ok(codec.prefersInline(group.estimate, 2048, true))
    await group.settled
    assert.ok(!codec.prefersInline(group.estimate, 2048, true))
    let now = 0
    const never = new Codec({ ...SETTINGS, offload: 'never' }, new Observations(), undefined, () => now++)
    const estimate = new CostEstimate()
    for (let i = 0; i < 10; i++) never.tryInline(bomb, estimate)
    assert.ok(!codec.prefersInline(estimate, 2048, true))
    assert.ok(codec.prefersInline(new CostEstimate(), 2048, true))
  })

  it('answers each group in order, whichever thread is faster', async t => {
    const [codec, seen] = codecFor(t)
    const groups = Array.from({ length: 60 }, (_, g) => {
      const texts = Array.from({ length: 1 + (g % 5) }, (_, i) => `${g} ${i} ${prose((g * 7919) % 20_000)}`)
      return { texts, group: new Group(...texts) }
    })
    for (const [g, { group }] of groups.entries()) {
      group.submitTo(codec)
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
    const { onMessageDone } = group
    group.onMessageDone = (message, result) => {
      onMessageDone.call(group, message, result)
      assert.equal(result.plainLength, plain.length)
      end = Buffer.from(result.plainEnd as Buffer)
    }
    group.submitTo(codec)
    await group.settled
    assert.deepEqual(end, plain.subarray(-1024))
    const { plain: whole, plainOffset, plainLength } = codec.tryInline(message, new CostEstimate()) as Outgoing
    assert.deepEqual(whole.subarray(plainOffset, plainOffset + plainLength), plain)
  })

  it('sends the groups of one turn together, in equal shares for the threads', async t => {
    for (const codecThreads of [1, 2]) {
      const [codec, seen] = codecFor(t, { codecThreads })
      const groups = Array.from({ length: 10 }, (_, i) => new Group(`first of ${i}`, `second of ${i}`))
      for (const group of groups) group.submitTo(codec)
      assert.equal(codec.queued, 20)
      await Promise.all(groups.map(group => group.settled))
      assert.deepEqual(seen.batches, codecThreads === 1 ? [20] : [10, 10])
    }
  })

  it('closes a batch at 1 MiB, of which a group has 128 KiB at most unless its first message is longer', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const kib = (size: number) => messageOf(Buffer.alloc(size * 1024))
    const groups = [
      new Group(kib(600)),
      new Group(...Array(8).fill(kib(40))),
      new Group(kib(600), kib(1)),
      new Group(kib(64), kib(64), kib(64)),
      new Group('small'),
    ]
    for (const group of groups) group.submitTo(codec)
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(
      groups.map(group => group.turns),
      [[1], [4, 4], [1, 1], [2, 1], [1]],
    )
    assert.deepEqual(seen.batches.slice(0, 2), [1 + 4 + 1, 2 + 1])
    for (const group of groups) assert.deepEqual(group.errors, [])
  })

  it('gives a group 4 ms of a batch, and the rest of it its turn behind the others', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 }, 1)
    const order: string[] = []
    const groups = ['heavy', 'other', 'last'].map((name, i) => {
      const group = new Group(...Array.from({ length: i === 0 ? 10 : 2 }, (_, n) => `${name} ${n}`))
      const { onMessageDone } = group
      group.onMessageDone = (message, result) => {
        onMessageDone.call(group, message, result)
        order.push(group.replies.at(-1) as string)
      }
      return group.submitTo(codec)
    })
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(groups[0].turns, [4, 4, 2])
    assert.ok(order.indexOf('other 1') < order.indexOf('heavy 4'))
    assert.ok(order.indexOf('last 1') < order.indexOf('heavy 4'))
    assert.deepEqual(seen.batches, [8, 4, 2])
    assert.equal(codec.queued, 0)
  })

  it('begins no group after 16 ms of a batch, and leaves the others where they are in the queue', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 }, 9)
    const groups = Array.from({ length: 7 }, (_, i) => new Group(`${i}`).submitTo(codec))
    await until(() => codec.threads > 0)
    const late = new Group('late').submitTo(codec)
    const order: string[] = []
    for (const group of [...groups, late]) group.onGroupDone = () => order.push(...group.replies)
    await until(() => order.length === 8)
    assert.deepEqual(order, ['0', '1', '2', '3', '4', '5', '6', 'late'])
    assert.deepEqual(seen.batches, [2, 2, 2, 2])
    assert.equal(codec.queued, 0)
  })

  it('stops a group once its replies are what the connection has room for, and goes on when told', async t => {
    const [codec] = codecFor(t)
    const group = new Group(...Array(5).fill(messageOf(noise(1000))))
    group.room = 1500
    const other = new Group(messageOf(noise(1000)), 'other')
    group.submitTo(codec)
    other.submitTo(codec)
    await Promise.all([group.settled, other.settled])
    assert.deepEqual(group.turns, [2, 2, 1])
    assert.deepEqual(other.turns, [2])
    const full = new Group('a', 'b')
    full.room = 0
    await full.submitTo(codec).settled
    assert.deepEqual(full.turns, [1, 1])
  })

  it('keeps to the turns where no thread can be had and all is done on the event loop', async t => {
    let now = 0
    const nowhere = new URL('no-such-thread.js', import.meta.url)
    const seen = new Observations()
    const codec = new Codec({ ...SETTINGS, codecThreads: 1 }, seen, nowhere, () => (now += 0.5))
    t.after(() => codec.close())
    // Each message looks at the clock three times, so a group's 4 ms are three messages.
    const groups = Array.from(
      { length: 4 },
      (_, g) => new Group(...['a', 'b', 'c', 'd', 'e'].map(text => `${text}${g}`)),
    )
    const narrow = new Group(...Array(3).fill(messageOf(noise(1000))))
    narrow.room = 500
    const ended: Group[] = []
    for (const group of [narrow, ...groups]) {
      void group.submitTo(codec).settled.then(() => ended.push(group))
    }
    await Promise.all([narrow, ...groups].map(group => group.settled))
    assert.deepEqual(narrow.turns, [1, 1, 1])
    for (const [g, group] of groups.entries()) {
      assert.deepEqual(group.turns, [3, 2])
      assert.deepEqual(group.replies, [`a${g}`, `b${g}`, `c${g}`, `d${g}`, `e${g}`])
    }
    assert.deepEqual(ended, [...groups, narrow])
    const single = Array.from({ length: 20 }, (_, i) => new Group(`${i}`).submitTo(codec))
    await Promise.all(single.map(group => group.settled))
    assert.ok(seen.where.every(where => where === 'inline'))
    assert.equal(codec.queued, 0)
  })

  it('begins no group once a batch has made 4 MiB', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    // Deflated with so small a window, the noise that repeats after 20 KB does not get smaller.
    const octets = repeated(noise(20_000), 2 ** 21)
    const bomb = messageOf(deflateMessage(octets), { compressed: true, windowBits: 9 })
    assert.ok(bomb.length < 50_000)
    const groups = Array.from({ length: 5 }, () => new Group(bomb).submitTo(codec))
    await Promise.all(groups.map(group => group.settled))
    assert.deepEqual(seen.batches, [2, 2, 1])
  })

  it('drops what waits of a connection that is gone, and calls nothing back', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1 })
    const before = new Group('before')
    const gone = new Group('a', 'b')
    const leaving = new Group('c', 'd', 'e')
    const behind = new Group('behind')
    leaving.onMessageDone = () => {
      leaving.gone = true
      leaving.replies.push('only this')
    }
    for (const group of [before, gone, leaving, behind]) group.submitTo(codec)
    gone.gone = true
    assert.equal(codec.queued, 7)
    await Promise.all([before.settled, behind.settled])
    assert.deepEqual(gone.replies, [])
    assert.deepEqual(leaving.replies, ['only this'])
    assert.deepEqual([...gone.turns, ...leaving.turns], [])
    assert.equal(seen.where.length, 5)
    assert.equal(codec.queued, 0)
    gone.submitTo(codec)
    await until(() => codec.queued === 0)
    assert.deepEqual(seen.batches, [5])
  })

  it('is full above its bound, and tells all who wait once it has room', async t => {
    const [codec] = codecFor(t, { codecQueue: 3 })
    const first = new Group('1', '2', '3')
    first.submitTo(codec)
    assert.ok(!codec.full)
    new Group('4').submitTo(codec)
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
    for (const group of groups.slice(0, 4)) group.submitTo(codec)
    assert.ok(!codec.full)
    groups[4].submitTo(codec)
    assert.ok(codec.full)
    await Promise.all(groups.map(group => group.settled))
    assert.ok(!codec.full)
  })

  it('lets nobody in while it is still full', async t => {
    const [codec, seen] = codecFor(t, { codecThreads: 1, codecQueue: 1 })
    const large = () => new Group(messageOf(Buffer.alloc(2 ** 20)))
    for (let i = 0; i < 5; i++) large().submitTo(codec)
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
    for (const group of groups) group.submitTo(codec)
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
    first.onGroupDone = () => second.submitTo(codec)
    first.submitTo(codec)
    await second.settled
    assert.deepEqual(second.replies, ['second'])
  })

  it('tells how long a batch ran on its thread, and how long it waited besides', async t => {
    let now = 1000
    const [codec, seen] = codecFor(t, { codecThreads: 1 }, 5, () => now)
    const group = new Group('a').submitTo(codec)
    await until(() => codec.threads > 0)
    now += 25
    await group.settled
    assert.deepEqual(seen.times, [{ wait: 0.02, run: 0.005 }])
  })

  it('is closed once its threads have ended, those that were given up among them', async t => {
    const threads = threadsStarted(t)
    const [codec] = codecFor(t)
    await replies(codec, messageOf(POISON.throw))
    await replies(codec, 'behind')
    assert.ok(threads.length > 2)
    await codec.close()
    assert.deepEqual(
      threads.filter(({ threadId }) => threadId !== -1),
      [],
    )
  })

  it('when it closes, lets its threads do what they have, and does inline what comes later', async t => {
    const [codec, seen] = codecFor(t)
    const underWay = new Group('under way')
    underWay.submitTo(codec)
    await until(() => codec.threads > 0)
    await codec.close()
    await underWay.settled
    assert.deepEqual(await replies(codec, 'late'), ['late'])
    assert.deepEqual(seen.where, ['pool', 'inline'])
    assert.deepEqual(seen.failures, [])
    assert.equal(codec.threads, 0)
  })
})
