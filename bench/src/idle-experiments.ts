// Memory of connections that do nothing, with compression negotiated and without.

import { BETTER_PEER, WS } from './baselines.js'
import type { Experiment } from './experiment.js'
import { type Plan, peerVariants } from './plan.js'

const CONNECTIONS = 5000
/** Seconds of silence before memory is read: what the echoes left behind may be collected. */
const SILENCE = 3
const BOUND = 20
const KIB_PER_MIB = 1024

export function idleExperiments(plan: Plan): Experiment[] {
  return [
    idleExperiment(plan, 'compression not negotiated', false),
    idleExperiment(plan, 'compression negotiated', true),
  ]
}

function idleExperiment(plan: Plan, terms: string, deflate: boolean): Experiment {
  return {
    id: 'idle',
    title: `${CONNECTIONS.toLocaleString('en-US')} idle connections after one echo each, ${terms}`,
    variants: peerVariants(plan),
    baselines: [WS, BETTER_PEER],
    leads: ['residentPerConnection'],
    figures: ['residentPerConnection', 'proportionalPerConnection', 'resident', 'proportional'],
    // Growth since before the first connection: what a server takes to run at all is not the connections' doing.
    measure: async subject => {
      const { resident, proportional } = await subject.load({
        ...{ connections: CONNECTIONS, octets: 64, depth: 1, opcode: 'text', deflate },
        span: { idle: SILENCE, bound: BOUND },
      })
      return {
        residentPerConnection: ((resident.after - resident.before) * KIB_PER_MIB) / CONNECTIONS,
        proportionalPerConnection: ((proportional.after - proportional.before) * KIB_PER_MIB) / CONNECTIONS,
        resident: resident.after,
        proportional: proportional.after,
      }
    },
  }
}
