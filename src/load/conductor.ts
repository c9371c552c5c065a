// Runs one load: starts the threads together, follows how they go, and sums up what they have seen.

import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { ExitError } from '../errors.js'
import type { LoadSettings } from '../load-settings.js'
import { describeLoad } from './description.js'
import type { Share } from './generator.js'
import { addSparse, type Histogram, makeHistogram } from './latencies.js'
import { notesOn } from './notes.js'
import { readOrders } from './orders.js'
import { addCounts, type Effort, faultsOf, type Outcome, type Second, sumThreads } from './outcome.js'
import { type Counts, makeCounts } from './tally.js'
import type { Order, Progress, Report, ThreadData, ThreadResult } from './thread.js'
import { addTraffic, makeTraffic } from './traffic.js'

/** Milliseconds from the last thread's being ready to the first message: enough to reach every thread. */
const LEAD = 20

/** How a load goes, as it is told while it runs. */
export interface LiveState {
  phase: 'opening' | 'running' | 'draining' | 'closing'
  /** Milliseconds since the Unix epoch at which messages began; 0 before. */
  startedAt: number
  readonly counts: Counts
  readonly traffic: Float64Array
  open: number
  flying: number
  /** Of the busiest thread, 0–1. */
  busy: number
  /** Echoes of the last whole second. */
  lastSecond: Histogram | undefined
  /** Of everything so far. */
  readonly echo: Histogram
}

interface Thread {
  readonly worker: Worker
  progress: Progress | undefined
  /** As they were at the last whole second. */
  counted: Counts
  phase: string
  /** Connections that were open when its phase began. */
  open: number
}

