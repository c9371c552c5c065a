// The ring of the last minutes: what is told is what was added, oldest first.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { History, type ToldHistory } from '../../../src/primary/history.js'

function rowsOf({ rows, at, values }: ToldHistory): number[][] {
  const columns = [at, ...values].map(differences => {
    let value = 0
    return Array.from({ length: rows }, (_, i) => {
      value += differences[i] ?? 0
      return value
    })
  })
  return Array.from({ length: rows }, (_, i) => columns.map(column => column[i]))
}

test('without rows there is nothing to tell', () => {
  assert.deepEqual(new History(2, 3).tell(), { rows: 0, at: [], values: [[], []] })
})

test('a column that stays is one number, and one that is zero none', () => {
  const history = new History(3, 10)
  for (let i = 1; i <= 4; i++) history.add(i, row => row.set([7, 0, i * i]))
  assert.deepEqual(history.tell(), { rows: 4, at: [1, 1, 1, 1], values: [[7], [], [1, 3, 5, 7]] })
})

test('a row is given back as it was written', () => {
  const history = new History(2, 1)
  const row = history.add(5, values => values.set([1, 2]))
  history.add(6, values => values.set([3, 4]))
  assert.deepEqual(row, { at: 5, values: [1, 2] })
})

test('the last rows are told, whatever they are and however many there were', () => {
  const row = fc.array(fc.integer({ min: 0, max: 2 ** 48 }), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (rows, capacity) => {
      const history = new History(3, capacity)
      for (const [i, values] of rows.entries()) history.add(1000 + 7 * i, into => into.set(values))
      const expected = rows.map((values, i) => [1000 + 7 * i, ...values]).slice(-capacity)
      assert.deepEqual(rowsOf(history.tell()), expected)
    }),
  )
})
