// The worker processes: one for each place, restarted when they die, replaced one after another at a reload.

import { getSystemErrorName } from 'node:util'
import type { Logger } from 'pino'
import { ExitError } from '../errors.js'
import { type FromWorker, monotonicNow } from '../messages.js'
import { RESTART_REASONS, type RestartReason } from '../metrics/catalogue.js'
import type { Settings } from '../settings.js'
import { Backoff } from './backoff.js'
import { type Exit, WorkerProcess } from './worker-process.js'

/** After so many starts of one place in a row that did not get ready, the fleet gives up: with the backoff, some 6 s. */
const MOST_FAILED_STARTS = 7

export interface FleetObserver {
  onReady(worker: WorkerProcess): void
  onMessage(worker: WorkerProcess, message: FromWorker): void
  /** The worker was replaced and is to get no more connections. */
  onRetired(worker: WorkerProcess): void
  onExit(worker: WorkerProcess): void
  /** ECHOBAHN_WORKERS_FAILED: no further restart is tried. */
  onGiveUp(error: ExitError): void
}

interface Place {
  /** 1 to the number of workers. */
  readonly number: number
  readonly backoff: Backoff
  /** Deaths in a row of workers that never got ready. */
  failedStarts: number
  /** The worker of this place; undefined between a death and the restart. */
  current: WorkerProcess | undefined
  /** At a reload, the fresh worker until it is ready. */
  replacement: WorkerProcess | undefined
  restartTimer: NodeJS.Timeout | undefined
}

export class Fleet {
  /** Every living process: those that start, those that serve and those that leave. */
  readonly members = new Set<WorkerProcess>()
  readonly restarts = Object.fromEntries(RESTART_REASONS.map(reason => [reason, 0])) as Record<RestartReason, number>
  readonly #settings: Settings
  readonly #log: Logger
  readonly #observer: FleetObserver
  readonly #places: readonly Place[]
  #draining = false
  #reloading = false
  #onAllReady: (() => void) | undefined
  #onEmpty: (() => void) | undefined
  /** Continues a reload once the replacement is ready or dead. */
  #onReplacement: ((exit: Exit | undefined) => void) | undefined

