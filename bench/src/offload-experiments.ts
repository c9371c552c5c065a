// What the codec pool is worth, and whether `--offload auto` chooses well.

import { baselineOf } from './baselines.js'
import type { Experiment, Variant } from './experiment.js'
import { measureMix } from './mixed-load.js'
import { echobahnCommand } from './peers.js'
import type { Plan } from './plan.js'
import { echoSample } from './samples.js'
import { workload } from './workloads.js'

/** A codec thread can only help with a core of its own beside the event loop's. */
const CORES = 2
const COMPRESSED = ['W5', 'W6', 'W7']

const LEADS = ['cpuPerMessage', 'messagesPerSecond'] as const

export function poolExperiment({ span }: Plan): Experiment {
  const { title, load } = workload('W6')
  const request = { ...load, span }
  const inline = 'inline, one core'
  return {
    id: 'pool',
    title: `W6, ${title}: one worker with its codec pool on ${CORES} cores against inline on one`,
    variants: [
      { name: inline, command: echobahnCommand(1, '--offload', 'never'), cores: 1 },
      {
        name: `pool, ${CORES} cores`,
        command: echobahnCommand(1, '--offload', 'always', '--codec-threads', String(CORES)),
        cores: CORES,
      },
    ],
    baselines: [baselineOf(inline)],
    leads: ['messagesPerSecond', 'cpuPerMessage'],
    figures: ['messagesPerSecond', 'cpuPerMessage', 'p50', 'p99'],
    measure: async subject => echoSample(request, await subject.load(request)),
  }
}

export function offloadExperiments({ span }: Plan): Experiment[] {
  const common = { id: 'offload', variants: offloadVariants(), baselines: [baselineOf('auto')], leads: LEADS } as const
  return [
    ...COMPRESSED.map((id): Experiment => {
      const { title, load } = workload(id)
      const request = { ...load, span }
      return {
        ...common,
        title: `--offload on ${id}, ${title}`,
        figures: [...LEADS, 'p50', 'p99'],
        measure: async subject => echoSample(request, await subject.load(request)),
      }
    }),
    {
      ...common,
      title: '--offload on compressed messages of 256 octets, 4 KiB and 64 KiB at once, as many of each for all',
      figures: LEADS,
      measure: subject => measureMix(subject, span.seconds),
    },
  ]
}

function offloadVariants(): Variant[] {
  return ['auto', 'always', 'never'].map(name => ({
    name,
    command: echobahnCommand(1, '--offload', name),
    cores: CORES,
  }))
}
