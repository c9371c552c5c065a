// Finds the program that makes the load: wsload, compiled from its C source and kept in a cache, else the TypeScript client.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BENCH, REPOSITORY } from './paths.js'

export interface LoadProgram {
  readonly name: 'wsload' | 'ts'
  readonly command: readonly string[]
  /** Why it is not wsload, when nobody asked for another. */
  readonly note?: string
}

export interface LoadChoice {
  readonly client: 'wsload' | 'ts' | undefined
  /** wsload's source, if it is not in its usual place. */
  readonly wsload: string | undefined
}

const SOURCE = join(REPOSITORY, '../shared/bench/wsload.c')
const CACHE = join(BENCH, '.cache')

/** @throws Error when wsload was asked for and cannot be had. */
export function findLoadProgram({ client, wsload }: LoadChoice): LoadProgram {
  const ts: LoadProgram = {
    name: 'ts',
    command: [process.execPath, fileURLToPath(new URL('load-client.js', import.meta.url))],
  }
  if (client === 'ts') return ts
  try {
    return { name: 'wsload', command: [compile(wsload ?? SOURCE)] }
  } catch (error) {
    if (client === 'wsload' || wsload !== undefined) throw error
    return { ...ts, note: `load by the TypeScript client: ${(error as Error).message}` }
  }
}

/** Path of the program. A changed source has another name, so what is in the cache is always right. */
function compile(source: string): string {
  if (!existsSync(source)) throw new Error(`no wsload source at ${source}`)
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const program = join(CACHE, `wsload-${digest}`)
  if (existsSync(program)) return program
  mkdirSync(CACHE, { recursive: true })
  const unfinished = `${program}.${process.pid}`
  execFileSync('gcc', ['-O2', '-o', unfinished, source, '-lz'], { stdio: ['ignore', 'ignore', 'pipe'] })
  renameSync(unfinished, program)
  return program
}
