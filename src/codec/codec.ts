// The worker's side of the codec: does a message at once inline, or hands groups of messages to the piscina pool.

import { Piscina } from 'piscina'
import type { Settings } from '../settings.js'
import { type Batch, type BatchMessage, type BatchResult, pack, unpackResult } from './batch.js'
import { CostEstimate, HOP } from './cost-estimate.js'
import { type Incoming, type Outgoing, Transcoder, transcoderSettings } from './transcoder.js'

export { TRAILER_ROOM } from './inflater.js'

/** Messages of one connection that belong together: they are done in order, by one thread, and answered in order. */
export interface MessageGroup {
  readonly messages: readonly BatchMessage[]
  /** Called once a message in order, then `onGroupDone`. The result is only lent, see `Outgoing`. */
  onMessageDone(message: BatchMessage, result: Outgoing & { readonly plainEnd?: Buffer }): void
  onGroupDone(): void
  /** One of these callbacks threw. */
  onGroupFailed(error: unknown): void
}

/** Told what the codec does, for the metrics. Times are seconds. */
export interface CodecObserver {
  transcoded(message: Incoming, result: Outgoing, where: 'inline' | 'pool'): void
  batchDone(messages: number, wait: number, run: number): void
  poolFailed(error: Error): void
}

export type CodecSettings = Pick<
  Settings,
  'offload' | 'codecThreads' | 'codecQueue' | 'maxMessage' | 'maxInflateRatio' | 'deflateLevel' | 'memLevel'
>

const THREAD_FILE = new URL('./codec-thread.js', import.meta.url)

/** Batches given to the pool for each thread: one that it works on, one that waits for it. */
const BATCHES_PER_THREAD = 2
/** Octets after which a batch is full. */
const BATCH_OCTETS = 1024 * 1024
/** After so many failed batches in a row everything is done inline. */
const MOST_POOL_FAILURES = 5

export class Codec {
  readonly #settings: CodecSettings
  readonly #observer: CodecObserver
  readonly #threadFile: URL
  readonly #transcoder: Transcoder
  readonly #estimate = new CostEstimate()
  #pool: Piscina | undefined
  #poolFailures = 0
  #waiting: MessageGroup[] = []
  #batchesInFlight = 0
  #flushScheduled = false
  #blocked: (() => void)[] = []
  #runTime = 0

  /** Messages waiting for a codec thread or with one. */
  queued = 0

  constructor(settings: CodecSettings, observer: CodecObserver, threadFile = THREAD_FILE) {
    this.#settings = settings
    this.#observer = observer
    this.#threadFile = threadFile
    this.#transcoder = new Transcoder(transcoderSettings(settings))
  }

  /** Threads that run now; the pool starts with its first batch. */
  get threads(): number {
    return this.#pool?.threads.length ?? 0
  }

  /** Milliseconds of work done by the codec threads since the last call. */
  takeRunTime(): number {
    const taken = this.#runTime
    this.#runTime = 0
    return taken
  }

  /** Whether a message of `length` octets on the wire is better done at once by the caller than by a thread. */
  prefersInline(length: number, compressed: boolean): boolean {
    const { offload, codecThreads } = this.#settings
    if (offload === 'never' || codecThreads === 0 || this.#poolFailures >= MOST_POOL_FAILURES) return true
    if (offload === 'always') return false
    return this.#estimate.cost(length, compressed) < HOP
  }

  /** Does a message at once. The result is only lent, see `Outgoing`. */
  transcode(message: Incoming): Outgoing {
    const started = performance.now()
    const result = this.#transcoder.transcode(message)
    this.#estimate.learn(message.length, message.compressed, performance.now() - started)
    this.#observer.transcoded(message, result, 'inline')
    return result
  }

  /** Gives a group to the pool. Groups of one event-loop turn travel together. */
  submit(group: MessageGroup): void {
    this.#waiting.push(group)
    this.queued += group.messages.length
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** Whether the queue is full: who submits should stop reading, and go on when `whenRoom` calls back. */
  get full(): boolean {
    return this.queued > this.#settings.codecQueue
  }

  whenRoom(callback: () => void): void {
    this.#blocked.push(callback)
  }

  async close(): Promise<void> {
    await this.#pool?.destroy()
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#batchesInFlight < this.#settings.codecThreads * BATCHES_PER_THREAD)
      void this.#runBatch(this.#takeBatch())
  }

  /** An equal share of what waits for each thread, but no more than makes a full batch. */
  #takeBatch(): MessageGroup[] {
    const share = Math.ceil(this.#waiting.length / this.#settings.codecThreads)
    let octets = 0
    let groups = 0
    while (groups < share && octets < BATCH_OCTETS)
      for (const message of this.#waiting[groups++].messages) octets += message.length
    return this.#waiting.splice(0, groups)
  }

  async #runBatch(groups: MessageGroup[]): Promise<void> {
    const messages = groups.flatMap(group => group.messages)
    this.#batchesInFlight++
    const started = performance.now()
    let result: BatchResult | undefined
    try {
      result = await this.#runInPool(pack(messages))
      this.#poolFailures = 0
    } catch (error) {
      this.#poolFailures++
      this.#observer.poolFailed(error as Error)
    }
    this.#batchesInFlight--
    this.queued -= messages.length
    if (result === undefined) this.#answerInline(groups)
    else this.#answer(groups, messages.length, result, performance.now() - started)
    this.#unblock()
    this.#flush()
  }

  #runInPool(batch: Batch): Promise<BatchResult> {
    this.#pool ??= this.#openPool()
    return this.#pool.run(batch, { transferList: [batch.bytes.buffer, batch.rows.buffer] as ArrayBuffer[] })
  }

  #openPool(): Piscina {
    const { codecThreads } = this.#settings
    const pool = new Piscina({
      filename: this.#threadFile.href,
      minThreads: codecThreads,
      maxThreads: codecThreads,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: transcoderSettings(this.#settings),
    })
    pool.on('error', error => this.#observer.poolFailed(error))
    return pool
  }

  #answer(groups: MessageGroup[], messages: number, result: BatchResult, elapsed: number): void {
    this.#runTime += result.runTime
    this.#observer.batchDone(messages, Math.max(0, elapsed - result.runTime) / 1000, result.runTime / 1000)
    const results = unpackResult(result)
    for (const group of groups) {
      const ofGroup = group.messages.map(() => results.next().value as Outgoing & { plainEnd: Buffer })
      deliver(group, (message, i) => {
        this.#observer.transcoded(message, ofGroup[i], 'pool')
        return ofGroup[i]
      })
    }
  }

  /** A thread died with this batch. The messages are still here, so nobody notices. */
  #answerInline(groups: MessageGroup[]): void {
    for (const group of groups) deliver(group, message => this.transcode(message))
  }

  #unblock(): void {
    if (this.full || this.#blocked.length === 0) return
    const blocked = this.#blocked
    this.#blocked = []
    for (const callback of blocked) callback()
  }
}

/** Answers a group; what goes wrong with it touches no other. */
function deliver(group: MessageGroup, resultOf: (message: BatchMessage, index: number) => Outgoing): void {
  try {
    for (const [i, message] of group.messages.entries()) group.onMessageDone(message, resultOf(message, i))
    group.onGroupDone()
  } catch (error) {
    group.onGroupFailed(error)
  }
}
