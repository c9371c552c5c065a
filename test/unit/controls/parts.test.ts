// The small parts of controls: chance, schedule, pace, plans, book, stored blocks, masks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateRawSync, constants as zlib } from 'node:zlib'
import fc from 'fast-check'
import { corrupted } from '../../../src/controls/alter.js'
import { Book } from '../../../src/controls/book.js'
import { describe } from '../../../src/controls/description.js'
import { Dice } from '../../../src/controls/dice.js'
import { hostOf } from '../../../src/controls/host.js'
import { Pacer } from '../../../src/controls/pacer.js'
import { readControls } from '../../../src/controls/parse.js'
import { Plans } from '../../../src/controls/plans.js'
import { Schedule } from '../../../src/controls/schedule.js'
import type { Controls } from '../../../src/controls/schema.js'
import { storedBlocks } from '../../../src/controls/stored-blocks.js'
import { FakeClock } from '../../support/fake-clock.js'

function asked(query: string): Controls {
  const read = readControls(query, { prefix: '', restricted: true, maxMessage: 2 ** 24 })
  return (read.problem === undefined && read.controls) || assert.fail(read.problem)
}

test('one seed gives one sequence for each name, whatever else is drawn', () => {
  const draws = (seed: number, name: string): number[] => {
    const draw = new Dice(seed).sequence(name)
    return Array.from({ length: 20 }, draw)
  }
  assert.deepEqual(draws(42, 'drop'), draws(42, 'drop'))
  assert.notDeepEqual(draws(42, 'drop'), draws(43, 'drop'))
  assert.notDeepEqual(draws(42, 'drop'), draws(42, 'swap'))
  const dice = new Dice(42)
  const drop = dice.sequence('drop')
  const swap = dice.sequence('swap')
  const mixed = Array.from({ length: 20 }, () => {
    swap()
    return drop()
  })
  assert.deepEqual(mixed, draws(42, 'drop'))
})

test('the sequence of a seed stays what it is from version to version', () => {
  const draw = new Dice(1).sequence('drop')
  assert.deepEqual(
    Array.from({ length: 4 }, () => Math.floor(draw() * 1000)),
    [774, 150, 801, 473],
  )
})

test('draws are even from 0 up to 1', () => {
  const tenths = new Array(10).fill(0)
  const draw = new Dice(7).sequence('even')
  for (let i = 0; i < 10_000; i++) tenths[Math.floor(draw() * 10)]++
  assert.equal(tenths.length, 10)
  for (const count of tenths) assert.ok(count > 850 && count < 1150, String(tenths))
})

test('without a seed one is drawn', () => {
  const seeds = new Set(Array.from({ length: 8 }, () => new Dice().seed))
  assert.ok(seeds.size > 6)
  for (const seed of seeds) assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)
})

test('tasks run at their time, in the order of it, with one timer', () => {
  const clock = new FakeClock()
  const schedule = new Schedule(clock)
  const ran: string[] = []
  const task = (name: string) => () => void ran.push(`${name} ${clock.time - 1000}`)
  schedule.in(50, task('b'))
  schedule.in(20, task('a'))
  schedule.in(50, task('c'))
  const cancel = schedule.in(30, task('never'))
  cancel()
  assert.equal(clock.timers, 1)
  assert.deepEqual(clock.waits, [50, 20])
  assert.equal(schedule.size, 3)
  clock.pass(19)
  assert.deepEqual(ran, [])
  clock.pass(1)
  assert.deepEqual(ran, ['a 20'])
  assert.equal(clock.timers, 1)
  clock.pass(100)
  assert.deepEqual(ran, ['a 20', 'b 50', 'c 50'])
  assert.equal(clock.timers, 0)
})

test('what a task puts in for now has to wait for the next turn', () => {
  const clock = new FakeClock()
  const schedule = new Schedule(clock)
  let runs = 0
  const again = (): void => {
    runs++
    schedule.in(0, again)
  }
  schedule.in(5, again)
  clock.pass(5)
  assert.equal(runs, 1)
  assert.ok(
    clock.waits.every(wait => wait >= 1),
    String(clock.waits),
  )
  clock.pass(3)
  assert.equal(runs, 4)
})

