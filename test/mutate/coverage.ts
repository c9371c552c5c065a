// Which test files run which part of the compiled code: each runs once with V8's coverage on.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTest } from './run-test.js'
import { BUILD, CACHE, readCompiled } from './tree.js'

/** Milliseconds that a test file gets when nothing is broken. */
const LIMIT = 120_000

export interface Covering {
  /** The test file, as a path from the build's root. */
  readonly test: string
  readonly milliseconds: number
  readonly passed: boolean
  /** Of each compiled file, the stretches that were run: [start, end, start, end, …] in UTF-16 units. */
  readonly ran: Readonly<Record<string, readonly number[]>>
  /** Of each of those files, what it was. */
  readonly digests: Readonly<Record<string, string>>
}

interface ScriptCoverage {
  readonly url: string
  readonly functions: readonly { readonly ranges: readonly Range[] }[]
}

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/**
 * What each test file covers, from a cache; `onMeasure` hears what is not in it. It is measured anew once the test file is
 * another. Where only the code is, some tests may be missed, so that a mutant survives that one of them would notice.
 */
export async function coverageOf(tests: readonly string[], onMeasure: (test: string) => void): Promise<Covering[]> {
  const folder = join(CACHE, 'coverage')
  mkdirSync(folder, { recursive: true })
  const all: Covering[] = []
  for (const test of tests) {
    const cached = join(folder, `${test.replaceAll('/', '--')}-${digestOf(test)}.json`)
    if (!existsSync(cached)) {
      onMeasure(test)
      writeFileSync(cached, JSON.stringify(await measure(test)))
    }
    all.push(JSON.parse(readFileSync(cached, 'utf8')))
  }
  return all
}

async function measure(test: string): Promise<Covering> {
  const raw = mkdtempSync(join(CACHE, 'raw-'))
  try {
    const started = performance.now()
    const verdict = await runTest(join(BUILD, test), join(BUILD, '..'), LIMIT, raw)
    const milliseconds = Math.round(performance.now() - started)
    const ran = ranStretches(raw)
    const digests = Object.fromEntries(Object.keys(ran).map(compiled => [compiled, digestOf(compiled)]))
    return { test, milliseconds, passed: verdict === 'passed', ran, digests }
  } finally {
    rmSync(raw, { recursive: true })
  }
}

/** The stretches that any process or thread of the test ran. */
function ranStretches(raw: string): Record<string, number[]> {
  const ran: Record<string, number[]> = {}
  for (const name of readdirSync(raw)) {
    const { result } = JSON.parse(readFileSync(join(raw, name), 'utf8')) as { result: ScriptCoverage[] }
    for (const script of result) {
      const compiled = compiledPath(script.url)
      if (compiled === undefined) continue
      ran[compiled] = union(ran[compiled] ?? [], stretchesOf(script))
    }
  }
  return ran
}

function compiledPath(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined
  const path = fileURLToPath(url)
  return path.startsWith(`${BUILD}/src/`) ? path.slice(BUILD.length + 1) : undefined
}

/** Ranges are nested: the innermost one around a place has its count. */
function stretchesOf({ functions }: ScriptCoverage): number[] {
  const ranges = functions.flatMap(each => each.ranges)
  const edges = [...new Set(ranges.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset]))].sort(
    (a, b) => a - b,
  )
  const stretches: number[] = []
  const inside = [...ranges].sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
  const open: Range[] = []
  let next = 0
  for (let i = 0; i + 1 < edges.length; i++) {
    while (open.length > 0 && open[open.length - 1].endOffset <= edges[i]) open.pop()
    while (next < inside.length && inside[next].startOffset <= edges[i]) open.push(inside[next++])
    while (open.length > 0 && open[open.length - 1].endOffset <= edges[i]) open.pop()
    if (open.length === 0 || open[open.length - 1].count === 0) continue
    if (stretches[stretches.length - 1] === edges[i]) stretches[stretches.length - 1] = edges[i + 1]
    else stretches.push(edges[i], edges[i + 1])
  }
  return stretches
}

function union(a: readonly number[], b: readonly number[]): number[] {
  const pairs = [...pairsOf(a), ...pairsOf(b)].sort(([x], [y]) => x - y)
  const merged: number[] = []
  for (const [start, end] of pairs) {
    const last = merged.length - 1
    if (last > 0 && merged[last] >= start) merged[last] = Math.max(merged[last], end)
    else merged.push(start, end)
  }
  return merged
}

function pairsOf(stretches: readonly number[]): [number, number][] {
  const pairs: [number, number][] = []
  for (let i = 0; i < stretches.length; i += 2) pairs.push([stretches[i], stretches[i + 1]])
  return pairs
}

/**
 * Whether the test ran the place; of a file that has changed, whether it ran any of it.
 *
 * @param digest of the file
 */
export function covers({ ran, digests }: Covering, compiled: string, digest: string, place: number): boolean {
  if (digests[compiled] !== digest) return ran[compiled] !== undefined
  return pairsOf(ran[compiled]).some(([start, end]) => start <= place && place < end)
}

/** Tells one version of a compiled file from another. */
export function digestOf(compiled: string): string {
  return createHash('sha256').update(readCompiled(compiled)).digest('hex').slice(0, 16)
}
