// Writes down what happens on one connection, and tells it as a report.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import { switchingProtocols } from '../protocol/handshake-response.js'
import { Chops } from './chops.js'
import type { LogBlocks } from './log-blocks.js'
import type { ConnectionReport, ConnectionSummary } from './report.js'
import { Tally } from './tally.js'
import { TimeAccount } from './time-account.js'
import { WireLog } from './wire-log.js'

type Peer = 'client' | 'server'

/** What is known of a connection once its handshake is accepted. */
export interface Opened {
  readonly id: number
  /** Address and port of the peer. */
  readonly peer: string
  /** `tcp`, `stream` or `tls`. */
  readonly transport: string
  readonly httpVersion: string
  readonly path: string
  readonly query: string
  /** Head of the request as it came. */
  readonly request: string
  readonly key: string
  /** Value of the Sec-WebSocket-Accept header that answered the key. */
  readonly accept: string
  readonly userAgent: string | null
  readonly extensions: string | null
  readonly subprotocol: string | null
}

/** Counts the octets of the connection's socket, those of the handshake included. */
export interface OctetSource {
  readonly octetsReceived: number
  readonly octetsSent: number
  /** Octets that were written and did not go out. */
  readonly unsent: number
}

export class Recorder {
  readonly tally = new Tally()
  readonly #opened: Opened
  /** Number of the worker that serves the connection. */
  readonly #worker: number
  #octets: OctetSource
  #time: TimeAccount | undefined
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
  constructor(opened: Opened, worker: number, octets: OctetSource, blocks: LogBlocks) {
    this.#opened = opened
    this.#worker = worker
    this.#octets = octets
    this.#log = new WireLog(blocks)
  }

  /** Made when it is first asked for: most idle connections have nothing to account for. */
  get time(): TimeAccount {
    this.#time ??= new TimeAccount()
    return this.#time
  }

  get id(): number {
    return this.#opened.id
  }

  /** `length` octets came, the first of `chunk`, at `now` in monotonic milliseconds. */
  read(chunk: Buffer, length: number, now: number): void {
    this.#reads.add(length)
    this.#log.read(this.#since(now), chunk, length)
  }

  /** `octets` were handed to the socket. */
  wrote(octets: Buffer): void {
    this.#writes.add(octets.length)
    this.#log.wrote(this.#since(performance.now()), octets)
  }

  closeReceived(code: number, reason: string): void {
    this.#initiator ??= 'client'
    this.#log.close(this.#since(performance.now()), 'received', { code, reason })
  }

  closeSent(code: number, reason: string): void {
    this.#initiator ??= 'server'
    this.#log.close(this.#since(performance.now()), 'sent', { code, reason })
  }

  failed(code: ProtocolErrorCode): void {
    this.#error ??= code
  }

  /** The first to end its side of TCP. */
  ended(by: Peer): void {
    this.#droppedBy ??= by
  }

  /** The server dropped the connection without a closing handshake, or before it was done. */
  dropped(reason: string): void {
    this.ended('server')
    this.#dropReason ??= reason
  }

  /** The socket is gone. */
  closed(): void {
    this.ended('client')
    const now = performance.now()
    this.#duration = now - this.#openedAt
    this.#time?.closed(now)
    const { octetsReceived, octetsSent, unsent } = this.#octets
    this.#octets = { octetsReceived, octetsSent, unsent }
  }

  /** Nobody will ask any more: gives back what the wire log holds. */
  release(): void {
    this.#log.release()
  }

  summary(): ConnectionSummary {
    const { id, key, userAgent } = this.#opened
    const open = this.#duration === undefined
    return {
      id,
      worker: this.#worker,
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
    const { peer, transport, httpVersion, path, query, request, accept, extensions, subprotocol } = this.#opened
    const { octetsReceived, octetsSent, unsent } = this.#octets
    const now = performance.now()
    const time = this.#time ?? new TimeAccount()
    const response = switchingProtocols(accept, extensions, subprotocol)
    return {
      ...this.summary(),
      peer,
      transport,
      httpVersion,
      path,
      query,
      handshake: { request: request.trimEnd(), response: response.trimEnd(), extensions, subprotocol },
      closing: {
        initiator: this.#initiator,
        received: this.#log.closeReceived,
        sent: this.#log.closeSent,
        droppedBy: this.#droppedBy,
        uncleanReason: this.#duration === undefined ? null : this.#uncleanReason(),
        errorMeaning: this.#error && PROTOCOL_ERRORS[this.#error].meaning,
      },
      received: { octets: octetsReceived, ...this.#reads.describe(), ...this.tally.received },
      sent: { octets: octetsSent, ...this.#writes.describe(), ...this.tally.sent },
      unsentOctets: unsent,
      time: time.describe(this.#duration ?? now - this.#openedAt, now),
      slowestEcho: time.slowestEcho(this.#openedAt),
      pings: time.pings,
      log: this.#log.events,
      logCut: this.#log.cut,
    }
  }

  /** Microseconds from the opening of the connection to an instant in monotonic milliseconds. */
  #since(now: number): number {
    return Math.max(0, Math.round((now - this.#openedAt) * 1000))
  }

  /** A closing is clean when both Close frames went over the wire (RFC 6455 section 7.1.4). */
  #uncleanReason(): string | null {
    const { closeReceived, closeSent } = this.#log
    if (closeReceived !== null && closeSent !== null) return this.#dropReason ?? this.#unsentReason()
    if (this.#error !== null) return 'the server failed the connection'
    if (this.#dropReason !== null) return this.#dropReason
    if (closeSent !== null) return 'the client ended TCP without answering the Close'
    return 'the client ended TCP without a Close'
  }

  #unsentReason(): string | null {
    const { unsent } = this.#octets
    return unsent > 0 ? `${unsent} octets were not sent before the connection was gone` : null
  }
}
