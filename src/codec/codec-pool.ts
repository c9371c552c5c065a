// The piscina pool behind the codec: opened with its first batch, and replaced as a whole when anything in it fails.
//
// Piscina replaces a lost thread by itself, but when the replacement fails at its start it stops doing so, and what is
// queued waits for ever. Threads of a new pool are given work before they are up, so that a failure always comes back.

import { Piscina } from 'piscina'
import { type BatchMessage, type BatchResult, pack } from './batch.js'
import type { TranscoderSettings } from './transcoder.js'

/** After so many failures with no batch done in between, threads are not tried any more. */
const MOST_FAILURES = 5

export interface CodecPoolSettings {
  readonly threads: number
  readonly threadFile: URL
  readonly transcoder: TranscoderSettings
}

export class CodecPool {
  readonly #settings: CodecPoolSettings
  readonly #onFailure: (error: Error) => void
  #pool: Piscina | undefined
  #failures = 0
  #closed = false

  /** @param onFailure told of each failure; the batches that it cost come back from `run` */
  constructor(settings: CodecPoolSettings, onFailure: (error: Error) => void) {
    this.#settings = settings
    this.#onFailure = onFailure
  }

  /** False when there are no threads, or none that can be relied on. */
  get usable(): boolean {
    return this.#settings.threads > 0 && this.#failures < MOST_FAILURES && !this.#closed
  }

  /** Threads that run now. */
  get running(): number {
    return this.#pool?.threads.length ?? 0
  }

  /** Has a thread do the messages. Undefined when it could not: they are untouched, and the caller's to do. */
  async run(messages: readonly BatchMessage[]): Promise<BatchResult | undefined> {
    if (!this.usable) return undefined
    let pool = this.#pool
    try {
      pool ??= this.#open()
      const batch = pack(messages)
      const transferList = [batch.bytes.buffer, batch.rows.buffer] as ArrayBuffer[]
      const result: BatchResult = await pool.run(batch, { transferList })
      this.#failures = 0
      return result
    } catch (error) {
      this.#giveUp(pool, error as Error)
      return undefined
    }
  }

  /** Ends the threads. Batches under way come back undone. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#closed = true
    this.#pool = undefined
    await pool?.destroy()
  }

  #open(): Piscina {
    const { threads, threadFile, transcoder } = this.#settings
    const pool = new Piscina({
      filename: threadFile.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerData: transcoder,
    })
    pool.on('error', error => this.#giveUp(pool, error))
    // The reason, if there is one, comes right behind.
    pool.on('workerDestroy', () => setImmediate(() => this.#giveUp(pool, new Error('a codec thread has ended'))))
    this.#pool = pool
    return pool
  }

  #giveUp(pool: Piscina | undefined, error: Error): void {
    if (pool !== this.#pool || this.#closed) return
    this.#pool = undefined
    this.#failures++
    this.#onFailure(error)
    void pool?.destroy()
  }
}