export class Conductor {
  readonly #settings: LoadSettings
  readonly #share: Omit<Share, 'thread'>
  readonly #threads: Thread[] = []
  readonly #results: ThreadResult[] = []
  readonly #onProgress: (state: LiveState) => void
  readonly #state: LiveState = {
    ...{ phase: 'opening', startedAt: 0, open: 0, flying: 0, busy: 0, lastSecond: undefined },
    ...{ counts: makeCounts(), traffic: makeTraffic(), echo: makeHistogram() },
  }
  readonly #timeline = new Map<number, Second>()
  #cpuBefore = process.cpuUsage()
  #cpu = 0
  #stops = 0

  /** @throws ExitError of code ECHOBAHN_BAD_OPTION when the file of `ca` cannot be read */
  constructor(settings: LoadSettings, userAgent: string, onProgress: (state: LiveState) => void) {
    this.#settings = settings
    this.#onProgress = onProgress
    this.#share = { threads: settings.threads, userAgent, ca: readCa(settings.ca) }
  }

  /** @throws ExitError of code ECHOBAHN_LOAD_FAILED when a thread fails */
  async run(): Promise<Outcome> {
    const ends = Array.from({ length: this.#settings.threads }, (_, thread) => this.#start(thread))
    await Promise.all(ends)
    return this.#outcome()
  }

  /** What each connection counted, by Sec-WebSocket-Key; empty unless an admin server was given. */
  get books(): ReadonlyMap<string, Float64Array> {
    return new Map(this.#results.flatMap(({ books }) => books))
  }

  /** Ends the load early, with all that it has seen; the second time without waiting for anything. */
  stop(): void {
    this.#stops++
    this.#tell({ type: 'stop' })
  }

  #start(thread: number): Promise<void> {
    const workerData: ThreadData = { settings: this.#settings, share: { ...this.#share, thread } }
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData })
    const entry: Thread = { worker, progress: undefined, counted: makeCounts(), phase: 'opening', open: 0 }
    this.#threads.push(entry)
    worker.on('message', (report: Report) => this.#onReport(entry, report))
    return new Promise((resolve, reject) => {
      worker.once('error', error => reject(asExitError(error)))
      worker.once('exit', () => resolve())
    })
  }

  #onReport(thread: Thread, report: Report): void {
    if (report.type === 'result') this.#results.push(report.result)
    else if (report.type === 'progress') this.#onProgressOf(thread, report.progress)
    else this.#onPhase(thread, report.phase, report.open)
  }

  #onPhase(thread: Thread, phase: string, open: number): void {
    thread.phase = phase
    thread.open = open
    const all = (...phases: string[]) => this.#threads.every(({ phase }) => phases.includes(phase))
    if (phase === 'ready' && all('ready')) this.#go()
    if (phase === 'draining') this.#state.phase = 'draining'
    if (phase === 'draining' && all('draining', 'closing', 'done')) this.#cpu = cpuSince(this.#cpuBefore)
    if (phase === 'closing') this.#state.phase = 'closing'
  }

  #go(): void {
    const at = Date.now() + LEAD
    this.#state.startedAt = at
    this.#state.phase = 'running'
    this.#cpuBefore = process.cpuUsage()
    this.#tell({ type: 'go', at })
    // Where nothing could be opened, and nobody ordered that, there is no use in trying for as long as a load lasts.
    const isOrdered = this.#settings.urls.some(url => readOrders(new URL(url)).excused.has('handshakes'))
    if (!isOrdered && this.#threads.every(({ open }) => open === 0)) this.#tell({ type: 'stop' })
  }

  #tell(order: Order): void {
    for (const { worker } of this.#threads) worker.postMessage(order)
  }

  #onProgressOf(thread: Thread, progress: Progress): void {
    thread.progress = progress
    if (progress.second !== undefined) this.#addSecond(thread, progress, progress.second)
    const state = this.#state
    clear(state.counts)
    state.traffic.fill(0)
    state.open = 0
    state.flying = 0
    state.busy = 0
    for (const { progress } of this.#threads) {
      if (progress === undefined) continue
      addCounts(state.counts, progress.counts)
      addTraffic(state.traffic, progress.traffic)
      state.open += progress.open
      state.flying += progress.flying
      state.busy = Math.max(state.busy, progress.busy)
    }
    this.#onProgress(state)
  }

  #addSecond(thread: Thread, progress: Progress, { index, echoes }: NonNullable<Progress['second']>): void {
    const at = Math.floor(this.#state.startedAt / 1000) + index
    const { counts } = progress
    const { counted } = thread
    thread.counted = counts
    const before = this.#timeline.get(at)
    const echo = before?.echo ?? makeHistogram()
    addSparse(echo, echoes)
    addSparse(this.#state.echo, echoes)
    this.#state.lastSecond = echo
    this.#timeline.set(at, {
      at,
      due: (before?.due ?? 0) + counts.messages.due - counted.messages.due,
      sent: (before?.sent ?? 0) + counts.messages.sent - counted.messages.sent,
      echoed: (before?.echoed ?? 0) + counts.messages.echoed - counted.messages.echoed,
      faults: (before?.faults ?? 0) + faultsOf(counts) - faultsOf(counted),
      open: (before?.open ?? 0) + progress.open,
      echo,
    })
  }

  #outcome(): Outcome {
    const { rate, threads } = this.#settings
    const sums = this.#results.length === 0 ? undefined : sumThreads(this.#results)
    if (sums === undefined) throw new ExitError('ECHOBAHN_LOAD_FAILED', 'load: no thread told what it saw')
    const effort: Effort = {
      ...{ cpu: this.#cpu, threads },
      busiest: Math.max(...this.#results.map(({ busy }) => busy)),
      memory: process.resourceUsage().maxRSS * 1024,
    }
    const outcome: Outcome = {
      ...sums,
      descriptions: [describeLoad(this.#settings)],
      loop: rate === undefined ? 'closed' : 'open',
      startedAt: this.#state.startedAt || Date.now(),
      seconds: Math.max(...this.#results.map(({ seconds }) => seconds)),
      asked: rate === undefined ? 0 : (rate.from + rate.to) / 2,
      timeline: [...this.#timeline.values()].sort((a, b) => a.at - b.at),
      effort,
      notes: [],
      comparison: undefined,
    }
    return { ...outcome, notes: notesOn(outcome, this.#settings, this.#stops > 0) }
  }
}

function readCa(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ExitError('ECHOBAHN_BAD_OPTION', `--ca=${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** What a thread throws comes without its class. */
function asExitError(error: Error): ExitError {
  return new ExitError('ECHOBAHN_LOAD_FAILED', `load: ${error.message}`)
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Sets every number to 0, at any depth. */
function clear(counts: object): void {
  const numbers = counts as Record<string, unknown>
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value === 'number') numbers[name] = 0
    else clear(value as object)
  }
}
