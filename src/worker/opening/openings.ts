// All connections of a worker that are on their way through the opening handshake, over HTTP/1.1 and on streams of HTTP/2: how
// many there may be, and for how long.

import type { SecureContext } from 'node:tls'
import type { Admission, AdmitClients, AdmittedClient, OpenedStream, OpenStreams } from '../../messages.js'
import type { MajorVersion } from '../../metrics/catalogue.js'
import type { Refusal, RefusalReason, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { RefusedRequest } from '../../report/refused-handshake.js'
import type { Settings } from '../../settings.js'
import { acceptBeforeTls, acceptTransport } from '../../transport/accept.js'
import type { Http2StreamTransport } from '../../transport/http2-stream-transport.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'
import { ClientClaims } from '../client-claims.js'
import type { ConnectionTerms } from '../connection-terms.js'
import { StreamRequests } from '../stream-requests.js'
import type { Traffic } from '../traffic.js'
import { Http2Sessions, type SessionsHandler } from './http2-sessions.js'
import { Opening, type SocketOpeningHandler } from './opening.js'
import type { OpeningControls } from './opening-controls.js'
import { Origin, OriginRules } from './origin.js'
import { type PrefaceHandler, ProxyPreface } from './proxy-preface.js'
import { StreamOpening, type StreamOpeningHandler, type StreamSession } from './stream-opening.js'

export interface OpeningsHandler {
  /** The handshake is accepted. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(transport: Transport, terms: ConnectionTerms, behind: Buffer): void
  /** The handshake was refused; not told of one that is dropped without an answer. */
  onRefused(request: RefusedRequest): void
  /** The connection ended before it was a WebSocket one, or was an HTTP/2 session. */
  onGone(id: number): void
  /** Asks the primary for connections, which it answers with `opened`, or whether clients are admitted: `admitted`. */
  ask(message: OpenStreams | AdmitClients): void
  /** A connection goes the way of streams although it is plain TCP. */
  onFallback(): void
  onInternalError(error: unknown): void
}

type Any = Opening | StreamOpening | ProxyPreface

export class Openings implements SocketOpeningHandler, StreamOpeningHandler, SessionsHandler, PrefaceHandler {
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
  readonly #claims: ClientClaims
  /** Undefined where no proxy is trusted. */
  readonly #origins: OriginRules | undefined
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
    this.#claims = new ClientClaims(message => handler.ask(message))
    if (settings.trustedProxies.length > 0)
      this.#origins = new OriginRules(settings, (opening, address, told) => this.#claims.ask(opening, address, told))
    this.#most =
      settings.maxOpenings === 0 ? Number.POSITIVE_INFINITY : Math.ceil(settings.maxOpenings / settings.workers)
  }

  /** Takes a fresh connection through the handshake; `handle` is what came with its hand-over. */
  take(id: number, handle: object, admission: Admission): void {
    const rules = this.#origins
    const opening =
      rules !== undefined && this.#settings.proxyProtocol === 'required'
        ? this.#preface(id, handle, admission, rules)
        : this.#opening(
            id,
            admission,
            handler => acceptTransport(handle, this.#secureContext, this.#traffic, handler, this.#http2),
            this.#settings.handshakeTimeout,
            rules && (transport => new Origin(rules, transport)),
          )
    if (opening.transport.kind === 'stream' && this.#secureContext === undefined) this.#handler.onFallback()
    this.#add(opening, admission)
  }

  /** The primary has numbered streams. */
  opened(streams: readonly OpenedStream[]): void {
    this.#requests.opened(streams)
  }

  /** The primary's word on clients that it was asked for. */
  admitted(clients: readonly AdmittedClient[]): void {
    const refused = this.#claims.answered(clients)
    for (let i = 0; i < refused; i++) this.#traffic.connectionRejected('max_connections_per_ip')
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
    const { id, admission, transport, origin } = opening
    this.#open.delete(id)
    this.#sessions.take(id, admission, transport, octets, origin)
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
    this.#traffic.handshake(reason, versionOf(opening))
    // A page about this service is no refusal.
    if (reason === 'plain_http') return
    const { id, transport } = opening
    const { peer, proxied, kind } = transport
    this.#handler.onRefused({ id, peer, proxied, transport: kind, head, reason, response })
  }

  onPreface(preface: ProxyPreface, behind: Buffer): void {
    const { startTls } = preface
    startTls?.(behind)
    const opening = this.#openingAfter(preface)
    if (startTls === undefined && behind.length > 0) opening.onChunk(behind, behind.length)
  }

  onNoPreface(preface: ProxyPreface, refusal: Refusal, octets: string): void {
    if (preface.startTls === undefined) return this.#openingAfter(preface).refuse(refusal, octets)
    // Whoever is about to speak TLS understands no answer.
    preface.refused = true
    this.onRefused(preface, refusal.reason, '', octets)
    preface.transport.destroy()
  }

  onGone({ id }: Any): void {
    this.#open.delete(id)
    this.#claims.forget(id)
    this.#handler.onGone(id)
  }

  onInternalError(error: unknown): void {
    this.#handler.onInternalError(error)
  }

  #preface(id: number, handle: object, admission: Admission, rules: OriginRules): ProxyPreface {
    const secureContext = this.#secureContext
    const accept = (handler: TransportHandler) =>
      secureContext === undefined
        ? { transport: acceptTransport(handle, undefined, this.#traffic, handler) }
        : acceptBeforeTls(handle, secureContext, this.#traffic, handler, this.#http2)
    return new ProxyPreface(id, admission, accept, rules, this.#settings.handshakeTimeout, this)
  }

  /** The opening of a connection in the place of its preface. */
  #openingAfter({ id, admission, transport, origin, deadline }: ProxyPreface): Opening {
    const accept = (handler: TransportHandler): Transport => {
      transport.handler = handler
      return transport
    }
    const opening = this.#opening(id, admission, accept, deadline - performance.now(), () => origin)
    this.#open.set(id, opening)
    return opening
  }

  #opening(
    id: number,
    admission: Admission,
    accept: (handler: TransportHandler) => Transport,
    timeout: number,
    originOf: ((transport: Transport) => Origin) | undefined,
  ): Opening {
    return new Opening(id, admission, accept, this.#rules, timeout, this, this.#controls, originOf)
  }

  get #http2(): boolean {
    return this.#settings.http2 === 'on'
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
      this.#claims.forget(id)
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
