// The HTTP/2 sessions of a worker, each on a connection that the primary handed over: their requests, and how long they live.

import type { Admission } from '../../messages.js'
import type { SessionEnd } from '../../metrics/catalogue.js'
import type { Settings } from '../../settings.js'
import { Http2Session } from '../../transport/http2-session.js'
import type { Http2StreamTransport } from '../../transport/http2-stream-transport.js'
import type { Transport } from '../../transport/transport.js'
import type { Traffic } from '../traffic.js'
import type { Origin } from './origin.js'
import { OVER_LIMIT_TIME } from './refusals.js'
import type { StreamSession } from './stream-opening.js'

/** Milliseconds between two PINGs, and for the answer, where WebSocket connections are not pinged. */
const PING_INTERVAL = 30_000
const PING_TIMEOUT = 10_000

export interface SessionsHandler {
  /** A request came on a stream of the session that is connection `id`. */
  onRequest(id: number, session: StreamSession, transport: Http2StreamTransport, rawHeaders: readonly string[]): void
  /** The session is gone, and its streams before it. */
  onSessionGone(id: number): void
}

type SessionSettings = Pick<Settings, 'handshakeTimeout' | 'pingInterval' | 'pingTimeout'>

export class Http2Sessions {
  readonly #settings: SessionSettings
  readonly #traffic: Traffic
  readonly #handler: SessionsHandler
  readonly #open = new Map<number, ServedSession>()

  constructor(settings: SessionSettings, traffic: Traffic, handler: SessionsHandler) {
    this.#settings = settings
    this.#traffic = traffic
    this.#handler = handler
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Has a session take over what carries connection `id`.
   *
   * @param octets what was read of it
   * @param origin whom it is from, where proxies are trusted
   */
  take(id: number, admission: Admission, transport: Transport, octets: Buffer, origin: Origin | undefined): void {
    const { peer, proxied } = transport
    const released = transport.release?.()
    if (released === undefined) throw new Error('an HTTP/2 session on a stream')
    const session = new Http2Session(released, peer, octets, this.#traffic, {
      onStream: (stream, rawHeaders) => {
        served.begun = true
        stream.proxied = proxied
        this.#handler.onRequest(id, served, stream, rawHeaders)
      },
      onClosed: end => this.#onClosed(id, end),
    })
    const served = new ServedSession(session, admission, origin, this.#settings)
    this.#open.set(id, served)
  }

  /** Drops the session that is this connection, if there is one. */
  drop(id: number): void {
    this.#open.get(id)?.session.destroy('leaving')
  }

  /** Looks after deadlines; `now` is `performance.now()`. */
  sweep(now: number): void {
    for (const served of this.#open.values()) served.sweep(now)
  }

  /** Has sessions end once their streams have, and takes no further streams. */
  goAway(): void {
    for (const { session } of this.#open.values()) session.close('leaving')
  }

  /** Drops all of them with their streams. */
  destroy(): void {
    for (const { session } of this.#open.values()) session.destroy('leaving')
  }

  /** Counts the octets of sockets up to now. */
  count(): void {
    for (const { session } of this.#open.values()) session.count()
  }

  #onClosed(id: number, end: SessionEnd): void {
    this.#open.delete(id)
    this.#traffic.sessionEnded(end)
    this.#handler.onSessionGone(id)
  }
}

class ServedSession implements StreamSession {
  readonly session: Http2Session
  readonly admission: Admission
  readonly origin: Origin | undefined
  readonly #settings: SessionSettings
  /** A request has come. */
  begun = false
  /** Since when it has no stream, and when the last PING was sent, or will be; monotonic milliseconds. */
  #idleSince = performance.now()
  #pingAt: number
  #pingWaits = false

  constructor(session: Http2Session, admission: Admission, origin: Origin | undefined, settings: SessionSettings) {
    this.session = session
    this.admission = admission
    this.origin = origin
    this.#settings = settings
    this.#pingAt = this.#idleSince + this.#pingInterval
  }

  waste(): void {
    this.session.waste()
  }

  sweep(now: number): void {
    if (this.session.size > 0) this.#idleSince = now
    else if (now - this.#idleSince >= this.#idleTime) this.#endIdle(now)
    if (now >= this.#pingAt) this.#ping(now)
  }

  /** A session that has no stream waits for a request, as a connection of HTTP/1.1 does; after the first it may rest. */
  get #idleTime(): number {
    const { handshakeTimeout, pingInterval } = this.#settings
    if (this.session.closed) return handshakeTimeout
    if (this.admission !== 0) return Math.min(handshakeTimeout, OVER_LIMIT_TIME)
    if (!this.begun) return handshakeTimeout
    return pingInterval === 0 ? Number.POSITIVE_INFINITY : pingInterval
  }

  /** First with GOAWAY; a peer that does not end the connection then is cut. */
  #endIdle(now: number): void {
    if (this.session.closed) return this.session.destroy('idle')
    this.#idleSince = now
    this.session.close('idle')
  }

  /** One that does not answer is dead, whatever its streams are: some Node versions leave it so after a flood of frames. */
  #ping(now: number): void {
    if (this.#pingWaits) return this.session.destroy('silent')
    this.#pingWaits = true
    this.#pingAt = now + (this.#settings.pingTimeout || PING_TIMEOUT)
    this.session.ping(() => {
      this.#pingWaits = false
      this.#pingAt = performance.now() + this.#pingInterval
    })
  }

  get #pingInterval(): number {
    return this.#settings.pingInterval || PING_INTERVAL
  }
}
