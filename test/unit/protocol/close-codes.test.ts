// Close codes against the ranges of RFC 6455 section 7.4 and IANA's registry, code by code.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_CODE_LABELS, closeCodeLabel, isValidCloseCode } from '../../../src/protocol/close-codes.js'

const VALID_RANGES = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
]

test('a Close frame may carry exactly 1000–1003, 1007–1014 and 3000–4999', () => {
  for (let code = 0; code <= 0xffff; code++) {
    const expected = VALID_RANGES.some(([first, last]) => code >= first && code <= last)
    assert.equal(isValidCloseCode(code), expected, String(code))
  }
})

test('what is not a 16-bit integer is no close code', () => {
  for (const code of [-1, 3000.5, 4000.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(isValidCloseCode(code), false, String(code))
    assert.equal(closeCodeLabel(code), 'other', String(code))
  }
})

const LABELS: readonly [number, string][] = [
  [1000, '1000'],
  [1003, '1003'],
  [1004, 'other'],
  [1005, '1005'],
  [1006, '1006'],
  [1007, '1007'],
  [1014, '1014'],
  [1015, 'other'],
  [999, 'other'],
  [2999, 'other'],
  [3000, '3xxx'],
  [3999, '3xxx'],
  [4000, '4xxx'],
  [4999, '4xxx'],
  [5000, 'other'],
]

for (const [code, label] of LABELS) {
  test(`close code ${code} counts as ${label}`, () => assert.equal(closeCodeLabel(code), label))
}

test('the labels of all codes are exactly CLOSE_CODE_LABELS, each once', () => {
  const seen = new Set<string>()
  for (let code = 0; code <= 0xffff; code++) seen.add(closeCodeLabel(code))
  assert.deepEqual([...seen].sort(), [...CLOSE_CODE_LABELS].sort())
})
