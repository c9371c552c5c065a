// A transport as controls want it: slower, chopped, stalled or silent. Between a connection with controls and its own one.

import type { ActiveControls } from '../controls/active.js'
import { Pacer } from '../controls/pacer.js'
import type { Transport, TransportHandler } from '../transport/transport.js'

/** Writes of one turn: a connection that is chopped octet by octet must not keep the others waiting. */
const MOST_WRITES = 64
/** Of what was just given: where many connections are answered in one turn, each is to take little of it. */
const FIRST_WRITES = 1
/** Milliseconds until it goes on with further ones. */
const NEXT_WRITES = 1

/** Octets that a waiting write costs besides its own, about: small ones would cost next to nothing without. */
const OVERHEAD = 128

const NOBODY: TransportHandler = { onChunk() {}, onProgress() {}, onEnd() {}, onClosed() {} }

export class ControlledTransport implements Transport, TransportHandler {
  handler: TransportHandler = NOBODY
  readonly #inner: Transport
  readonly #controls: ActiveControls
  /** Undefined where writes go through as they are. */
  readonly #pacer: Pacer | undefined
  /** What waits here, oldest first; of the first one the octets from `#at` on. */
  readonly #queue: Buffer[] = []
  #at = 0
  #queued = 0
  #pumpWaits = false
  #ending = false
  /** Octets that were written in vain. */
  #lost = 0
  #wantsReading = false
  /** Not read because of read-rate, or for good. */
  #rests = false
  #stalled = false
  #vanished = false
  #readFreeAt = 0

  constructor(inner: Transport, controls: ActiveControls) {
    this.#inner = inner
    this.#controls = controls
    const { rate, chop, 'chop-delay': chopDelay = 0 } = controls.values
    if (rate !== undefined || chop !== undefined) this.#pacer = new Pacer({ rate, chop, chopDelay })
    if (rate !== undefined) controls.book.did('rate', `${rate} octets a second`)
    if (chop !== undefined) controls.book.did('chop', `writes of ${chop} octets`)
  }

  get kind(): Transport['kind'] {
    return this.#inner.kind
  }

  get open(): boolean {
    return this.#inner.open
  }

  get peer(): string {
    return this.#inner.peer
  }

  get proxied(): Transport['proxied'] {
    return this.#inner.proxied
  }

  get octetsReceived(): number {
    return this.#inner.octetsReceived
  }

  get octetsSent(): number {
    return this.#inner.octetsSent
  }

  get pending(): number {
    return this.#queued + this.#queue.length * OVERHEAD + this.#inner.pending
  }

  get unread(): number {
    return this.#inner.unread
  }

  /** Octets that wait for the peer, not for a control. */
  get waitingForPeer(): number {
    return this.#inner.pending
  }

  get writable(): boolean {
    return this.#inner.writable && !this.#ending && !this.#vanished
  }

  get unsent(): number {
    return this.#lost + this.#queued + this.#inner.unsent
  }

  /** Nothing is read any more. */
  get stalled(): boolean {
    return this.#stalled
  }

  get vanished(): boolean {
    return this.#vanished
  }

  write(bytes: Buffer): boolean {
    if (!this.writable) {
      this.#lost += bytes.length
      return true
    }
    if (this.#pacer === undefined) return this.#inner.write(bytes)
    this.#queue.push(Buffer.from(bytes))
    this.#queued += bytes.length
    if (!this.#pumpWaits) this.#pump(this.#pacer, FIRST_WRITES)
    return true
  }

  pause(): void {
    this.#wantsReading = false
    this.#inner.pause()
  }

  resume(): void {
    this.#wantsReading = true
    if (!this.#rests && !this.#stalled) this.#inner.resume()
  }

  end(): void {
    this.#ending = true
    if (this.#queued === 0) this.#endInner()
  }

  destroy(): void {
    this.#forget()
    this.#inner.destroy()
  }

  reset(): void {
    this.#forget()
    this.#inner.reset()
  }

  /** Takes the inner transport over. */
  begin(): void {
    this.#inner.handler = this
  }

  /** Reads nothing more. */
  stall(): void {
    this.#stalled = true
    this.#inner.pause()
  }

  /** Reads and sends nothing more; TCP stays open. */
  vanish(): void {
    this.#forget()
    this.#vanished = true
    this.stall()
  }

  onChunk(chunk: Buffer, length: number): void {
    this.handler.onChunk(chunk, length)
    this.#restAfter(length)
  }

  onProgress(): void {
    if (this.#pacer !== undefined && this.#queued > 0) this.#pump(this.#pacer, FIRST_WRITES)
    this.handler.onProgress()
  }

  onUnread(): void {
    this.handler.onUnread?.()
  }

  onEnd(): void {
    this.handler.onEnd()
  }

  onClosed(): void {
    this.#forget()
    this.handler.onClosed()
  }

  #endInner(): void {
    if (!this.#vanished) this.#inner.end()
  }

  #forget(): void {
    this.#lost += this.#queued
    this.#queue.length = 0
    this.#queued = 0
    this.#at = 0
  }

  /** The peer's octets came faster than read-rate: their like come later. */
  #restAfter(length: number): void {
    const { schedule, values, book } = this.#controls
    const rate = values['read-rate']
    if (rate === undefined) return
    this.#readFreeAt = Math.max(this.#readFreeAt, schedule.now) + (length / rate) * 1000
    this.#rests = true
    this.#inner.pause()
    book.did('read-rate', `${length} octets read, the next later`)
    schedule.at(this.#readFreeAt, () => {
      this.#rests = false
      if (this.#wantsReading && !this.#stalled) this.#inner.resume()
    })
  }

  /** Writes what may go now, and comes back for the rest. What waits for the peer goes on with its progress. */
  #pump(pacer: Pacer, most: number): void {
    const { schedule } = this.#controls
    const { now } = schedule
    for (let writes = 0; writes < most; writes++) {
      if (this.#queued === 0 || this.#inner.pending > 0) break
      const octets = pacer.take(now, Math.min(this.#queued, this.#queue[0].length - this.#at))
      if (octets === 0) break
      this.#inner.write(this.#take(octets))
    }
    if (this.#queued === 0) {
      if (this.#ending) this.#endInner()
      return
    }
    if (this.#pumpWaits || this.#inner.pending > 0) return
    this.#pumpWaits = true
    schedule.at(Math.max(pacer.freeAt, now + NEXT_WRITES), () => {
      this.#pumpWaits = false
      this.#pump(pacer, MOST_WRITES)
      this.handler.onProgress()
    })
  }

  #take(octets: number): Buffer {
    const [first] = this.#queue
    const taken = first.subarray(this.#at, this.#at + octets)
    this.#at += octets
    this.#queued -= octets
    if (this.#at === first.length) {
      this.#queue.shift()
      this.#at = 0
    }
    return taken
  }
}
