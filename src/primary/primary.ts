// The primary process from start to exit: wires listener, distributor, fleet, totals and admin server together.

import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import type { Server } from 'node:net'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { Feed } from '../admin/feed.js'
import { createAdmin } from '../admin/server.js'
import { serveUpgrades } from '../admin/upgrades.js'
import type { AdminView, LiveState, Readiness } from '../admin/view.js'
import { AddressSet } from '../ip-address.js'
import { createLog } from '../log.js'
import {
  type AdmitClients,
  type Changes,
  type FromWorker,
  monotonicNow,
  type OpenStreams,
  type Snapshot,
} from '../messages.js'
import type { Limit } from '../metrics/catalogue.js'
import { createRegistry } from '../metrics/exposition.js'
import type { Settings } from '../settings.js'
import { type Accepted, takeAccepted } from './accepted.js'
import { AdminToken } from './admin-token.js'
import { ConnectionReports } from './connection-reports.js'
import { ControlsDesk } from './controls-desk.js'
import { Distributor } from './distributor.js'
import { Fleet } from './fleet.js'
import { FleetStatus } from './fleet-status.js'
import { Gathering } from './gathering.js'
import { authority, createListener, listen } from './listener.js'
import { Live } from './live.js'
import { openFilesLimit, openFilesWarning } from './open-files.js'
import { Shortages } from './shortage.js'
import { checkTlsFiles } from './tls-files.js'
import { Totals } from './totals.js'
import { SILENCE_TIMEOUT, startWatchdog } from './watchdog.js'
import { setupWorkers, type WorkerProcess } from './worker-process.js'

const manifest: { readonly version: string } = createRequire(import.meta.url)('#package.json')

/**
 * Runs the service until a signal ends it, and resolves with the exit code: 0 after SIGTERM or SIGINT and the draining
 * that follows; 128 + the signal's number, as shells have it, when a second one cuts the draining short.
 *
 * Throws ExitError when a port cannot be bound, the files of TLS or the admin token are bad, or workers die at their start
 * again and again.
 */
export async function runPrimary(settings: Settings): Promise<number> {
  checkTlsFiles(settings)
  const totals = new Totals()
  const log = createLog(settings.logLevel, () => totals.countLostLogLine())
  return new Primary(settings, totals, log).run()
}

/** Milliseconds after which a scrape goes on with what has come. */
const SNAPSHOT_TIMEOUT = 300

class Primary {
  readonly #settings: Settings
  readonly #log: Logger
  readonly #totals: Totals
  readonly #openFiles = openFilesLimit()
  readonly #shortages: Shortages
  readonly #distributor: Distributor<Accepted, WorkerProcess>
  readonly #fleet: Fleet
  readonly #status: FleetStatus
  readonly #snapshots: Gathering<WorkerProcess, undefined>
  readonly #registry: Registry
  readonly #reports: ConnectionReports<WorkerProcess>
  readonly #adminToken: AdminToken
  readonly #controls: ControlsDesk<WorkerProcess>
  readonly #trustedProxies: AddressSet
  readonly #listener: Server
  readonly #admin: HttpServer
  readonly #feed: Feed
  readonly #live: Live
  /** `leaving`: no longer ready, and serving all the same until the drain begins (see `--drain-delay`). */
  #phase: 'starting' | 'serving' | 'leaving' | 'draining' = 'starting'
  /** Port on which the service listens; 0 until it does. */
  #servicePort = 0
  /** Connections that were still open when their worker left or died while draining. */
  #cut = 0
  #end!: (exitCode: number) => void
  #fail!: (error: Error) => void

