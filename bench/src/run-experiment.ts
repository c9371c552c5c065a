// Measures an experiment: all variants in every round, one after the other (A B A B), each on a server just started.

import type { Experiment, ExperimentResult, Outcome, Variant } from './experiment.js'
import { FIGURES } from './figures.js'
import { type Placement, place } from './pinning.js'
import { startAttack } from './run-attack.js'
import { runLoad } from './run-load.js'
import { Server } from './server.js'
import { type LoadProgram, programFor } from './wsload.js'

export interface Bench {
  readonly program: LoadProgram
  /** Cores that may be used; none leaves everything where the system puts it. */
  readonly cores: readonly number[]
  readonly rounds: number
  /** Ends the benchmark early. */
  readonly signal: AbortSignal
  readonly progress: (line: string) => void
}

export async function runExperiment(experiment: Experiment, bench: Bench): Promise<ExperimentResult> {
  const { id, title, baselines, leads, figures, variants } = experiment
  const outcomes = new Map<Variant, Outcome[]>(variants.map(variant => [variant, []]))
  for (let round = 1; round <= bench.rounds; round++) {
    for (const variant of variants) {
      const outcome = await measureOnce(experiment, variant, bench)
      outcomes.get(variant)?.push(outcome)
      bench.progress(`${id} ${round}/${bench.rounds} ${variant.name}: ${describe(experiment, outcome)}`)
    }
  }
  return {
    ...{ id, title, baselines, leads, figures },
    apart: variants.every(variant => place(bench.cores, variant.cores).apart),
    variants: variants.map(variant => ({ name: variant.name, outcomes: outcomes.get(variant) ?? [] })),
  }
}

/** A server or a load that fails is an outcome: the others are worth measuring all the same. */
async function measureOnce(experiment: Experiment, variant: Variant, bench: Bench): Promise<Outcome> {
  const placement = place(bench.cores, variant.cores)
  try {
    return { sample: await withServer(experiment, variant, bench, placement) }
  } catch (error) {
    bench.signal.throwIfAborted()
    return { failure: (error as Error).message }
  }
}

async function withServer(experiment: Experiment, variant: Variant, bench: Bench, placement: Placement) {
  const server = await Server.start(variant.command, placement.server)
  try {
    const place = { cores: placement.client, signal: bench.signal }
    return await experiment.measure({
      variant,
      pid: server.pid,
      load: (request, onceOpen) => {
        const { command } = programFor(request, bench.program)
        return runLoad({ ...place, command }, server, request, onceOpen)
      },
      attack: request => startAttack(place, server.port, request),
    })
  } finally {
    await server.stop()
  }
}

function describe({ leads }: Experiment, outcome: Outcome): string {
  if ('failure' in outcome) return `FAILED: ${outcome.failure}`
  return leads.map(lead => `${FIGURES[lead].heading} ${outcome.sample[lead]?.toFixed(FIGURES[lead].digits)}`).join(', ')
}
