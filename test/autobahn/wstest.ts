// One process of the suite as a client of the service.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITE_VERSION } from './cases.js'
import type { SuiteCommand } from './find-suite.js'
import { runCommand } from './run-command.js'

/** Name that the suite gives the service in its reports, and begins their file names with. */
export const AGENT = 'echobahn'

export interface WstestRun {
  readonly suite: SuiteCommand
  readonly url: string
  readonly cases: readonly string[]
  /** Made here; the suite writes its reports into it at its end. */
  readonly directory: string
  readonly signal: AbortSignal
  onCase(id: string): void
}

/** @throws Error when the suite is of another version or ends with an error. A service that is gone is no error to it. */
export async function runWstest({ suite, url, cases, directory, signal, onCase }: WstestRun): Promise<void> {
  await mkdir(directory, { recursive: true })
  const spec = join(directory, 'spec.json')
  await writeFile(spec, JSON.stringify({ outdir: directory, servers: [{ agent: AGENT, url }], cases }))
  const onLine = (line: string): void => {
    const id = line.match(/^Running test case ID (\S+)/)?.[1]
    if (id !== undefined) onCase(id)
  }
  const environment = { PYTHONUNBUFFERED: '1' }
  const lines = await runCommand([...suite, '--mode', 'fuzzingclient', '--spec', spec], { signal, environment, onLine })
  if (!lines.some(line => line.includes(`Autobahn Testsuite Version ${SUITE_VERSION} `)))
    throw new Error(`${suite.join(' ')} is not version ${SUITE_VERSION} of the suite`)
}
