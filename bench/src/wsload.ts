// The program that makes the load: wsload, compiled from its C source on first use and kept in a cache, or the TypeScript
// client where it is asked for.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadShape } from './load.js'
import { BENCH } from './paths.js'

export const LOAD_CLIENTS = ['wsload', 'ts'] as const

export interface LoadProgram {
  readonly name: (typeof LOAD_CLIENTS)[number]
  readonly command: readonly string[]
}

export interface Build {
  /** Folder of the source. */
  readonly source: string
  readonly compiler: string
  /** Folder that compiled programs are kept in. */
  readonly cache: string
}

const BUILD: Build = { source: join(BENCH, 'wsload'), compiler: 'gcc', cache: join(BENCH, '.cache') }
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra']
const NEEDED = `wsload is compiled from ${BUILD.source}, which takes gcc and zlib's headers (Debian, Ubuntu: apt-get install \
gcc zlib1g-dev). --client ts makes the load without them, at more CPU time for each message`

/** @throws Error that says what to install when wsload cannot be compiled. */
export function loadProgram(client: LoadProgram['name']): LoadProgram {
  return client === 'wsload'
    ? { name: 'wsload', command: [buildWsload()] }
    : { name: 'ts', command: [process.execPath, fileURLToPath(new URL('load-client.js', import.meta.url))] }
}

/** The program that can make this load: wsload has neither TLS nor HTTP/2. */
export function programFor({ tls, sessions }: LoadShape, chosen: LoadProgram): LoadProgram {
  return tls || sessions !== undefined ? loadProgram('ts') : chosen
}

/**
 * Path of the program. A changed source has another name, so what is in the cache is always right.
 *
 * @throws Error that says what to install when it cannot be compiled.
 */
export function buildWsload({ source, compiler, cache }: Build = BUILD): string {
  const files = readdirSync(source)
    .sort()
    .map(name => join(source, name))
  const program = join(cache, `wsload-${digestOf(files)}`)
  if (existsSync(program)) return program
  mkdirSync(cache, { recursive: true })
  // Two benchmarks that begin at once each compile their own, and both are whole when they get their name.
  const unfinished = `${program}.${process.pid}`
  compile(compiler, ['-o', unfinished, ...files.filter(file => file.endsWith('.c')), '-lz'])
  renameSync(unfinished, program)
  return program
}

function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256').update(FLAGS.join(' '))
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

function compile(compiler: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(compiler, [...FLAGS, ...args], { encoding: 'utf8' })
  if (error !== undefined) throw new Error(`${compiler} cannot be run (${error.message}): ${NEEDED}`)
  if (status === 0) return
  if (/zlib\.h|-lz\b/.test(stderr)) throw new Error(`zlib's headers are missing: ${NEEDED}`)
  throw new Error(`${compiler} could not compile wsload:\n${stderr.trim()}`)
}
