// Requests on streams that wait for the primary's word: asked for together, answered each, whatever became of the session.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenStreams } from '../../../src/messages.js'
import { StreamRequests } from '../../../src/worker/stream-requests.js'

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function bench() {
  const sent: OpenStreams['streams'][] = []
  const opened: string[] = []
  const requests = new StreamRequests(({ streams }) => void sent.push(streams))
  const ask = (session: number, name: string): void =>
    requests.ask(session, { onOpened: (id, admission) => void opened.push(`${name} ${id} ${admission}`) })
  return { requests, sent, opened, ask }
}

test('those of one turn are asked for together', async () => {
  const { requests, sent, ask } = bench()
  ask(7, 'a')
  ask(7, 'b')
  ask(9, 'c')
  assert.deepEqual([sent, requests.size], [[], 3])
  await nextTurn()
  ask(9, 'd')
  await nextTurn()
  assert.deepEqual(sent, [
    [
      { request: 1, session: 7 },
      { request: 2, session: 7 },
      { request: 3, session: 9 },
    ],
    [{ request: 4, session: 9 }],
  ])
})

test('each is told its number, once', async () => {
  const { requests, opened, ask } = bench()
  ask(7, 'a')
  ask(7, 'b')
  await nextTurn()
  requests.opened([
    { request: 2, id: 11, admission: 0 },
    { request: 1, id: 12, admission: 503 },
  ])
  requests.opened([{ request: 1, id: 13, admission: 0 }])
  assert.deepEqual([opened, requests.size], [['b 11 0', 'a 12 503'], 0])
})

test('nothing is asked for a session that is gone; what was asked is still answered', async () => {
  const { requests, sent, opened, ask } = bench()
  ask(7, 'asked')
  await nextTurn()
  ask(7, 'fresh')
  ask(9, 'other')
  requests.forget(7)
  assert.equal(requests.size, 2)
  await nextTurn()
  assert.deepEqual(sent[1], [{ request: 3, session: 9 }])
  requests.opened([{ request: 1, id: 11, admission: 0 }])
  assert.deepEqual([opened, requests.size], [['asked 11 0'], 1])
})

test('with nothing left to ask nothing is sent', async () => {
  const { requests, sent, ask } = bench()
  ask(7, 'fresh')
  requests.forget(7)
  await nextTurn()
  assert.deepEqual([sent, requests.size], [[], 0])
})
