// What a worker is to its codec: groups of messages in, replies and observations out.

import type { Worker } from 'node:worker_threads'
import type { BatchMessage } from '../../src/codec/batch.js'
import {
  Codec,
  type CodecObserver,
  type CodecSettings,
  type GroupResult,
  type MessageGroup,
} from '../../src/codec/codec.js'
import { CostEstimate } from '../../src/codec/cost-estimate.js'
import { deflateMessage, inflateMessage } from './deflate-message.js'

const FRAGILE_THREAD = new URL('./fragile-codec-thread.js', import.meta.url)
const NOTHING = Buffer.alloc(0)

export const SETTINGS: CodecSettings = {
  offload: 'always',
  codecThreads: 2,
  codecQueue: 1000,
  maxMessage: 2 ** 24,
  maxInflateRatio: 0,
  deflateLevel: 'auto',
  memLevel: 8,
}

interface TestContext {
  after(hook: () => Promise<void> | void): void
}

/** What a codec told about itself. */
export class Observations implements CodecObserver {
  /** Where each message was done. */
  readonly where: ('inline' | 'pool')[] = []
  /** Messages of each batch that came back. */
  readonly batches: number[] = []
  /** Seconds that each of them waited, and ran. */
  readonly times: { readonly wait: number; readonly run: number }[] = []
  readonly failures: Error[] = []

  transcoded(_message: unknown, _result: unknown, where: 'inline' | 'pool'): void {
    this.where.push(where)
  }

  batchDone(messages: number, wait: number, run: number): void {
    if (!(wait >= 0 && run >= 0)) throw new Error(`a batch waited ${wait} s and ran ${run} s`)
    this.batches.push(messages)
    this.times.push({ wait, run })
  }

  poolFailed(error: Error): void {
    this.failures.push(error)
  }
}

/**
 * A codec that ends with the test. Its threads are the real ones, but for their weakness for poison and their clock,
 * which says that each message took `tick` milliseconds.
 */
export function codecFor(
  context: TestContext,
  settings: Partial<CodecSettings> = {},
  tick?: number,
  clock: () => number = () => 0,
): [Codec, Observations] {
  delete process.env.ECHOBAHN_TEST_TICK
  if (tick !== undefined) process.env.ECHOBAHN_TEST_TICK = String(tick)
  const observations = new Observations()
  const codec = new Codec({ ...SETTINGS, ...settings }, observations, FRAGILE_THREAD, clock)
  context.after(() => codec.close())
  return [codec, observations]
}

/** The threads that start from now on, until the test ends. */
export function threadsStarted(context: TestContext): Worker[] {
  const threads: Worker[] = []
  const note = (thread: Worker): void => void threads.push(thread)
  process.on('worker', note)
  context.after(() => void process.off('worker', note))
  return threads
}

/**
 * The threads that have loaded their modules from now on, until the test ends. Only these are a test's to end: one that
 * is ended earlier may take the process along. A thread's first reply may come before it is noted here.
 */
export function threadsLoaded(context: TestContext): Worker[] {
  const threads: Worker[] = []
  const note = (thread: Worker): void => void thread.once('message', () => threads.push(thread))
  process.on('worker', note)
  context.after(() => void process.off('worker', note))
  return threads
}

/** Resolves once `condition` holds, looking again each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

export function messageOf(source: Buffer | string, terms: Partial<BatchMessage> = {}): BatchMessage {
  const octets = Buffer.from(source as Buffer)
  return {
    source: octets,
    offset: 0,
    length: octets.length,
    compressed: false,
    text: false,
    refersBack: false,
    windowBits: 15,
    inflateWindow: NOTHING,
    deflateWindow: NOTHING,
    plainEndLength: 0,
    ...terms,
  }
}

export function compressedMessage(plain: Buffer | string): BatchMessage {
  return messageOf(deflateMessage(plain), { compressed: true })
}

/** A group that keeps its replies as plain text, or the violations in their place. */
export class Group implements MessageGroup {
  messages: readonly BatchMessage[]
  readonly estimate = new CostEstimate()
  room = Number.MAX_SAFE_INTEGER
  gone = false
  readonly replies: string[] = []
  readonly errors: unknown[] = []
  /** Messages that were answered in each turn. */
  readonly turns: number[] = []
  /** Resolves when all messages are answered, or one of them has failed. */
  readonly settled: Promise<void>
  #settle = () => {}
  #answered = 0
  #codec: Codec | undefined

  constructor(...messages: readonly (BatchMessage | string)[]) {
    this.messages = messages.map(message => (typeof message === 'string' ? compressedMessage(message) : message))
    this.settled = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  submitTo(codec: Codec): this {
    this.#codec = codec
    codec.submit(this)
    return this
  }

  onMessageDone(message: BatchMessage, result: GroupResult): void {
    if (message !== this.messages[this.#answered++]) throw new Error('a message is done out of turn')
    const { violation, deflated, payload, payloadOffset, payloadLength } = result
    const octets = payload.subarray(payloadOffset, payloadOffset + payloadLength)
    this.replies.push(violation ?? (deflated ? inflateMessage(octets) : octets).toString())
  }

  onGroupDone(): void {
    this.turns.push(this.#answered)
    this.messages = this.messages.slice(this.#answered)
    this.#answered = 0
    if (this.messages.length === 0) this.#settle()
    else this.#codec?.submit(this)
  }

  onGroupFailed(error: unknown): void {
    this.errors.push(error)
    this.#settle()
  }
}

/** Submits a group of these messages and waits for its replies. */
export async function replies(codec: Codec, ...messages: readonly (BatchMessage | string)[]): Promise<string[]> {
  const group = new Group(...messages).submitTo(codec)
  await group.settled
  return group.replies
}
