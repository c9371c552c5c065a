// Writes down what happens on one connection, and tells it as a report.

import type { ActiveControls } from '../controls/active.js'
import type { Outcome } from '../controls/duty.js'
import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import { connected, responseText } from '../protocol/connect-response.js'
import { switchingProtocols } from '../protocol/handshake-response.js'
import type { AddressSource, Proxied } from '../proxied.js'
import { Chops } from './chops.js'
import { type KeptEntry, summaryOf } from './entry.js'
import type { LogBlocks } from './log-blocks.js'
import type { ConnectionReport, ConnectionSummary } from './report.js'
import { MASKS, type Secrets } from './secrets.js'
import { Tally } from './tally.js'
import { TimeAccount } from './time-account.js'
import { WireLog } from './wire-log.js'

type Peer = 'client' | 'server'

/** Stands for the code of a connection that ended without a Close (RFC 6455 section 7.1.5). */
const NO_CLOSE = 1006

/** What is known of a connection once its handshake is accepted. */
export interface Opened {
  readonly id: number
  /** Address and port of the peer, or of the client that a proxy speaks for. */
  readonly peer: string
  readonly proxied?: Proxied | undefined
  /** `tcp`, `stream`, `tls`, `h2c` or `h2`. */
  readonly transport: string
  readonly httpVersion: string
  readonly path: string
  readonly query: string
  /** Head of the request as it came; one that does not end with an empty line is cut. */
  readonly request: string
  /** Null where no key came, and there was no answer to it. */
  readonly key: string | null
  /** Value of the Sec-WebSocket-Accept header that answered the key. */
  readonly accept: string | null
  readonly userAgent: string | null
  readonly extensions: string | null
  readonly subprotocol: string | null
  /** Test controls; undefined for nearly all. */
  readonly controls?: ActiveControls | undefined
}

/** Counts the octets of the connection's socket, those of the handshake included; of a stream, those of its DATA. */
export interface OctetSource {
  readonly octetsReceived: number
  readonly octetsSent: number
  /** Octets that were written and did not go out. */
  readonly unsent: number
}

export class Recorder implements KeptEntry {
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

  get worker(): number {
    return this.#worker
  }

  get state(): 'open' | 'closed' {
    return this.#duration === undefined ? 'open' : 'closed'
  }

  get openedDate(): number {
    return this.#openedDate
  }

  get duration(): number {
    return Math.round((this.#duration ?? performance.now() - this.#openedAt) * 1000) / 1000
  }

  get peer(): string {
    return this.#opened.peer
  }

  get addressSource(): AddressSource {
    return this.#opened.proxied?.source ?? 'socket'
  }

  get proxy(): string | null {
    return this.#opened.proxied?.proxy ?? null
  }

  get path(): string {
    return this.#opened.path
  }

  get key(): string | null {
    return this.#opened.key
  }

  get userAgent(): string | null {
    return this.#opened.userAgent
  }

  get clean(): boolean | null {
    return this.#duration === undefined ? null : this.#uncleanReason() === null
  }

  get error(): ProtocolErrorCode | null {
    return this.#error
  }

  get code(): number | null {
    const { closeReceived, closeSent } = this.#log
    const first = this.#initiator === 'client' ? closeReceived : closeSent
    return first?.code ?? (this.#duration === undefined ? null : NO_CLOSE)
  }

  /** `length` octets came, the first of `chunk`, at `now` in monotonic milliseconds. */
  read(chunk: Buffer, length: number, now: number): void {
    const repeats = this.#reads.add(length)
    if (repeats && this.#log.full) this.#log.repeats++
    else this.#log.read(this.#since(now), chunk, length)
  }

  /** `octets` were handed to the socket. */
  wrote(octets: Buffer): void {
    const repeats = this.#writes.add(octets.length)
    if (repeats && this.#log.full) this.#log.repeats++
    else this.#log.wrote(this.#since(performance.now()), octets)
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

  summary(secrets: Secrets = 'mask'): ConnectionSummary {
    return summaryOf(this, MASKS[secrets].text)
  }

  report(secrets: Secrets = 'mask'): ConnectionReport {
    const { transport, httpVersion, path, query, key, request, extensions, subprotocol, controls } = this.#opened
    const { octetsReceived, octetsSent, unsent } = this.#octets
    const response = controls?.response ?? responseOf(this.#opened)
    const mask = MASKS[secrets]
    const now = performance.now()
    const time = this.#time ?? new TimeAccount()
    return {
      ...this.summary(secrets),
      state: this.state,
      transport,
      httpVersion,
      path: mask.text(path),
      query: mask.query(query),
      key,
      handshake: {
        request: mask.head(request).trimEnd(),
        requestCut: !request.endsWith('\r\n\r\n'),
        response: mask.head(response).trimEnd(),
        extensions,
        subprotocol: subprotocol && mask.protocols(subprotocol),
      },
      closing: {
        initiator: this.#initiator,
        received: this.#log.closeReceived,
        sent: this.#log.closeSent,
        droppedBy: this.#droppedBy,
        uncleanReason: this.#duration === undefined ? null : this.#uncleanReason(),
        errorMeaning: this.#error && PROTOCOL_ERRORS[this.#error].meaning,
      },
      controls: controls?.report(this.#outcome) ?? null,
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

  get #outcome(): Outcome {
    const open = this.#duration === undefined
    const closeReceived = this.#log.closeReceived?.code ?? null
    return { open, closeReceived, error: this.#error, droppedBy: this.#droppedBy }
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

function responseOf(opened: Opened): string {
  if (opened.httpVersion === '2') return responseText(connected(opened))
  return switchingProtocols(opened.accept, opened.extensions, opened.subprotocol)
}
