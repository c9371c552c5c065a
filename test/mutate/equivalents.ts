// Mutants that no test can notice, each with its reason; they are known by file, line of compiled code and change, so that
// a reason holds wherever the line moves, and no longer once it says something else.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/root.js'
import { changeOf, lineOf, type Mutant } from './operators.js'

export interface Entry {
  /** Source file, from the root. */
  readonly file: string
  /** The compiled line where the change begins, without white space around it. */
  readonly line: string
  /** Two texts with an arrow between, as `changeOf` has it. */
  readonly change: string
  readonly reason: string
}

const LIST = join(ROOT, 'test/mutate/equivalents.json')

export function readEntries(): Entry[] {
  return JSON.parse(readFileSync(LIST, 'utf8'))
}

export class Equivalents {
  readonly #reasons: ReadonlyMap<string, string>

  constructor(entries: readonly Entry[] = readEntries()) {
    this.#reasons = new Map(entries.map(({ file, line, change, reason }) => [keyOf(file, line, change), reason]))
  }

  /** Why no test can notice the mutant; undefined when nobody said so. */
  reason(file: string, source: string, mutant: Mutant): string | undefined {
    return this.#reasons.get(keyOf(file, lineOf(source, mutant), changeOf(source, mutant)))
  }
}

function keyOf(file: string, line: string, change: string): string {
  return JSON.stringify([file, line, change])
}
