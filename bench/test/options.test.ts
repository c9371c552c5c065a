// The command line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allExperiments, EXPERIMENT_IDS } from '../src/experiments.js'
import { parseOptions, UsageError } from '../src/options.js'

test('defaults: everything, five rounds of two seconds, one worker', () => {
  const { only, peers, rounds, seconds, workers, client } = parseOptions([])
  assert.deepEqual(only, EXPERIMENT_IDS)
  assert.deepEqual(peers, ['echobahn', 'ws', 'ws-cluster', 'bun', 'uws'])
  assert.deepEqual({ rounds, seconds, workers, client }, { rounds: 5, seconds: 2, workers: 1, client: 'wsload' })
})

test('lists choose, in the order in which things run', () => {
  const { only, peers } = parseOptions(['--only', 'idle,A2,W5,W1', '--peers', 'ws,echobahn'])
  assert.deepEqual(only, ['W1', 'W5', 'A2', 'idle'])
  assert.deepEqual(peers, ['echobahn', 'ws'])
})

for (const argv of [
  ['--only', 'W99'],
  ['--peers', 'nginx'],
  ['--rounds', '0'],
  ['--seconds', '1.5'],
  ['--client', 'c'],
  ['--fast'],
  ['W1'],
])
  test(`${argv.join(' ')} is refused`, () => {
    assert.throws(() => parseOptions(argv), UsageError)
  })

test('every id names an experiment, in their order', () => {
  const plan = { peers: ['echobahn', 'ws'], workers: 1, span: { seconds: 1, warmup: 1 } } as const
  const ids = allExperiments(plan).map(({ id }) => id)
  assert.deepEqual(EXPERIMENT_IDS, [...new Set(ids)])
})
