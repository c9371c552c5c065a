// Two services with two workers each behind one proxy, and clients of it.

import { setTimeout } from 'node:timers/promises'
import type { ClientOptions } from 'ws'
import type { ConnectionReport, ConnectionSummary } from '../../src/report/report.js'
import { TlsFiles } from '../support/certificate.js'
import { Service } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'
import { ProxyProcess } from './proxy-process.js'
import { configurationOf, type Way } from './ways.js'

/** Milliseconds from SIGTERM to the drain, and for the drain: long enough that health checks notice. */
export const DRAIN_DELAY = 4000
const DRAIN_TIMEOUT = 2000

/** Milliseconds that a proxy has to begin. */
const START = 20_000

/** Where clients are. */
export const CLIENT_ADDRESS = '127.0.0.7'

/** What somebody might claim who has no business to. */
const SPOOF = { 'X-Forwarded-For': '10.9.9.9', Forwarded: 'for=10.9.9.9' }

/** A service on an address of its own. */
class HostedService extends Service {
  override get adminUrl(): string {
    return this.stdout[0].split(' ')[3]
  }
}

export interface StagedClient {
  readonly client: WsClient
  readonly service: Service
  readonly connection: ConnectionSummary
}

export class Stage {
  readonly way: Way
  readonly services: readonly Service[]
  readonly proxy: ProxyProcess
  #clients = 0
  readonly #hooks: (() => void)[]

  private constructor(way: Way, services: readonly Service[], proxy: ProxyProcess, hooks: (() => void)[]) {
    this.way = way
    this.services = services
    this.proxy = proxy
    this.#hooks = hooks
  }

  static async set(way: Way): Promise<Stage> {
    const configuration = configurationOf(way)
    const services: Service[] = []
    const hooks: (() => void)[] = []
    const own = servedOptions(configuration.options, hook => hooks.push(hook))
    const start = async (...options: string[]): Promise<Service> => {
      const limits = ['--workers', '2', '--drain-delay', `${DRAIN_DELAY}ms`, '--drain-timeout', `${DRAIN_TIMEOUT}ms`]
      const service = new HostedService([...limits, ...own, ...options])
      services.push(service)
      return service.listening()
    }
    let proxy: ProxyProcess | undefined
    try {
      const { port, adminPort } = await start()
      const host = '127.0.0.2'
      await start('--host', host, '--port', String(port), '--admin-host', host, '--admin-port', String(adminPort))
      proxy = await ProxyProcess.start(configuration, port, adminPort)
      const stage = new Stage(way, services, proxy, hooks)
      await stage.#ready()
      return stage
    } catch (error) {
      await proxy?.stop()
      for (const service of services) await service.stop()
      for (const hook of hooks) hook()
      throw error
    }
  }

  async clear(): Promise<void> {
    for (const hook of this.#hooks.splice(0)) hook()
    await this.proxy.stop()
    for (const service of this.services) await service.stop()
  }

  /** @param agent by which reports tell it from others */
  open(agent = this.nextAgent(), options: ClientOptions = {}): Promise<WsClient> {
    const url = `${this.way.secure === undefined ? 'ws' : 'wss'}://127.0.0.1:${this.proxy.port}/`
    return WsClient.open({ after: hook => this.#hooks.push(hook) }, url, {
      perMessageDeflate: false,
      localAddress: CLIENT_ADDRESS,
      handshakeTimeout: 5000,
      maxPayload: 64 * 2 ** 20,
      ...options,
      headers: { 'User-Agent': agent, ...SPOOF },
    })
  }

  nextAgent(): string {
    return `matrix-${++this.#clients}.`
  }

  /** Opens a client and finds out which service has it. */
  async openFound(options?: ClientOptions): Promise<StagedClient> {
    const agent = this.nextAgent()
    const client = await this.open(agent, options)
    for (const service of this.services) {
      const [connection] = await connectionsOf(service, agent)
      if (connection !== undefined) return { client, service, connection }
    }
    throw new Error('no service knows the connection')
  }

  async #ready(): Promise<void> {
    const end = performance.now() + START
    for (;;) {
      try {
        const client = await this.open()
        client.close(1000)
        await client.closed
        return
      } catch (error) {
        if (!this.proxy.running || performance.now() > end)
          throw new Error(`the proxy does not serve: ${(error as Error).message}\n${this.proxy.output}`)
        await setTimeout(100)
      }
    }
  }
}

/** The options as they are printed, with files of this run for those of TLS. */
function servedOptions(options: readonly string[], after: (hook: () => void) => void): string[] {
  if (!options.includes('--tls-cert')) return [...options]
  const files = new TlsFiles({ after })
  files.use('named')
  const here: Readonly<Record<string, string>> = {
    '/etc/echobahn/tls.crt': files.cert,
    '/etc/echobahn/tls.key': files.key,
  }
  return options.map(option => here[option] ?? option)
}

export async function connectionsOf(service: Service, agent: string): Promise<ConnectionSummary[]> {
  const response = await fetch(`${service.adminUrl}/connections?agent=${agent}`)
  return ((await response.json()) as { connections: ConnectionSummary[] }).connections
}

export async function reportOf(service: Service, id: number): Promise<ConnectionReport> {
  const response = await fetch(`${service.adminUrl}/connections/${id}`)
  return (await response.json()) as ConnectionReport
}
