// The first events of a connection as they were on the wire; full after a fixed number, and then it costs nothing more.

import { FrameScanner } from './frame-scanner.js'
import type { WireEvent } from './report.js'

const MOST_EVENTS = 64
/** Octets of a read or write that are shown. */
const MOST_HEX = 64

type Untimed<T> = T extends { at: number } ? Omit<T, 'at'> : never

export class WireLog {
  readonly events: WireEvent[] = []
  /** Whether there were more events. */
  cut = false
  readonly #openedAt: number
  #received: FrameScanner | undefined = new FrameScanner()
  #sent: FrameScanner | undefined = new FrameScanner()

  /** @param openedAt monotonic milliseconds */
  constructor(openedAt: number) {
    this.#openedAt = openedAt
  }

  read(octets: Buffer, length: number): void {
    if (this.#received !== undefined) this.#octets('received', octets, length, this.#received)
  }

  wrote(octets: Buffer): void {
    if (this.#sent !== undefined) this.#octets('sent', octets, octets.length, this.#sent)
  }

  close(direction: 'received' | 'sent', code: number, reason: string): void {
    this.#add({ event: `close ${direction}`, code, reason })
  }

  #octets(direction: 'received' | 'sent', octets: Buffer, length: number, scanner: FrameScanner): void {
    this.#add({ event: `octets ${direction}`, length, hex: octets.toString('hex', 0, Math.min(length, MOST_HEX)) })
    scanner.scan(octets, length, header => this.#add({ event: `frame ${direction}`, ...header }))
  }

  #add(event: Untimed<WireEvent>): void {
    if (this.events.length < MOST_EVENTS) {
      const at = Math.round((performance.now() - this.#openedAt) * 1000) / 1000
      this.events.push({ at, ...event } as WireEvent)
      return
    }
    this.cut = true
    this.#received = undefined
    this.#sent = undefined
  }
}
