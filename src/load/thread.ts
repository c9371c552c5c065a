// A thread that makes load: runs a generator, tells the main thread how it goes, and in the end what it has seen.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { LoadSettings } from '../load-settings.js'
import { Generator, type Phase, type Share } from './generator.js'
import { eachLatency, type Latencies } from './latencies.js'
import type { Sparse } from './recorder.js'
import type { Counts, SlowMessage } from './tally.js'

/** Milliseconds between progress messages. */
export const PROGRESS_INTERVAL = 250

export interface ThreadData {
  readonly settings: LoadSettings
  readonly share: Share
}

/** What the main thread asks: `at` is milliseconds since the Unix epoch. */
export type Order = { readonly type: 'go'; readonly at: number } | { readonly type: 'stop' }

export interface Progress {
  readonly counts: Counts
  readonly traffic: Float64Array
  readonly open: number
  readonly flying: number
  /** Share of the time since the last message in which the event loop had work, 0–1. */
  readonly busy: number
  /** Echo latencies of the second that just ended, which is the so-manieth since the start. */
  readonly second: { readonly index: number; readonly echoes: Sparse } | undefined
}

export interface ThreadResult {
  readonly counts: Counts
  readonly traffic: Float64Array
  readonly latencies: Latencies<Sparse>
  readonly slowest: readonly SlowMessage[]
  readonly books: readonly (readonly [key: string, traffic: Float64Array])[]
  /** Seconds from the start until the last message was due, and until the last echo was waited for. */
  readonly seconds: number
  readonly busy: number
}

export type Report =
  | { readonly type: 'phase'; readonly phase: Phase; readonly open: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'result'; readonly result: ThreadResult }

/** Runs one generator, and tells of it until the result is told. */
class LoadThread {
  readonly #port: MessagePort
  readonly #generator: Generator
  /** When messages begin, on this thread's clock. */
  #start = 0
  #seconds = 0
  /** Seconds since the start that are told of. */
  #told = 0
  #timer: NodeJS.Timeout
  #idle = performance.eventLoopUtilization()
  #atStart = this.#idle
  #busy = 0

  constructor(port: MessagePort, { settings, share }: ThreadData) {
    this.#port = port
    this.#generator = new Generator(settings, share, phase => this.#onPhase(phase))
    this.#timer = setInterval(() => this.#progress(undefined), PROGRESS_INTERVAL)
    port.on('message', (order: Order) => this.#onOrder(order))
    this.#generator.open()
  }

  #onOrder(order: Order): void {
    if (order.type === 'stop') return this.#generator.stop()
    this.#start = order.at - performance.timeOrigin
    this.#atStart = performance.eventLoopUtilization()
    clearInterval(this.#timer)
    this.#aim()
    this.#generator.go(order.at)
  }

  /** Sets the time of the next progress message: a whole number of intervals from the start. */
  #aim(): void {
    const elapsed = Math.max(0, performance.now() - this.#start)
    const next = (Math.floor(elapsed / PROGRESS_INTERVAL) + 1) * PROGRESS_INTERVAL
    this.#timer = setTimeout(() => this.#tick(), this.#start + next - performance.now())
  }

  #tick(): void {
    // A timer may be a moment early, and on a machine that is busy very late: the clock says which second it is.
    const seconds = Math.floor((performance.now() - this.#start + 1) / 1000)
    this.#progress(seconds > this.#told ? seconds - 1 : undefined)
    this.#told = Math.max(this.#told, seconds)
    this.#aim()
  }

  #onPhase(phase: Phase): void {
    if (phase === 'draining') {
      this.#seconds = (performance.now() - this.#start) / 1000
      this.#busy = performance.eventLoopUtilization(this.#atStart).utilization
    }
    this.#report({ type: 'phase', phase, open: this.#generator.fleet.open.length })
    if (phase === 'done') this.#finish()
  }

  /** @param index of the second that just ended; undefined within one */
  #progress(index: number | undefined): void {
    const { tally, fleet } = this.#generator
    const { utilization: busy } = performance.eventLoopUtilization(this.#idle)
    this.#idle = performance.eventLoopUtilization()
    const second = index === undefined ? undefined : { index, echoes: tally.latencies.echo.takeInterval() }
    const { counts, traffic } = tally
    const { open, flying } = { open: fleet.open.length, flying: fleet.flying }
    this.#report({ type: 'progress', progress: { counts, traffic, open, flying, busy, second } })
  }

  #finish(): void {
    clearInterval(this.#timer)
    // What came since the last whole second belongs to the one in which messages ended.
    this.#progress(this.#start === 0 ? undefined : Math.max(0, Math.ceil(this.#seconds) - 1))
    const { tally } = this.#generator
    const { counts, traffic, books, latencies } = tally
    const result: ThreadResult = {
      ...{ counts, traffic, seconds: this.#seconds, slowest: tally.slowest(), busy: this.#busy },
      latencies: eachLatency(name => latencies[name].sparse()),
      books: [...books],
    }
    this.#report({ type: 'result', result })
    this.#port.close()
  }

  #report(message: Report): void {
    this.#port.postMessage(message)
  }
}

if (parentPort !== null) new LoadThread(parentPort, workerData as ThreadData)
