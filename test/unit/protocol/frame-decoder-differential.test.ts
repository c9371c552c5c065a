// Our decoder against the receiver of `ws`: random streams of frames, whole and damaged, cut anywhere.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { COMPRESSION, compare, DIFFERENCES, ourOutcome, PLAIN } from '../../support/decoder-oracle.js'
import { damagedStreams, legalStreams, wildStreams } from '../../support/frame-streams.js'

for (const difference of DIFFERENCES) {
  test(`ws differs: ${difference.reason} (${difference.rule})`, async () => {
    const { example, rules } = difference
    assert.equal(await compare(example, [], rules), difference)
    for (let cut = 0; cut <= example.length; cut++) assert.equal(await compare(example, [cut], rules), difference)
  })
}

const cuts = fc.array(fc.nat(2 ** 20), { maxLength: 8 })
const compression = fc.boolean()

test('legal streams give what was sent, as they do with ws', async () => {
  const streams = compression.chain(on => fc.tuple(fc.constant(on ? COMPRESSION : PLAIN), legalStreams(on), cuts))
  await fc.assert(
    fc.asyncProperty(streams, async ([rules, { frames, events }, cuts]) => {
      const octets = Buffer.concat(frames)
      const ours = ourOutcome(octets, cuts, rules)
      assert.deepEqual(ours.outcome, { events, refusal: undefined })
      assert.equal(await compare(octets, cuts, rules), undefined)
    }),
    { numRuns: 400 },
  )
})

test('damaged streams end as they do with ws', async () => {
  const streams = compression.chain(on => fc.tuple(fc.constant(on ? COMPRESSION : PLAIN), damagedStreams(on), cuts))
  await fc.assert(
    fc.asyncProperty(streams, async ([rules, octets, cuts]) => void (await compare(octets, cuts, rules))),
    { numRuns: 2000 },
  )
})

test('frames with anything in their headers are taken and refused as by ws', async () => {
  const rules = compression.map(on => (on ? COMPRESSION : PLAIN))
  await fc.assert(
    fc.asyncProperty(
      rules,
      wildStreams,
      cuts,
      async (rules, octets, cuts) => void (await compare(octets, cuts, rules)),
    ),
    { numRuns: 2000 },
  )
})
