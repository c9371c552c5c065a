// How many connections a server opens per second, and what each costs all of its processes together, primary and workers,
// once its code is compiled.

import { BETTER_PEER, WS } from './baselines.js'
import type { Experiment } from './experiment.js'
import type { Sample } from './figures.js'
import type { LoadRequest, LoadResult } from './load.js'
import { type Plan, peerVariants } from './plan.js'
import { median } from './statistics.js'

const CONNECTIONS = 3000
const BOUND = 20
/** Bursts before those that are measured: the first thousands of handshakes are mostly compilation. */
const WARM_UP = 3
const MEASURED = 3

const BURST: LoadRequest = {
  ...{ connections: CONNECTIONS, octets: 16, depth: 1, opcode: 'text' },
  span: { count: 1, bound: BOUND },
}

export function handshakeExperiment(plan: Plan): Experiment {
  return {
    id: 'handshakes',
    title: `bursts of ${CONNECTIONS.toLocaleString('en-US')} opening handshakes, 64 at a time; CPU of all processes`,
    variants: peerVariants(plan),
    baselines: [WS, BETTER_PEER],
    leads: ['cpuPerHandshake', 'handshakesPerSecond'],
    figures: ['cpuPerHandshake', 'handshakesPerSecond'],
    measure: async subject => {
      const bursts: LoadResult[] = []
      for (let i = 0; i < WARM_UP + MEASURED; i++) bursts.push(await subject.load(BURST))
      return handshakeSample(bursts.slice(WARM_UP))
    },
  }
}

/** Of bursts of `CONNECTIONS` each. Without /proc there is no CPU time, and 0 would be the best of all. */
export function handshakeSample(bursts: readonly Pick<LoadResult, 'handshakeCpu' | 'handshakesPerSecond'>[]): Sample {
  const cpu = bursts.reduce((sum, { handshakeCpu }) => sum + handshakeCpu, 0)
  const cpuPerHandshake = (cpu * 1e6) / (bursts.length * CONNECTIONS)
  const handshakesPerSecond = median(bursts.map(burst => burst.handshakesPerSecond))
  return { handshakesPerSecond, ...(cpu === 0 ? {} : { cpuPerHandshake }) }
}
