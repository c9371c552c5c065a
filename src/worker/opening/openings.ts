// All connections of a worker that are on their way through the opening handshake, over HTTP/1.1 and on streams of HTTP/2: how
// many there may be, and for how long.

import type { SecureContext } from 'node:tls'
import type { Admission, OpenedStream, OpenStreams } from '../../messages.js'
import type { MajorVersion } from '../../metrics/catalogue.js'
import type { RefusalReason, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { RefusedRequest } from '../../report/refused-handshake.js'
import type { Settings } from '../../settings.js'
import { acceptTransport } from '../../transport/accept.js'
import type { Http2StreamTransport } from '../../transport/http2-stream-transport.js'
import type { Transport } from '../../transport/transport.js'
import type { ConnectionTerms } from '../connection-terms.js'
import { StreamRequests } from '../stream-requests.js'
import type { Traffic } from '../traffic.js'
import { Http2Sessions, type SessionsHandler } from './http2-sessions.js'
import { Opening, type SocketOpeningHandler } from './opening.js'
import type { OpeningControls } from './opening-controls.js'
import { StreamOpening, type StreamOpeningHandler, type StreamSession } from './stream-opening.js'

export interface OpeningsHandler {
  /** The handshake is accepted. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(transport: Transport, terms: ConnectionTerms, behind: Buffer): void
  /** The handshake was refused; not told of one that is dropped without an answer. */
  onRefused(request: RefusedRequest): void
  /** The connection ended before it was a WebSocket one, or was an HTTP/2 session. */
  onGone(id: number): void
  /** Asks the primary for connections; it answers `opened`. */
  ask(message: OpenStreams): void
  /** A connection goes the way of streams although it is plain TCP. */
  onFallback(): void
  onInternalError(error: unknown): void
}

type Any = Opening | StreamOpening

export class Openings implements SocketOpeningHandler, StreamOpeningHandler, SessionsHandler {
  readonly #settings: Settings
  readonly #secureContext: SecureContext | undefined
  readonly #traffic: Traffic
  readonly #handler: OpeningsHandler
  readonly #controls: OpeningControls | undefined
  readonly #rules: UpgradeRules
  /** Oldest first. */
  readonly #open = new Map<number, Any>()
  readonly #sessions: Http2Sessions
  readonly #requests: StreamRequests
  #closed = false
  /** Of this worker. */
  readonly #most: number

  constructor(
    settings: Settings,
    secureContext: SecureContext | undefined,
    traffic: Traffic,
    handler: OpeningsHandler,
    controls?: OpeningControls,
  ) {
    this.#settings = settings
    this.#secureContext = secureContext
    this.#traffic = traffic
    this.#handler = handler
    this.#controls = controls
    this.#rules = rulesOf(settings)
    this.#sessions = new Http2Sessions(settings, traffic, this)
    this.#requests = new StreamRequests(message => handler.ask(message))
    this.#most =
      settings.maxOpenings === 0 ? Number.POSITIVE_INFINITY : Math.ceil(settings.maxOpenings / settings.workers)
  }

  /** Takes a fresh connection through the handshake; `handle` is what came with its hand-over. */
  take(id: number, handle: object, admission: Admission): void {
    const opening = new Opening(
      id,
      admission,
      handler => acceptTransport(handle, this.#secureContext, this.#traffic, handler, this.#settings.http2 === 'on'),
      this.#rules,
      this.#settings.handshakeTimeout,
      this,
      this.#controls,
    )
    if (opening.transport.kind === 'stream') this.#handler.onFallback()
    this.#add(opening, admission)
  }

  /** The primary has numbered streams. */
  opened(streams: readonly OpenedStream[]): void {
    this.#requests.opened(streams)
  }

  get size(): number {
    return this.#open.size + this.#requests.size
  }

  /** HTTP/2 sessions. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** Ends handshakes that take too long; `now` is `performance.now()`. */
  sweep(now: number): void {
    for (const opening of this.#open.values()) opening.sweep(now)
    this.#sessions.sweep(now)
  }

  /** Counts the octets of HTTP/2 sessions up to now. */
  count(): void {
    this.#sessions.count()
  }

  /** Drops this connection if it is still on its way, or an HTTP/2 session. */
  drop(id: number): void {
    this.#open.get(id)?.transport.destroy()
    this.#sessions.drop(id)
  }

  /** Has HTTP/2 sessions take no further requests, and end with their last stream. */
  goAway(): void {
    this.#sessions.goAway()
  }

  /** Drops every connection that is still on its way, and those to come. */
  close(): void {
    this.#closed = true
    this.goAway()
    for (const { transport } of this.#open.values()) transport.destroy()
  }

  /** Drops HTTP/2 sessions too, with their streams. */
  cut(): void {
    this.close()
    this.#sessions.destroy()
  }

  onHttp2(opening: Opening, octets: Buffer): boolean {
    if (this.#settings.http2 === 'off') return false
    const { id, admission, transport } = opening
    this.#open.delete(id)
    this.#sessions.take(id, admission, transport, octets)
    return true
  }

  onRequest(id: number, session: StreamSession, transport: Http2StreamTransport, rawHeaders: readonly string[]): void {
    this.#requests.ask(id, new StreamOpening(transport, rawHeaders, session, this.#rules, this, this.#controls))
  }

  onSessionGone(id: number): void {
    this.#requests.forget(id)
    this.#handler.onGone(id)
  }

  onNumbered(opening: StreamOpening, admission: Admission): boolean {
    this.#add(opening, admission)
    return !this.#closed
  }

  onUpgraded(opening: Any, terms: ConnectionTerms, behind: Buffer): void {
    this.#open.delete(opening.id)
    this.#traffic.handshake('accepted', versionOf(opening))
    this.#handler.onUpgraded(opening.transport, terms, behind)
  }

  onRefused(opening: Any, reason: RefusalReason, response: string, head: string): void {
    const { id, transport } = opening
    this.#traffic.handshake(reason, versionOf(opening))
    // A page about this service is no refusal.
    if (reason === 'plain_http') return
    this.#handler.onRefused({ id, peer: transport.peer, transport: transport.kind, head, reason, response })
  }

  onGone({ id }: Any): void {
    this.#open.delete(id)
    this.#handler.onGone(id)
  }

  onInternalError(error: unknown): void {
    this.#handler.onInternalError(error)
  }

  #add(opening: Any, admission: Admission): void {
    this.#open.set(opening.id, opening)
    if (this.#open.size > this.#most) this.#dropOldest()
    if (admission !== 0)
      this.#traffic.connectionRejected(admission === 429 ? 'max_connections_per_ip' : 'max_connections')
  }

  /** Whoever opens connections without sending a request would otherwise hold them for the handshake timeout each. */
  #dropOldest(): void {
    for (const [id, opening] of this.#open) {
      this.#open.delete(id)
      if (!opening.refused) this.#traffic.handshake('max_openings', versionOf(opening))
      return opening.transport.destroy()
    }
  }
}

function versionOf(opening: Any): MajorVersion {
  return opening instanceof StreamOpening ? '2' : '1'
}

function rulesOf(settings: Settings): UpgradeRules {
  const { path, origin, subprotocol, compression, windowBits, contextTakeover } = settings
  return {
    path,
    origins: origin,
    subprotocols: subprotocol,
    compression: compression === 'on' ? { windowBits, contextTakeover: contextTakeover === 'on' } : undefined,
  }
}
