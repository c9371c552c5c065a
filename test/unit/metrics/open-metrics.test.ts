import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toOpenMetrics } from '../../../src/metrics/open-metrics.js'

test('counters lose _total in their family alone, quotes are escaped, and the end is marked', () => {
  const text = [
    '# HELP a_total The "whole".',
    '# TYPE a_total counter',
    'a_total{b="c d"} 1',
    '',
    '# HELP g_total A gauge.',
    '# TYPE g_total gauge',
    'g_total 2',
    '',
  ].join('\n')
  assert.equal(
    toOpenMetrics(text),
    [
      '# HELP a The \\"whole\\".',
      '# TYPE a counter',
      'a_total{b="c d"} 1',
      '# HELP g_total A gauge.',
      '# TYPE g_total gauge',
      'g_total 2',
      '# EOF',
      '',
    ].join('\n'),
  )
})
