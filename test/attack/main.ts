// npm run attack [-- --only NAME,NAME] [-- --seconds N]: attacks the service in every way it has to stand, and prints what it
// cost honest clients. Exits with 1 when a bound is missed.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Service } from '../support/service.js'
import { type Attack, missed } from './attack.js'
import { ATTACKS } from './attacks.js'
import { CHECKS, type Check } from './checks.js'
import { measure } from './measure.js'
import { header, LEGEND, note, row } from './table.js'
import { passes, TESTED, type Tested } from './tested.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

const { values } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '10' } },
})
const seconds = Number(values.seconds)
if (!Number.isInteger(seconds) || seconds < 1) fail(`--seconds=${values.seconds}: allowed is a whole number, 1 or more`)
const all = [...ATTACKS, ...CHECKS, ...TESTED].map(({ name }) => name)
const names = values.only?.split(',') ?? all
for (const name of names) if (!all.includes(name)) fail(`--only=${name}: no such attack; allowed are ${all.join(', ')}`)

const flags = new Set(execFileSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' }).match(/--[a-z-]+/g))
console.log(header())
for (const attack of ATTACKS.filter(({ name }) => names.includes(name))) {
  const missing = missingOption(attack)
  if (missing === undefined) await run(attack)
  else console.log(note(attack, `not measured: the service has no ${missing}`))
}
for (const check of CHECKS.filter(({ name }) => names.includes(name))) await runCheck(check)
for (const tested of TESTED.filter(({ name }) => names.includes(name))) await runTests(tested)
console.log(LEGEND)
process.exit()

async function run(attack: Attack): Promise<void> {
  try {
    const measured = await measure(attack, seconds)
    console.log(row(attack, measured))
    if (missed(measured, attack.bounds).length > 0) process.exitCode = 1
  } catch (error) {
    console.log(note(attack, `FAIL: ${(error as Error).message}`))
    process.exitCode = 1
  }
}

async function runCheck(check: Check): Promise<void> {
  const service = new Service(['--workers', '2'])
  try {
    const { told, passed } = await check.run(await service.listening())
    console.log(note(check, `${passed ? 'pass' : 'FAIL'}: ${told}`))
    if (!passed) process.exitCode = 1
  } finally {
    await service.stop()
  }
}

async function runTests(tested: Tested): Promise<void> {
  const passed = await passes(tested)
  console.log(note(tested, `${passed ? 'pass' : 'FAIL'}: the tests of ${tested.file.replace('.js', '.ts')}`))
  if (!passed) process.exitCode = 1
}

/** Without its limit an attack would take all of the machine's memory. */
function missingOption({ options }: Attack): string | undefined {
  return options.find(option => option.startsWith('--') && !flags.has(option))
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
