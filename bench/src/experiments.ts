// All experiments, in the order in which they run.

import { attackExperiments } from './attack-experiment.js'
import { echoExperiments } from './echo-experiments.js'
import type { Experiment } from './experiment.js'
import { fairnessExperiment } from './fairness-experiment.js'
import { handshakeExperiment } from './handshake-experiment.js'
import { http2Experiment } from './http2-experiment.js'
import { idleExperiments } from './idle-experiments.js'
import { offloadExperiments, poolExperiment } from './offload-experiments.js'
import type { Plan } from './plan.js'
import { scalingExperiments } from './scaling-experiments.js'
import { WORKLOADS } from './workloads.js'

export const WORKLOAD_IDS = WORKLOADS.map(({ id }) => id)
export const OTHER_IDS = ['W9', 'idle', 'handshakes', 'fairness', 'attack', 'pool', 'offload', 'scaling']
/** Values of `--only`. */
export const EXPERIMENT_IDS = [...WORKLOAD_IDS, ...OTHER_IDS]

export function allExperiments(plan: Plan): Experiment[] {
  return [
    ...echoExperiments(plan),
    http2Experiment(plan),
    ...idleExperiments(plan),
    handshakeExperiment(plan),
    fairnessExperiment(plan),
    ...attackExperiments(plan),
    poolExperiment(plan),
    ...offloadExperiments(plan),
    ...scalingExperiments(plan),
  ]
}
