// Small messages alone, then beside large ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fairnessExperiment } from '../src/fairness-experiment.js'
import type { LoadRequest, LoadResult } from '../src/load.js'
import { FakeSubject, SILENT_RESULT } from './support/fake-subject.js'

const plan = { peers: ['ws'], workers: 1, span: { seconds: 2, warmup: 1 } } as const
const { measure, variants } = fairnessExperiment(plan)
const SMALL = 64

/** Loads end when a test says so. */
class SlowSubject extends FakeSubject {
  readonly #ends: (request: LoadRequest) => Promise<LoadResult>

  constructor(ends: (request: LoadRequest) => Promise<LoadResult>) {
    super(variants[0])
    this.#ends = ends
  }

  override async load(request: LoadRequest): Promise<LoadResult> {
    this.asked.push(request)
    return this.#ends(request)
  }
}

const result = (p99: number, messagesPerSecond: number, megabytesPerSecond: number): LoadResult => {
  return { ...SILENT_RESULT, latency: { ...SILENT_RESULT.latency, p99 }, messagesPerSecond, megabytesPerSecond }
}

test('p99 of the small ones as a multiple; the large ones begin as early and end later', async () => {
  let smallEnded: () => void = () => {}
  const afterSmall = new Promise<void>(resolve => {
    smallEnded = resolve
  })
  let small = 0
  const subject = new SlowSubject(async request => {
    if (request.octets !== SMALL) {
      await afterSmall
      await new Promise(setImmediate)
      return result(0, 0, 300)
    }
    small++
    if (small === 2) smallEnded()
    return small === 1 ? result(200, 9, 0) : result(500, 7, 0)
  })
  assert.deepEqual(await measure(subject), {
    ...{ p99Growth: 2.5, p99Alone: 200, p99Beside: 500 },
    ...{ messagesPerSecond: 7, besideMegabytesPerSecond: 300 },
  })
  const spans = (subject.asked as LoadRequest[]).map(({ span }) => span)
  assert.deepEqual(spans, [
    { seconds: 2, warmup: 1 },
    { seconds: 5, warmup: 0 },
    { seconds: 2, warmup: 1 },
  ])
})

test('large messages that end first make it void', async () => {
  const subject = new SlowSubject(async ({ octets }) => {
    if (octets === SMALL) await new Promise(setImmediate)
    return result(1, 1, 1)
  })
  await assert.rejects(measure(subject), /W4 ended before W1 did/)
})

for (const [octets, name] of [
  [SMALL, 'small'],
  [2 ** 20, 'large'],
] as const)
  test(`a failure of the ${name} ones is told once both have ended`, async () => {
    let loads = 0
    const ended: number[] = []
    const subject = new SlowSubject(async request => {
      loads++
      if (loads > 1 && request.octets === octets) throw new Error('no echo')
      await new Promise(setImmediate)
      ended.push(request.octets)
      return result(1, 1, 1)
    })
    await assert.rejects(measure(subject), /^Error: no echo$/)
    assert.equal(ended.length, 2)
  })
