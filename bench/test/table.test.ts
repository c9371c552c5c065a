// What a reader of the tables sees: medians, ratios of pairs, wide spreads and failures.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExperimentResult, Outcome } from '../src/experiment.js'
import { renderExperiment, renderResults, renderSpread } from '../src/table.js'

const cost = (cpuPerMessage: number): Outcome => ({ sample: { cpuPerMessage, p50: 1200 } })

function result(variants: Record<string, readonly Outcome[]>, apart = true): ExperimentResult {
  return {
    ...{ id: 'W1', title: 'ping-pong', baseline: 'ws', apart },
    leads: ['cpuPerMessage'],
    figures: ['cpuPerMessage', 'p50'],
    variants: Object.entries(variants).map(([name, outcomes]) => ({ name, outcomes })),
  }
}

test('a leading figure has its range and its ratio to the baseline of the same round', () => {
  const text = renderExperiment(result({ echobahn: [cost(5), cost(12)], ws: [cost(10), cost(20)] }))
  assert.deepEqual(text.split('\n'), [
    '### W1: ping-pong',
    '',
    '|  | CPU µs/message | p50 µs | CPU µs/message: ratio to ws |',
    '| --- | ---: | ---: | ---: |',
    '| echobahn | 8.50 (5.00–12.00, wide) | 1,200 | 0.55 (0.50–0.60) |',
    '| ws | 15.00 (10.00–20.00, wide) | 1,200 | 1.00 |',
  ])
})

test('without the baseline there is no ratio', () => {
  const text = renderResults([result({ echobahn: [cost(5)] })])
  assert.doesNotMatch(text, /ratio/)
})

test('a failed round is named, and the others count', () => {
  const text = renderExperiment(result({ echobahn: [{ failure: 'no answer' }, cost(5)], ws: [cost(10), cost(10)] }))
  assert.match(text, /^\| echobahn \| 5\.00 \| 1,200 \| 0\.50 \|$/m)
  assert.match(text, /^- echobahn, round 1: FAILED: no answer$/m)
})

test('a figure that no round has is a dash', () => {
  assert.match(renderExperiment(result({ ws: [{ sample: { p50: 3 } }] })), /^\| ws \| – \| 3 \| – \|$/m)
})

test('shared cores are said', () => {
  assert.match(renderExperiment(result({ ws: [cost(1)] }, false)), /share cores/)
})

test('the ratios of W1–W7 stand beside their targets', () => {
  const text = renderResults([result({ echobahn: [cost(5)], ws: [cost(10)] })])
  assert.match(text, /^\| {2}\| W1 \|$/m)
  assert.match(text, /^\| echobahn \| 0\.50 \|$/m)
  assert.match(text, /^\| echobahn, at most \| 0\.88 \|$/m)
})

test('a spread without extent is one number', () => {
  assert.equal(renderSpread({ median: 1234.5, least: 1234.5, greatest: 1234.5 }, 1), '1,234.5')
})
