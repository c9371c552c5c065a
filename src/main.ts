#!/usr/bin/env node
// Entry of every process: the first becomes the primary, those it forks become workers.
// Imports are dynamic so that each loads only its part: workers no express, the primary no piscina.

import cluster from 'node:cluster'
import { setFlagsFromString } from 'node:v8'
import { ExitError } from './errors.js'
import type { Awake } from './messages.js'

// Messages make next to no garbage, and what a burst of handshakes makes is short-lived: a young generation that grew
// with it, to 16 MiB, would stay that large and be most of what idle connections cost.
setFlagsFromString('--semi-space-growth-factor=1')
// It is collected in less time than it takes to wake other threads for help.
setFlagsFromString('--no-parallel-scavenge')

try {
  if (cluster.isWorker) await runWorker()
  else process.exit(process.argv[2] === 'load' ? await runLoadCommand(process.argv.slice(3)) : await runCommand())
} catch (error) {
  if (!(error instanceof ExitError)) throw error
  process.stderr.write(`echobahn: ${error.message}\n`)
  process.exit(error.exitCode)
}

/** `runWorker` listens to the primary before it awaits anything, so `awake` can go out right after the call. */
async function runWorker(): Promise<void> {
  const worker = await import('./worker/worker.js')
  const running = worker.runWorker()
  process.send?.({ type: 'awake' } satisfies Awake)
  await running
}

/** Does what the command line asks for and resolves with the exit code. */
async function runCommand(): Promise<number> {
  const { parse } = await import('./cli/parse.js')
  const command = parse(process.argv.slice(2), process.env)
  if (command.action === 'run') {
    const { runPrimary } = await import('./primary/primary.js')
    return runPrimary(command.settings)
  }
  if (command.action === 'healthcheck') {
    const { checkHealth } = await import('./healthcheck.js')
    print(await checkHealth(command.settings))
    return 0
  }
  const { renderHelp } = await import('./cli/help.js')
  const { renderConfig, VERSION } = await import('./cli/print.js')
  if (command.action === 'print-config') print(renderConfig(command.settings))
  else print(command.action === 'help' ? renderHelp() : VERSION)
  return 0
}

/** `echobahn load`: the other half of a load test, of which the service loads nothing. */
async function runLoadCommand(argv: string[]): Promise<number> {
  const { parseLoad, renderLoadHelp } = await import('./cli/load-parse.js')
  const command = parseLoad(argv)
  if (command.action === 'help') {
    print(renderLoadHelp())
    return 0
  }
  const { runLoad, runMerge } = await import('./load/command.js')
  if (command.action === 'merge') return runMerge(command.files, command.settings)
  const { VERSION } = await import('./cli/print.js')
  return runLoad(command.settings, VERSION)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
