// What goes back for what comes, and when: with a clock that the test moves.

import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { corrupted, type Message } from '../../../src/controls/alter.js'
import { Book } from '../../../src/controls/book.js'
import { Dice } from '../../../src/controls/dice.js'
import { readControls } from '../../../src/controls/parse.js'
import { Replies } from '../../../src/controls/replies.js'

const TEXT = 1
const BINARY = 2

class Bench {
  readonly book = new Book(
    () => 0,
    () => {},
  )
  readonly replies: Replies

  constructor(query: string) {
    const { controls = {} } = readControls(query, { prefix: '', restricted: true, maxMessage: 2 ** 24 }) as {
      controls?: object
    }
    this.replies = new Replies(
      controls,
      new Dice((controls as { seed?: number }).seed ?? 1),
      this.book,
      () => '{"id":1}',
    )
  }

  receive(text: string, now = 0): void {
    this.replies.receive({ opcode: TEXT, payload: Buffer.from(text), deflated: undefined }, now)
  }

  /** All that is due. */
  due(now = 0): string[] {
    const found: string[] = []
    for (let reply = this.replies.next(now); reply !== undefined; reply = this.replies.next(now))
      found.push(reply.plan ?? String(reply.message?.payload))
    return found
  }
}

function textOf(payload: string | Buffer, opcode = TEXT): Message {
  return { opcode, payload: Buffer.from(payload as Buffer), deflated: undefined }
}

test('without anything a message goes back at once, as it came', () => {
  const bench = new Bench('reply=echo')
  const message = { opcode: BINARY, payload: Buffer.from([1]), deflated: Buffer.from([2]) }
  bench.replies.receive(message, 5)
  assert.equal(bench.replies.held, 128 + 2)
  assert.equal(bench.replies.empty, false)
  const reply = bench.replies.next(5)
  assert.equal(reply?.message, message)
  assert.equal(reply?.receivedAt, 5)
  assert.equal(bench.replies.held, 0)
  assert.equal(bench.replies.empty, true)
  assert.equal(bench.replies.wakeAt, undefined)
})

test('a delay is a delay for each message', () => {
  const bench = new Bench('delay=200ms')
  bench.receive('a', 0)
  bench.receive('b', 50)
  assert.equal(bench.replies.wakeAt, 200)
  assert.deepEqual(bench.due(199), [])
  assert.deepEqual(bench.due(200), ['a'])
  assert.equal(bench.replies.held, 128 + 1)
  assert.deepEqual(bench.due(249), [])
  assert.deepEqual(bench.due(250), ['b'])
  assert.deepEqual(bench.book.uses, { delay: 2 })
})

test('jitter is up to its bound, repeats with the seed, and keeps the order', () => {
  const times = (seed: number): number[] => {
    const bench = new Bench(`jitter=1s&delay=100ms&seed=${seed}`)
    for (let i = 0; i < 50; i++) bench.receive(`${i}`, i)
    const found: number[] = []
    const texts: string[] = []
    while (!bench.replies.empty) {
      const at = bench.replies.wakeAt as number
      found.push(at)
      texts.push(...bench.due(at))
    }
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, i) => `${i}`),
    )
    return found
  }
  assert.deepEqual(times(1), times(1))
  assert.notDeepEqual(times(1), times(2))
  for (const at of times(3)) assert.ok(at >= 100 && at <= 1150)
  assert.deepEqual(
    times(4),
    [...times(4)].sort((a, b) => a - b),
  )
})

test('drop, duplicate and swap strike the same messages for the same seed, about as often as they should', () => {
  const fates = (query: string): string[] => {
    const bench = new Bench(query)
    for (let i = 0; i < 400; i++) bench.receive(`${i}`)
    return bench.due(5000)
  }
  const dropped = fates('drop=25%&seed=9')
  assert.deepEqual(dropped, fates('drop=25%&seed=9'))
  assert.ok(dropped.length > 260 && dropped.length < 340, String(dropped.length))
  assert.deepEqual(fates('drop=100%'), [])
  assert.equal(fates('drop=0%').length, 400)
  const twice = fates('duplicate=25%&seed=9')
  assert.ok(twice.length > 460 && twice.length < 540, String(twice.length))
  assert.deepEqual([...new Set(twice)].length, 400)
})

