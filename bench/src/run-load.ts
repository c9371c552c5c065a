// Runs a load program against a server and reads its answer.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type LoadRequest, type LoadResult, loadArguments, loadBound, parseLoadLine } from './load.js'
import { requireOpenFiles } from './open-files.js'
import { pinned } from './pinning.js'

export interface LoadTarget {
  readonly port: number
  readonly pid: number
}

export interface LoadRunner {
  readonly command: readonly string[]
  /** To keep the program on; none: anywhere. */
  readonly cores: readonly number[]
  /** Ends the load early. */
  readonly signal: AbortSignal
}

/** @throws Error when there are too few open files for it, when it met errors, took too long, or was ended early. */
export async function runLoad(runner: LoadRunner, target: LoadTarget, request: LoadRequest): Promise<LoadResult> {
  requireOpenFiles(request.connections)
  const [file, ...args] = pinned(runner.cores, [...runner.command, ...loadArguments(request, target.port, target.pid)])
  const bound = loadBound(request)
  const child = spawn(file, args, {
    signal: runner.signal,
    timeout: bound,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, complaint, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  if (signal !== null) throw new Error(`the load did not end within ${bound / 1000} s`)
  if (output === '') throw new Error(complaint.trim() || `the load program ended with ${code} and said nothing`)
  return parseLoadLine(output)
}
