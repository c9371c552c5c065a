// Writes down what happens on one connection, and tells it as a report.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import { Chops } from './chops.js'
import type { LogBlocks } from './log-blocks.js'
import type { ConnectionReport, ConnectionSummary, Handshake } from './report.js'
import { Tally } from './tally.js'
import { WireLog } from './wire-log.js'

type Peer = 'client' | 'server'

/** What is known of a connection once its handshake is accepted. */
export interface Opened extends Handshake {
  readonly id: number
  readonly worker: number
  /** Address and port of the peer. */
  readonly remote: string
  readonly key: string
  readonly userAgent: string | null
}

export class Recorder {
  readonly tally = new Tally()
  readonly #opened: Opened
  readonly #openedAt = performance.now()
  readonly #openedDate = Date.now()
  readonly #reads = new Chops()
  readonly #writes = new Chops()
  readonly #log: WireLog
  #initiator: Peer | null = null
  #error: ProtocolErrorCode | null = null
  #droppedBy: Peer | null = null
  #dropReason: string | null = null
  #duration: number | undefined

  /** @param blocks memory for the wire log; `release` gives it back */
  constructor(opened: Opened, blocks: LogBlocks) {
    this.#opened = opened
    this.#log = new WireLog(blocks)
  }

  get id(): number {
    return this.#opened.id
  }

  /** `length` octets came, the first of `chunk`. */
  read(chunk: Buffer, length: number): void {
    this.#reads.add(length)
    if (!this.#log.cut) this.#log.read(this.#now, chunk, length)
  }

  /** `octets` were handed to the socket. */
  wrote(octets: Buffer): void {
    this.#writes.add(octets.length)
    if (!this.#log.cut) this.#log.wrote(this.#now, octets)
  }

  closeReceived(code: number, reason: string): void {
    this.#initiator ??= 'client'
    this.#log.close(this.#now, 'received', { code, reason })
  }

  closeSent(code: number, reason: string): void {
    this.#initiator ??= 'server'
    this.#log.close(this.#now, 'sent', { code, reason })
  }

  failed(code: ProtocolErrorCode): void {
    this.#error ??= code
  }

  /** The first to end TCP; `reason` where the server did so without a closing handshake. */
  dropped(by: Peer, reason: string | null = null): void {
    if (this.#droppedBy !== null) return
    this.#droppedBy = by
    this.#dropReason = reason
  }

  /** The socket is gone. */
  closed(): void {
    this.dropped('client')
    this.#duration = performance.now() - this.#openedAt
  }

  /** Nobody will ask any more: gives back what the wire log holds. */
  release(): void {
    this.#log.release()
  }

  summary(): ConnectionSummary {
    const { id, worker, key, userAgent } = this.#opened
    const open = this.#duration === undefined
    return {
      id,
      worker,
      state: open ? 'open' : 'closed',
      openedAt: new Date(this.#openedDate).toISOString(),
      duration: Math.round((this.#duration ?? performance.now() - this.#openedAt) * 1000) / 1000,
      key,
      userAgent,
      clean: open ? null : this.#uncleanReason() === null,
      error: this.#error,
    }
  }

  report(): ConnectionReport {
    const { request, response, extensions, subprotocol } = this.#opened
    return {
      ...this.summary(),
      remote: this.#opened.remote,
      handshake: { request, response, extensions, subprotocol },
      closing: {
        initiator: this.#initiator,
        received: this.#log.closeReceived,
        sent: this.#log.closeSent,
        droppedBy: this.#droppedBy,
        uncleanReason: this.#duration === undefined ? null : this.#uncleanReason(),
        errorMeaning: this.#error && PROTOCOL_ERRORS[this.#error].meaning,
      },
      received: { ...this.#reads.describe(), ...this.tally.received },
      sent: { ...this.#writes.describe(), ...this.tally.sent },
      log: this.#log.events,
      logCut: this.#log.cut,
    }
  }

  /** Microseconds since the connection was opened. */
  get #now(): number {
    return Math.round((performance.now() - this.#openedAt) * 1000)
  }

  /** A closing is clean when both Close frames went over the wire (RFC 6455 section 7.1.4). */
  #uncleanReason(): string | null {
    const { closeReceived, closeSent } = this.#log
    if (closeReceived !== null && closeSent !== null) return this.#dropReason
    if (this.#error !== null) return 'the server failed the connection'
    if (this.#dropReason !== null) return this.#dropReason
    if (closeSent !== null) return 'the client ended TCP without answering the Close'
    return 'the client ended TCP without a Close'
  }
}
