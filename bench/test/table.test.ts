// What a reader of the tables sees: medians, ratios of pairs, wide spreads and failures.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BETTER_PEER, WS } from '../src/baselines.js'
import type { ExperimentResult, Outcome } from '../src/experiment.js'
import { renderExperiment, renderResults, renderSpread } from '../src/table.js'

const cost = (cpuPerMessage: number): Outcome => ({ sample: { cpuPerMessage, p50: 1200 } })

function result(variants: Record<string, readonly Outcome[]>, apart = true, id = 'W1'): ExperimentResult {
  return {
    ...{ id, title: 'ping-pong', baselines: [WS, BETTER_PEER], apart },
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

test('a figure and a ratio that no round has are dashes', () => {
  const text = renderExperiment(result({ echobahn: [{ sample: { p50: 3 } }], ws: [cost(1)] }))
  assert.match(text, /^\| echobahn \| – \| 3 \| – \|$/m)
})

test('shared cores are said', () => {
  assert.match(renderExperiment(result({ ws: [cost(1)] }, false)), /share cores/)
})

test('the better of two baselines is named', () => {
  const text = renderExperiment(result({ echobahn: [cost(5)], ws: [cost(10)], bun: [cost(4)], uws: [cost(3)] }))
  assert.match(text, /\| CPU µs\/message: ratio to ws \| CPU µs\/message: ratio to uws, the better of bun and uws \|/)
  assert.match(text, /^\| echobahn \| 5\.00 \| 1,200 \| 0\.50 \| 1\.67 \|$/m)
})

test('before all others stand the ratios of the workloads: to the better peer with bounds, then to ws', () => {
  const text = renderResults([
    result({ echobahn: [cost(5)], ws: [cost(10)], bun: [cost(4)], uws: [cost(8)] }, true, 'A3'),
    result({ echobahn: [cost(6)], ws: [cost(10)], bun: [cost(4)], uws: [cost(3)] }),
    result({ echobahn: [cost(7)], ws: [cost(10)] }, true, 'idle'),
  ])
  assert.deepEqual(text.split('\n').slice(0, 24), [
    '### CPU per message, ratio to the better of bun and uws in the same rounds',
    '',
    '|  | W1 | A3 |',
    '| --- | ---: | ---: |',
    '| echobahn | 2.00 | 1.25 |',
    '| ws | 3.33 | 2.50 |',
    '| bun | 1.33 | 1.00 |',
    '| uws | 1.00 | 2.00 |',
    '| ratios are to | uws | bun |',
    '| echobahn, at most | 1.20 | 1.10 |',
    '| echobahn, aim | 1.10 | 0.95 |',
    '',
    '### CPU per message, ratio to ws in the same rounds',
    '',
    '|  | W1 | A3 |',
    '| --- | ---: | ---: |',
    '| echobahn | 0.60 | 0.50 |',
    '| ws | 1.00 | 1.00 |',
    '| bun | 0.40 | 0.40 |',
    '| uws | 0.30 | 0.80 |',
    '',
    '### A3: ping-pong',
    '',
    '|  | CPU µs/message | p50 µs | CPU µs/message: ratio to ws | CPU µs/message: ratio to bun, the better of bun and uws |',
  ])
})

test('a bound to ws stands in the table of ratios to ws', () => {
  const text = renderResults([result({ echobahn: [cost(5)], ws: [cost(10)] }), result({ ws: [cost(10)] }, true, 'W8')])
  assert.match(text, /^\| {2}\| W1 \| W8 \|$/m)
  assert.match(text, /^\| echobahn, at most \| – \| 1\.05 \|$/m)
  assert.doesNotMatch(text, /aim/)
})

test('a small ratio has three decimals', () => {
  assert.match(renderExperiment(result({ echobahn: [cost(1)], ws: [cost(16)] })), /\| 0\.063 \|$/m)
})

test('a spread without extent is one number', () => {
  assert.equal(renderSpread({ median: 1234.5, least: 1234.5, greatest: 1234.5 }, 1), '1,234.5')
})
