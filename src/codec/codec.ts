// The worker's side of the codec: does a message at once inline, or hands groups of messages to the piscina pool.

import type { Settings } from '../settings.js'
import {
  type BatchMessage,
  type BatchPart,
  type BatchResult,
  inOnePiece,
  type ThreadResult,
  unpackResult,
} from './batch.js'
import { CodecPool } from './codec-pool.js'
import { type CostEstimate, SMALL_WORK } from './cost-estimate.js'
import type { WorkBound } from './inflater.js'
import { type Incoming, type Outgoing, Transcoder, transcoderSettings } from './transcoder.js'
import { Turns } from './turns.js'

/** A message's result. One from a thread has of its plain text only the end, in `plainEnd`. */
export type GroupResult = Outgoing & { readonly plainEnd?: Buffer }

/** Messages of one connection that belong together: they are done in order, by one thread, and answered in order. */
export interface MessageGroup {
  readonly messages: readonly BatchMessage[]
  /** What the connection's messages took so far. */
  readonly estimate: CostEstimate
  /** Octets of replies that the connection takes now: once there are as many, no further message is begun. */
  readonly room: number
  /** Nobody waits for the replies any more: nothing is begun, and nothing called back. */
  readonly gone: boolean
  /** Called once a message in order, then `onGroupDone`. The result is only lent, see `Outgoing`. */
  onMessageDone(message: BatchMessage, result: GroupResult): void
  /**
   * The group's turn is over. At least one message was answered; those that were not are to be submitted again, when
   * there is room for their replies.
   */
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

/** Octets on the wire after which a batch is full. */
const BATCH_OCTETS = 1024 * 1024
/** Octets on the wire that one group may have in a batch: more could hardly be done in one turn. */
const GROUP_OCTETS = 128 * 1024
/** Octets on the wire that the queue takes, however few messages they are. */
const MOST_QUEUED_OCTETS = 64 * 1024 * 1024

/** Milliseconds without a batch after which what the last ones needed is given back. */
const QUIET = 1000

/** A group in the queue. */
interface Entry {
  readonly group: MessageGroup
  readonly messages: readonly BatchMessage[]
  readonly octets: number
}

/** What of a group is in a batch. */
interface Part extends BatchPart {
  readonly entry: Entry
}

export class Codec {
  readonly #settings: CodecSettings
  readonly #observer: CodecObserver
  readonly #clock: () => number
  readonly #pool: CodecPool
  readonly #transcoder: Transcoder
  #waiting: Entry[] = []
  #batchesInFlight = 0
  #flushScheduled = false
  #blocked: (() => void)[] = []
  /** When a batch was last begun, in the clock's milliseconds; undefined once the threads have rested since. */
  #batchedAt: number | undefined

  /** Messages waiting for a codec thread or with one. */
  queued = 0
  #queuedOctets = 0

