// Openings that wait for the primary's word on their client's address.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { AdmitClients } from '../../../src/messages.js'
import { ClientClaims } from '../../../src/worker/client-claims.js'

function bench() {
  const sent: AdmitClients[] = []
  const told: string[] = []
  const claims = new ClientClaims(message => sent.push(message))
  const ask = (opening: number, address = 'a'): void =>
    claims.ask(opening, address, admission => void told.push(`${opening} ${admission}`))
  return { claims, sent, told, ask }
}

test('what is found in one turn is asked for together, and answered to each', async () => {
  const { claims, sent, told, ask } = bench()
  ask(1, 'a')
  ask(2, 'b')
  assert.deepEqual(sent, [])
  await setImmediate()
  ask(3, 'c')
  await setImmediate()
  assert.deepEqual(sent, [
    {
      type: 'admit-clients',
      clients: [
        { opening: 1, address: 'a' },
        { opening: 2, address: 'b' },
      ],
    },
    { type: 'admit-clients', clients: [{ opening: 3, address: 'c' }] },
  ])
  const answer = [2, 1, 3, 4].map(opening => ({ opening, admission: opening === 1 ? (429 as const) : (0 as const) }))
  assert.equal(claims.answered(answer), 1)
  assert.deepEqual(told, ['2 0', '1 429', '3 0'])
  assert.equal(claims.answered(answer), 0)
})

test('for who is gone nothing is asked, and no answer is told or counted', async () => {
  const { claims, sent, told, ask } = bench()
  ask(1)
  claims.forget(1)
  await setImmediate()
  assert.deepEqual(sent, [])
  ask(2)
  await setImmediate()
  claims.forget(2)
  assert.equal(claims.answered([{ opening: 2, admission: 429 }]), 0)
  assert.deepEqual(told, [])
})
