// Counts what the codec does.

import type { Logger } from 'pino'
import type { CodecObserver } from '../codec/codec.js'
import type { Incoming, Outgoing } from '../codec/transcoder.js'
import type { Counters } from '../metrics/counters.js'
import { histogramAt, offsetOf } from '../metrics/layout.js'

const INFLATED = {
  inline: offsetOf('codec_messages_total', { operation: 'inflate', where: 'inline' }),
  pool: offsetOf('codec_messages_total', { operation: 'inflate', where: 'pool' }),
}
const DEFLATED = {
  inline: offsetOf('codec_messages_total', { operation: 'deflate', where: 'inline' }),
  pool: offsetOf('codec_messages_total', { operation: 'deflate', where: 'pool' }),
}
const INFLATE_IN = offsetOf('codec_bytes_total', { operation: 'inflate', side: 'in' })
const INFLATE_OUT = offsetOf('codec_bytes_total', { operation: 'inflate', side: 'out' })
const DEFLATE_IN = offsetOf('codec_bytes_total', { operation: 'deflate', side: 'in' })
const DEFLATE_OUT = offsetOf('codec_bytes_total', { operation: 'deflate', side: 'out' })
const BATCH = histogramAt('codec_batch_messages')
const WAIT = histogramAt('codec_wait_seconds')
const RUN = histogramAt('codec_run_seconds')

export class CodecMetrics implements CodecObserver {
  readonly #counters: Counters
  readonly #log: Logger

  constructor(counters: Counters, log: Logger) {
    this.#counters = counters
    this.#log = log
  }

  transcoded(message: Incoming, result: Outgoing, where: 'inline' | 'pool'): void {
    if (result.violation !== undefined) return
    const { values } = this.#counters
    if (message.compressed) {
      values[INFLATED[where]]++
      values[INFLATE_IN] += message.length
      values[INFLATE_OUT] += result.plainLength
    }
    if (result.deflated) {
      values[DEFLATED[where]]++
      values[DEFLATE_IN] += result.plainLength
      values[DEFLATE_OUT] += result.payloadLength
    }
  }

  batchDone(messages: number, wait: number, run: number): void {
    this.#counters.observe(BATCH, messages)
    this.#counters.observe(WAIT, wait)
    this.#counters.observe(RUN, run)
  }

  poolFailed(error: Error): void {
    this.#log.warn({ err: error }, 'a codec thread failed; its messages are done on the event loop')
  }
}
