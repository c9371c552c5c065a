// The worker's side of the codec: does a message at once inline, or hands groups of messages to the piscina pool.

import type { Settings } from '../settings.js'
import { type BatchMessage, type BatchResult, unpackResult } from './batch.js'
import { CodecPool } from './codec-pool.js'
import { CostEstimate, HOP } from './cost-estimate.js'
import { type Incoming, type Outgoing, Transcoder, transcoderSettings } from './transcoder.js'

/** A message's result. One from a thread has of its plain text only the end, in `plainEnd`. */
export type GroupResult = Outgoing & { readonly plainEnd?: Buffer }

/** Messages of one connection that belong together: they are done in order, by one thread, and answered in order. */
export interface MessageGroup {
  readonly messages: readonly BatchMessage[]
  /** Called once a message in order, then `onGroupDone`. The result is only lent, see `Outgoing`. */
  onMessageDone(message: BatchMessage, result: GroupResult): void
  onGroupDone(): void
  /** One of these callbacks threw. This one must not. */
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

/** Octets after which a batch is full. */
const BATCH_OCTETS = 1024 * 1024
/** Octets on the wire that the queue takes, however few messages they are. */
const MOST_QUEUED_OCTETS = 64 * 1024 * 1024

export class Codec {
  readonly #settings: CodecSettings
  readonly #observer: CodecObserver
  readonly #pool: CodecPool
  readonly #transcoder: Transcoder
  readonly #estimate = new CostEstimate()
  #waiting: MessageGroup[] = []
  #batchesInFlight = 0
  #flushScheduled = false
  #blocked: (() => void)[] = []
  #runTime = 0

  /** Messages waiting for a codec thread or with one. */
  queued = 0
  #queuedOctets = 0

  constructor(settings: CodecSettings, observer: CodecObserver, threadFile = THREAD_FILE) {
    this.#settings = settings
    this.#observer = observer
    const transcoder = transcoderSettings(settings)
    this.#transcoder = new Transcoder(transcoder)
    this.#pool = new CodecPool({ threads: settings.codecThreads, threadFile, transcoder }, error =>
      observer.poolFailed(error),
    )
  }

  /** Threads that run now; the pool starts with its first batch. */
  get threads(): number {
    return this.#pool.running
  }

  /** Milliseconds of work done by the codec threads since the last call. */
  takeRunTime(): number {
    const taken = this.#runTime
    this.#runTime = 0
    return taken
  }

  /** Whether a message of `length` octets on the wire is better done at once by the caller than by a thread. */
  prefersInline(length: number, compressed: boolean): boolean {
    const { offload } = this.#settings
    if (offload === 'never' || !this.#pool.usable) return true
    if (offload === 'always') return false
    return this.#estimate.cost(length, compressed) < HOP
  }

  /** Does a message at once. The result is only lent, see `Outgoing`. */
  transcode(message: Incoming): Outgoing {
    const started = performance.now()
    const result = this.#transcoder.transcode(message)
    this.#estimate.learn(message, performance.now() - started)
    this.#observer.transcoded(message, result, 'inline')
    return result
  }

  /** Gives messages that are not better done inline to the pool. Groups of one event-loop turn travel together. */
  submit(group: MessageGroup): void {
    this.#waiting.push(group)
    this.queued += group.messages.length
    this.#queuedOctets += octetsOf(group.messages)
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** Whether the queue is full: who submits should stop reading, and go on when `whenRoom` calls back. */
  get full(): boolean {
    return this.queued > this.#settings.codecQueue || this.#queuedOctets > MOST_QUEUED_OCTETS
  }

  /** Calls back once the queue, which is full now, has room. */
  whenRoom(callback: () => void): void {
    this.#blocked.push(callback)
  }

  /** Ends the threads once what they have is done; what comes later is done inline. */
  async close(): Promise<void> {
    await this.#pool.close()
  }

  /** A batch for each thread that is free; what comes meanwhile makes the next one larger. */
  #flush(): void {
    const { codecThreads } = this.#settings
    const share = Math.ceil(this.#waiting.length / codecThreads)
    while (this.#waiting.length > 0 && this.#batchesInFlight < codecThreads) void this.#runBatch(this.#takeBatch(share))
  }

  /** The first `share` groups that wait, or as many of them as make a full batch. */
  #takeBatch(share: number): MessageGroup[] {
    const most = Math.min(share, this.#waiting.length)
    let octets = 0
    let groups = 0
    while (groups < most && octets < BATCH_OCTETS) octets += octetsOf(this.#waiting[groups++].messages)
    return this.#waiting.splice(0, groups)
  }

  async #runBatch(groups: MessageGroup[]): Promise<void> {
    const messages = groups.flatMap(group => group.messages)
    this.#batchesInFlight++
    const started = performance.now()
    const result = await this.#pool.run(messages)
    this.#batchesInFlight--
    this.queued -= messages.length
    this.#queuedOctets -= octetsOf(messages)
    // The thread goes on before its results are looked at.
    this.#flush()
    if (result === undefined) this.#answerInline(groups)
    else this.#answer(groups, messages, result, performance.now() - started)
    this.#unblock()
    this.#flush()
  }

  #answer(groups: MessageGroup[], messages: BatchMessage[], result: BatchResult, elapsed: number): void {
    this.#runTime += result.runTime
    this.#estimate.learnTogether(messages, result.runTime)
    this.#observer.batchDone(messages.length, Math.max(0, elapsed - result.runTime) / 1000, result.runTime / 1000)
    const results = unpackResult(result)
    for (const group of groups) {
      const ofGroup = group.messages.map(() => results.next().value as GroupResult)
      deliver(group, (message, i) => {
        this.#observer.transcoded(message, ofGroup[i], 'pool')
        return ofGroup[i]
      })
    }
  }

  /** No thread did this batch. The messages are still here, so nobody notices. */
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
function deliver(group: MessageGroup, resultOf: (message: BatchMessage, index: number) => GroupResult): void {
  try {
    for (const [i, message] of group.messages.entries()) group.onMessageDone(message, resultOf(message, i))
    group.onGroupDone()
  } catch (error) {
    group.onGroupFailed(error)
  }
}

function octetsOf(messages: readonly BatchMessage[]): number {
  return messages.reduce((octets, message) => octets + message.length, 0)
}