  constructor(settings: Settings, log: Logger, observer: FleetObserver) {
    this.#settings = settings
    this.#log = log
    this.#observer = observer
    this.#places = Array.from({ length: settings.workers }, (_, index) => ({
      number: index + 1,
      backoff: new Backoff(),
      failedStarts: 0,
      current: undefined,
      replacement: undefined,
      restartTimer: undefined,
    }))
  }

  get reloading(): boolean {
    return this.#reloading
  }

  /** Resolves when every place has a ready worker; never, if the fleet gives up or is drained before. */
  async start(): Promise<void> {
    const allReady = new Promise<void>(resolve => {
      this.#onAllReady = resolve
    })
    for (const place of this.#places) place.current = this.#fork(place)
    await allReady
  }

  /**
   * Replaces the workers place by place: a fresh worker is ready before the old one is told to leave. The first fresh
   * worker that dies at its start ends the reload; the old workers from that place on stay. Not to be called twice at once.
   */
  async reload(): Promise<void> {
    this.#reloading = true
    this.#log.info('reload: replacing the workers one after another')
    if (await this.#replaceAll()) this.#log.info('reload: all workers are replaced')
    this.#reloading = false
  }

  /** Asks all workers to leave; resolves when the last process is gone, at the drain timeout and a grace at the latest. */
  async drain(): Promise<void> {
    this.#draining = true
    for (const place of this.#places) clearTimeout(place.restartTimer)
    if (this.members.size === 0) return
    const empty = new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
    for (const worker of this.members) worker.leave('now')
    await empty
  }

  /** Ends every process at once, and starts none any more. */
  kill(): void {
    this.#draining = true
    for (const place of this.#places) clearTimeout(place.restartTimer)
    for (const worker of this.members) worker.kill()
  }

  #fork(place: Place): WorkerProcess {
    const worker = new WorkerProcess(place.number, this.#settings, {
      onMessage: (worker, message) => this.#onMessage(place, worker, message),
      onExit: (worker, exit) => this.#onExit(place, worker, exit),
      onSendError: (worker, error) =>
        this.#log.debug({ worker: place.number, workerPid: worker.pid, err: error }, 'send'),
    })
    this.members.add(worker)
    return worker
  }

  #onMessage(place: Place, worker: WorkerProcess, message: FromWorker): void {
    if (message.type === 'ready') this.#onReady(place, worker)
    else this.#observer.onMessage(worker, message)
  }

  #onReady(place: Place, worker: WorkerProcess): void {
    if (worker.state !== 'ready') return
    this.#log.info({ worker: place.number, workerPid: worker.pid }, 'worker ready')
    place.failedStarts = 0
    this.#observer.onReady(worker)
    if (worker === place.replacement) this.#onReplacement?.(undefined)
    if (this.#places.every(({ current }) => current?.state === 'ready')) this.#onAllReady?.()
  }

  #onExit(place: Place, worker: WorkerProcess, exit: Exit): void {
    this.members.delete(worker)
    this.#observer.onExit(worker)
    const level = worker.state === 'leaving' ? 'info' : 'warn'
    this.#log[level]({ worker: place.number, workerPid: worker.pid }, `worker ${describe(exit)}`)
    if (worker === place.current) this.#onCurrentExit(place, worker, exit)
    if (worker === place.replacement) this.#onReplacement?.(exit)
    if (this.members.size === 0) this.#onEmpty?.()
  }

  #onCurrentExit(place: Place, worker: WorkerProcess, exit: Exit): void {
    place.current = undefined
    // A replacement that is starting already serves as the restart.
    if (!this.#draining && !place.replacement) this.#restart(place, worker, exit)
  }

  #restart(place: Place, dead: WorkerProcess, exit: Exit): void {
    const readyFor = dead.readyAt === undefined ? 0 : monotonicNow() - dead.readyAt
    if (dead.readyAt === undefined && !this.#isForkAlone(exit) && ++place.failedStarts >= MOST_FAILED_STARTS)
      return this.#giveUp(place, exit)
    this.restarts[restartReason(dead, exit)]++
    const delay = place.backoff.delayAfter(readyFor)
    this.#log.warn({ worker: place.number, delay }, 'worker restarts')
    place.restartTimer = setTimeout(() => {
      place.current = this.#fork(place)
    }, delay)
  }

  /** The system had no means for another process, for which those that serve must not be ended. */
  #isForkAlone({ code }: Exit): boolean {
    return code !== null && code < 0 && this.#places.some(({ current }) => current?.state === 'ready')
  }

  #giveUp({ number, failedStarts }: Place, exit: Exit): void {
    const message = `worker ${number} did not get ready in ${failedStarts} starts; the last one ${describe(exit)}`
    this.#observer.onGiveUp(new ExitError('ECHOBAHN_WORKERS_FAILED', message))
  }

  /** Resolves with false when a fresh worker died, or when draining came in between. */
  async #replaceAll(): Promise<boolean> {
    for (const place of this.#places) {
      const exit = await this.#replace(place)
      if (this.#draining) return false
      if (exit) {
        this.#log.error({ worker: place.number }, `reload stopped, old workers stay: the fresh one ${describe(exit)}`)
        return false
      }
    }
    return true
  }

  /** Resolves with undefined when the place has a fresh worker, or with the fresh worker's untimely exit. */
  async #replace(place: Place): Promise<Exit | undefined> {
    clearTimeout(place.restartTimer)
    const fresh = this.#fork(place)
    place.replacement = fresh
    const exit = await new Promise<Exit | undefined>(resolve => {
      this.#onReplacement = resolve
    })
    place.replacement = undefined
    if (this.#draining) return exit
    if (exit) {
      if (!place.current) this.#restart(place, fresh, exit)
      return exit
    }
    const old = place.current
    place.current = fresh
    this.restarts.reload++
    if (!old) return undefined
    this.#observer.onRetired(old)
    old.leave('later')
    return undefined
  }
}

function restartReason(dead: WorkerProcess, exit: Exit): RestartReason {
  if (dead.readyAt === undefined) return 'start_failed'
  return exit.signal ? 'signal' : 'exit'
}

/** The end of a sentence that begins with the worker. */
function describe({ code, signal }: Exit): string {
  if (signal) return `was ended by ${signal}`
  return code !== null && code < 0 ? `could not be forked (${getSystemErrorName(code)})` : `exited with code ${code}`
}
