// Runs the real service in a process of its own, on free ports, for as long as a test needs it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseExposition } from './exposition.js'
import { endWithUs } from './watchdog.js'

/** Milliseconds that a service gets to write its coverage. */
const COVERAGE_PATIENCE = 3000

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface WorkerInfo {
  readonly worker: number
  readonly pid: number
  readonly state: string
  readonly connections: number
}

export class Service {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  /** Lines of stderr that are JSON, i.e. the log. */
  readonly log: LogLine[] = []
  /** What came on stdout, line by line. */
  readonly stdout: string[] = []
  port = 0
  adminPort = 0
  #bridged = false
  readonly #logWaiters = new Set<() => void>()

  /** @param openFiles limit on open files for each of the service's processes; without it, that of this process */
  constructor(options: readonly string[], environment: Record<string, string> = {}, openFiles?: number) {
    const free = ['--port', '--admin-port'].flatMap(flag => (options.includes(flag) ? [] : [flag, '0']))
    const command = [process.execPath, MAIN, ...free, ...options]
    const [program, ...args] = openFiles === undefined ? command : withOpenFiles(openFiles, command)
    this.child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    endWithUs(this.child)
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }))
    createInterface({ input: this.child.stderr as NodeJS.ReadableStream }).on('line', line => {
      if (!line.startsWith('{')) return
      this.log.push(JSON.parse(line))
      for (const wake of this.#logWaiters) wake()
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** `ws://127.0.0.1:PORT`, or `wss:` when the service says so. */
  get url(): string {
    return this.#bridged ? `ws://127.0.0.1:${this.port}` : this.stdout[0].split(' ')[1]
  }

  /** From now on clients are to connect to this port, without TLS: something there takes them to the service. */
  goThrough(port: number): void {
    this.#bridged = true
    this.port = port
  }

  /** Whether clients have to speak TLS. */
  get secure(): boolean {
    return this.url.startsWith('wss:')
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.adminPort}`
  }

  /** Resolves once the service has printed its first line. */
  async listening(): Promise<this> {
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    lines.on('line', line => this.stdout.push(line))
    await Promise.race([
      once(lines, 'line'),
      this.exited.then(({ code }) => {
        throw new Error(`the service exited with ${code} before it listened: ${JSON.stringify(this.log)}`)
      }),
    ])
    const [service, admin] = [...this.stdout[0].matchAll(/:(\d+)(?: |$)/g)].map(match => Number(match[1]))
    this.port = service
    this.adminPort = admin
    return this
  }

  /** All series of /metrics, exact as of now. */
  async metrics(): Promise<Map<string, number>> {
    return parseExposition(await this.#ask('/metrics'))
  }

  async workers(): Promise<WorkerInfo[]> {
    return JSON.parse(await this.#ask('/workers'))
  }

  /** Over a connection of its own: one that was kept may end at its server's time limit just as it is used. */
  async #ask(path: string): Promise<string> {
    const [answer] = await once(get(`${this.adminUrl}${path}`, { agent: false }), 'response')
    return text(answer)
  }

  /** Asks again and again until `condition` holds; the test's own timeout bounds the wait. */
  async until<T>(ask: () => Promise<T>, condition: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await ask()
      if (condition(value)) return value
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** Resolves with the first log line that `matches`, past or to come. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise(resolve => {
      const look = (): void => {
        const line = this.log.find(matches)
        if (line === undefined) return
        this.#logWaiters.delete(look)
        resolve(line)
      }
      this.#logWaiters.add(look)
      look()
    })
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /**
   * Ends the service at once, whatever it is doing; its workers leave by themselves. Where coverage is measured it gets a
   * moment to go in order, since what is killed tells nothing.
   */
  async stop(): Promise<void> {
    if (process.env.NODE_V8_COVERAGE !== undefined && this.#runs) {
      this.signal('SIGTERM')
      const patience = setTimeout(() => this.signal('SIGKILL'), COVERAGE_PATIENCE)
      await this.exited
      clearTimeout(patience)
    }
    if (this.#runs) this.signal('SIGKILL')
    await this.exited
  }

  get #runs(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }
}

/** The command as a shell runs it, in the shell's own process, so that its pid is the command's. */
function withOpenFiles(limit: number, command: readonly string[]): string[] {
  return ['/bin/sh', '-c', `ulimit -n ${limit} && exec "$0" "$@"`, ...command]
}

/** Starts the service with `options` and waits until it listens; it is stopped when the test ends. */
export async function startService(
  context: { after: (hook: () => Promise<void>) => void },
  ...options: string[]
): Promise<Service> {
  const service = new Service(options)
  context.after(() => service.stop())
  return service.listening()
}
