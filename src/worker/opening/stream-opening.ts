// One request on a stream of an HTTP/2 session, on its way to being a WebSocket connection (RFC 8441): waits for its number,
// is judged, and answered. Its head is whole when it comes.

import type { Admission } from '../../messages.js'
import { type ConnectAcceptance, connectRequest, headText, judgeConnect } from '../../protocol/connect-request.js'
import { connected, described, type Response, refused, responseText } from '../../protocol/connect-response.js'
import type { Refusal, RefusalReason, UpgradeRequest, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { Http2StreamTransport } from '../../transport/http2-stream-transport.js'
import type { TransportHandler } from '../../transport/transport.js'
import type { StreamRequest } from '../stream-requests.js'
import { ControlledAnswer } from './controlled-answer.js'
import { plainJson } from './controlled-handshake.js'
import type { OpeningHandler } from './opening.js'
import type { Asked, OpeningControls } from './opening-controls.js'
import type { Origin } from './origin.js'
import { OVER_LIMIT } from './refusals.js'
import { controlledStream, streamTerms } from './stream-handshake.js'

/** Milliseconds that a refused stream has to end. */
const LINGER_TIME = 1000

/** What the stream's session is to it. */
export interface StreamSession {
  /** How the session itself was admitted: of one above a limit no stream is. */
  readonly admission: Admission
  /** Undefined where no proxy is trusted. */
  readonly origin: Origin | undefined
  /** The stream was refused, or is gone without an answer. */
  waste(): void
}

export interface StreamOpeningHandler extends OpeningHandler<StreamOpening> {
  /** The stream has its number. False where nothing more is to be begun: the stream is to try elsewhere. */
  onNumbered(opening: StreamOpening, admission: Admission): boolean
}

const NOTHING = Buffer.alloc(0)

export class StreamOpening implements TransportHandler, StreamRequest {
  /** The primary's number of the connection; 0 before it has one. */
  id = 0
  readonly transport: Http2StreamTransport
  readonly #session: StreamSession
  readonly #request: UpgradeRequest
  readonly #rules: UpgradeRules
  readonly #handler: StreamOpeningHandler
  readonly #controls: OpeningControls | undefined
  /** The answer is written, and it is a refusal. */
  refused = false
  #gone = false
  /** By when a refused stream must be gone; monotonic milliseconds. */
  #deadline = Number.POSITIVE_INFINITY

  /** @param rawHeaders fields of the request, names and values in turn */
  constructor(
    transport: Http2StreamTransport,
    rawHeaders: readonly string[],
    session: StreamSession,
    rules: UpgradeRules,
    handler: StreamOpeningHandler,
    controls?: OpeningControls,
  ) {
    this.transport = transport
    this.#session = session
    this.#request = connectRequest(rawHeaders)
    this.#rules = rules
    this.#handler = handler
    this.#controls = controls
    transport.handler = this
  }

  onOpened(id: number, admission: Admission): void {
    if (id === 0) return this.transport.refuse()
    this.id = id
    if (this.#gone) return this.#handler.onGone(this)
    const limit = this.#session.admission || admission
    if (!this.#handler.onNumbered(this, limit)) return this.transport.refuse()
    try {
      this.#findClient(limit)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Octets before the answer are left unread, and those after a refusal are nobody's. */
  onChunk(): void {}

  onProgress(): void {}

  onEnd(): void {}

  onClosed(): void {
    this.#gone = true
    if (this.id === 0) return this.#session.waste()
    this.#controls?.forget(this.id)
    this.#handler.onGone(this)
  }

  /** Ends a refused stream that its peer does not; `now` is `performance.now()`. */
  sweep(now: number): void {
    if (now >= this.#deadline) this.transport.destroy()
  }

  /** Finds out whom the request is from, and has it admitted by that. */
  #findClient(limit: Admission): void {
    const origin = this.#session.origin?.ofStream(this.transport)
    const problem = origin?.readFields(this.#request.rawHeaders)
    if (problem !== undefined) return this.#refuse(problem)
    if (origin === undefined || limit !== 0) return this.#judge(limit)
    // Of one that is gone nobody tells.
    origin.admit(this.id, admission => {
      try {
        this.#judge(admission)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #fail(error: unknown): void {
    this.#handler.onInternalError(error)
    this.transport.reset()
  }

  #judge(admission: Admission): void {
    const judgement = admission === 0 ? judgeConnect(this.#request, this.#rules) : OVER_LIMIT[admission]
    if (judgement.kind === 'refuse') this.#decline(judgement)
    else if (this.#controls?.concern(judgement.query)) this.#decide(judgement, this.#controls)
    else this.#accept(judgement)
  }

  #accept(acceptance: ConnectAcceptance): void {
    const terms = streamTerms(this.id, this.transport, this.#request, acceptance)
    this.#respond(connected(terms))
    this.#handler.onUpgraded(this, terms, NOTHING)
  }

  #decline(refusal: Refusal): void {
    const isPlain = refusal.reason === 'not_upgrade' && this.#controls?.describesPlainHttp
    const json = isPlain && plainJson(this.id, this.transport, this.#request, this.#controls.host)
    if (json) this.#answerAndEnd('plain_http', described(json, this.#request.method === 'GET'))
    else this.#refuse(refusal)
  }

  /** Finds out which controls the connection has, which may take a word of the primary. */
  #decide(acceptance: ConnectAcceptance, controls: OpeningControls): void {
    controls.decide(this.id, acceptance.query, decision => {
      try {
        if (decision === undefined) this.#accept(acceptance)
        else if ('kind' in decision) this.#refuse(decision)
        else this.#answerControlled(decision, controls)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #answerControlled(asked: Asked, controls: OpeningControls): void {
    const handshake = controlledStream(this.id, this.transport, this.#request, asked, this.#rules, controls)
    if (handshake.kind === 'refuse') return this.#refuse(handshake)
    const { terms, answer, active } = handshake
    const { behind, response } = answer
    if (behind !== 'upgraded') {
      this.refused = true
      this.#handler.onRefused(this, 'control', active.response, headText(this.#request.rawHeaders))
    }
    const octets = active.response
    const handler = {
      onAnswered: (early: Buffer) => this.#handler.onUpgraded(this, terms, early),
      onGone: () => this.onClosed(),
    }
    const { holdTimeout } = controls
    const controlled = new ControlledAnswer(
      this.transport,
      { octets, behind },
      active,
      holdTimeout,
      NOTHING,
      handler,
      () => this.#respond(response),
    )
    // Before the connection has it, which may read nothing.
    this.transport.resume()
    controlled.begin()
  }

  #refuse(refusal: Refusal): void {
    this.#answerAndEnd(refusal.reason, refused(refusal, this.#request.method !== 'HEAD'))
  }

  #answerAndEnd(reason: RefusalReason, response: Response): void {
    this.refused = true
    this.#deadline = performance.now() + LINGER_TIME
    this.#handler.onRefused(this, reason, responseText(response), headText(this.#request.rawHeaders))
    this.#respond(response)
    this.transport.finish()
    this.transport.resume()
    if (reason !== 'plain_http') this.#session.waste()
  }

  #respond(response: Response): void {
    const { status, fields, body } = response
    this.transport.respond(status, fields)
    if (body !== '') this.transport.write(Buffer.from(body))
  }
}