  constructor(settings: Settings, totals: Totals, log: Logger) {
    this.#settings = settings
    this.#totals = totals
    this.#shortages = new Shortages(this.#openFiles, log)
    this.#log = log
    this.#distributor = new Distributor({
      distribution: settings.distribution,
      limits: settings,
      closeSocket: accepted => accepted.close(),
      isGone: accepted => accepted.gone,
      onResponsive: (worker, responsive) => this.#onResponsive(worker, responsive),
      onUndelivered: () => this.#shortages.note('undelivered'),
      now: monotonicNow,
    })
    this.#fleet = new Fleet(settings, log, {
      onReady: worker => {
        this.#controls.join(worker)
        this.#distributor.join(worker)
        this.#live.stateChanged()
      },
      onRetired: worker => {
        this.#distributor.retire(worker)
        this.#live.stateChanged()
      },
      onMessage: (worker, message) => this.#onMessage(worker, message),
      onExit: worker => this.#onExit(worker),
      onGiveUp: error => this.#fail(error),
    })
    const status = new FleetStatus(this.#fleet, this.#distributor, this.#shortages)
    const started = () => status.started()
    const isResponsive = (worker: WorkerProcess) => status.isResponsive(worker)
    this.#status = status
    this.#snapshots = new Gathering(started, isResponsive, SNAPSHOT_TIMEOUT)
    this.#reports = new ConnectionReports(started, isResponsive, settings)
    this.#adminToken = new AdminToken(settings)
    this.#controls = new ControlsDesk(settings.defaultControls, started, isResponsive)
    this.#trustedProxies = new AddressSet(settings.trustedProxies)
    this.#listener = createListener()
    this.#registry = this.#createRegistry()
    this.#feed = new Feed({ token: () => this.#adminToken.current, hello: () => this.#hello() })
    const liveSources = { totals, connections: status, workers: settings.workers }
    this.#live = new Live(liveSources, () => this.#liveState(), this.#feed)
    this.#admin = this.#createAdmin()
  }

  async run(): Promise<number> {
    const ended = new Promise<number>((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
    try {
      await Promise.race([this.#start(), ended])
      return await ended
    } finally {
      this.#fleet.kill()
    }
  }

  async #start(): Promise<void> {
    const { host, port, adminHost, adminPort, tlsCert } = this.#settings
    this.#servicePort = await listen(this.#listener, host, port)
    takeAccepted(this.#listener, accepted => this.#onAccepted(accepted))
    const adminServicePort = await listen(this.#admin, adminHost, adminPort)
    for (const server of [this.#listener, this.#admin]) server.on('error', () => this.#shortages.note('accept_failed'))
    this.#live.start()
    this.#warnOfOpenFiles()
    this.#handleSignals()
    setupWorkers()
    startWatchdog(now => this.#checkWorkers(now))
    await this.#fleet.start()
    if (this.#phase !== 'starting') return
    this.#enter('serving')
    const scheme = tlsCert === undefined ? 'ws' : 'wss'
    const service = `${scheme}://${authority(host, this.#servicePort)}`
    const admin = `http://${authority(adminHost, adminServicePort)}`
    this.#logStart(service, admin)
    // Whoever started us may not listen, or the disk may be full.
    process.stdout.on('error', () => {})
    process.stdout.write(`listening ${service} admin ${admin}\n`)
  }

  #logStart(service: string, admin: string): void {
    const { workers, codecThreads, maxConnections, maxConnectionsPerIp, maxMessage } = this.#settings
    const limits = { maxConnections, maxConnectionsPerIp, maxMessage, openFiles: this.#openFiles?.soft }
    const { version } = manifest
    this.#log.info({ version, node: process.version, service, admin, workers, codecThreads, limits }, 'serving')
  }

  #createRegistry(): Registry {
    return createRegistry({
      totals: this.#totals,
      fleet: this.#status,
      connections: this.#status,
      workers: this.#settings.workers,
      limits: limitsOf(this.#settings),
      version: manifest.version,
    })
  }

  #createAdmin(): HttpServer {
    const view: AdminView = {
      settings: this.#settings,
      adminToken: () => this.#adminToken.current,
      readiness: () => this.#readiness(),
      workers: () => this.#status.workers(),
      metrics: () => this.#scrape(),
      connections: filter => this.#reports.list(filter),
      connection: id => this.#reports.find(id),
      controls: this.#controls,
      reload: async () => this.#reload(),
      onError: error => this.#log.error({ err: error }, 'admin request failed'),
    }
    const app = createAdmin(view, this.#feed)
    const server = createHttpServer(app)
    serveUpgrades(server, app)
    return server
  }

  /** What a page of the console has to know. */
  #hello(): object {
    const { path, origin, tlsCert, controls, controlsPrefix, workers } = this.#settings
    return {
      version: manifest.version,
      service: { port: this.#servicePort, secure: tlsCert !== undefined, path: path ?? '/', origins: origin },
      controls: { allowed: controls, prefix: controlsPrefix },
      workers,
      limits: limitsOf(this.#settings),
      ...this.#live.tell(),
    }
  }

  #liveState(): LiveState {
    return { readiness: this.#readiness(), reloading: this.#fleet.reloading, workers: this.#status.workers() }
  }

  #enter(phase: 'serving' | 'leaving' | 'draining'): void {
    this.#phase = phase
    this.#live.stateChanged()
  }

  async #scrape(): Promise<{ contentType: string; body: string }> {
    await this.#snapshots.ask((worker, question) => worker.requestSnapshot(question))
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  #readiness(): Readiness {
    if (this.#phase === 'leaving') return 'draining'
    if (this.#phase !== 'serving') return this.#phase
    return this.#status.serving ? 'ready' : 'no-worker'
  }

  #warnOfOpenFiles(): void {
    const warning = this.#openFiles && openFilesWarning(this.#openFiles, this.#settings.maxConnections)
    if (warning) this.#log.warn(warning)
  }

  #onAccepted(accepted: Accepted): void {
    if (!this.#shortages.hasRoom(this.#distributor.held)) {
      accepted.close()
      this.#shortages.note('turned_away')
      return
    }
    this.#distributor.accept(accepted, this.#distributor.needsAddress ? this.#addressOf(accepted) : '')
  }

  /** By which the connection counts; undefined of a proxy that is trusted to tell another. */
  #addressOf({ address }: Accepted): string | undefined {
    return this.#trustedProxies.has(address) ? undefined : address
  }

  #onMessage(worker: WorkerProcess, message: FromWorker): void {
    this.#distributor.heard(worker)
    if (message.type === 'changes') this.#onChanges(worker, message)
    else if (message.type === 'snapshot') this.#onSnapshot(worker, message)
    else if (message.type === 'connections' || message.type === 'connection') this.#reports.answered(worker, message)
    else if (message.type === 'left') this.#reports.leaves(message)
    else if (message.type === 'admit-clients') this.#admitClients(worker, message)
    else if (message.type === 'open-streams') this.#openStreams(worker, message)
    else if (message.type === 'claim') this.#controls.claimed(worker, message.opening)
    else if (message.type === 'acted' || message.type === 'default-controls-set')
      this.#controls.answered(worker, message)
    else if (message.type === 'departing-reports') this.#reports.keep(worker, message.reports)
  }

  #onChanges(worker: WorkerProcess, { taken, refused, undelivered, ended }: Changes): void {
    if (taken) this.#distributor.taken(worker, taken)
    if (refused) this.#distributor.refused(worker, refused)
    if (undelivered) this.#distributor.undelivered(worker, undelivered)
    if (ended) this.#distributor.ended(worker, ended)
  }

  #admitClients(worker: WorkerProcess, { clients }: AdmitClients): void {
    worker.answerClients(
      clients.map(({ opening, address }) => ({
        opening,
        admission: this.#distributor.admitClient(worker, opening, address),
      })),
    )
  }

  #openStreams(worker: WorkerProcess, { streams }: OpenStreams): void {
    worker.answerStreams(
      streams.map(({ request, session }) => ({ request, ...this.#distributor.openStream(worker, session) })),
    )
  }

  #onSnapshot(worker: WorkerProcess, snapshot: Snapshot): void {
    try {
      this.#totals.add(worker.number, worker.pid, snapshot)
    } catch (error) {
      this.#log.error({ worker: worker.number, workerPid: worker.pid, err: error }, 'snapshot dropped')
    }
    this.#snapshots.answered(worker, snapshot.question, undefined)
  }

  #onExit(worker: WorkerProcess): void {
    const lost = this.#distributor.remove(worker)
    if (lost > 0)
      this.#log.warn(
        { worker: worker.number, workerPid: worker.pid, lost },
        `connections lost with the worker: ${lost}`,
      )
    else if (worker.cut)
      this.#log.warn(
        { worker: worker.number, workerPid: worker.pid, cut: worker.cut },
        `connections cut: ${worker.cut}`,
      )
    this.#live.stateChanged()
    if (this.#phase === 'draining') this.#cut += worker.cut ?? lost
    this.#totals.forget(worker.pid)
    this.#snapshots.gone(worker)
    this.#reports.gone(worker)
    this.#controls.gone(worker)
  }

  #onResponsive({ number, pid, heardAt }: WorkerProcess, responsive: boolean): void {
    this.#live.stateChanged()
    const worker = { worker: number, workerPid: pid }
    if (responsive) this.#log.info(worker, 'worker responsive again')
    else this.#log.warn({ ...worker, silence: Math.round(monotonicNow() - heardAt) }, 'worker unresponsive')
  }

  #checkWorkers(now: number): void {
    this.#distributor.expire(now)
    for (const worker of this.#fleet.members) {
      if (worker.heardAt < now - SILENCE_TIMEOUT) this.#distributor.suspend(worker)
    }
  }

  #handleSignals(): void {
    process.on('SIGTERM', signal => this.#onStopSignal(signal))
    process.on('SIGINT', signal => this.#onStopSignal(signal))
    process.on('SIGHUP', () => this.#reload())
  }

  /** Begins a rolling restart, or says why not. Bad files are found here, while the old workers serve. */
  #reload(): string | undefined {
    const reason = this.#reasonNotToReload()
    if (reason === undefined) void this.#replaceWorkers()
    else this.#log.error(`reload not begun: ${reason}`)
    return reason
  }

  async #replaceWorkers(): Promise<void> {
    const done = this.#fleet.reload()
    this.#live.stateChanged()
    await done
    this.#live.stateChanged()
  }

  #reasonNotToReload(): string | undefined {
    if (this.#phase !== 'serving') return `the service is ${this.#phase}`
    if (this.#fleet.reloading) return 'a reload is under way'
    try {
      checkTlsFiles(this.#settings)
      this.#adminToken.readAgain()
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  #onStopSignal(signal: NodeJS.Signals): void {
    if (this.#phase === 'leaving' || this.#phase === 'draining') this.#end(128 + constants.signals[signal])
    else void this.#leave(signal)
  }

  /** Whoever looks at /readyz gets the time to send new clients elsewhere; who comes all the same is served. */
  async #leave(signal: NodeJS.Signals): Promise<void> {
    const { drainDelay } = this.#settings
    if (drainDelay > 0 && this.#phase === 'serving') {
      this.#enter('leaving')
      this.#log.info(`${signal}: no longer ready; the drain begins in ${drainDelay} ms`)
      await setTimeout(drainDelay)
    }
    await this.#drain(signal)
  }

  /** The admin server answers until the end, so that probes and a last scrape see the draining. */
  async #drain(signal: NodeJS.Signals): Promise<void> {
    this.#enter('draining')
    this.#log.info(`${signal}: draining for at most ${this.#settings.drainTimeout} ms`)
    this.#listener.close()
    this.#distributor.close()
    await this.#fleet.drain()
    this.#log.info({ cut: this.#cut }, `stopped; connections cut: ${this.#cut}`)
    this.#end(0)
  }
}

function limitsOf({ maxConnections, codecQueue, memoryBudget, workers }: Settings): Readonly<Record<Limit, number>> {
  return {
    max_connections: maxConnections,
    codec_queue: codecQueue,
    memory_budget: Math.floor(memoryBudget / workers),
  }
}
