// The catalogue of workloads.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WORKLOADS, workload } from '../src/workloads.js'

test('no two have the same id, and none aims at less than it must', () => {
  assert.equal(new Set(WORKLOADS.map(({ id }) => id)).size, WORKLOADS.length)
  for (const { id, bound } of WORKLOADS) assert.ok((bound.aim ?? 0) <= bound.atMost, id)
})

test('A1–A4 are the shapes of the HttpArena leaderboard', () => {
  const shapes = ['A1', 'A2', 'A3', 'A4'].map(id => workload(id).load)
  assert.deepEqual(
    shapes.map(({ connections, depth, octets, opcode }) => [connections, depth, octets, opcode]),
    [
      [512, 1, 5, 'text'],
      [4096, 1, 5, 'text'],
      [512, 16, 5, 'text'],
      [4096, 16, 5, 'text'],
    ],
  )
})

test('W8 is W1 over TLS', () => {
  assert.deepEqual(workload('W8').load, { ...workload('W1').load, tls: true })
})
