// Sizes and durations: what is read, what is not, and that formatting loses nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/units.js'

const SIZES: Record<string, number> = {
  '0': 0,
  '0B': 0,
  '1000': 1000,
  '512B': 512,
  '1kB': 1000,
  '64kB': 64_000,
  '1KiB': 1024,
  '3MB': 3_000_000,
  '16MiB': 16_777_216,
  '2GB': 2_000_000_000,
  '1GiB': 1_073_741_824,
}

const DURATIONS: Record<string, number> = { '0': 0, '0s': 0, '500ms': 500, '30s': 30_000, '2m': 120_000 }

for (const [text, octets] of Object.entries(SIZES)) {
  test(`${text} is ${octets} octets`, () => assert.equal(parseSize(text), octets))
}

for (const [text, milliseconds] of Object.entries(DURATIONS)) {
  test(`${text} is ${milliseconds} milliseconds`, () => assert.equal(parseDuration(text), milliseconds))
}

for (const text of [
  '',
  ' ',
  '-1',
  '+1',
  '1.5MiB',
  '1 MiB',
  '1K',
  '1KB',
  '1mib',
  '1kiB',
  'MiB',
  '0x10',
  '1e3',
  '1B1B',
  '٣',
]) {
  test(`"${text}" is no size`, () => assert.equal(parseSize(text), undefined))
}

for (const text of ['', '1', '1000', '-1s', '1.5s', '1 s', '1S', '1h', '1min', 's', '1m30s', '00', 'Infinity']) {
  test(`"${text}" is no duration`, () => assert.equal(parseDuration(text), undefined))
}

test('quantities that a number cannot hold exactly are refused', () => {
  assert.equal(parseSize('9007199254740991'), Number.MAX_SAFE_INTEGER)
  assert.equal(parseSize('9007199254740992'), undefined)
  assert.equal(parseSize('8388608GiB'), undefined)
  assert.equal(parseSize('9'.repeat(400)), undefined)
  assert.equal(parseDuration('9007199254741s'), undefined)
})

test('formatting takes the largest unit that is exact', () => {
  assert.deepEqual([0, 1000, 1024, 1025, 16_777_216, 2e9].map(formatSize), [
    '0',
    '1kB',
    '1KiB',
    '1025B',
    '16MiB',
    '2GB',
  ])
  assert.deepEqual([0, 1, 1500, 30_000, 120_000].map(formatDuration), ['0', '1ms', '1500ms', '30s', '2m'])
})

// Multiples of every unit, for plain integers are seldom any but octets and milliseconds.
const octets = fc
  .tuple(fc.nat(4096), fc.constantFrom(1, 1e3, 2 ** 10, 1e6, 2 ** 20, 1e9, 2 ** 30))
  .map(([count, unit]) => count * unit)
const milliseconds = fc.tuple(fc.nat(), fc.constantFrom(1, 1000, 60_000)).map(([count, unit]) => count * unit)

test('a formatted size reads as itself', () => {
  fc.assert(fc.property(fc.oneof(fc.maxSafeNat(), octets), n => assert.equal(parseSize(formatSize(n)), n)))
})

test('a formatted duration reads as itself', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), milliseconds), n => assert.equal(parseDuration(formatDuration(n)), n)),
  )
})

test('any text is read as a safe whole number or not at all', () => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}(B|kB|KiB|MB|MiB|GB|GiB|ms|s|m)?$/))
  fc.assert(
    fc.property(texts, text => {
      for (const quantity of [parseSize(text), parseDuration(text)]) {
        assert.ok(quantity === undefined || (Number.isSafeInteger(quantity) && quantity >= 0))
      }
    }),
  )
})
