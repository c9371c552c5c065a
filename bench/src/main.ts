// `npm run bench`: measures echobahn and its peers side by side, prints Markdown and keeps all figures as JSON.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ExperimentResult } from './experiment.js'
import { allExperiments } from './experiments.js'
import { describeMachine } from './machine.js'
import { type Options, parseOptions, USAGE, UsageError } from './options.js'
import { BENCH } from './paths.js'
import { peerVersions } from './peers.js'
import { usableCores } from './pinning.js'
import { type Bench, runExperiment } from './run-experiment.js'
import { summarize } from './summary.js'
import { renderResults } from './table.js'
import { loadProgram } from './wsload.js'

const WARMUP_SECONDS = 1

/** Resolves with whether everything could be measured. */
async function run(options: Options, signal: AbortSignal): Promise<boolean> {
  const { peers, workers, seconds, rounds } = options
  const bench: Bench = {
    program: loadProgram(options.client),
    cores: usableCores(),
    rounds,
    signal,
    progress: line => console.error(line),
  }
  const about = {
    time: new Date().toISOString(),
    machine: describeMachine(),
    versions: peerVersions(),
    client: bench.program.name,
    ...{ cores: bench.cores, workers, rounds, seconds },
  }
  for (const note of notesOn(bench)) bench.progress(note)
  const results: ExperimentResult[] = []
  for (const experiment of allExperiments({ peers, workers, span: { seconds, warmup: WARMUP_SECONDS } }))
    if (options.only.includes(experiment.id)) results.push(await runExperiment(experiment, bench))
  const file = options.json ?? join(BENCH, 'results', `${about.time.replaceAll(':', '-')}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const experiments = results.map(result => ({ ...result, summary: summarize(result) }))
  writeFileSync(file, `${JSON.stringify({ ...about, experiments }, null, 2)}\n`)
  console.log(`${renderAbout(about)}\n\n${renderResults(results)}`)
  console.error(`figures: ${file}`)
  return results.every(({ variants }) => variants.every(({ outcomes }) => outcomes.every(o => 'sample' in o)))
}

function notesOn({ cores }: Bench): string[] {
  return [
    ...(cores.length === 0 ? ['nothing is kept on cores of its own: no taskset'] : []),
    ...(process.platform === 'linux' ? [] : ['no CPU times and memory: no /proc']),
  ]
}

function renderAbout(about: {
  readonly time: string
  readonly machine: ReturnType<typeof describeMachine>
  readonly versions: Readonly<Record<string, string>>
  readonly client: string
  readonly rounds: number
  readonly seconds: number
  readonly workers: number
}): string {
  const { machine, versions, rounds, seconds, workers } = about
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, load ${machine.load.toFixed(2)} before; ${about.time}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `load by ${about.client}; ${workers} worker(s); medians of ${rounds} rounds of ${seconds} s, in parentheses least and greatest`,
  ].join('  \n')
}

/** Resolves with the exit code: 0 all measured, 1 something failed, 2 for a command line that cannot be followed. */
async function main(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options.help) {
      console.log(USAGE)
      return 0
    }
    return (await run(options, interrupted.signal)) ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return error instanceof UsageError ? 2 : 1
  }
}

process.exitCode = await main()
