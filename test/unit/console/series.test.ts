// The console's numbers: what the feed tells, rates and quantiles of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Series } from '../../../src/console/series.js'
import { History } from '../../../src/primary/history.js'

const COUNT = { name: 'count_total', labels: { way: 'in' }, scale: 1 }
const OTHER = { name: 'count_total', labels: { way: 'out' }, scale: 1 }
const SECONDS = { name: 'busy_seconds_total', labels: {}, scale: 1e-6 }

/** Rows 1 s apart, from 0 on. */
function told(rows: readonly (readonly number[])[]) {
  const history = new History(rows[0].length, 900)
  for (const [i, values] of rows.entries()) history.add(1000 * i, row => row.set(values))
  return history.tell()
}

test('what the service tells is read as it was', () => {
  const series = new Series(
    [COUNT, SECONDS],
    told([
      [5, 1_000_000],
      [5, 1_500_000],
      [8, 1_500_000],
    ]),
  )
  assert.deepEqual(series.at, [0, 1000, 2000])
  assert.deepEqual(series.sums([0]), [5, 5, 8])
  assert.deepEqual(series.sums([1]), [1, 1.5, 1.5])
})

test('rows that come are added, and the oldest make room after 15 minutes', () => {
  const series = new Series([COUNT, SECONDS], told([[0, 0]]))
  for (let i = 1; i <= 1000; i++) series.add({ at: 1000 * i, values: [i, 2e6 * i] })
  assert.deepEqual([series.length, series.at[0], series.at.at(-1)], [900, 101_000, 1_000_000])
  assert.deepEqual([series.sum([0]), series.sum([0], 0), series.sum([1])], [1000, 101, 2000])
})

test('columns are found by name and labels, and summed', () => {
  const series = new Series([COUNT, OTHER, SECONDS], told([[1, 2, 3]]))
  assert.deepEqual(series.find('count_total'), [0, 1])
  assert.deepEqual(series.find('count_total', { way: 'out' }), [1])
  assert.deepEqual(series.find('count_total', { way: 'up' }), [])
  assert.equal(series.sum([0, 1]), 3)
  assert.equal(series.sum([]), 0)
})

test('a rate is growth over the time that it took, and never below zero', () => {
  const series = new Series([COUNT], told([[0], [10], [10], [4]]))
  assert.deepEqual(series.rates([0]), [null, 10, 0, 0])
  series.add({ at: 7000, values: [24] })
  assert.equal(series.rates([0])[4], 5)
  assert.equal(series.rate([0], 4, 4), 24 / 7)
})

const bucket = (le: string, compressed: string) => ({ name: 'h_bucket', labels: { le, compressed }, scale: 1 })
const HISTOGRAM = ['false', 'true'].flatMap(compressed => ['1', '2', '4', '+Inf'].map(le => bucket(le, compressed)))

test('a quantile is of what came in the rows before, over all series, spread evenly in its bucket', () => {
  const before = [100, 0, 0, 0, 100, 0, 0, 0]
  const series = new Series(HISTOGRAM, told([before, [100, 4, 0, 0, 100, 4, 2, 0]]))
  const places = series.find('h_bucket')
  assert.equal(series.quantile(places, 0.4), 1.5)
  assert.equal(series.quantile(places, 0.8), 2)
  assert.equal(series.quantile(places, 0.9), 3)
  assert.equal(series.quantile(places, 1), 4)
})

test('a quantile beyond the last bound is that bound, and of nothing there is none', () => {
  const series = new Series(
    HISTOGRAM,
    told([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 3, 0, 0, 0, 0],
    ]),
  )
  const places = series.find('h_bucket')
  assert.equal(series.quantile(places, 0.5), 4)
  assert.equal(series.quantile(places, 0.5, 0), null)
  series.add({ at: 2000, values: [0, 0, 0, 3, 0, 0, 0, 0] })
  assert.equal(series.quantile(places, 0.5, 2, 1), null)
})
