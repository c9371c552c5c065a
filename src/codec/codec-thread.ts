// Entry of a codec thread: takes batches from the worker's pool, gives results back without copying them. Where it gets
// none for a while it is told to rest.

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

/** Octets that are worth a collection. */
const WASTE = 4 * 1024 * 1024

/** The collector of --expose-gc, with which the primary starts its workers. */
const { gc } = globalThis

/** A thread that starts is waited for; only one that works yields. */
let isYielding = false

/** Octets of buffers that this thread made and let go of since it last rested. */
let leftBehind = 0

/** @param work undefined: there is none for a while */
export default (work: Batch | undefined) => {
  if (work === undefined) return rest()
  if (!isYielding) yieldToEventLoops()
  isYielding = true
  const result = runBatch(work, transcoder)
  leftBehind += work.bytes.length + result.bytes.length
  return move(new Moved(result) as unknown as Transferable)
}

/** Large buffers are freed with the small objects that stand for them: on a thread without work, never by themselves. */
function rest(): void {
  leftBehind += transcoder.release()
  if (leftBehind < WASTE) return
  leftBehind = 0
  gc?.()
}
