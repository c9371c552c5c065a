// The suite in its Docker image.

import { userInfo } from 'node:os'
import { SUITE_VERSION } from './cases.js'
import type { SuiteCommand } from './find-suite.js'
import { answers } from './run-command.js'

const IMAGE = `crossbario/autobahn-testsuite:${SUITE_VERSION}`

/** Undefined when no Docker daemon answers. The container shares the host's network, since the service listens on loopback. */
export async function dockerSuite(directory: string, signal: AbortSignal): Promise<SuiteCommand | undefined> {
  if (!(await answers(['docker', 'version', '--format', '{{.Server.Version}}'], /^\d/, signal))) return undefined
  const { uid, gid } = userInfo()
  const shared = ['--network', 'host', '--user', `${uid}:${gid}`, '--volume', `${directory}:${directory}`]
  return ['docker', 'run', '--rm', '--env', 'PYTHONUNBUFFERED=1', ...shared, IMAGE, 'wstest']
}
