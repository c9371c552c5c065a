// The console's parts that need no page: numbers for people, hex, payloads and their comparison, addresses.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hashOf, placeOf } from '../../../src/console/address.js'
import {
  afterHandshake,
  clock,
  closeCode,
  counted,
  duration,
  exact,
  octets,
  percent,
  short,
} from '../../../src/console/format.js'
import { hexDump, parseHex } from '../../../src/console/hex.js'
import { Expected, firstDifference, generate } from '../../../src/console/payloads.js'

const bytes = (...values: number[]) => Uint8Array.from(values)

describe('numbers for people', () => {
  const cases: [string, string][] = [
    [exact(1_234_567), '1,234,567'],
    [short(0), '0'],
    [short(0.5), '0.5'],
    [short(999), '999'],
    [short(999.6), '1 k'],
    [short(12_345), '12.3 k'],
    [short(-2_000_000), '−2 M'],
    [octets(0), '0 B'],
    [octets(1023), '1023 B'],
    [octets(1024), '1 KiB'],
    [octets(1_572_864), '1.5 MiB'],
    [duration(0), '0'],
    [duration(0.0123), '12.3 µs'],
    [duration(3.456), '3.46 ms'],
    [duration(999.6), '1 s'],
    [duration(59_949), '59.9 s'],
    [duration(59_960), '1 min'],
    [duration(200_000), '3 min 20 s'],
    [duration(7_500_000), '2 h 5 min'],
    [duration(273_600_000), '3 d 4 h'],
    [afterHandshake(0), 'within a millisecond of the handshake'],
    [afterHandshake(1), '1 ms after the handshake'],
    [afterHandshake(200_000), '3 min 20 s after the handshake'],
    [percent(0.1234), '12.3 %'],
    [percent(1), '100 %'],
    [counted(1, 'frame'), '1 frame'],
    [counted(1200, 'frame'), '1,200 frames'],
    [closeCode(1000), '1000 normal'],
    [closeCode('4001'), '4001'],
    [clock(new Date(2030, 0, 31, 4, 5, 6, 7).getTime()), '04:05:06'],
    [clock(new Date(2030, 0, 31, 14, 5, 6, 7).getTime(), true), '14:05:06.007'],
  ]
  for (const [told, expected] of cases) it(`writes ${expected}`, () => assert.equal(told, expected))
})

describe('hex', () => {
  it('is read with what people put between octets', () => {
    assert.deepEqual(parseHex('00 01,fe:FF\n0x7f'), bytes(0, 1, 254, 255, 127))
    assert.deepEqual(parseHex(''), bytes())
    for (const text of ['0', 'xy', '0 00 ', '-1']) assert.equal(parseHex(text), undefined, text)
  })

  it('is drawn with text beside it', () => {
    const drawn = hexDump(
      Uint8Array.from('Hi, echo\n\u007f~ABCDEFG', character => character.charCodeAt(0)),
      16,
    )
    assert.deepEqual(drawn.split('\n'), [
      '0000  48 69 2c 20 65 63 68 6f 0a 7f 7e 41 42 43 44 45  Hi, echo..~ABCDE',
      `0010  46 47${' '.repeat(42)}  FG`,
    ])
    assert.equal(hexDump(bytes()), '')
  })

  it('survives being drawn and read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), octets => {
        const digits = hexDump(octets, 8)
          .split('\n')
          .map(line => line.slice(6, 29))
          .join(' ')
        assert.deepEqual(parseHex(digits), octets)
      }),
    )
  })
})

describe('payloads', () => {
  it('are generated as long as they are asked for, also beyond what random makes at once', () => {
    for (const content of ['letters', 'zeros', 'random'] as const)
      for (const size of [0, 1, 70_000]) assert.equal(generate(content, size, false).length, size)
    const random = generate('random', 70_000, false)
    assert.ok(new Set(random.subarray(66_000)).size > 200)
    assert.deepEqual(generate('letters', 38, false).subarray(34), bytes(0x38, 0x39, 0x61, 0x62))
  })

  it('are printable ASCII as text', () => {
    for (const content of ['letters', 'zeros', 'random'] as const)
      assert.ok(
        generate(content, 1000, true).every(octet => octet >= 0x30 && octet < 0x7f),
        content,
      )
  })

  it('are compared octet by octet', () => {
    assert.equal(firstDifference(bytes(1, 2), bytes(1, 2)), undefined)
    assert.equal(firstDifference(bytes(), bytes()), undefined)
    assert.equal(firstDifference(bytes(1, 2), bytes(1, 3)), 1)
    assert.equal(firstDifference(bytes(1, 2), bytes(1)), 1)
    assert.equal(firstDifference(bytes(), bytes(0)), 0)
  })
})

describe('expected echoes', () => {
  const filled = (...payloads: number[]) => {
    const expected = new Expected()
    for (const [i, payload] of payloads.entries())
      expected.add({ number: i + 1, isText: false, octets: bytes(payload), sentAt: 0 })
    return expected
  }

  it('are taken in their order', () => {
    const expected = filled(7, 7)
    for (const number of [1, 2]) {
      const match = expected.take(false, bytes(7))
      assert.ok(match.kind === 'same')
      assert.deepEqual([match.of.number, match.early], [number, false])
    }
    assert.deepEqual(expected.take(false, bytes(7)), { kind: 'unasked' })
  })

  it('may come before an earlier one', () => {
    const expected = filled(1, 2)
    const match = expected.take(false, bytes(2))
    assert.ok(match.kind === 'same')
    assert.deepEqual([match.of.number, match.early, expected.count], [2, true, 1])
  })

  it('are different from the oldest where they are like none', () => {
    const expected = filled(1, 2)
    const match = expected.take(false, bytes(1, 3))
    assert.ok(match.kind === 'different')
    assert.deepEqual([match.of.number, match.at, match.otherType, expected.count], [1, 1, false, 1])
  })

  it('are different when only their type is', () => {
    const match = filled(0x61).take(true, bytes(0x61))
    assert.ok(match.kind === 'different' && match.otherType)
  })

  it('are forgotten', () => {
    const expected = filled(1)
    expected.clear()
    assert.equal(expected.count, 0)
  })
})

describe('addresses', () => {
  it('name a view with its state', () => {
    assert.deepEqual(placeOf(''), { view: 'overview' })
    assert.deepEqual(placeOf('#/'), { view: 'overview' })
    assert.deepEqual(placeOf('#/connections/7'), { view: 'report', id: 7 })
    for (const hash of ['#/connections/x', '#/connections/', '#/nowhere', '#connections'])
      assert.deepEqual(placeOf(hash), { view: 'unknown' }, hash)
    const place = placeOf('#/connections?path=%2Fa%3Fb&state=open')
    assert.ok(place.view === 'connections')
    assert.deepEqual([place.query.get('path'), place.query.get('state')], ['/a?b', 'open'])
  })

  it('are written so that they are read back', () => {
    assert.equal(
      hashOf('/connections', [
        ['state', ''],
        ['path', ''],
      ]),
      '#/connections',
    )
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), url => {
        const place = placeOf(hashOf('/playground', [['url', url]]))
        assert.ok(place.view === 'playground')
        assert.equal(place.query.get('url'), url)
      }),
    )
  })
})
