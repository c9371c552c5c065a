// Memory of connections that do nothing, of all processes together, with compression negotiated and without.
// Two figures: growth since before the first connection, which holds what a server takes once to have any, and growth
// from 5,000 to 10,000 connections, which does not.

import { BETTER_PEER, WS } from './baselines.js'
import type { Experiment } from './experiment.js'
import type { Sample } from './figures.js'
import type { LoadRequest, LoadResult } from './load.js'
import { type Plan, peerVariants } from './plan.js'

const FEW = 5000
const MANY = 10_000
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
  const idle = (connections: number): LoadRequest => ({
    ...{ connections, octets: 64, depth: 1, opcode: 'text', deflate },
    span: { idle: SILENCE, bound: BOUND },
  })
  return {
    id: 'idle',
    title: `${FEW.toLocaleString('en-US')} idle connections after one echo each, ${terms}; memory of all processes`,
    variants: peerVariants(plan),
    baselines: [WS, BETTER_PEER],
    leads: ['residentPerConnection'],
    figures: ['residentPerConnection', 'residentPerFurther', 'proportionalPerConnection', 'resident', 'proportional'],
    measure: async subject => {
      const few = await subject.load(idle(FEW))
      return idleSample(few, await subject.load(idle(MANY)))
    },
  }
}

type Memory = Pick<LoadResult, 'resident' | 'proportional'>

/** Of two loads on the same server, one after the other. */
export function idleSample(few: Memory, many: Memory): Sample {
  const kib = (mib: number, connections: number): number => (mib * KIB_PER_MIB) / connections
  return {
    residentPerConnection: kib(few.resident.after - few.resident.before, FEW),
    residentPerFurther: kib(many.resident.after - few.resident.after, MANY - FEW),
    proportionalPerConnection: kib(few.proportional.after - few.proportional.before, FEW),
    resident: few.resident.after,
    proportional: few.proportional.after,
  }
}
