// A program that works on a server: kept on its cores, heard line by line, told to go on by the end of its stdin.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pinned } from './pinning.js'

export interface Place {
  /** To keep a program on; none: anywhere. */
  readonly cores: readonly number[]
  /** Ends the program early. */
  readonly signal: AbortSignal
}

export interface Ending {
  /** Of stdout, without line ends. */
  readonly lines: readonly string[]
  /** All of stderr, without white space around it. */
  readonly complaint: string
  readonly code: number | null
  /** What killed it. */
  readonly signal: NodeJS.Signals | null
}

export class Program {
  /** Rejects with an AbortError when the place's signal has ended the program. */
  readonly ending: Promise<Ending>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #firstLine: Promise<string | undefined>

  /** @param bound milliseconds after which it is killed */
  constructor(command: readonly string[], { cores, signal }: Place, bound: number) {
    const [file, ...args] = pinned(cores, command)
    const child = spawn(file, args, { signal, timeout: bound, killSignal: 'SIGKILL', stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    // It may have ended before it is told anything.
    child.stdin.on('error', () => {})
    const lines: string[] = []
    const output = createInterface({ input: child.stdout }).on('line', line => lines.push(line))
    this.#firstLine = Promise.race([once(output, 'line'), once(output, 'close')]).then(([line]) => line)
    this.ending = Promise.all([text(child.stderr), once(child, 'close')]).then(([complaint, [code, killer]]) => {
      return { lines, complaint: complaint.trim(), code, signal: killer }
    })
    // Whoever waits for the end learns how it was; a program that fails while nobody waits must not end the benchmark.
    this.ending.catch(() => {})
  }

  /** Undefined when it has ended without a line. */
  firstLine(): Promise<string | undefined> {
    return this.#firstLine
  }

  goOn(): void {
    this.#child.stdin.end()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
