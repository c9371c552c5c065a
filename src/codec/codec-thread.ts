// Entry of a codec thread: takes batches from the worker's pool, gives results back without copying them.

import { move, Piscina, workerData } from 'piscina'
import { type Batch, type BatchResult, runBatch } from './batch.js'
import { yieldToEventLoops } from './thread-priority.js'
import { Transcoder, type TranscoderSettings } from './transcoder.js'

const transcoder = new Transcoder(workerData as TranscoderSettings)

/** What piscina's `move` takes; its types name it by symbols that they do not export. */
type Transferable = Parameters<typeof move>[0]

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

/** A thread that starts is waited for; only one that works yields. */
let isYielding = false

export default (batch: Batch) => {
  if (!isYielding) yieldToEventLoops()
  isYielding = true
  return move(new Moved(runBatch(batch, transcoder)) as unknown as Transferable)
}
