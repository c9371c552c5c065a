// HAProxy with deploy/haproxy/haproxy.cfg, but for servers on ports of loopback, which may come and go.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '../support/free-port.js'
import { ROOT } from '../support/root.js'
import { endWithUs } from '../support/watchdog.js'

/** Milliseconds between two looks. */
const POLL = 50
/** Connections at the most, in place of the file's: this machine may allow fewer open files. */
const MOST = '4000'

export interface Place {
  readonly name: string
  readonly port: number
  readonly adminPort: number
}

/** HAProxy's own counts of a server. */
export interface Counts {
  readonly state: 'ready' | 'down' | 'unknown'
  /** Connections that it was given, of clients alone. */
  readonly total: number
  /** Connections at a time at the most. */
  readonly peak: number
  /** Connects to it that failed, and were made again. */
  readonly retried: number
}

export class Balancer {
  readonly port: number
  readonly #process: ChildProcess
  readonly #folder: string
  #output = ''

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port
    this.#process = child
    this.#folder = folder
    child.stderr?.on('data', chunk => {
      this.#output = (this.#output + chunk).slice(-2000)
    })
  }

  /** @param algorithm as HAProxy's `balance` takes it */
  static async start(algorithm: string, places: readonly Place[]): Promise<Balancer> {
    const folder = mkdtempSync(join(tmpdir(), 'echobahn-rolling-'))
    const file = join(folder, 'haproxy.cfg')
    const [port, healthPort] = [await freePort(), await freePort()]
    const servers = places.map(place => `  server ${place.name} 127.0.0.1:${place.port} port ${place.adminPort}`)
    const configuration = readFileSync(join(ROOT, 'deploy/haproxy/haproxy.cfg'), 'utf8')
      .replace('\nglobal\n', `\nglobal\n  stats socket ${folder}/socket\n`)
      .replace(/^resolvers[\s\S]*?\n\n/m, '')
      .replace('bind :8888', `bind 127.0.0.1:${port}`)
      .replace(':8404', `:${healthPort}`)
      .replace('balance leastconn', `balance ${algorithm}`)
      .replace(/(default-server check) port 8889 (.*) resolvers .*/, '$1 $2')
      .replace(/^ {2}server-template .*/m, servers.join('\n'))
    writeFileSync(file, configuration)
    const child = spawn('haproxy', ['-db', '-n', MOST, '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
    endWithUs(child)
    await once(child, 'spawn')
    return new Balancer(port, child, folder)
  }

  async counts(): Promise<Map<string, Counts>> {
    const socket = connect(join(this.#folder, 'socket'))
    socket.write('show stat\n')
    const [head, ...rows] = (await text(socket)).trim().split('\n')
    const names = head.replace('# ', '').split(',')
    const tables = rows.map(row => Object.fromEntries(row.split(',').map((value, i) => [names[i], value])))
    const servers = tables.filter(({ pxname, svname }) => pxname === 'echo' && svname !== 'BACKEND')
    return new Map(
      servers.map(({ svname, status, check_status, stot, smax, wretr }) => [
        svname,
        // Until its first check a server is up for HAProxy, whatever it is.
        {
          state: check_status === 'L7OK' ? 'ready' : status === 'DOWN' ? 'down' : 'unknown',
          total: Number(stot),
          peak: Number(smax),
          retried: Number(wretr),
        },
      ]),
    )
  }

  /** Resolves when it has found all of these to be so. */
  async finds(state: 'ready' | 'down', places: readonly Place[]): Promise<void> {
    for (;;) {
      const counts = await this.counts().catch(() => undefined)
      if (this.#process.exitCode !== null) throw new Error(`HAProxy has ended: ${this.#output}`)
      if (counts !== undefined && places.every(({ name }) => counts.get(name)?.state === state)) return
      await setTimeout(POLL)
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM')
      await once(this.#process, 'exit')
    }
    rmSync(this.#folder, { recursive: true })
  }
}
