// Mutants that a test noticed in earlier runs, so that a run after new tests need not try them again.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from './tree.js'

const FILE = join(CACHE, 'last-kills.json')

interface Kill {
  readonly test: string
  /** Of the file that was broken, unbroken. */
  readonly digest: string
}

export class LastKills {
  readonly #kills: Record<string, Kill> = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}

  /** The test that noticed the mutant of that name in a file of that digest. */
  killerOf(name: string, digest: string): string | undefined {
    const kill = this.#kills[name]
    return kill?.digest === digest ? kill.test : undefined
  }

  /** @param test what noticed the mutant; undefined where nothing did */
  tell(name: string, digest: string, test: string | undefined): void {
    if (test === undefined) delete this.#kills[name]
    else this.#kills[name] = { test, digest }
    writeFileSync(FILE, JSON.stringify(this.#kills))
  }
}