  /** @param clock gives milliseconds */
  constructor(
    settings: CodecSettings,
    observer: CodecObserver,
    threadFile = THREAD_FILE,
    clock = () => performance.now(),
  ) {
    this.#settings = settings
    this.#clock = clock
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

  /** Whether a message of `length` octets on the wire is better tried at once than given to a thread. */
  prefersInline(estimate: CostEstimate, length: number, compressed: boolean): boolean {
    const { offload } = this.#settings
    if (offload === 'never' || !this.#pool.usable) return true
    return offload === 'auto' && estimate.isSmall(length, compressed)
  }

  /**
   * Does a message at once. The result is only lent, see `Outgoing`. Undefined when it turned out to be too much work
   * for that: it is to be submitted.
   */
  tryInline(message: Incoming, estimate: CostEstimate): Outgoing | undefined {
    const mustBeDone = this.#settings.offload === 'never' || !this.#pool.usable
    return this.#transcode(message, estimate, mustBeDone ? undefined : SMALL_WORK)
  }

  #transcode(message: Incoming, estimate: CostEstimate, bound: WorkBound | undefined): Outgoing | undefined {
    const started = this.#clock()
    const result = this.#transcoder.transcodeWithin(message, bound)
    if (result === undefined) return undefined
    estimate.learn(message.length, message.compressed, this.#clock() - started)
    this.#observer.transcoded(message, result, 'inline')
    return result
  }

  /** Gives messages that are not better done inline to the pool. Groups of one event-loop turn travel together. */
  submit(group: MessageGroup): void {
    const { messages } = group
    const octets = octetsOf(messages)
    this.#waiting.push({ group, messages, octets })
    this.queued += messages.length
    this.#queuedOctets += octets
    this.#scheduleFlush()
  }

  /** Whether the queue is full: who submits should stop reading, and go on when `whenRoom` calls back. */
  get full(): boolean {
    return this.queued > this.#settings.codecQueue || this.#queuedOctets > MOST_QUEUED_OCTETS
  }

  /** Calls back once the queue, which is full now, has room. */
  whenRoom(callback: () => void): void {
    this.#blocked.push(callback)
  }

  /** To be called now and then: gives memory back when there is nothing for threads to do. */
  sweep(): void {
    const isBusy = this.#batchesInFlight > 0 || this.#waiting.length > 0
    if (isBusy || this.#batchedAt === undefined || this.#clock() - this.#batchedAt < QUIET) return
    this.#batchedAt = undefined
    this.#transcoder.release()
    void this.#restThreads()
  }

  /** Threads that rest are busy. */
  async #restThreads(): Promise<void> {
    const { codecThreads } = this.#settings
    this.#batchesInFlight += codecThreads
    await this.#pool.rest()
    this.#batchesInFlight -= codecThreads
    this.#flush()
  }

  /** Ends the threads once what they have is done; what comes later is done inline. */
  async close(): Promise<void> {
    await this.#pool.close()
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** A batch for each thread that is free; what comes meanwhile makes the next one larger. */
  #flush(): void {
    const { codecThreads } = this.#settings
    const share = Math.ceil(this.#waiting.length / codecThreads)
    while (this.#waiting.length > 0 && this.#batchesInFlight < codecThreads) {
      const parts = this.#takeBatch(share)
      if (parts.length > 0) void this.#runBatch(parts)
    }
  }

  /** Parts of the first `share` groups that wait, or of as many of them as make a full batch. */
  #takeBatch(share: number): Part[] {
    const parts: Part[] = []
    let taken = 0
    for (let octets = 0; taken < this.#waiting.length && parts.length < share && octets < BATCH_OCTETS; ) {
      const entry = this.#waiting[taken++]
      if (entry.group.gone) {
        this.#leaveQueue(entry)
        continue
      }
      const messages = firstOctets(entry.messages, GROUP_OCTETS)
      octets += octetsOf(messages)
      parts.push({ entry, messages, room: entry.group.room })
    }
    this.#waiting.splice(0, taken)
    return parts
  }

  async #runBatch(parts: readonly Part[]): Promise<void> {
    this.#batchesInFlight++
    const started = this.#clock()
    this.#batchedAt = started
    const result = await this.#pool.run(parts)
    this.#batchesInFlight--
    if (result === undefined) {
      this.#answerInline(parts)
      // What is left waits for a turn of the event loop, since there may be no threads to wait for.
      this.#scheduleFlush()
    } else {
      this.#answer(parts, result, this.#clock() - started)
      this.#flush()
    }
    this.#unblock()
  }

  #answer(parts: readonly Part[], result: BatchResult, elapsed: number): void {
    const results = unpackResult(result)
    const answers = parts.map(({ messages }) => messages.map(() => results.next().value as ThreadResult | undefined))
    const done = answers.flat().filter(answer => answer !== undefined).length
    this.#observer.batchDone(done, Math.max(0, elapsed - result.runTime) / 1000, result.runTime / 1000)
    this.#waitAgain(parts.filter((_, i) => answers[i][0] === undefined))
    // The thread goes on before its results are looked at.
    this.#flush()
    for (const [i, part] of parts.entries()) {
      if (answers[i][0] === undefined) continue
      const { estimate } = part.entry.group
      this.#deliver(part, (message, j) => {
        const answer = answers[i][j]
        if (answer === undefined) return undefined
        estimate.learn(message.length, message.compressed, answer.elapsed)
        this.#observer.transcoded(message, answer, 'pool')
        return answer
      })
    }
  }

  /** No thread did this batch. The messages are still here, so nobody notices. */
  #answerInline(parts: readonly Part[]): void {
    const turns = new Turns(this.#clock())
    let octets = 0
    for (const [i, part] of parts.entries()) {
      if (!turns.begin(this.#clock(), octets, part.room)) {
        this.#waitAgain(parts.slice(i))
        return
      }
      this.#deliver(part, message => {
        if (part.entry.group.gone || turns.isOver(this.#clock(), octets)) return undefined
        const result = this.#transcode(inOnePiece(message), part.entry.group.estimate, undefined) as Outgoing
        octets += result.payloadLength
        return result
      })
    }
  }

  /** Puts groups that had no turn back to where they were. */
  #waitAgain(parts: readonly Part[]): void {
    this.#waiting.unshift(...parts.map(({ entry }) => entry))
  }

  /** Answers the messages of a group that have a result; what goes wrong with one group touches no other. */
  #deliver(
    { entry, messages }: Part,
    resultOf: (message: BatchMessage, index: number) => GroupResult | undefined,
  ): void {
    const { group } = entry
    this.#leaveQueue(entry)
    try {
      for (const [i, message] of messages.entries()) {
        const result = resultOf(message, i)
        if (result === undefined) break
        if (!group.gone) group.onMessageDone(message, result)
      }
      if (!group.gone) group.onGroupDone()
    } catch (error) {
      group.onGroupFailed(error)
    }
  }

  #leaveQueue({ messages, octets }: Entry): void {
    this.queued -= messages.length
    this.#queuedOctets -= octets
  }

  #unblock(): void {
    if (this.full || this.#blocked.length === 0) return
    const blocked = this.#blocked
    this.#blocked = []
    for (const callback of blocked) callback()
  }
}

/** The first messages that have `octets` octets together, the last of them included. */
function firstOctets(messages: readonly BatchMessage[], octets: number): readonly BatchMessage[] {
  let sum = 0
  const end = messages.findIndex(({ length }) => {
    sum += length
    return sum >= octets
  })
  return end === -1 || end === messages.length - 1 ? messages : messages.slice(0, end + 1)
}

function octetsOf(messages: readonly BatchMessage[]): number {
  return messages.reduce((octets, message) => octets + message.length, 0)
}
