// Runs one test file until its end, its first failure, or its time is over, and leaves no process of it behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type Verdict = 'passed' | 'failed' | 'hung'

/**
 * @param directory where to run it
 * @param limit milliseconds that it gets
 * @param coverage folder for V8's coverage
 */
export async function runTest(file: string, directory: string, limit: number, coverage?: string): Promise<Verdict> {
  const { NODE_V8_COVERAGE: _, ...environment } = process.env
  const child = spawn(process.execPath, ['--test-reporter=tap', file], {
    cwd: directory,
    env: coverage === undefined ? environment : { ...environment, NODE_V8_COVERAGE: coverage },
    // A group of its own, by which all that it started can be ended.
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const verdict = await Promise.race([
    exited.then(([code]): Verdict => (code === 0 ? 'passed' : 'failed')),
    firstFailure(child),
    over(limit, exited),
  ])
  endGroup(child)
  await exited
  return verdict
}

/** Resolves when a test fails, and else never. */
function firstFailure(child: ChildProcess): Promise<Verdict> {
  return new Promise(resolve => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      if (/^ *not ok /.test(line)) resolve('failed')
    })
  })
}

async function over(limit: number, exited: Promise<unknown>): Promise<Verdict> {
  const cancel = new AbortController()
  void exited.then(() => cancel.abort())
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve('hung'), limit)
    cancel.signal.addEventListener('abort', () => clearTimeout(timer))
  })
}

/** Ends what is left of the group; a service may outlive the test that started it. */
function endGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL')
  } catch {
    // Nobody was left.
  }
}