test('every runs on and on until it is taken back', () => {
  const clock = new FakeClock()
  const schedule = new Schedule(clock)
  let runs = 0
  const stop = schedule.every(10, () => void runs++)
  clock.pass(35)
  assert.equal(runs, 3)
  stop()
  clock.pass(100)
  assert.equal(runs, 3)
  assert.equal(schedule.size, 0)
})

test('after its end a schedule does nothing and holds nothing', () => {
  const clock = new FakeClock()
  const schedule = new Schedule(clock)
  let runs = 0
  schedule.in(1, () => {
    runs++
    schedule.end()
  })
  schedule.in(1, () => void runs++)
  clock.pass(10)
  schedule.in(1, () => void runs++)
  clock.pass(10)
  assert.equal(runs, 1)
  assert.equal(clock.timers, 0)
  assert.equal(schedule.size, 0)
})

test('a rate holds over any stretch of time, give or take one quantum', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 100_000 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }),
      (rate, pauses) => {
        const pacer = new Pacer({ rate, chop: undefined, chopDelay: 0 })
        let now = 5000
        let sent = 0
        const begun = now
        for (const pause of pauses) {
          for (let octets = pacer.take(now, 1e9); octets > 0; octets = pacer.take(now, 1e9)) sent += octets
          now += pause
        }
        assert.ok(
          sent <= ((now - begun) / 1000) * rate + Math.max(rate / 20, 2) + 1,
          `${sent} in ${now - begun} ms at ${rate}`,
        )
      },
    ),
  )
  const steady = new Pacer({ rate: 1000, chop: undefined, chopDelay: 0 })
  let sent = 0
  for (let now = 0; now < 10_000; now++) sent += steady.take(now, 1e9)
  assert.ok(sent >= 9900 && sent <= 10_040, String(sent))
})

test('chops are of their size, and as far apart as they are to be', () => {
  const pacer = new Pacer({ rate: undefined, chop: 7, chopDelay: 3 })
  assert.equal(pacer.take(100, 20), 7)
  assert.equal(pacer.take(102, 13), 0)
  assert.equal(pacer.freeAt, 103)
  assert.equal(pacer.take(103, 13), 7)
  assert.equal(pacer.take(106, 6), 6)
  const brief = new Pacer({ rate: undefined, chop: 7, chopDelay: 1 })
  assert.deepEqual([brief.take(50, 10), brief.take(50.9, 10), brief.take(51, 10)], [7, 0, 7])
  const fresh = new Pacer({ rate: undefined, chop: 7, chopDelay: 0 })
  assert.deepEqual([fresh.take(0, 10), fresh.take(0, 10)], [7, 7])
  const unpaced = new Pacer({ rate: undefined, chop: 7, chopDelay: 0 })
  assert.deepEqual([unpaced.take(1, 20), unpaced.take(1, 13), unpaced.take(1, 6)], [7, 7, 6])
})

test('plans have their moment after messages or octets, each once', () => {
  const plans = new Plans(
    asked('close=1000&close-after=3&end=fin&end-after=100B&send=rsv1&send-after=2&stall=4'),
    new Dice(1),
  )
  assert.deepEqual(plans.timed, [])
  assert.deepEqual(plans.messageReceived(10), [])
  assert.deepEqual(plans.messageReceived(89), ['send'])
  assert.deepEqual(plans.messageReceived(1), ['close', 'end'])
  assert.deepEqual(plans.messageReceived(1), ['stall'])
  assert.deepEqual(plans.messageReceived(1000), [])
})

test('without after a plan is for at once, and after nothing too', () => {
  const at = (query: string) => new Plans(asked(query), new Dice(1)).timed
  assert.deepEqual(at('close=1000'), [{ plan: 'close', after: 0 }])
  assert.deepEqual(at('close=1000&after=0'), [{ plan: 'close', after: 0 }])
  assert.deepEqual(at('stall=0'), [{ plan: 'stall', after: 0 }])
  assert.deepEqual(at('send=rsv1&close=1000&after=5s&close-after=7s'), [
    { plan: 'send', after: 5000 },
    { plan: 'close', after: 7000 },
  ])
})

