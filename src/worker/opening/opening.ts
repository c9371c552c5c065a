// One connection on its way through the opening handshake: reads the request head, answers it, and either gives the
// transport on to the connection that it becomes or ends it.

import type { Admission } from '../../messages.js'
import { refusalResponse, switchingProtocols } from '../../protocol/handshake-response.js'
import { RequestHeadReader } from '../../protocol/request-head.js'
import {
  type Acceptance,
  judgeUpgrade,
  type Refusal,
  type RefusalReason,
  type UpgradeRequest,
  type UpgradeRules,
} from '../../protocol/upgrade-request.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'
import { type ConnectionTerms, connectionTerms } from '../connection-terms.js'
import { acceptKey } from './accept-key.js'
import { ControlledAnswer } from './controlled-answer.js'
import { controlledHandshake, plainDescription } from './controlled-handshake.js'
import type { Asked, Decision, OpeningControls } from './opening-controls.js'
import type { Origin } from './origin.js'
import { plainPage } from './plain-page.js'
import { INCOMPLETE, OVER_LIMIT, OVER_LIMIT_TIME, TIMEOUT } from './refusals.js'

/**
 * A refused peer has so long to end the connection, and so many octets that it still sends are read and dropped: resetting
 * the connection at once could cost it the answer.
 */
const LINGER_TIME = 1000
const LINGER_OCTETS = 64 * 1024

/** Told of openings of one kind: of requests of HTTP/1.1, or of those on streams of HTTP/2. */
export interface OpeningHandler<Of = Opening> {
  /** The 101, or the 200 of HTTP/2, is written. `behind` is what the peer sent right behind its request, and is lent for the call only. */
  onUpgraded(opening: Of, terms: ConnectionTerms, behind: Buffer): void
  /**
   * @param response as it was sent, empty for none
   * @param head of the request as far as it came, one character for each octet
   */
  onRefused(opening: Of, reason: RefusalReason, response: string, head: string): void
  /** The connection ended before it was a WebSocket one. */
  onGone(opening: Of): void
  onInternalError(error: unknown): void
}

export interface SocketOpeningHandler extends OpeningHandler {
  /**
   * The client speaks HTTP/2; `octets` are all that came. Whoever takes it has the transport from now on.
   *
   * @returns false where HTTP/2 is not spoken here
   */
  onHttp2(opening: Opening, octets: Buffer): boolean
}

export class Opening implements TransportHandler {
  /** The primary's number of the connection. */
  readonly id: number
  readonly transport: Transport
  admission: Admission
  readonly #rules: UpgradeRules
  readonly #handler: SocketOpeningHandler
  readonly #controls: OpeningControls | undefined
  /** Undefined where no proxy is trusted. */
  readonly origin: Origin | undefined
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
   * @param controls undefined where no connection has any
   * @param originOf undefined where no proxy is trusted
   */
  constructor(
    id: number,
    admission: Admission,
    accept: (handler: TransportHandler) => Transport,
    rules: UpgradeRules,
    timeout: number,
    handler: SocketOpeningHandler,
    controls?: OpeningControls,
    originOf?: (transport: Transport) => Origin,
  ) {
    this.id = id
    this.admission = admission
    this.#rules = rules
    this.#handler = handler
    this.#controls = controls
    this.#deadline = performance.now() + (admission === 0 ? timeout : Math.min(timeout, OVER_LIMIT_TIME))
    this.transport = accept(this)
    this.origin = originOf?.(this.transport)
    this.transport.resume()
  }

  onChunk(chunk: Buffer, length: number): void {
    try {
      if (this.refused) this.#drop(length)
      else this.#read(chunk, length)
    } catch (error) {
      this.#fail(error)
    }
  }

  onProgress(): void {}

