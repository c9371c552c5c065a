// wsload's histogram of latencies beside exact percentiles.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BENCH } from '../src/paths.js'
import { percentile } from '../src/statistics.js'

const SHARES = [0.001, 0.5, 0.9, 0.99, 0.999, 1]
/** Half a bucket of 128 for each power of two, and one rank. */
const TOLERANCE = 0.008

const folder = mkdtempSync(join(tmpdir(), 'echobahn-latency-'))
after(() => rmSync(folder, { recursive: true }))
const program = join(folder, 'latency-check')
const source = join(BENCH, 'wsload')
execFileSync('gcc', [
  `-I${source}`,
  '-o',
  program,
  join(BENCH, 'test/support/latency-check.c'),
  join(source, 'latency.c'),
])

function percentiles(values: readonly number[]): { of: number[]; mean: number } {
  const output = execFileSync(program, { input: values.join('\n'), encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number)
  return { of: output.slice(0, -1), mean: output[output.length - 1] }
}

test('values below 128 ns are exact', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1)
  assert.deepEqual(percentiles(values), { of: [1, 50, 90, 99, 100, 100], mean: 50.5 })
})

test('others are off by less than a bucket', () => {
  // Spread evenly over the powers of two from 100 ns to 100 s.
  const values = Array.from({ length: 5000 }, (_, index) => Math.round(100 * 10 ** ((9 * index) / 4999)))
  const { of, mean } = percentiles(values)
  for (const [index, value] of of.entries()) {
    const exact = percentile(values, SHARES[index])
    assert.ok(Math.abs(value - exact) <= TOLERANCE * exact, `${SHARES[index]}: ${value}, not ${exact}`)
  }
  const exactMean = values.reduce((sum, value) => sum + value) / values.length
  assert.ok(Math.abs(mean - exactMean) < 1)
})

test('no percentile is above the greatest value', () => {
  assert.deepEqual(percentiles([1000]).of, [1000, 1000, 1000, 1000, 1000, 1000])
})

test('nothing has percentiles of 0', () => {
  assert.deepEqual(percentiles([]), { of: [0, 0, 0, 0, 0, 0], mean: 0 })
})