test('what one control draws does not depend on the others', () => {
  const survivors = (query: string): string[] => {
    const bench = new Bench(query)
    for (let i = 0; i < 100; i++) bench.receive(`${i}`)
    return [...new Set(bench.due(1e9))].sort()
  }
  assert.deepEqual(survivors('drop=30%&seed=5'), survivors('drop=30%&seed=5&duplicate=40%&jitter=1s&swap=20%'))
})

test('jitter of a message is the same whether others were dropped or not', () => {
  const dueOfLast = (query: string): number => {
    const bench = new Bench(query)
    for (let i = 0; i < 9; i++) bench.receive(`${i}`)
    bench.due(1e6)
    bench.receive('last', 1e6)
    return bench.replies.wakeAt as number
  }
  // drop=50% with this seed leaves the tenth.
  assert.equal(dueOfLast('jitter=1m&seed=3&drop=50%'), dueOfLast('jitter=1m&seed=3'))
})

test('swapped messages change places, and the last one comes a second later', () => {
  const bench = new Bench('swap=100%')
  bench.receive('a', 10)
  assert.deepEqual(bench.due(10), [])
  assert.equal(bench.replies.held, 128 + 1)
  bench.receive('b', 20)
  assert.deepEqual(bench.due(20), ['b', 'a'])
  bench.receive('c', 30)
  assert.equal(bench.replies.empty, false)
  assert.equal(bench.replies.wakeAt, 1030)
  assert.deepEqual(bench.due(1029), [])
  assert.deepEqual(bench.due(1030), ['c'])
  assert.equal(bench.replies.empty, true)
  assert.equal(bench.replies.held, 0)
  assert.deepEqual(bench.book.uses, { swap: 2 })
})

test('a swapped message that is duplicated goes out twice, and is counted once', () => {
  const bench = new Bench('swap=100%&duplicate=100%')
  bench.receive('a')
  bench.receive('b')
  assert.deepEqual([...bench.due(5000)].sort(), ['a', 'a', 'b', 'b'])
  assert.equal(bench.replies.held, 0)
})

test('what a plan is behind is sent before it, swapped messages included', () => {
  const bench = new Bench('swap=100%&delay=1s')
  bench.receive('a', 0)
  bench.replies.planned('close', 0)
  bench.receive('b', 5)
  assert.deepEqual(bench.due(999), [])
  assert.deepEqual(bench.due(1000), ['a', 'close'])
})

test('replies other than the echo', () => {
  const replyOf = (query: string, opcode = TEXT, payload: string | Buffer = 'Grüße') => {
    const bench = new Bench(query)
    bench.replies.receive(textOf('first'), 0)
    bench.replies.next(0)
    bench.replies.receive(textOf(payload, opcode), 0)
    const message = bench.replies.next(0)?.message
    return message && [message.opcode, String(message.payload)]
  }
  assert.deepEqual(replyOf('reply=count'), [TEXT, '2'])
  assert.deepEqual(replyOf('reply=size'), [TEXT, '7'])
  assert.deepEqual(replyOf('reply=upper'), [TEXT, 'GRÜSSE'])
  assert.deepEqual(replyOf('reply=upper', BINARY, 'abc'), [BINARY, 'abc'])
  assert.deepEqual(replyOf('reply=sha256', BINARY), [TEXT, createHash('sha256').update('Grüße').digest('hex')])
  assert.deepEqual(replyOf('reply=describe'), [TEXT, '{"id":1}'])
  assert.deepEqual(replyOf('reply=echo', BINARY), [BINARY, 'Grüße'])
  assert.equal(replyOf('reply=none'), undefined)
})

