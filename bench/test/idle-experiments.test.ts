// What idle connections come to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idleExperiments, idleSample } from '../src/idle-experiments.js'
import type { LoadRequest } from '../src/load.js'
import { FakeSubject } from './support/fake-subject.js'

test('growth since before the first connection, and from 5,000 to 10,000', () => {
  const few = { resident: { before: 100, after: 125 }, proportional: { before: 50, after: 70 } }
  // What the first load left behind is no growth of the second one.
  const many = { resident: { before: 120, after: 135 }, proportional: { before: 60, after: 90 } }
  assert.deepEqual(idleSample(few, many), {
    residentPerConnection: (25 * 1024) / 5000,
    residentPerFurther: (10 * 1024) / 5000,
    proportionalPerConnection: (20 * 1024) / 5000,
    resident: 125,
    proportional: 70,
  })
})

test('with compression and without, few and then many on the same server, and silent', async () => {
  const plan = { peers: ['echobahn'], workers: 1, span: { seconds: 1, warmup: 1 } } as const
  const [plain, compressed] = await Promise.all(
    idleExperiments(plan).map(async ({ measure, variants }) => {
      const subject = new FakeSubject(variants[0])
      await measure(subject)
      return (subject.asked as LoadRequest[]).map(({ connections, deflate, span }) => {
        return [connections, deflate, 'idle' in span && span.idle > 0]
      })
    }),
  )
  assert.deepEqual(plain, [
    [5000, false, true],
    [10_000, false, true],
  ])
  assert.deepEqual(compressed, [
    [5000, true, true],
    [10_000, true, true],
  ])
})
