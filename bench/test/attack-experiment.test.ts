// The attack as an experiment: in which order it happens, and what it comes to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attackExperiments, attackSample, honestLoad } from '../src/attack-experiment.js'
import { ATTACK_KINDS } from '../src/attack-kinds.js'
import { loadBound } from '../src/load.js'
import { FakeSubject } from './support/fake-subject.js'

const plan = { peers: ['echobahn', 'bun'], workers: 1, span: { seconds: 2, warmup: 1 } } as const
const latency = (p50: number, p99: number, max: number) => ({ latency: { p50, p99, p999: max, max } })

test('figures beside the attack as multiples of those without', () => {
  const attack = { connections: 30, refused: 0, octets: 4e6, seconds: 2 }
  assert.deepEqual(attackSample(latency(100, 400, 500), latency(300, 2000, 9000), attack), {
    ...{ p50Growth: 3, p50Alone: 100, p50Beside: 300 },
    ...{ p99Growth: 5, p99Alone: 400, p99Beside: 2000 },
    ...{ maxBeside: 9000, attackMegabytesPerSecond: 2, attackConnectionsPerSecond: 15 },
  })
})

test('one table for each peer, one row for each kind, on two cores', () => {
  const experiments = attackExperiments(plan)
  assert.deepEqual(
    experiments.map(({ title }) => title.split(' ')[0]),
    ['echobahn', 'bun'],
  )
  for (const { variants } of experiments) {
    assert.deepEqual(
      variants.map(({ name, cores }) => [name, cores]),
      ATTACK_KINDS.map(({ name }) => [name, 2]),
    )
  }
  assert.ok(experiments[0].variants[0].command.join(' ').endsWith('--workers 2'))
})

test('honest clients alone, then beside attackers who come once all are open', async () => {
  const [{ measure, variants }] = attackExperiments(plan)
  const answers = [{}, latency(100, 400, 500), latency(300, 2000, 9000)]
  const subject = new FakeSubject(variants[1], answers, { connections: 8, refused: 0, octets: 1e6, seconds: 1 })
  const sample = await measure(subject)
  assert.deepEqual([sample.p50Growth, sample.p99Growth], [3, 5])
  const honest = honestLoad(2)
  const [warmUp, ...asked] = subject.asked
  assert.ok(warmUp !== 'stop' && 'span' in warmUp && warmUp.connections === 100)
  // The attack lasts longer than the honest load can.
  const seconds = 92
  assert.ok(seconds * 1000 >= loadBound(honest))
  assert.deepEqual(asked, [honest, honest, { kind: ATTACK_KINDS[1].name, connections: 8, seconds }, 'stop'])
})

test('the attack ends when the honest load fails', async () => {
  const [{ measure, variants }] = attackExperiments(plan)
  const subject = new FakeSubject(variants[0], [{}, latency(1, 1, 1), new Error('no echo')])
  await assert.rejects(measure(subject), /^Error: no echo$/)
  assert.equal(subject.asked.at(-1), 'stop')
})

test('honest clients send 20 messages a second, whatever comes back', () => {
  assert.deepEqual(honestLoad(2), {
    ...{ connections: 50, octets: 64, depth: 40, opcode: 'text' },
    span: { count: 40, rate: 20, bound: 62 },
  })
})
