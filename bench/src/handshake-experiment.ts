// How many connections a server opens per second, and what each costs it, once its code is compiled.

import { BETTER_PEER, WS } from './baselines.js'
import type { Experiment } from './experiment.js'
import type { LoadRequest } from './load.js'
import { type Plan, peerVariants } from './plan.js'

const CONNECTIONS = 3000
const BOUND = 20
/** Bursts before the one that is measured: the first thousands of handshakes are mostly compilation. */
const WARM_UP = 3

const BURST: LoadRequest = {
  ...{ connections: CONNECTIONS, octets: 16, depth: 1, opcode: 'text' },
  span: { count: 1, bound: BOUND },
}

export function handshakeExperiment(plan: Plan): Experiment {
  return {
    id: 'handshakes',
    title: `${CONNECTIONS.toLocaleString('en-US')} opening handshakes, 64 at a time`,
    variants: peerVariants(plan),
    baselines: [WS, BETTER_PEER],
    leads: ['handshakesPerSecond'],
    figures: ['handshakesPerSecond', 'cpuPerHandshake'],
    measure: async subject => {
      for (let i = 0; i < WARM_UP; i++) await subject.load(BURST)
      const { handshakesPerSecond, handshakeCpu } = await subject.load(BURST)
      const cpuPerHandshake = (handshakeCpu * 1e6) / CONNECTIONS
      return { handshakesPerSecond, ...(handshakeCpu === 0 ? {} : { cpuPerHandshake }) }
    },
  }
}
