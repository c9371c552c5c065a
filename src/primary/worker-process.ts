// One worker process as the primary sees it: forked, started, spoken to, asked to leave, dead.

import cluster, { type Worker } from 'node:cluster'
import { HandleChannel } from '../handle-channel.js'
import {
  type ActionTarget,
  type AdmittedClient,
  type ConnectionAction,
  type FromWorker,
  type Handover,
  type Leave,
  monotonicNow,
  type OpenedStream,
  type ToWorker,
} from '../messages.js'
import type { ConnectionFilter } from '../report/filter.js'
import type { Settings } from '../settings.js'
import type { Accepted } from './accepted.js'
import type { Recipient } from './lane.js'

/** A worker that is not ready within this many milliseconds is killed. */
const START_TIMEOUT = 30_000

/** What a worker gets beyond the drain timeout to say its last words, in milliseconds. */
const LEAVE_GRACE = 2000

export interface Exit {
  /** Below 0 it is the system's error number: there never was a process. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface WorkerObserver {
  onMessage(worker: WorkerProcess, message: FromWorker): void
  /** The process is gone and everything it had said was delivered. */
  onExit(worker: WorkerProcess, exit: Exit): void
  /** A message could not be sent; if the worker is dying, its exit follows. */
  onSendError(worker: WorkerProcess, error: Error): void
}

/** Lets a worker that falls idle collect its garbage. */
const WORKER_FLAGS = ['--expose-gc', '--max-semi-space-size=8']

/**
 * Large buffers go back to the system when they are freed, wherever they lie: below the last small piece of memory that is in
 * use nothing else does. By default glibc takes their size, up to 32 MiB, for one that it should keep memory for, once it has
 * seen one freed. Other C libraries do not read these.
 */
const WORKER_ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: process.env.MALLOC_MMAP_THRESHOLD_ ?? String(48 * 1024),
  MALLOC_TRIM_THRESHOLD_: process.env.MALLOC_TRIM_THRESHOLD_ ?? String(1024 * 1024),
}

/** Workers run the script that the primary runs. They have no stdin, and what they print goes to stderr. */
export function setupWorkers(): void {
  cluster.setupPrimary({
    args: [],
    execArgv: [...process.execArgv, ...WORKER_FLAGS],
    serialization: 'json',
    stdio: ['ignore', 2, 2, 'ipc'],
  })
}

export class WorkerProcess implements Recipient<Accepted> {
  /** 1…N; the process that replaces this one gets the same number. */
  readonly number: number
  /** Monotonic milliseconds, as are all instants here. */
  readonly forkedAt = monotonicNow()
  state: 'starting' | 'ready' | 'leaving' = 'starting'
  readyAt: number | undefined
  /** When the worker last said anything. */
  heardAt = this.forkedAt
  /** Connections that the worker itself cut when it left; undefined as long as it has not said. */
  cut: number | undefined

  /** Undefined when there is no process. */
  readonly #worker: Worker | undefined
  readonly #handles: HandleChannel | undefined
  readonly #settings: Settings
  /** Ends the process: while it starts because it does not get ready, later because it does not leave. */
  #killTimer: NodeJS.Timeout | undefined

  constructor(number: number, settings: Settings, observer: WorkerObserver) {
    this.number = number
    this.#settings = settings
    try {
      this.#worker = cluster.fork(WORKER_ENVIRONMENT)
      this.#handles = new HandleChannel(this.#worker)
      this.#watch(this.#worker, observer)
    } catch (error) {
      // Node turns some failures into an exit with the error's number, and throws at others, such as ENOMEM.
      const { errno: code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      process.nextTick(() => observer.onExit(this, { code, signal: null }))
    }
  }

  /** 0 when the process could not be started. */
  get pid(): number {
    return this.#worker?.process.pid ?? 0
  }

  handOver(message: Handover, accepted: Accepted): void {
    if (this.#handles !== undefined) accepted.sendTo(this.#handles, message)
  }

  revoke(id: number): void {
    this.#send({ type: 'revoke', id })
  }

  listConnections(question: number, filter: ConnectionFilter, asOf: number): void {
    this.#send({ type: 'list-connections', question, filter, asOf })
  }

  tellConnection(question: number, id: number): void {
    this.#send({ type: 'tell-connection', question, id })
  }

  requestSnapshot(question: number): void {
    this.#send({ type: 'snapshot-request', question })
  }

  setDefaultControls(question: number, controls: string | null, limited: boolean): void {
    this.#send({ type: 'default-controls', question, controls, limited })
  }

  answerClaim(opening: number, controls: string | null): void {
    this.#send({ type: 'claimed', opening, controls })
  }

  answerClients(clients: readonly AdmittedClient[]): void {
    this.#send({ type: 'clients-admitted', clients })
  }

  answerStreams(streams: readonly OpenedStream[]): void {
    this.#send({ type: 'streams-opened', streams })
  }

  act(question: number, target: ActionTarget, action: ConnectionAction): void {
    this.#send({ type: 'act', question, target, action })
  }

  /** Sends the worker away; one that is still starting has nothing to drain and is killed. */
  leave(when: Leave['when']): void {
    if (this.state === 'starting') {
      this.kill()
      return
    }
    this.state = 'leaving'
    this.#send({ type: 'leave', when })
    clearTimeout(this.#killTimer)
    this.#killTimer = setTimeout(() => this.kill(), this.#settings.drainTimeout + LEAVE_GRACE)
  }

  kill(): void {
    this.#worker?.process.kill('SIGKILL')
  }

  #watch(worker: Worker, observer: WorkerObserver): void {
    this.#killTimer = setTimeout(() => this.kill(), START_TIMEOUT)
    worker.on('error', error => observer.onSendError(this, error))
    worker.on('message', (message: FromWorker) => {
      this.#note(message)
      observer.onMessage(this, message)
    })
    // Not `exit`: that may come while messages are still unread in the channel, and `disconnect` does not come at all
    // when the process dies with a handle on its way.
    worker.process.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(this.#killTimer)
      observer.onExit(this, { code, signal })
    })
  }

  #note(message: FromWorker): void {
    this.heardAt = monotonicNow()
    if (message.type === 'awake') this.#send({ type: 'start', worker: this.number, settings: this.#settings })
    else if (message.type === 'ready' && this.state === 'starting') this.#becomeReady()
    else if (message.type === 'left') this.cut = message.cut
  }

  #becomeReady(): void {
    this.state = 'ready'
    this.readyAt = this.heardAt
    clearTimeout(this.#killTimer)
  }

  /** Nothing is sent to a dead worker: its exit is on the way and settles everything. */
  #send(message: ToWorker): void {
    if (this.#worker?.isConnected()) this.#worker.send(message)
  }
}
