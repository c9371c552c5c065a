// One connection on its way through the opening handshake: reads the request head, answers it, and either gives the
// transport on to the connection that it becomes or ends it.

import type { Admission } from '../../messages.js'
import { refusalResponse, switchingProtocols } from '../../protocol/handshake-response.js'
import { RequestHeadReader } from '../../protocol/request-head.js'
import {
  type Acceptance,
  judgeUpgrade,
  type Refusal,
  type UpgradeRequest,
  type UpgradeRules,
} from '../../protocol/upgrade-request.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'
import { type ConnectionTerms, connectionTerms } from '../connection-terms.js'
import { acceptKey } from './accept-key.js'
import { INCOMPLETE, OVER_LIMIT, TIMEOUT } from './refusals.js'

/**
 * A refused peer has so long to end the connection, and so many octets that it still sends are read and dropped: resetting
 * the connection at once could cost it the answer.
 */
const LINGER_TIME = 1000
const LINGER_OCTETS = 64 * 1024
/** Milliseconds that a connection above a limit has for its request; then it gets its answer all the same. */
const OVER_LIMIT_TIME = 1000

export interface OpeningHandler {
  /** The 101 is written. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(opening: Opening, terms: ConnectionTerms, behind: Buffer): void
  onRefused(opening: Opening, refusal: Refusal): void
  /** The connection ended before it was a WebSocket one. */
  onGone(opening: Opening): void
  onInternalError(error: unknown): void
}

export class Opening implements TransportHandler {
  /** The primary's number of the connection. */
  readonly id: number
  readonly transport: Transport
  readonly #admission: Admission
  readonly #rules: UpgradeRules
  readonly #handler: OpeningHandler
  readonly #reader = new RequestHeadReader()
  /** By when the request must be complete, and a refused peer gone; monotonic milliseconds. */
  #deadline: number
  /** The answer is written, and it is no 101. */
  refused = false
  /** Octets that came after the refusal. */
  #dropped = 0

  /**
   * @param accept makes the transport, whose handler this is until the connection is upgraded
   * @param timeout milliseconds for the request to come
   */
  constructor(
    id: number,
    admission: Admission,
    accept: (handler: TransportHandler) => Transport,
    rules: UpgradeRules,
    timeout: number,
    handler: OpeningHandler,
  ) {
    this.id = id
    this.#admission = admission
    this.#rules = rules
    this.#handler = handler
    this.#deadline = performance.now() + (admission === 0 ? timeout : Math.min(timeout, OVER_LIMIT_TIME))
    this.transport = accept(this)
    this.transport.resume()
  }

  onChunk(chunk: Buffer, length: number): void {
    try {
      if (this.refused) this.#drop(length)
      else this.#read(chunk, length)
    } catch (error) {
      this.#handler.onInternalError(error)
      this.transport.destroy()
    }
  }

  onProgress(): void {}

  onEnd(): void {
    if (this.refused) return
    if (this.#reader.begun) this.#refuse(INCOMPLETE)
    else this.transport.end()
  }

  onClosed(): void {
    this.#handler.onGone(this)
  }

  /** Ends what takes too long; `now` is `performance.now()`. */
  sweep(now: number): void {
    if (now < this.#deadline) return
    if (this.refused || !this.transport.open) this.transport.destroy()
    else this.#refuse(this.#admission === 0 ? TIMEOUT : OVER_LIMIT[this.#admission])
  }

  #read(chunk: Buffer, length: number): void {
    const reader = this.#reader
    const behind = reader.push(chunk, 0, length)
    if (reader.refusal !== undefined) return this.#refuse(reader.refusal)
    if (reader.head === undefined) return
    const judgement = this.#admission === 0 ? judgeUpgrade(reader.head, this.#rules) : OVER_LIMIT[this.#admission]
    if (judgement.kind === 'refuse') this.#refuse(judgement, reader.head)
    else this.#accept(reader.head, judgement, chunk.subarray(behind, length))
  }

  #accept(request: UpgradeRequest, acceptance: Acceptance, behind: Buffer): void {
    const accept = acceptKey(acceptance.key)
    const terms = connectionTerms(this.id, this.transport, request, this.#reader.text, acceptance, accept)
    this.#send(switchingProtocols(accept, terms.extensions, terms.subprotocol))
    this.#handler.onUpgraded(this, terms, behind)
  }

  #refuse(refusal: Refusal, request?: UpgradeRequest): void {
    this.refused = true
    this.#deadline = performance.now() + LINGER_TIME
    this.#handler.onRefused(this, refusal)
    this.#send(refusalResponse(refusal, request?.method !== 'HEAD'))
    this.transport.end()
  }

  #drop(length: number): void {
    this.#dropped += length
    if (this.#dropped > LINGER_OCTETS) this.transport.pause()
  }

  #send(response: string): void {
    this.transport.write(Buffer.from(response, 'latin1'))
  }
}
