// All connections of a worker that are on their way through the opening handshake: how many there may be, and for how long.

import type { SecureContext } from 'node:tls'
import type { Admission } from '../../messages.js'
import type { Refusal, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { Settings } from '../../settings.js'
import { acceptTransport } from '../../transport/accept.js'
import type { ConnectionTerms } from '../connection-terms.js'
import type { Traffic } from '../traffic.js'
import { Opening, type OpeningHandler } from './opening.js'

export interface OpeningsHandler {
  /** The 101 is written. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(opening: Opening, terms: ConnectionTerms, behind: Buffer): void
  onRefused(opening: Opening, refusal: Refusal): void
  /** The connection ended before it was a WebSocket one. */
  onGone(id: number): void
  onInternalError(error: unknown): void
}

export class Openings implements OpeningHandler {
  readonly #settings: Settings
  readonly #secureContext: SecureContext | undefined
  readonly #traffic: Traffic
  readonly #handler: OpeningsHandler
  readonly #rules: UpgradeRules
  /** Oldest first. */
  readonly #open = new Map<number, Opening>()
  /** Of this worker. */
  readonly #most: number

  constructor(
    settings: Settings,
    secureContext: SecureContext | undefined,
    traffic: Traffic,
    handler: OpeningsHandler,
  ) {
    this.#settings = settings
    this.#secureContext = secureContext
    this.#traffic = traffic
    this.#handler = handler
    this.#rules = rulesOf(settings)
    this.#most =
      settings.maxOpenings === 0 ? Number.POSITIVE_INFINITY : Math.ceil(settings.maxOpenings / settings.workers)
  }

  /** Takes a fresh connection through the handshake; `handle` is what came with its hand-over. */
  take(id: number, handle: object, admission: Admission): void {
    const opening = new Opening(
      id,
      admission,
      handler => acceptTransport(handle, this.#secureContext, this.#traffic, handler),
      this.#rules,
      this.#settings.handshakeTimeout,
      this,
    )
    this.#open.set(id, opening)
    if (this.#open.size > this.#most) this.#dropOldest()
    if (admission !== 0)
      this.#traffic.connectionRejected(admission === 429 ? 'max_connections_per_ip' : 'max_connections')
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

  onRefused(opening: Opening, refusal: Refusal): void {
    this.#traffic.handshake(refusal.reason)
    this.#handler.onRefused(opening, refusal)
  }

  onGone({ id }: Opening): void {
    this.#open.delete(id)
    this.#handler.onGone(id)
  }

  onInternalError(error: unknown): void {
    this.#handler.onInternalError(error)
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
