// Which mutants a run tries: picked by a hash, so that a change of the code leaves the choice among the rest as it was.

import { createHash } from 'node:crypto'
import { changeOf, lineOf, type Mutant, mutantsOf } from './operators.js'
import type { Options } from './options.js'
import { compiledOf, readCompiled, sourcesOf } from './tree.js'

export interface Candidate {
  readonly file: string
  readonly mutant: Mutant
  /** File, line and change, and a number where that is not unique. */
  readonly name: string
}

/** So many mutants of the folder, in the order in which they were picked. */
export function sampleOf(target: string, { sample, seed, skip }: Options): Candidate[] {
  return sourcesOf(target)
    .flatMap(file => candidatesOf(file, readCompiled(compiledOf(file))))
    .map(candidate => ({ candidate, rank: createHash('sha256').update(`${seed} ${candidate.name}`).digest('hex') }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(skip, sample)
    .map(({ candidate }) => candidate)
}

function candidatesOf(file: string, source: string): Candidate[] {
  const seen = new Map<string, number>()
  return mutantsOf(source).map(mutant => {
    const name = JSON.stringify([file, lineOf(source, mutant), changeOf(source, mutant)])
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return { file, mutant, name: `${name} ${count}` }
  })
}
