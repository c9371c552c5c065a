// Runs a program to its end and keeps what it wrote.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface CommandOptions {
  /** Ends the program early. */
  readonly signal: AbortSignal
  readonly environment?: Readonly<Record<string, string>>
  /** Called with each line on stdout or stderr, as it comes. */
  readonly onLine?: (line: string) => void
}

const LINES_IN_ERROR = 15

/**
 * Resolves with the lines of stdout and stderr when the program has ended with 0.
 *
 * @throws Error with the last lines when it could not be run or ended with something else.
 */
export async function runCommand(command: readonly string[], options: CommandOptions): Promise<string[]> {
  const [file, ...args] = command
  const child = spawn(file, args, {
    env: { ...process.env, ...options.environment },
    signal: options.signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', line => {
      lines.push(line)
      options.onLine?.(line)
    })
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error([`${file} ended with ${signal ?? code}`, ...lines.slice(-LINES_IN_ERROR)].join('\n'))
  return lines
}

/** Whether the program can be run and prints a line that matches `expected`. */
export async function answers(command: readonly string[], expected: RegExp, signal: AbortSignal): Promise<boolean> {
  try {
    return (await runCommand(command, { signal })).some(line => expected.test(line))
  } catch {
    signal.throwIfAborted()
    return false
  }
}
