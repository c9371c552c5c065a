// A short run of the fuzzer with a seed of its own each time; what it finds comes back with `npm run fuzz`.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { Fuzz } from './fuzz.js'

const INPUTS = 22_000

test('decoder and codec agree with their oracles', async t => {
  const seed = randomInt(2 ** 31)
  t.diagnostic(`npm run fuzz -- --seed ${seed}`)
  const fuzz = new Fuzz(seed)
  for (let input = 0; input < INPUTS; input++) await fuzz.check(input)
  assert.equal(fuzz.streams + fuzz.messages, INPUTS)
  for (const verdict of ['whole', 'ECHOBAHN_INVALID_DEFLATE', 'ECHOBAHN_DEFLATE_TRUNCATED', 'ECHOBAHN_DEFLATE_TAIL'])
    assert.ok(fuzz.verdicts.has(verdict), `no message that is ${verdict}`)
})
