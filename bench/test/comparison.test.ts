// Ratios to a baseline: which variant it is, and what the others are beside it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BETTER_PEER, baselineOf, WS } from '../src/baselines.js'
import { compare } from '../src/comparison.js'
import type { Outcome, VariantResult } from '../src/experiment.js'
import type { FigureName } from '../src/figures.js'

function variant(name: string, figure: FigureName, values: readonly (number | undefined)[]): VariantResult {
  const outcome = (value: number | undefined): Outcome => {
    return value === undefined ? { failure: 'no answer' } : { sample: { [figure]: value } }
  }
  return { name, outcomes: values.map(outcome) }
}

const cost = (name: string, ...values: (number | undefined)[]) => variant(name, 'cpuPerMessage', values)

test('the better of two is the one with the lower median, in every round', () => {
  // bun is the better one in the first round, but not in the run.
  const variants = [cost('echobahn', 12, 12, 12), cost('bun', 8, 12, 20), cost('uws', 10, 10, 10)]
  const comparison = compare(variants, 'cpuPerMessage', BETTER_PEER)
  assert.equal(comparison?.reference, 'uws')
  assert.deepEqual(comparison?.ratios.get('echobahn'), { median: 1.2, least: 1.2, greatest: 1.2 })
  assert.deepEqual(comparison?.ratios.get('bun'), { median: 1.2, least: 0.8, greatest: 2 })
  assert.deepEqual(comparison?.ratios.get('uws'), { median: 1, least: 1, greatest: 1 })
})

test('ratios are of pairs: what slows a whole round down is not seen', () => {
  const comparison = compare(
    [cost('echobahn', 5, 50), cost('bun', 10, 100), cost('ws', 1, 1)],
    'cpuPerMessage',
    BETTER_PEER,
  )
  assert.deepEqual(comparison?.ratios.get('echobahn'), { median: 0.5, least: 0.5, greatest: 0.5 })
})

test('of a rate the higher one is better', () => {
  const rate = (name: string, value: number) => variant(name, 'handshakesPerSecond', [value])
  const comparison = compare([rate('bun', 300), rate('uws', 200), rate('ws', 150)], 'handshakesPerSecond', BETTER_PEER)
  assert.equal(comparison?.reference, 'bun')
  assert.equal(comparison?.ratios.get('ws')?.median, 0.5)
})

test('one of two that was not measured, or always failed, leaves the other', () => {
  const alone = compare([cost('echobahn', 5), cost('uws', 10)], 'cpuPerMessage', BETTER_PEER)
  assert.equal(alone?.reference, 'uws')
  const failed = compare([cost('bun', undefined), cost('uws', 10)], 'cpuPerMessage', BETTER_PEER)
  assert.equal(failed?.reference, 'uws')
  assert.equal(failed?.ratios.has('bun'), false)
})

test('without the baseline there is nothing to compare with', () => {
  assert.equal(compare([cost('echobahn', 5)], 'cpuPerMessage', BETTER_PEER), undefined)
  assert.equal(compare([cost('echobahn', 5), cost('ws', undefined)], 'cpuPerMessage', WS), undefined)
})

test('any variant can be a baseline', () => {
  assert.deepEqual(baselineOf('auto'), { name: 'auto', bestOf: ['auto'] })
})
