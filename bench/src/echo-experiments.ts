// W1–W8 and A1–A4: every peer under the same load.

import { BETTER_PEER, WS } from './baselines.js'
import type { Experiment } from './experiment.js'
import type { FigureName } from './figures.js'
import { type Plan, peerVariants } from './plan.js'
import { echoSample } from './samples.js'
import { WORKLOADS, type Workload } from './workloads.js'

const FIGURES: readonly FigureName[] = [
  ...(['cpuPerMessage', 'messagesPerSecond', 'megabytesPerSecond'] as const),
  ...(['p50', 'p99', 'p999', 'max', 'resident', 'proportional'] as const),
]
const REPLY_FIGURES: readonly FigureName[] = ['compressedReplies', 'replyOctets', 'replyToRequest']

export function echoExperiments(plan: Plan): Experiment[] {
  return WORKLOADS.map(workload => echoExperiment(workload, plan))
}

function echoExperiment({ id, title, load }: Workload, plan: Plan): Experiment {
  const request = { ...load, span: plan.span }
  return {
    id,
    title,
    variants: peerVariants(plan, load.tls ? 'wss' : 'ws'),
    baselines: [WS, BETTER_PEER],
    leads: ['cpuPerMessage'],
    figures: load.deflate ? [...FIGURES, ...REPLY_FIGURES] : FIGURES,
    measure: async subject => echoSample(request, await subject.load(request)),
  }
}
