// One piscina pool of codec threads, which start and end together.
//
// Piscina replaces a lost thread by itself, but when the replacement fails at its start it stops doing so, and what is
// queued waits for ever. So these threads are to be given no more batches than there are of them, and none once one is
// lost. Nor are they ended while they start or work: a thread that is ended as it loads its modules or makes a zlib
// context takes the process along (failed assertions in Node).

import type { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Batch, BatchResult } from './batch.js'
import type { TranscoderSettings } from './transcoder.js'

/** Milliseconds of the longest timer. */
const MAX_DELAY = 2 ** 31 - 1

export interface CodecThreadsSettings {
  readonly threads: number
  readonly threadFile: URL
  readonly transcoder: TranscoderSettings
}

export class CodecThreads {
  readonly #pool: Piscina
  readonly #seen = new WeakSet<Worker>()
  /** Threads that still load their modules. */
  readonly #starting = new Set<Worker>()
  #underWay = 0
  #isEnding = false
  #ended: Promise<void> | undefined
  #onQuiet: (() => void) | undefined

  /** @param onLost told of each thread that ends by itself */
  constructor({ threads, threadFile, transcoder }: CodecThreadsSettings, onLost: (error: Error) => void) {
    this.#pool = new Piscina({
      filename: threadFile.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerData: transcoder,
    })
    this.#pool.on('error', onLost)
    this.#pool.on('workerDestroy', () => {
      if (!this.#isEnding) onLost(new Error('a codec thread has ended'))
    })
    this.#watchNewThreads()
  }

  get running(): number {
    return this.#pool.threads.length
  }

  /** @throws Error if the batch was not done */
  async run({ bytes, rows }: Batch): Promise<BatchResult> {
    this.#underWay++
    try {
      return await this.#pool.run({ bytes, rows }, { transferList: [bytes.buffer, rows.buffer] as ArrayBuffer[] })
    } finally {
      this.#underWay--
      this.#tellWhenQuiet()
    }
  }

  /** Has each thread let go of memory that it needs no more; not while there are batches under way. */
  async rest(): Promise<void> {
    this.#underWay++
    // Of a thread that is lost meanwhile piscina tells by itself.
    await Promise.allSettled(this.#pool.threads.map(() => this.#pool.run(undefined)))
    this.#underWay--
    this.#tellWhenQuiet()
  }

  /** Ends the threads once all have started and what they have is done. */
  end(): Promise<void> {
    this.#isEnding = true
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    // Threads that start do not keep the process, but it is not to end before they have.
    const keepsProcess = setInterval(() => {}, MAX_DELAY)
    // Not while piscina is told of a lost thread: it would wait for ever for that one's end, which it is just told.
    await undefined
    if (!this.#isQuiet) await new Promise<void>(resolve => (this.#onQuiet = resolve))
    await this.#pool.destroy()
    clearInterval(keepsProcess)
  }

  get #isQuiet(): boolean {
    return this.#underWay === 0 && this.#starting.size === 0
  }

  #tellWhenQuiet(): void {
    if (this.#isQuiet) this.#onQuiet?.()
  }

  /** A thread's first message says that its modules are loaded. One that fails is replaced before we hear of it. */
  #watchNewThreads(): void {
    for (const thread of this.#pool.threads) {
      if (this.#seen.has(thread)) continue
      this.#seen.add(thread)
      this.#starting.add(thread)
      const started = (): void => {
        this.#watchNewThreads()
        if (this.#starting.delete(thread)) this.#tellWhenQuiet()
      }
      thread.once('message', started)
      thread.once('error', started)
      thread.once('exit', started)
    }
  }
}
