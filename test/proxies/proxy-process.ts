// One real proxy, run with a configuration as it is printed, on ports of this run.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificate, privateKey } from '../support/certificate.js'
import { freePort } from '../support/free-port.js'
import type { Configuration } from './ways.js'

/** Milliseconds that it has to end. */
const GRACE = 5000

/** Keeps each in the foreground, and apart from others on the machine; `directory` is its own. */
const MORE: Readonly<Record<string, (directory: string) => readonly string[]>> = {
  nginx: directory => ['-e', 'stderr', '-g', `daemon off; pid ${directory}/pid; error_log stderr;`],
  haproxy: () => ['-db'],
  envoy: () => ['--use-dynamic-base-id', '--concurrency', '2', '--log-level', 'warn'],
}

export class ProxyProcess {
  readonly port: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #directory: string
  /** The end of what it printed. */
  output = ''

  private constructor(port: number, directory: string, program: string, args: readonly string[]) {
    this.port = port
    this.#directory = directory
    const env = { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory }
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd: directory })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', chunk => {
        this.output = (this.output + chunk).slice(-4000)
      })
    }
    this.#exited = new Promise(resolve => {
      this.#child.once('exit', resolve)
      this.#child.once('error', error => {
        this.output += error.message
        resolve(error)
      })
    })
  }

  /** Starts it in front of the services on this port, and admin port, of 127.0.0.1 and 127.0.0.2. */
  static async start(
    { name, text, command }: Configuration,
    servicePort: number,
    adminPort: number,
  ): Promise<ProxyProcess> {
    const port = await freePort()
    const directory = mkdtempSync(join(tmpdir(), 'echobahn-proxies-'))
    const pem = join(directory, 'proxy.pem')
    const ca = join(directory, 'ca.crt')
    const file = join(directory, name)
    const here = (printed: string): string =>
      printed
        .replaceAll(/\b8080\b/g, String(port))
        .replaceAll(/\b8888\b/g, String(servicePort))
        .replaceAll(/\b8889\b/g, String(adminPort))
        .replaceAll('/etc/stunnel/echobahn.pem', pem)
        .replaceAll('/etc/ssl/echobahn-ca.crt', ca)
    writeFileSync(ca, certificate('named'))
    writeFileSync(pem, Buffer.concat([privateKey('first'), certificate('first')]), { mode: 0o600 })
    writeFileSync(file, here(text))
    const [program, ...args] = command.map(word => here(word).replace('FILE', file))
    return new ProxyProcess(port, directory, program, [...args, ...(MORE[program]?.(directory) ?? [])])
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  async stop(): Promise<void> {
    if (this.running) this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE)
    await this.#exited
    clearTimeout(timer)
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