test('pushed messages are numbered and of their size; chance leaves them alone', () => {
  const bench = new Bench('push=1s&push-size=12B&drop=100%&duplicate=0%')
  for (let i = 0; i < 11; i++) bench.replies.push(i)
  const pushed = bench.due(20)
  assert.equal(pushed[0], '1 ..........')
  assert.equal(pushed[10], '11 .........')
  const bare = new Bench('push=1s')
  bare.replies.push(0)
  assert.deepEqual(bare.due(0), ['1'])
})

test('what the server says by itself waits behind what is due earlier, and for nothing else', () => {
  const bench = new Bench('delay=100ms')
  bench.receive('a', 0)
  bench.replies.ownMessage(textOf('own'), 50)
  assert.deepEqual(bench.due(100), ['a', 'own'])
  bench.replies.ownMessage(textOf('later'), 500)
  assert.deepEqual(bench.due(500), ['later'])
})

test('what is cleared is gone', () => {
  const bench = new Bench('swap=100%')
  bench.receive('a')
  bench.replies.push(0)
  bench.receive('b')
  bench.replies.clear()
  assert.equal(bench.replies.held, 0)
  assert.equal(bench.replies.empty, true)
  assert.deepEqual(bench.due(1e9), [])
})

test('whatever comes and goes, held is what waits', () => {
  const query = fc.constantFrom(
    'swap=50%&duplicate=30%&jitter=1s&seed=1',
    'drop=20%&delay=100ms&seed=2',
    'corrupt=50%&seed=3',
  )
  fc.assert(
    fc.property(
      query,
      fc.array(fc.tuple(fc.string({ maxLength: 9 }), fc.nat(300)), { maxLength: 40 }),
      (query, steps) => {
        const bench = new Bench(query)
        let now = 0
        for (const [text, pause] of steps) {
          bench.receive(text, now)
          now += pause
          bench.due(now)
          assert.ok(bench.replies.held >= 0)
        }
        bench.due(now + 1e6)
        assert.equal(bench.replies.held, 0)
        assert.ok(bench.replies.empty)
      },
    ),
  )
})

test('corrupt changes one bit of a binary message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), (payload, seed) => {
      const message = textOf(Buffer.from(payload), BINARY)
      const changed = corrupted(message, new Dice(seed).sequence('x'))?.payload as Buffer
      let bits = 0
      for (const [i, octet] of changed.entries()) for (let x = octet ^ payload[i]; x > 0; x &= x - 1) bits++
      assert.equal(bits, 1)
      assert.equal(changed.length, payload.length)
    }),
  )
})

test('corrupt changes one ASCII letter of a text, which stays UTF-8; a text without letters stays', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(), (text, seed) => {
      const message = textOf(text)
      const changed = corrupted(message, new Dice(seed).sequence('x'))
      if (!/[A-Za-z]/.test(text)) return assert.equal(changed, undefined)
      assert.ok(changed && isUtf8(changed.payload))
      assert.notEqual(String(changed.payload), text)
      assert.equal(String(changed.payload).toLowerCase(), text.toLowerCase())
    }),
  )
  assert.equal(
    corrupted(textOf('', BINARY), () => 0),
    undefined,
  )
  assert.equal(
    corrupted(textOf('@[`{'), () => 0),
    undefined,
  )
  assert.equal(String(corrupted(textOf('1a'), () => 0)?.payload), '1A')
  assert.equal(String(corrupted(textOf('Zz'), () => 0.99)?.payload), 'ZZ')
})

test('a corrupted message is not sent as it was deflated', () => {
  const bench = new Bench('corrupt=100%')
  bench.replies.receive({ opcode: TEXT, payload: Buffer.from('a'), deflated: Buffer.from([9]) }, 0)
  const reply = bench.replies.next(0)
  assert.equal(String(reply?.message?.payload), 'A')
  assert.equal(reply?.message?.deflated, undefined)
  assert.deepEqual(bench.book.uses, { corrupt: 1 })
  bench.receive('123')
  assert.deepEqual([bench.due(), bench.book.uses], [['123'], { corrupt: 1 }])
})
