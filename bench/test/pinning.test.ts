// Cores: reading Linux's lists, and who gets which.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCoreList, pinned, place } from '../src/pinning.js'

test('a list of cores holds single ones and ranges', () => {
  assert.deepEqual(parseCoreList('0-2,5,8-9'), [0, 1, 2, 5, 8, 9])
  assert.deepEqual(parseCoreList('3'), [3])
  assert.deepEqual(parseCoreList(''), [])
})

test('the server gets the first cores, the client the others', () => {
  assert.deepEqual(place([0, 1, 4, 5], 1), { server: [0], client: [1, 4, 5], apart: true })
})

test('with no core left the client runs on all', () => {
  assert.deepEqual(place([0, 1], 2), { server: [0, 1], client: [0, 1], apart: false })
})

test('a command is kept on its cores, or left alone', () => {
  assert.deepEqual(pinned([1, 3], ['node', 'x.js']), ['taskset', '-c', '1,3', 'node', 'x.js'])
  assert.deepEqual(pinned([], ['node', 'x.js']), ['node', 'x.js'])
})
