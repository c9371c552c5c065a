// The command line of the mutation run.

import { parseArgs } from 'node:util'

export const USAGE = `Changes the compiled code in one place at a time and tells which changes no test notices.

npm run mutate -- FOLDERS OR FILES [OPTIONS]     such as: npm run mutate -- src/worker src/primary/fleet.ts

  --sample N    mutants of each folder, picked at random (default: 200)
  --seed N      picks the same ones again (default: 1)
  --skip N      leaves the first N of the sample out
  --budget S    seconds for one mutant, of tests that are not unit tests of its folder (default: 60)
  --unit        unit tests only
  --tests A,B   only test files with one of these in their paths
  --again       runs what survived, or was not run, and counts the rest as in the last runs; only with the same code
  --list        lists the sample and runs nothing
  --help`

export interface Options {
  readonly targets: readonly string[]
  readonly sample: number
  readonly seed: number
  readonly skip: number
  /** In milliseconds. */
  readonly budget: number
  readonly unitOnly: boolean
  readonly again: boolean
  /** Parts of the paths of test files; undefined for all. */
  readonly tests: readonly string[] | undefined
  readonly listOnly: boolean
  readonly help: boolean
}

/** @throws Error with a sentence for people */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      sample: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      skip: { type: 'string', default: '0' },
      budget: { type: 'string', default: '60' },
      unit: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      tests: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (positionals.length === 0 && !values.help) throw new Error('name a folder or file under src, such as src/worker')
  return {
    targets: positionals.map(target => target.replace(/\/+$/, '')),
    sample: wholeNumber('--sample', values.sample),
    seed: wholeNumber('--seed', values.seed),
    skip: wholeNumber('--skip', values.skip),
    budget: wholeNumber('--budget', values.budget) * 1000,
    unitOnly: values.unit,
    again: values.again,
    tests: values.tests?.split(','),
    listOnly: values.list,
    help: values.help,
  }
}

function wholeNumber(flag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${flag}=${value}: allowed is a whole number`)
  return Number(value)
}
