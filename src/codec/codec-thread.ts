// Entry of a codec thread: takes batches from the worker's pool, gives results back without copying them.

import { Piscina, workerData } from 'piscina'
import { type Batch, type BatchResult, runBatch } from './batch.js'
import { Transcoder, type TranscoderSettings } from './transcoder.js'

const transcoder = new Transcoder(workerData as TranscoderSettings)

/** Tells piscina to move the result's buffers to the worker instead of cloning them. */
class Moved {
  readonly #result: BatchResult

  constructor(result: BatchResult) {
    this.#result = result
  }

  get [Piscina.transferableSymbol](): ArrayBufferLike[] {
    return [this.#result.bytes.buffer, this.#result.rows.buffer]
  }

  get [Piscina.valueSymbol](): BatchResult {
    return this.#result
  }
}

export default (batch: Batch): Moved => new Moved(runBatch(batch, transcoder))
