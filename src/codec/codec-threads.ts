// One piscina pool of codec threads, which start and end together.
//
// Piscina replaces a lost thread by itself, but when the replacement fails at its start it stops doing so, and what is
// queued waits for ever. So these threads are to be given no more batches than there are of them, and none once one is
// lost. Nor are they ended while they work: a thread that is ended just as it makes a zlib context takes the process
// along (Node's assertion "close before init").

import { Piscina } from 'piscina'
import type { Batch, BatchResult } from './batch.js'
import type { TranscoderSettings } from './transcoder.js'

export interface CodecThreadsSettings {
  readonly threads: number
  readonly threadFile: URL
  readonly transcoder: TranscoderSettings
}

export class CodecThreads {
  readonly #pool: Piscina
  #underWay = 0
  #ending = false
  #onIdle: (() => void) | undefined

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
      if (!this.#ending) onLost(new Error('a codec thread has ended'))
    })
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
      if (--this.#underWay === 0) this.#onIdle?.()
    }
  }

  /** Ends the threads once what they have is done. */
  async end(): Promise<void> {
    this.#ending = true
    if (this.#underWay > 0) await new Promise<void>(resolve => (this.#onIdle = resolve))
    await this.#pool.destroy()
  }
}
