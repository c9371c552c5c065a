// Answers one opening handshake as its controls say: late, in pieces, wrongly or not at all. Has the transport until then.

import type { ActiveControls } from '../../controls/active.js'
import type { Answer } from '../../controls/answer.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'

/** Octets that a client may send before it has its answer; more are left unread. */
const MOST_EARLY = 64 * 1024
/** Milliseconds that a refused client has to end the connection. */
const LINGER_TIME = 1000

export interface AnswerHandler {
  /** The 101 is out; `early` is what the client sent meanwhile. */
  onAnswered(early: Buffer): void
  /** The connection ended. */
  onGone(): void
}

export class ControlledAnswer implements TransportHandler {
  readonly #transport: Transport
  readonly #answer: Answer
  readonly #controls: ActiveControls
  readonly #holdTimeout: number
  readonly #handler: AnswerHandler
  readonly #respond: (octets: Buffer) => void
  readonly #early: Buffer[]
  #earlyOctets: number
  #done = false

  /**
   * @param early what came right behind the request; copied by the caller
   * @param respond sends the answer where it does not go octet by octet
   */
  constructor(
    transport: Transport,
    answer: Answer,
    controls: ActiveControls,
    holdTimeout: number,
    early: Buffer,
    handler: AnswerHandler,
    respond = (octets: Buffer): void => void transport.write(octets),
  ) {
    this.#transport = transport
    this.#answer = answer
    this.#controls = controls
    this.#holdTimeout = holdTimeout
    this.#early = [early]
    this.#earlyOctets = early.length
    this.#handler = handler
    this.#respond = respond
    transport.handler = this
  }

  begin(): void {
    const { schedule, values, book } = this.#controls
    const delay = values['handshake-delay'] ?? 0
    if (delay === 0) return this.#send()
    book.did('handshake-delay', `${delay} ms`)
    schedule.in(delay, () => this.#send())
  }

  onChunk(chunk: Buffer, length: number): void {
    if (this.#done) return
    this.#early.push(Buffer.from(chunk.subarray(0, length)))
    this.#earlyOctets += length
    if (this.#earlyOctets > MOST_EARLY) this.#transport.pause()
  }

  onProgress(): void {}

  onEnd(): void {
    this.#transport.destroy()
  }

  onClosed(): void {
    this.#controls.end()
    this.#handler.onGone()
  }

  #send(): void {
    const { values, schedule, book } = this.#controls
    const { octets, behind } = this.#answer
    if (behind === 'hang') {
      schedule.in(this.#holdTimeout, () => this.#transport.destroy())
    } else if (values.trickle === undefined) {
      if (octets !== '') this.#respond(Buffer.from(octets, 'latin1'))
      this.#finish()
    } else {
      book.did('trickle', `an octet each ${values.trickle} ms`)
      this.#trickle(Buffer.from(octets, 'latin1'), 0, values.trickle)
    }
  }

  #trickle(octets: Buffer, at: number, pause: number): void {
    if (at === octets.length) return this.#finish()
    this.#transport.write(Buffer.from(octets.subarray(at, at + 1)))
    this.#controls.schedule.in(pause, () => this.#trickle(octets, at + 1, pause))
  }

  #finish(): void {
    this.#done = true
    if (this.#answer.behind === 'reset') return this.#transport.reset()
    if (this.#answer.behind === 'upgraded') return this.#handler.onAnswered(Buffer.concat(this.#early))
    this.#transport.end()
    this.#controls.schedule.in(LINGER_TIME, () => this.#transport.destroy())
  }
}
