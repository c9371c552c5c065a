// Two workers on two cores against one on one. Client and server share cores where there are only two, so what two
// workers could carry is reckoned from the CPU time that a message costs them: capacity is messages per CPU second × cores.

import { baselineOf } from './baselines.js'
import type { Experiment, Variant } from './experiment.js'
import { echobahnCommand } from './peers.js'
import type { Plan } from './plan.js'
import { echoSample } from './samples.js'
import { workload } from './workloads.js'

const SCALED = ['W1', 'W5']
const WORKERS = [1, 2]

export function scalingExperiments({ span }: Plan): Experiment[] {
  const variants = WORKERS.map(workersVariant)
  return SCALED.map(id => {
    const { title, load } = workload(id)
    const request = { ...load, span }
    return {
      id: 'scaling',
      title: `${id}, ${title}: two workers against one`,
      variants,
      baselines: [baselineOf(variants[0].name)],
      leads: ['capacity', 'messagesPerSecond'],
      figures: ['capacity', 'messagesPerSecond', 'cpuPerMessage', 'p50', 'p99'],
      measure: async subject => {
        const sample = echoSample(request, await subject.load(request))
        const { messagesPerCpuSecond } = sample
        if (messagesPerCpuSecond === undefined) return sample
        return { ...sample, capacity: messagesPerCpuSecond * subject.variant.cores }
      },
    }
  })
}

function workersVariant(workers: number): Variant {
  const name = `${workers} ${workers === 1 ? 'worker on 1 core' : `workers on ${workers} cores`}`
  return { name, command: echobahnCommand(workers), cores: workers }
}
