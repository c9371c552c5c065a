// `echobahn load` with its own metrics, for as long as a test needs it, against a server of its own that does some things
// wrong: for one of its two URLs by order.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { echo, startMisbehaving } from './load-command.js'
import { endWithUs } from './watchdog.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export class WatchedLoad {
  /** Host and port of its metrics. */
  readonly target: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #hooks: readonly (() => void)[]

  private constructor(target: string, child: ChildProcess, exited: Promise<unknown>, hooks: readonly (() => void)[]) {
    this.target = target
    this.#child = child
    this.#exited = exited
    this.#hooks = hooks
  }

  static async start(): Promise<WatchedLoad> {
    const hooks: (() => void)[] = []
    const url = await startMisbehaving(
      { after: hook => hooks.push(hook) },
      { onFrame: (frame, peer) => (peer.count % 5 === 4 ? undefined : echo(frame, peer)) },
    )
    const options = [
      '--rate',
      '200',
      '--duration',
      '10m',
      '--connections',
      '4',
      '--timeout',
      '500ms',
      '--metrics-port',
      '0',
    ]
    const argv = [MAIN, 'load', url, `${url}?eb-drop=20%25`, ...options]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    endWithUs(child)
    const exited = once(child, 'exit')
    const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
    return new WatchedLoad(new URL(line.replace(/^metrics /, '')).host, child, exited, hooks)
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
    for (const hook of this.#hooks) hook()
  }
}
