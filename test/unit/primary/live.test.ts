// What the console's pages are told, and when: a row a second, changes of states gathered.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LiveState } from '../../../src/admin/view.js'
import { SERIES_COUNT } from '../../../src/metrics/layout.js'
import { Live } from '../../../src/primary/live.js'

interface Told {
  readonly type: string
  readonly at?: number
  readonly values?: readonly number[]
  readonly state: LiveState
}

function bench(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_700_000_000_000 })
  const told: Told[] = []
  const state: LiveState = { readiness: 'ready', reloading: false, workers: [] }
  const totals = { values: new Float64Array(SERIES_COUNT), gauge: () => 0, websockets: 3 }
  const sources = { totals, connections: { openByWorker: () => new Map() }, workers: 1 }
  const live = new Live(sources, () => state, { publish: message => void told.push(message as Told) })
  return { live, told, state, totals }
}

test('it begins with a row, and adds one each second', t => {
  const { live, told, state, totals } = bench(t)
  live.start()
  assert.deepEqual([told.length, told[0].type, told[0].state], [1, 'row', state])
  totals.websockets = 5
  t.mock.timers.tick(999)
  assert.equal(told.length, 1)
  t.mock.timers.tick(1)
  assert.equal(told.length, 2)
  const { columns } = live.tell() as { columns: readonly { name: string }[] }
  const at = columns.findIndex(({ name }) => name === 'websockets')
  assert.deepEqual([told[0].values?.[at], told[1].values?.[at]], [3, 5])
  t.mock.timers.tick(3000)
  assert.equal(told.length, 5)
})

test('changes of states are told together, 50 ms after the first', t => {
  const { live, told, state } = bench(t)
  live.stateChanged()
  t.mock.timers.tick(30)
  live.stateChanged()
  t.mock.timers.tick(19)
  assert.deepEqual(told, [])
  t.mock.timers.tick(1)
  assert.deepEqual(told, [{ type: 'state', state }])
  t.mock.timers.tick(1000)
  assert.equal(told.length, 1)
  live.stateChanged()
  t.mock.timers.tick(50)
  assert.equal(told.length, 2)
})

test('a page begins with columns, history and state; there are 15 minutes of it', t => {
  const { live, state } = bench(t)
  live.start()
  const tell = () =>
    live.tell() as { columns: unknown[]; history: { rows: number; values: unknown[] }; state: LiveState }
  assert.deepEqual([tell().state, tell().history.rows], [state, 1])
  assert.equal(tell().history.values.length, tell().columns.length)
  t.mock.timers.tick(2000)
  assert.equal(tell().history.rows, 3)
  t.mock.timers.tick(1_000_000)
  assert.equal(tell().history.rows, 900)
})
