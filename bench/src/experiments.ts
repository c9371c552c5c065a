// All experiments, in the order in which they run.

import { attackExperiments } from './attack-experiment.js'
import { echoExperiments } from './echo-experiments.js'
import type { Experiment } from './experiment.js'
import { fairnessExperiment } from './fairness-experiment.js'
import { handshakeExperiment } from './handshake-experiment.js'
import { idleExperiments } from './idle-experiments.js'
import { offloadExperiments, poolExperiment } from './offload-experiments.js'
import type { Plan } from './plan.js'
import { scalingExperiments } from './scaling-experiments.js'
import { WORKLOADS } from './workloads.js'

/** Values of `--only`. */
export const EXPERIMENT_IDS = [
  ...WORKLOADS.map(({ id }) => id),
  ...['idle', 'handshakes', 'fairness', 'attack', 'pool', 'offload', 'scaling'],
]

export function allExperiments(plan: Plan): Experiment[] {
  return [
    ...echoExperiments(plan),
    ...idleExperiments(plan),
    handshakeExperiment(plan),
    fairnessExperiment(plan),
    ...attackExperiments(plan),
    poolExperiment(plan),
    ...offloadExperiments(plan),
    ...scalingExperiments(plan),
  ]
}
