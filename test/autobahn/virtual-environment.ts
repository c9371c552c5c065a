// The suite in a virtual environment of its own for Python 2.7, made once under .cache/autobahn.

import { existsSync, readdirSync } from 'node:fs'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SuiteCommand } from './find-suite.js'
import { answers, runCommand } from './run-command.js'

const REQUIREMENTS = resolve('test/autobahn/requirements.txt')
const CACHE = resolve('.cache/autobahn')
/** Python 2.7 cannot make a virtual environment by itself; this is the last version that makes one for it. */
const VIRTUALENV = 'virtualenv==20.21.1'

/** Undefined when there is no Python 2.7. */
export async function installedSuite(signal: AbortSignal): Promise<SuiteCommand | undefined> {
  const environment = join(CACHE, 'suite')
  // Copied there last, so an installation that was broken off or that has other requirements is made anew.
  const stamp = join(environment, 'requirements.txt')
  if (!(await isCopy(stamp, REQUIREMENTS))) {
    const python = await findPython27(signal)
    if (python === undefined) return undefined
    await install(environment, python, signal)
    await copyFile(REQUIREMENTS, stamp)
  }
  return [join(environment, 'bin/wstest')]
}

async function install(environment: string, python: string, signal: AbortSignal): Promise<void> {
  console.error(`installing the Autobahn Testsuite under ${CACHE} for ${python}`)
  const tool = join(CACHE, 'virtualenv')
  await rm(CACHE, { recursive: true, force: true })
  await runCommand(['python3', '-m', 'venv', tool], { signal })
  await runCommand([join(tool, 'bin/pip'), 'install', VIRTUALENV], { signal })
  await runCommand([join(tool, 'bin/virtualenv'), '--python', python, environment], { signal })
  await runCommand([join(environment, 'bin/pip'), 'install', '--requirement', REQUIREMENTS], { signal })
}

/** A shim of pyenv may be on the PATH and refuse to run, so a candidate counts only when it tells its version. */
export async function findPython27(signal: AbortSignal): Promise<string | undefined> {
  for (const candidate of ['python2.7', 'python2', ...pyenvPythons()]) {
    if (await answers([candidate, '--version'], /^Python 2\.7\./, signal)) return candidate
  }
  return undefined
}

function pyenvPythons(): string[] {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  if (!existsSync(versions)) return []
  return readdirSync(versions)
    .filter(version => version.startsWith('2.7'))
    .map(version => join(versions, version, 'bin/python2.7'))
}

async function isCopy(copy: string, original: string): Promise<boolean> {
  return existsSync(copy) && (await readFile(copy, 'utf8')) === (await readFile(original, 'utf8'))
}
