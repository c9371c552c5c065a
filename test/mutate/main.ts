// npm run mutate -- src/worker: breaks the compiled code in one place at a time, and tells what no test noticed.

import { mkdirSync, readdirSync } from 'node:fs'
import { availableParallelism, loadavg, setPriority } from 'node:os'
import { basename, join } from 'node:path'
import { type Covering, coverageOf, covers, digestOf } from './coverage.js'
import { Equivalents } from './equivalents.js'
import { LastKills } from './last-kills.js'
import { changeOf, lineOf, type Mutant } from './operators.js'
import { type Options, parseOptions, USAGE } from './options.js'
import { runTest, type Verdict } from './run-test.js'
import { type Candidate, sampleOf } from './sample.js'
import { renderTable, type Score } from './table.js'
import { BUILD, CACHE, compiledOf, makeTree, readCompiled, writeCompiled } from './tree.js'

/** Others work on the machine too. */
const NICENESS = 10
/** Unit tests that take longer than this, in milliseconds, are not run for a mutant. */
const LONGEST = 30_000

type Fate = { readonly killedBy: string; readonly before: boolean } | 'survived' | 'equivalent'

class Run {
  readonly #options: Options
  readonly #equivalents = new Equivalents()
  readonly #lastKills = new LastKills()
  readonly #coverings: readonly Covering[]

  constructor(options: Options, coverings: readonly Covering[]) {
    this.#options = options
    // What fails unbroken tells nothing.
    this.#coverings = coverings.filter(({ passed }) => passed)
  }

  async score(target: string): Promise<Score> {
    const score = { target, mutants: 0, killed: 0, survived: 0, equivalent: 0 }
    for (const candidate of sampleOf(target, this.#options)) {
      const started = performance.now()
      const fate = await this.#fateOf(candidate)
      score.mutants++
      if (fate === 'survived') score.survived++
      else if (fate === 'equivalent') score.equivalent++
      else score.killed++
      tell(candidate, fate, performance.now() - started)
    }
    return score
  }

  async #fateOf({ file, mutant, name }: Candidate): Promise<Fate> {
    const compiled = compiledOf(file)
    const whole = readCompiled(compiled)
    if (this.#equivalents.reason(file, whole, mutant) !== undefined) return 'equivalent'
    const digest = digestOf(compiled)
    const before = this.#options.again ? this.#lastKills.killerOf(name, digest) : undefined
    if (before !== undefined) return { killedBy: before, before: true }
    const tests = this.#related(compiled, digest, mutant)
    writeCompiled(compiled, whole.slice(0, mutant.start) + mutant.replacement + whole.slice(mutant.end))
    const killedBy = await killerAmong(tests).finally(() => writeCompiled(compiled, whole))
    this.#lastKills.tell(name, digest, killedBy)
    return killedBy === undefined ? 'survived' : { killedBy, before: false }
  }

  /** Unit tests before integration tests, those of the same file and folder first, quick ones first. */
  #related(compiled: string, digest: string, { start }: Mutant): Covering[] {
    const covering = this.#coverings
      .filter(each => covers(each, compiled, digest, start))
      .sort((a, b) => strangeness(a.test, compiled) - strangeness(b.test, compiled) || a.milliseconds - b.milliseconds)
    const { budget } = this.#options
    let left = budget
    return covering.filter(({ test, milliseconds }) => {
      if (isOfFolder(test, compiled)) return milliseconds <= LONGEST
      if (milliseconds > budget) return false
      left -= milliseconds
      return left >= 0
    })
  }
}

/** The first test that fails. */
async function killerAmong(coverings: readonly Covering[]): Promise<string | undefined> {
  for (const covering of coverings) {
    let verdict = await runAgain(covering)
    // Sockets and processes on a machine under load may fail by themselves.
    if (verdict !== 'passed' && !isUnit(covering.test)) verdict = await runAgain(covering)
    if (verdict !== 'passed') return verdict === 'hung' ? `${covering.test} (hung)` : covering.test
  }
  return undefined
}

/** A machine under load is slower than when the test was measured, and gives this run what it has left. */
function runAgain({ test, milliseconds }: Covering): Promise<Verdict> {
  const slower = Math.max(1, loadavg()[0] / availableParallelism())
  return runTest(join(BUILD, test), join(BUILD, '..'), slower * (3 * milliseconds + 10_000))
}

function strangeness(test: string, compiled: string): number {
  if (!isUnit(test)) return 3
  if (!isOfFolder(test, compiled)) return 2
  return basename(test, '.test.js') === basename(compiled, '.js') ? 0 : 1
}

function isOfFolder(test: string, compiled: string): boolean {
  return test.startsWith(`test/unit/${compiled.split('/')[1]}/`)
}

function isUnit(test: string): boolean {
  return test.startsWith('test/unit/')
}

function tell({ file, mutant }: Candidate, fate: Fate, milliseconds: number): void {
  if (typeof fate !== 'string' && fate.before) return
  const source = readCompiled(compiledOf(file))
  const word = typeof fate === 'string' ? fate : 'killed'
  const by = typeof fate === 'string' ? '' : `  by ${fate.killedBy}`
  const seconds = (milliseconds / 1000).toFixed(1)
  console.log(
    `${word.padEnd(10)} ${file.replace('.ts', '.js')}:${mutant.line}  ${changeOf(source, mutant)}${by}  ${seconds} s`,
  )
  if (fate === 'survived') console.log(`           in: ${lineOf(source, mutant)}`)
}

function testFiles({ unitOnly, tests }: Options): string[] {
  return readdirSync(join(BUILD, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.js'))
    .map(name => `test/${name}`)
    .filter(test => isUnit(test) || (!unitOnly && test.startsWith('test/integration/')))
    .filter(test => tests?.some(part => test.includes(part)) ?? true)
    .sort()
}

async function main(): Promise<number> {
  let options: Options
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error((error as Error).message)
    return 2
  }
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  setPriority(NICENESS)
  mkdirSync(CACHE, { recursive: true })
  makeTree()
  if (options.listOnly) {
    for (const target of options.targets)
      for (const { file, mutant } of sampleOf(target, options))
        console.log(`${file.replace('.ts', '.js')}:${mutant.line}  ${changeOf(readCompiled(compiledOf(file)), mutant)}`)
    return 0
  }
  const coverings = await coverageOf(testFiles(options), test => console.log(`measuring ${test}`))
  for (const { test } of coverings.filter(({ passed }) => !passed)) console.log(`left out, it fails unbroken: ${test}`)
  const run = new Run(options, coverings)
  const scores: Score[] = []
  for (const target of options.targets) scores.push(await run.score(target))
  console.log(renderTable(scores))
  return 0
}

process.exitCode = await main()