  onEnd(): void {
    if (this.refused) return
    if (this.#reader.begun) this.#refuse(INCOMPLETE)
    else this.transport.end()
  }

  onClosed(): void {
    this.#controls?.forget(this.id)
    this.#handler.onGone(this)
  }

  /** Ends what takes too long; `now` is `performance.now()`. */
  sweep(now: number): void {
    if (now < this.#deadline) return
    if (this.refused || !this.transport.open) this.transport.destroy()
    else this.#refuse(this.admission === 0 ? TIMEOUT : OVER_LIMIT[this.admission])
  }

  #read(chunk: Buffer, length: number): void {
    if (this.transport.wantsHttp2) return this.#giveUp(Buffer.from(chunk.subarray(0, length)))
    const reader = this.#reader
    const behind = reader.push(chunk, 0, length)
    if (reader.isHttp2 && this.transport.kind !== 'tls')
      return this.#giveUp(Buffer.concat([Buffer.from(reader.text), chunk.subarray(behind, length)]))
    if (reader.refusal !== undefined) return this.#refuse(reader.refusal)
    if (reader.head === undefined) return
    if (this.origin === undefined) this.#judge(reader.head, chunk.subarray(behind, length))
    else this.#findClient(this.origin, reader.head, chunk.subarray(behind, length))
  }

  /** Finds out whom the request is from, and has it admitted by that. */
  #findClient(origin: Origin, request: UpgradeRequest, behind: Buffer): void {
    const problem = origin.readFields(request.rawHeaders)
    if (problem !== undefined) return this.#refuse(problem, request)
    if (this.admission !== 0) return this.#judge(request, behind)
    this.#wait<Admission>(
      behind,
      told => origin.admit(this.id, told),
      (admission, early) => {
        this.admission = admission
        this.#judge(request, early)
      },
    )
  }

  #judge(request: UpgradeRequest, behind: Buffer): void {
    const judgement = this.admission === 0 ? judgeUpgrade(request, this.#rules) : OVER_LIMIT[this.admission]
    if (judgement.kind === 'refuse') this.#decline(judgement, request)
    else if (this.#controls?.concern(judgement.query)) this.#decide(request, judgement, behind, this.#controls)
    else this.#accept(request, judgement, behind)
  }

  /** To an HTTP/2 session. */
  #giveUp(octets: Buffer): void {
    if (!this.#handler.onHttp2(this, octets) && this.#reader.refusal !== undefined) this.#refuse(this.#reader.refusal)
  }

  #accept(request: UpgradeRequest, acceptance: Acceptance, behind: Buffer): void {
    const accept = acceptKey(acceptance.key)
    const terms = connectionTerms(this.id, this.transport, request, this.#reader.text, acceptance, accept)
    this.#send(switchingProtocols(accept, terms.extensions, terms.subprotocol))
    this.#handler.onUpgraded(this, terms, behind)
  }

  #decline(refusal: Refusal, request: UpgradeRequest): void {
    const isPlain = refusal.reason === 'not_upgrade' && this.#controls?.describesPlainHttp
    const description = isPlain && plainDescription(this.id, this.transport, request, this.#controls.host)
    if (description) this.#answerAndEnd('plain_http', description)
    else this.#refuse(refusal, request)
  }

  /** Finds out which controls the connection has, which may take a word of the primary. */
  #decide(request: UpgradeRequest, acceptance: Acceptance, behind: Buffer, controls: OpeningControls): void {
    this.#wait<Decision>(
      behind,
      told => controls.decide(this.id, acceptance.query, told),
      (decision, early) => {
        if (decision === undefined) this.#accept(request, acceptance, early)
        else if ('kind' in decision) this.#refuse(decision, request)
        else this.#answerControlled(request, decision, early, controls)
      },
    )
  }

  /** Reads nothing until the word is told, which may be at once; then goes on with it, and with a copy of `behind`. */
  #wait<Word>(
    behind: Buffer,
    ask: (told: (word: Word) => void) => void,
    then: (word: Word, early: Buffer) => void,
  ): void {
    const early = Buffer.from(behind)
    let isTold = false
    ask(word => {
      isTold = true
      if (this.refused) return
      try {
        this.transport.resume()
        then(word, early)
      } catch (error) {
        this.#fail(error)
      }
    })
    if (!isTold) this.transport.pause()
  }

  #answerControlled(request: UpgradeRequest, asked: Asked, early: Buffer, controls: OpeningControls): void {
    const head = this.#reader.text
    const handshake = controlledHandshake(this.id, this.transport, request, head, asked, this.#rules, controls)
    if (handshake.kind === 'refuse') return this.#refuse(handshake, request)
    const { terms, answer, active } = handshake
    // The controls have deadlines of their own.
    this.#deadline = Number.POSITIVE_INFINITY
    if (answer.behind !== 'upgraded') {
      this.refused = true
      this.#handler.onRefused(this, 'control', answer.octets, head)
    }
    new ControlledAnswer(this.transport, answer, active, controls.holdTimeout, early, {
      onAnswered: behind => this.#handler.onUpgraded(this, terms, behind),
      onGone: () => this.onClosed(),
    }).begin()
  }

  /** Refuses a connection of which not even a request was read; `octets` came instead, one character each. */
  refuse(refusal: Refusal, octets: string): void {
    this.#answerAndEnd(refusal.reason, refusalResponse(refusal, true), octets)
  }

  #refuse(refusal: Refusal, request?: UpgradeRequest): void {
    const page = request && plainPage(refusal, request)
    this.#answerAndEnd(refusal.reason, page ?? refusalResponse(refusal, request?.method !== 'HEAD'))
  }

  #answerAndEnd(reason: RefusalReason, response: string, head = this.#reader.received): void {
    this.refused = true
    this.#deadline = performance.now() + LINGER_TIME
    this.#handler.onRefused(this, reason, response, head)
    this.#send(response)
    this.transport.end()
  }

  #fail(error: unknown): void {
    this.#handler.onInternalError(error)
    this.transport.destroy()
  }

  #drop(length: number): void {
    this.#dropped += length
    if (this.#dropped > LINGER_OCTETS) this.transport.pause()
  }

  #send(response: string): void {
    this.transport.write(Buffer.from(response, 'latin1'))
  }
}
