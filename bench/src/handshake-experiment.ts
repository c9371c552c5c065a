// How many connections a server opens per second, and what each costs it.

import type { Experiment } from './experiment.js'
import { type Plan, peerVariants, WS } from './plan.js'

const CONNECTIONS = 3000
const BOUND = 20

export function handshakeExperiment(plan: Plan): Experiment {
  return {
    id: 'handshakes',
    title: `${CONNECTIONS.toLocaleString('en-US')} opening handshakes, 64 at a time`,
    variants: peerVariants(plan),
    baseline: WS,
    leads: ['handshakesPerSecond'],
    figures: ['handshakesPerSecond', 'cpuPerHandshake'],
    measure: async subject => {
      const { handshakesPerSecond, handshakeCpu } = await subject.load({
        ...{ connections: CONNECTIONS, octets: 16, depth: 1, opcode: 'text' },
        span: { count: 1, bound: BOUND },
      })
      const cpuPerHandshake = (handshakeCpu * 1e6) / CONNECTIONS
      return { handshakesPerSecond, ...(handshakeCpu === 0 ? {} : { cpuPerHandshake }) }
    },
  }
}
