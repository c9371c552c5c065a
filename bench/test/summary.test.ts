// What the JSON says of an experiment beside its rounds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BETTER_PEER, WS } from '../src/baselines.js'
import type { Outcome } from '../src/experiment.js'
import { summarize } from '../src/summary.js'

const cost = (cpuPerMessage: number): Outcome => ({ sample: { cpuPerMessage, p50: 100 * cpuPerMessage } })

test('medians of all figures, ratios of the leading ones to each baseline', () => {
  const summary = summarize({
    ...{ id: 'W1', title: 'ping-pong', apart: true, baselines: [WS, BETTER_PEER] },
    ...{ leads: ['cpuPerMessage'], figures: ['cpuPerMessage', 'p50', 'p99'] },
    variants: [
      { name: 'echobahn', outcomes: [cost(6), cost(8), { failure: 'no answer' }] },
      { name: 'ws', outcomes: [cost(12), cost(8), cost(1)] },
      { name: 'uws', outcomes: [cost(4), cost(4), cost(4)] },
    ],
  })
  assert.deepEqual(summary[0], {
    variant: 'echobahn',
    figures: {
      cpuPerMessage: { median: 7, least: 6, greatest: 8 },
      p50: { median: 700, least: 600, greatest: 800 },
    },
    ratios: [
      { figure: 'cpuPerMessage', baseline: 'ws', reference: 'ws', median: 0.75, least: 0.5, greatest: 1 },
      {
        ...{ figure: 'cpuPerMessage', baseline: 'the better of bun and uws', reference: 'uws' },
        ...{ median: 1.75, least: 1.5, greatest: 2 },
      },
    ],
  })
  assert.deepEqual(
    summary.map(({ variant }) => variant),
    ['echobahn', 'ws', 'uws'],
  )
})

test('without any baseline there are no ratios', () => {
  const [summary] = summarize({
    ...{ id: 'W1', title: 'ping-pong', apart: true, baselines: [WS, BETTER_PEER] },
    ...{ leads: ['cpuPerMessage'], figures: ['cpuPerMessage'] },
    variants: [{ name: 'echobahn', outcomes: [{ failure: 'no answer' }] }],
  })
  assert.deepEqual(summary, { variant: 'echobahn', figures: {}, ratios: [] })
})
