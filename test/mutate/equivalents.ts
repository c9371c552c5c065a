// Mutants that no test can notice, each with its reason; they are known by file, line of compiled code and change, so that
// a reason holds wherever the line moves, and no longer once it says something else.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/readme-blocks.js'
import type { Mutant } from './operators.js'

interface Entry {
  /** Source file, from the root. */
  readonly file: string
  /** The compiled line where the change begins, without white space around it. */
  readonly line: string
  /** Two texts with an arrow between, as `changeOf` has it. */
  readonly change: string
  readonly reason: string
}

const LIST = join(ROOT, 'test/mutate/equivalents.json')
const LONGEST = 90

/** What the mutant changes, in one line. */
export function changeOf(source: string, { start, end, replacement }: Mutant): string {
  return `${shortened(source.slice(start, end))} → ${shortened(replacement)}`
}

export function lineOf(source: string, { start }: Mutant): string {
  return source
    .slice(source.lastIndexOf('\n', start - 1) + 1, (source.indexOf('\n', start) + 1 || source.length + 1) - 1)
    .trim()
}

/** Why no test can notice the mutant; undefined when nobody said so. */
export class Equivalents {
  readonly #reasons: ReadonlyMap<string, string>

  constructor(entries: readonly Entry[] = JSON.parse(readFileSync(LIST, 'utf8'))) {
    this.#reasons = new Map(entries.map(({ file, line, change, reason }) => [keyOf(file, line, change), reason]))
  }

  reason(file: string, source: string, mutant: Mutant): string | undefined {
    return this.#reasons.get(keyOf(file, lineOf(source, mutant), changeOf(source, mutant)))
  }
}

function keyOf(file: string, line: string, change: string): string {
  return JSON.stringify([file, line, change])
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line
}
