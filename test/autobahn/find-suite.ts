// Finds the suite: the program named by --wstest, an installation for a Python 2.7 here, or its Docker image.

import { existsSync } from 'node:fs'
import { dockerSuite } from './docker.js'
import { installedSuite } from './virtual-environment.js'

/** Command line that `--mode` and `--spec` are appended to. */
export type SuiteCommand = readonly string[]

/**
 * @param directory where the suite reads its specification and writes its reports; a container must be given it.
 * @throws Error saying what to install when there is no way to run the suite.
 */
export async function findSuite(
  wstest: string | undefined,
  directory: string,
  signal: AbortSignal,
): Promise<SuiteCommand> {
  if (wstest !== undefined) {
    if (!existsSync(wstest)) throw new Error(`--wstest names ${wstest}, which does not exist`)
    return [wstest]
  }
  const suite = (await installedSuite(signal)) ?? (await dockerSuite(directory, signal))
  if (suite !== undefined) return suite
  throw new Error(
    'the Autobahn Testsuite cannot be run: install Python 2.7 (python2.7 on the PATH or pyenv install 2.7.18), ' +
      'or start Docker, or name an installed wstest with --wstest PATH',
  )
}