test('a range is drawn from evenly, both its ends included, and repeatably', () => {
  const bounds = new Set<number>()
  for (let seed = 0; seed < 200; seed++)
    bounds.add(new Plans(asked('close=1000&after=3ms..6ms'), new Dice(seed)).timed[0].after)
  assert.deepEqual([...bounds].sort(), [3, 4, 5, 6])
  const once = () => new Plans(asked('close=1000&after=1s..1m'), new Dice(5)).timed
  assert.deepEqual(once(), once())
})

test('the book counts every use and keeps the first events with their times', () => {
  let now = 500
  const used: string[] = []
  const book = new Book(
    () => now,
    control => used.push(control),
  )
  now = 507.25
  for (let i = 0; i < 70; i++) book.did('drop', `message ${i}`)
  book.did('close', 'Close 1000')
  assert.equal(book.events.length, 64)
  assert.deepEqual(book.events[0], { at: 7.25, control: 'drop', what: 'message 0' })
  assert.deepEqual(book.uses, { drop: 70, close: 1 })
  assert.equal(used.length, 71)
})

test('stored blocks inflate to what they hold', () => {
  for (const length of [0, 1, 22, 65_534, 65_535, 65_536, 200_000]) {
    const plain = Buffer.alloc(length, 'abc')
    const payload = Buffer.concat([storedBlocks(plain), Buffer.from([0, 0, 0xff, 0xff])])
    assert.ok(inflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).equals(plain), String(length))
  }
})

test('a description masks what is nobody else’s business', () => {
  const text = describe(
    { worker: 2, host: 'h', pod: null, namespace: null },
    {
      id: 7,
      peer: '192.0.2.1:5',
      addressSource: 'forwarded',
      proxy: '127.0.0.1:7',
      method: 'GET',
      httpVersion: '1.1',
      tlsVersion: null,
      path: '/x',
      query: 'token=abc&room=1&eb-describe&access_token=x=y&token',
      rawHeaders: [
        'Authorization',
        'Bearer s3cret',
        'Cookie',
        'a=s3cret',
        'X-Api-Key',
        's3cret',
        'Accept',
        'a',
        'accept',
        'b',
      ],
      extensions: null,
      subprotocol: 'chat',
      controls: 'describe',
    },
  )
  assert.doesNotMatch(text, /s3cret|abc|x=y/)
  const { fields, query, ...others } = JSON.parse(text)
  assert.equal(query, 'token=***&room=1&eb-describe&access_token=***&token')
  assert.deepEqual(fields, { authorization: ['***'], cookie: ['***'], 'x-api-key': ['***'], accept: ['a', 'b'] })
  assert.deepEqual(others, {
    id: 7,
    peer: '192.0.2.1:5',
    addressSource: 'forwarded',
    proxy: '127.0.0.1:7',
    method: 'GET',
    httpVersion: '1.1',
    tlsVersion: null,
    path: '/x',
    extensions: null,
    subprotocol: 'chat',
    controls: 'describe',
    worker: 2,
    host: 'h',
    pod: null,
    namespace: null,
  })
})

test('the host is told with its pod where the environment has one', () => {
  const { host, ...others } = hostOf(3, { POD_NAME: 'echo-1', NAMESPACE: 'test' })
  assert.ok(host.length > 0)
  assert.deepEqual(others, { worker: 3, pod: 'echo-1', namespace: 'test' })
  assert.equal(hostOf(3, { POD_NAMESPACE: 'a', NAMESPACE: 'b' }).namespace, 'a')
  assert.equal(hostOf(3, {}).pod, null)
})

test('pod and namespace are what the environment says, and null where it says nothing', () => {
  assert.deepEqual([hostOf(1, {}).pod, hostOf(1, {}).namespace], [null, null])
  assert.equal(hostOf(1, { NAMESPACE: 'a' }).namespace, 'a')
  assert.equal(hostOf(1, { NAMESPACE: 'a', POD_NAMESPACE: 'b' }).namespace, 'b')
})

test('of a text a letter is changed, and nothing but a letter', () => {
  const change = (text: string) => corrupted({ opcode: 1, payload: Buffer.from(text), deflated: undefined }, () => 0)
  for (const letter of 'AZaz') {
    const changed = String(change(letter)?.payload)
    assert.notEqual(changed, letter)
    assert.match(changed, /^[A-Za-z]$/)
  }
  for (const other of ['', '@', '[', '`', '{', '0', 'ß']) assert.equal(change(other), undefined)
})
