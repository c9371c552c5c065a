// What a few hostile clients do to the latency of many that send a small message now and then. One table for each peer,
// one row for each kind of attack.

import { ATTACK_KINDS } from './attack-kinds.js'
import type { Experiment, Subject } from './experiment.js'
import type { Sample } from './figures.js'
import type { LoadRequest, LoadResult } from './load.js'
import { type PeerName, peerCommand } from './peers.js'
import type { Plan } from './plan.js'
import type { Attack, AttackResult } from './run-attack.js'
import { workload } from './workloads.js'

/** Of the peers that have any, and cores of all. */
const WORKERS = 2
const HOSTILE = 8
const HONEST = 50
/** Messages a second of each honest client. */
const RATE = 20
const OCTETS = 64
/** Seconds that a server may leave honest clients without an echo before that is a failure. */
const STALL_BOUND = 60
/** Seconds of W1 before anything is measured, so that the code is compiled. */
const WARM_UP = 1
/** Seconds that an attack has beyond the honest load's bound. */
const SLACK = 30

export function attackExperiments(plan: Plan): Experiment[] {
  return plan.peers.map(peer => attackExperiment(peer, plan.span.seconds))
}

function attackExperiment(peer: PeerName, seconds: number): Experiment {
  const command = peerCommand(peer, WORKERS)
  return {
    id: 'attack',
    title:
      `${peer} on ${WORKERS} cores, ${HONEST} honest clients with ${RATE} messages a second each ` +
      `beside ${HOSTILE} hostile ones`,
    variants: ATTACK_KINDS.map(({ name }) => ({ name, command, cores: WORKERS })),
    baselines: [],
    leads: ['p50Growth', 'p99Growth'],
    figures: [
      ...(['p50Growth', 'p99Growth', 'p50Alone', 'p50Beside', 'p99Alone', 'p99Beside', 'maxBeside'] as const),
      ...(['attackMegabytesPerSecond', 'attackConnectionsPerSecond'] as const),
    ],
    measure: subject => measureAttack(subject, seconds),
  }
}

async function measureAttack(subject: Subject, seconds: number): Promise<Sample> {
  await subject.load({ ...workload('W1').load, span: { seconds: WARM_UP, warmup: 0 } })
  const honest = honestLoad(seconds)
  const alone = await subject.load(honest)
  let attack: Attack | undefined
  // The attack has ended before a failure is thrown: it may not go on into the next measurement.
  const [beside] = await Promise.allSettled([
    subject.load(honest, async () => {
      attack = await subject.attack({
        kind: subject.variant.name,
        connections: HOSTILE,
        seconds: seconds + STALL_BOUND + SLACK,
      })
    }),
  ])
  const attacked = await attack?.stop()
  if (beside.status === 'rejected') throw beside.reason
  if (attacked === undefined) throw new Error('there was no attack')
  return attackSample(alone, beside.value, attacked)
}

/** By the clock: a server that stalls is sent no fewer messages, and each of them waits. */
export function honestLoad(seconds: number): LoadRequest {
  const count = RATE * seconds
  return {
    ...{ connections: HONEST, octets: OCTETS, depth: count, opcode: 'text' },
    span: { count, rate: RATE, bound: seconds + STALL_BOUND },
  }
}

type Latency = Pick<LoadResult, 'latency'>

export function attackSample({ latency: alone }: Latency, { latency: beside }: Latency, attack: AttackResult): Sample {
  return {
    p50Growth: beside.p50 / alone.p50,
    p99Growth: beside.p99 / alone.p99,
    p50Alone: alone.p50,
    p50Beside: beside.p50,
    p99Alone: alone.p99,
    p99Beside: beside.p99,
    maxBeside: beside.max,
    attackMegabytesPerSecond: attack.octets / attack.seconds / 1e6,
    attackConnectionsPerSecond: attack.connections / attack.seconds,
  }
}
