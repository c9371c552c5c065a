// The columns of the console against the exposition: the same names, labels and values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PREFIX, WORKER_GAUGES } from '../../../src/metrics/catalogue.js'
import { createRegistry } from '../../../src/metrics/exposition.js'
import { SERIES_COUNT } from '../../../src/metrics/layout.js'
import { LiveColumns } from '../../../src/primary/live-columns.js'
import { Totals } from '../../../src/primary/totals.js'
import { parseExposition } from '../../support/exposition.js'

const WORKERS = 2
const CONNECTIONS = {
  opened: 0,
  ended: { closed: 0, lost: 0 },
  shortages: { turned_away: 0, accept_failed: 0, undelivered: 0 },
  openByWorker: () => new Map([[2, 5]]),
}

/** Every series and gauge has another value. */
function filledTotals(): Totals {
  const totals = new Totals(() => 0)
  for (const worker of [1, 2]) {
    const deltas = Array.from({ length: SERIES_COUNT }, (_, i) => [i, worker * (i + 1)]).flat()
    const gauges = WORKER_GAUGES.map((_, i) => worker * (i + 0.25))
    totals.add(worker, worker, { type: 'snapshot', question: 0, deltas, gauges })
  }
  return totals
}

test('every column is a series of /metrics with the same value', async () => {
  const totals = filledTotals()
  const columns = new LiveColumns({ totals, connections: CONNECTIONS, workers: WORKERS })
  const row = new Float64Array(columns.columns.length)
  columns.read(row)
  const fleet = {
    workersByState: () => ({ starting: 0, ready: 2, unresponsive: 0, leaving: 0 }),
    restartsByReason: () => ({ exit: 0, signal: 0, start_failed: 0, reload: 0 }),
  }
  const limits = { max_connections: 0, codec_queue: 0, memory_budget: 0 }
  const sources = { totals, fleet, connections: CONNECTIONS, workers: WORKERS, limits, version: '0' }
  const series = parseExposition(await createRegistry(sources).metrics())

  let sum = 0
  for (const [i, { name, labels, scale }] of columns.columns.entries()) {
    const isBucket = name.endsWith('_bucket')
    sum = isBucket && labels.le !== '0.000001' ? sum + row[i] : row[i]
    const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    const key = `${PREFIX}${name}${text.length === 0 ? '' : `{${text.join(',')}}`}`
    const value = series.get(key)
    assert.ok(value !== undefined, key)
    assert.ok(Math.abs((isBucket ? sum : row[i]) * scale - value) < 1e-6, key)
    assert.ok(scale === 1 || Number.isInteger(row[i]), key)
  }
  const names = new Set(columns.columns.map(({ name }) => name))
  assert.equal(names.size, 19)
})
