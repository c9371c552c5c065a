import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connections } from '../../../src/messages.js'
import { Archive } from '../../../src/report/archive.js'
import { MOST_IN_PART, sendListing } from '../../../src/worker/listing.js'
import { sampleOpened } from '../../support/sample-opened.js'

for (const [count, limit, sizes] of [
  [0, 10, [0]],
  [MOST_IN_PART, 1000, [MOST_IN_PART]],
  [MOST_IN_PART + 1, 1000, [MOST_IN_PART, 1]],
  [5 * MOST_IN_PART, 2 * MOST_IN_PART, [MOST_IN_PART, MOST_IN_PART, 1]],
] as const)
  test(`a page of at most ${limit} of ${count} is sent in parts of ${sizes}, each in a turn of its own`, async () => {
    const archive = new Archive({ reports: 1, reportsFailed: 1, reportsSecrets: 'mask' }, 1)
    for (let id = 1; id <= count; id++)
      archive.opened(sampleOpened({ id }), { octetsReceived: 0, octetsSent: 0, unsent: 0 })
    const parts: Connections[] = []
    let sentInTurn = 0
    const filter = { sort: 'newest', limit } as const
    await sendListing(archive, { type: 'list-connections', question: 4, filter, asOf: Date.now() }, part => {
      parts.push(part)
      assert.equal(++sentInTurn, 1)
      setImmediate(() => {
        sentInTurn = 0
      })
    })
    assert.deepEqual(
      parts.map(({ connections }) => connections.length),
      sizes,
    )
    for (const { question } of parts) assert.equal(question, 4)
    const last = parts.pop()
    assert.deepEqual(last?.counts, archive.counts)
    for (const { counts } of parts) assert.equal(counts, null)
    const ids = [...parts, last].flatMap(part => part?.connections.map(({ id }) => id) ?? [])
    assert.deepEqual(
      ids,
      Array.from({ length: Math.min(count, limit + 1) }, (_, i) => count - i),
    )
  })
