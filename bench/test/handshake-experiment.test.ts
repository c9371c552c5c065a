// What bursts of opening handshakes come to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handshakeExperiment, handshakeSample } from '../src/handshake-experiment.js'
import { FakeSubject } from './support/fake-subject.js'

const burst = (handshakeCpu: number, handshakesPerSecond: number) => ({ handshakeCpu, handshakesPerSecond })

test('CPU of all bursts over all handshakes, and the middle rate', () => {
  const sample = handshakeSample([burst(0.3, 5000), burst(0.3, 8000), burst(0.9, 6000)])
  assert.deepEqual(sample, { cpuPerHandshake: 1.5e6 / 9000, handshakesPerSecond: 6000 })
})

test('CPU that cannot be read is no figure', () => {
  assert.deepEqual(handshakeSample([burst(0, 5000)]), { handshakesPerSecond: 5000 })
})

test('bursts before the code is compiled do not count', async () => {
  const plan = { peers: ['echobahn'], workers: 1, span: { seconds: 1, warmup: 1 } } as const
  const { measure, variants } = handshakeExperiment(plan)
  const bursts = [9, 9, 9, 0.3, 0.3, 0.3].map(handshakeCpu => burst(handshakeCpu, 5000))
  const subject = new FakeSubject(variants[0], bursts)
  assert.equal(Math.round((await measure(subject)).cpuPerHandshake ?? 0), 100)
  assert.equal(subject.asked.length, bursts.length)
})
