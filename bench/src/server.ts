// A server under test: started on its cores, known by its port, ended by its own pid, and gone with all it has forked.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { pinned } from './pinning.js'
import { identityOf, processTree } from './process-tree.js'

/** Milliseconds. */
const START_BOUND = 20_000
const POLITE_BOUND = 5000
const GONE_BOUND = 15_000
const GONE_POLL = 20
const LINES_IN_ERROR = 5

/** A process of the tree, and how to tell it from a later one with its pid. */
interface Member {
  readonly pid: number
  readonly identity: string
}

export class Server {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /**
   * Starts a command whose first line on stdout holds `ws://127.0.0.1:PORT`, or the same with `wss`.
   *
   * @param cores to keep it on; none: anywhere
   * @throws Error with its last words when it ends, or says nothing in time.
   */
  static async start(command: readonly string[], cores: readonly number[]): Promise<Server> {
    const [file, ...args] = pinned(cores, command)
    const child = spawn(file, args, { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
    const lastWords: string[] = []
    createInterface({ input: child.stderr }).on('line', line => {
      lastWords.push(line)
      if (lastWords.length > LINES_IN_ERROR) lastWords.shift()
    })
    try {
      return new Server(child, await portOf(child, child.stdout))
    } catch (error) {
      child.kill('SIGKILL')
      throw new Error([`${command.join(' ')}: ${(error as Error).message}`, ...lastWords].join('\n'))
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** @throws Error when a process of the server's is still there after all. */
  async stop(): Promise<void> {
    const members = membersOf(this.pid)
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      const deadline = setTimeout(() => this.#child.kill('SIGKILL'), POLITE_BOUND)
      await exited
      clearTimeout(deadline)
    }
    await untilGone(members)
  }
}

async function portOf(child: ChildProcess, stdout: Readable): Promise<number> {
  const lines = createInterface({ input: stdout })
  const failed = (reason: string) => (): never => {
    throw new Error(reason)
  }
  const settled = new AbortController()
  const { signal } = settled
  try {
    const [line] = await Promise.race([
      once(lines, 'line', { signal }),
      once(child, 'exit', { signal }).then(failed('ended before it listened')),
      delay(START_BOUND, undefined, { signal }).then(failed('did not listen in time')),
    ])
    const port = /wss?:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    return port === undefined ? failed(`names no port: ${line}`)() : Number(port)
  } finally {
    settled.abort()
  }
}

/** Options of echobahn that the user has in the environment would make another server of it. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ECHOBAHN_')))
}

function membersOf(pid: number): Member[] {
  return processTree(pid).flatMap(member => {
    const identity = identityOf(member)
    return identity === undefined ? [] : [{ pid: member, identity }]
  })
}

/** Workers leave by themselves once their primary is gone; one that does not is killed, and that is an error. */
async function untilGone(members: readonly Member[]): Promise<void> {
  const left = (): Member[] => members.filter(({ pid, identity }) => identityOf(pid) === identity)
  const deadline = Date.now() + GONE_BOUND
  while (left().length > 0 && Date.now() < deadline) await delay(GONE_POLL)
  const stubborn = left().map(({ pid }) => pid)
  for (const pid of stubborn) process.kill(pid, 'SIGKILL')
  if (stubborn.length > 0) throw new Error(`processes outlived their server: ${stubborn.join(', ')}`)
}
