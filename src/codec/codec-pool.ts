// The threads behind the codec: started with their first batch, replaced all together when one of them fails.

import { type BatchPart, type BatchResult, pack } from './batch.js'
import { CodecThreads, type CodecThreadsSettings } from './codec-threads.js'

/** After so many failures with no batch done in between, threads are not tried any more. */
const MOST_FAILURES = 5

export class CodecPool {
  readonly #settings: CodecThreadsSettings
  readonly #onFailure: (error: Error) => void
  #threads: CodecThreads | undefined
  /** Threads that were given up and have not ended yet. */
  readonly #leaving = new Set<CodecThreads>()
  #failures = 0
  #closed = false

  /** @param onFailure told of each thread that is lost, and of each batch that is not done */
  constructor(settings: CodecThreadsSettings, onFailure: (error: Error) => void) {
    this.#settings = settings
    this.#onFailure = onFailure
  }

  /** False when there are no threads, or none that can be relied on. */
  get usable(): boolean {
    return this.#settings.threads > 0 && this.#failures < MOST_FAILURES && !this.#closed
  }

  /** Threads that run now. */
  get running(): number {
    return this.#threads?.running ?? 0
  }

  /**
   * Has a thread do the messages; not to be called for more batches at a time than there are threads. Undefined when
   * none did: the messages are untouched, and the caller's to do.
   */
  async run(parts: readonly BatchPart[]): Promise<BatchResult | undefined> {
    if (!this.usable) return undefined
    let threads = this.#threads
    try {
      threads = this.#threads ??= this.#start()
      const result = await threads.run(pack(parts))
      this.#failures = 0
      return result
    } catch (error) {
      this.#onFailure(error as Error)
      this.#giveUp(threads)
      return undefined
    }
  }

  /** Has the threads let go of memory that they need no more; no batch is to be run meanwhile. */
  async rest(): Promise<void> {
    await this.#threads?.rest()
  }

  /** Ends the threads once what they have is done, and waits for those that were given up. */
  async close(): Promise<void> {
    this.#closed = true
    const threads = this.#threads
    this.#threads = undefined
    await Promise.all([threads, ...this.#leaving].map(each => each?.end()))
  }

  #start(): CodecThreads {
    const threads = new CodecThreads(this.#settings, error => {
      this.#onFailure(error)
      this.#giveUp(threads)
    })
    return threads
  }

  /** However many threads and batches a failure takes along, it counts once. */
  #giveUp(threads: CodecThreads | undefined): void {
    if (threads !== this.#threads) return
    this.#threads = undefined
    this.#failures++
    if (threads === undefined) return
    this.#leaving.add(threads)
    void threads.end().finally(() => this.#leaving.delete(threads))
  }
}
