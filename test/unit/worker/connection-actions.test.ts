// What an admin does to open connections: on which, and whether it could be done.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Archive } from '../../../src/report/archive.js'
import type { Connection } from '../../../src/worker/connection.js'
import { ConnectionActions } from '../../../src/worker/connection-actions.js'

const FILTER = { sort: 'newest', limit: 10 } as const

function bench() {
  const done: unknown[][] = []
  const connection = (id: number, can: boolean) => ({
    id,
    goAwayNow: (...args: unknown[]) => done.push([id, 'close', ...args]) > 0 && can,
    say: (opcode: number, payload: Buffer) => done.push([id, 'say', opcode, String(payload)]) > 0 && can,
    reset: () => void done.push([id, 'reset']),
  })
  const connections = new Map([1, 2, 3].map(id => [id, connection(id, id !== 2) as unknown as Connection]))
  const archive = { openMatching: () => [3, 2, 9] } as unknown as Archive
  return { actions: new ConnectionActions(connections, archive), done }
}

test('a Close is said with its code and reason; who could not is named apart', () => {
  const { actions, done } = bench()
  assert.deepEqual(actions.act({ filter: FILTER }, { act: 'close', code: 4001, reason: 'enough' }), {
    done: [3],
    busy: [2],
  })
  assert.deepEqual(done, [
    [3, 'close', 4001, 'enough'],
    [2, 'close', 4001, 'enough'],
  ])
})

test('a ping is empty, a message is as it is, and an abort always works', () => {
  const { actions, done } = bench()
  assert.deepEqual(actions.act({ id: 1 }, { act: 'ping' }), { done: [1], busy: [] })
  const payload = Buffer.from('text').toString('base64')
  assert.deepEqual(actions.act({ id: 2 }, { act: 'send', opcode: 1, payload }), { done: [], busy: [2] })
  assert.deepEqual(actions.act({ id: 2 }, { act: 'abort' }), { done: [2], busy: [] })
  assert.deepEqual(actions.act({ id: 9 }, { act: 'abort' }), { done: [], busy: [] })
  assert.deepEqual(done, [
    [1, 'say', 9, ''],
    [2, 'say', 1, 'text'],
    [2, 'reset'],
  ])
})
