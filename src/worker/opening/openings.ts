// All connections of a worker that are on their way through the opening handshake: how many there may be, and for how long.

import type { SecureContext } from 'node:tls'
import type { Admission, AdmitClients, AdmittedClient } from '../../messages.js'
import type { Refusal, RefusalReason, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { RefusedRequest } from '../../report/refused-handshake.js'
import type { Settings } from '../../settings.js'
import { acceptBeforeTls, acceptTransport } from '../../transport/accept.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'
import { ClientClaims } from '../client-claims.js'
import type { ConnectionTerms } from '../connection-terms.js'
import type { Traffic } from '../traffic.js'
import { Opening, type OpeningHandler } from './opening.js'
import type { OpeningControls } from './opening-controls.js'
import { Origin, OriginRules } from './origin.js'
import { type PrefaceHandler, ProxyPreface } from './proxy-preface.js'

export interface OpeningsHandler {
  /** The 101 is written. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(opening: Opening, terms: ConnectionTerms, behind: Buffer): void
  /** The handshake was refused; not told of one that is dropped without an answer. */
  onRefused(request: RefusedRequest): void
  /** The connection ended before it was a WebSocket one. */
  onGone(id: number): void
  /** Asks the primary whether clients are admitted; it answers `admitted`. */
  ask(message: AdmitClients): void
  /** A connection goes the way of streams although it is plain TCP. */
  onFallback(): void
  onInternalError(error: unknown): void
}

export class Openings implements OpeningHandler, PrefaceHandler {
  readonly #settings: Settings
  readonly #secureContext: SecureContext | undefined
  readonly #traffic: Traffic
  readonly #handler: OpeningsHandler
  readonly #controls: OpeningControls | undefined
  readonly #rules: UpgradeRules
  /** Oldest first. */
  readonly #open = new Map<number, Opening | ProxyPreface>()
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
            handler => acceptTransport(handle, this.#secureContext, this.#traffic, handler),
            this.#settings.handshakeTimeout,
            rules && (transport => new Origin(rules, transport)),
          )
    if (opening.transport.kind === 'stream' && this.#secureContext === undefined) this.#handler.onFallback()
    this.#open.set(id, opening)
    if (this.#open.size > this.#most) this.#dropOldest()
    if (admission !== 0)
      this.#traffic.connectionRejected(admission === 429 ? 'max_connections_per_ip' : 'max_connections')
  }

  /** The primary's word on clients that it was asked for. */
  admitted(clients: readonly AdmittedClient[]): void {
    const refused = this.#claims.answered(clients)
    for (let i = 0; i < refused; i++) this.#traffic.connectionRejected('max_connections_per_ip')
  }

  get size(): number {
    return this.#open.size
  }

  /** Ends handshakes that take too long; `now` is `performance.now()`. */
  sweep(now: number): void {
    for (const opening of this.#open.values()) opening.sweep(now)
  }

  /** Drops this connection if it is still on its way. */
  drop(id: number): void {
    this.#open.get(id)?.transport.destroy()
  }

  /** Drops every connection that is still on its way. */
  close(): void {
    for (const { transport } of this.#open.values()) transport.destroy()
  }

  onUpgraded(opening: Opening, terms: ConnectionTerms, behind: Buffer): void {
    this.#open.delete(opening.id)
    this.#traffic.handshake('accepted')
    this.#handler.onUpgraded(opening, terms, behind)
  }

  onRefused(opening: Opening | ProxyPreface, reason: RefusalReason, response: string, head: string): void {
    this.#traffic.handshake(reason)
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

  onGone({ id }: Opening | ProxyPreface): void {
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
        : acceptBeforeTls(handle, secureContext, this.#traffic, handler)
    return new ProxyPreface(id, admission, accept, rules, this.#settings.handshakeTimeout, this)
  }

  /** The opening of a connection in the place of its preface. */
  #openingAfter({ id, admission, transport, origin, deadline }: ProxyPreface): Opening {
    const accept = (handler: TransportHandler): Transport => {
      transport.handler = handler
      return transport
    }
    const opening = this.#opening(id, admission, accept, deadline - performance.now(), () => origin)
    if (this.#open.has(id)) this.#open.set(id, opening)
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

  /** Whoever opens connections without sending a request would otherwise hold them for the handshake timeout each. */
  #dropOldest(): void {
    for (const [id, { refused, transport }] of this.#open) {
      this.#open.delete(id)
      if (!refused) this.#traffic.handshake('max_openings')
      return transport.destroy()
    }
  }
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
