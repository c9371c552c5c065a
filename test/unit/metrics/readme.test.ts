// The table of metrics has every metric.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderMetricsTable } from '../../support/metrics-table.js'

test('the table has a line for each metric, with as many cells as the head', () => {
  const [head, , ...lines] = renderMetricsTable().split('\n')
  const cells = head.split('|').length
  for (const line of lines) assert.equal(line.split('|').length, cells, line)
  const names = lines.map(line => line.match(/`(.+?)`/)?.[1])
  assert.ok(names.includes('echobahn_frames_total'))
  assert.ok(names.includes('echobahn_worker_cpu_seconds_total'))
  assert.ok(names.includes('echobahn_build_info'))
  assert.equal(new Set(names).size, names.length)
})
