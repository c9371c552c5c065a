// Medians, pairs of a round, spread and percentiles.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWide, median, pairRatios, percentile, spreadOf } from '../src/statistics.js'

test('the median is the middle value, or between the two middle ones', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([10, 1, 2, 9]), 5.5)
  assert.equal(median([]), Number.NaN)
})

test('a ratio compares the figures of one round', () => {
  // The second round was twice as slow for both: neither ratio shows it.
  assert.deepEqual(pairRatios([5, 12], [10, 20]), [0.5, 0.6])
})

test('a round in which either figure is missing has no ratio', () => {
  assert.deepEqual(pairRatios([5, undefined, 6], [10, 10, undefined]), [0.5])
  assert.deepEqual(pairRatios([5], [0]), [])
})

test('a spread is wide when its range is above a fifth of its median', () => {
  assert.equal(isWide({ median: 10, least: 9, greatest: 11 }), false)
  assert.equal(isWide({ median: 10, least: 8.9, greatest: 11 }), true)
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, greatest: 3 })
  assert.equal(spreadOf([]), undefined)
})

test('a percentile is the value of the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0.99), 99)
  assert.equal(percentile(hundred, 1), 100)
  assert.equal(percentile([7], 0.001), 7)
  assert.equal(percentile([], 0.5), 0)
})
