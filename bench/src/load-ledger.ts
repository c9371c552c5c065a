// What all connections of a load have seen together.

import { percentile } from './statistics.js'

export class LoadLedger {
  /** Latencies count while this is set; messages always do. */
  measuring = false
  messages = 0
  compressedMessages = 0
  /** Connections whose first echo was what had been sent. */
  verified = 0
  /** Payload octets on the wire of the first echo of all. */
  firstReplyOctets = 0
  errors = 0
  firstError = ''
  readonly #latencies: number[] = []

  /** @param milliseconds from the write of a message to the last octet of its echo */
  replied(compressed: boolean, milliseconds: number): void {
    this.messages++
    if (compressed) this.compressedMessages++
    if (this.measuring) this.#latencies.push(milliseconds)
  }

  failed(reason: string): void {
    this.errors++
    this.firstError ||= reason
  }

  /** Microseconds. */
  latency(): { p50: number; p99: number; p999: number; max: number } {
    const ascending = Float64Array.from(this.#latencies).sort()
    const at = (share: number): number => percentile(ascending, share) * 1000
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
  }
}
