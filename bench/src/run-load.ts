// Runs a load program against a server and reads its answer.

import { HOLD_BOUND, type LoadRequest, type LoadResult, loadArguments, loadBound, OPEN, parseLoadLine } from './load.js'
import { requireOpenFiles } from './open-files.js'
import { type Place, Program } from './program.js'

export interface LoadTarget {
  readonly port: number
  readonly pid: number
}

export interface LoadRunner extends Place {
  readonly command: readonly string[]
}

/**
 * @param onceOpen called when all connections are open; messages are sent once it has resolved
 * @throws Error when there are too few open files for the load, when it met errors, took too long or was ended early;
 * and what `onceOpen` throws.
 */
export async function runLoad(
  runner: LoadRunner,
  target: LoadTarget,
  request: LoadRequest,
  onceOpen?: () => Promise<void>,
): Promise<LoadResult> {
  requireOpenFiles(request.connections)
  const hold = onceOpen !== undefined
  const bound = loadBound(request) + (hold ? HOLD_BOUND : 0)
  const args = loadArguments(request, target.port, target.pid, hold)
  const program = new Program([...runner.command, ...args], runner, bound)
  try {
    // A load that could not open its connections says so at once.
    if (hold && (await program.firstLine()) === OPEN) await onceOpen()
  } catch (error) {
    program.kill()
    throw error
  }
  program.goOn()
  const { lines, complaint, code, signal } = await program.ending
  if (signal !== null) throw new Error(`the load did not end within ${bound / 1000} s`)
  const answer = lines.at(-1)
  if (answer === undefined || answer === OPEN)
    throw new Error(complaint || `the load program ended with ${code} and said nothing`)
  return parseLoadLine(answer)
}
