import assert from 'node:assert/strict'
import { test } from 'node:test'
import { residentMemory } from '../../../src/worker/resident-memory.js'

test('without a file descriptor to ask with, the resident memory is what it was', () => {
  assert.ok(residentMemory() > 1024 * 1024)
  assert.equal(
    residentMemory(() => 4711),
    4711,
  )
  const fail = (): number => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  }
  assert.equal(residentMemory(fail), 4711)
})
