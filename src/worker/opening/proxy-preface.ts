// One connection before its opening handshake, and before TLS, where a proxy must first tell whom it is from: reads the header of
// the PROXY protocol, and has the connection admitted by the address that it names.

import type { Admission } from '../../messages.js'
import { ProxyHeaderReader } from '../../protocol/proxy-protocol.js'
import type { Refusal } from '../../protocol/upgrade-request.js'
import type { BeforeTls } from '../../transport/accept.js'
import type { Transport, TransportHandler } from '../../transport/transport.js'
import { Origin, type OriginRules } from './origin.js'
import { INCOMPLETE, OVER_LIMIT_TIME, TIMEOUT, UNTRUSTED } from './refusals.js'

export interface PrefaceHandler {
  /** The header is read. `behind`, which is the caller's to keep, came right behind it; nothing is read until the transport is resumed. */
  onPreface(preface: ProxyPreface, behind: Buffer): void
  /**
   * The connection is to be refused.
   *
   * @param octets that came, one character each
   */
  onNoPreface(preface: ProxyPreface, refusal: Refusal, octets: string): void
  /** The connection ended before that. */
  onGone(preface: ProxyPreface): void
  onInternalError(error: unknown): void
}

export class ProxyPreface implements TransportHandler {
  readonly id: number
  readonly transport: Transport
  /** Undefined where no TLS follows. */
  readonly startTls: BeforeTls['startTls'] | undefined
  readonly origin: Origin
  /** By when header and request must be complete; monotonic milliseconds. */
  readonly deadline: number
  admission: Admission
  /** No answer is owed any more. */
  refused = false
  readonly #handler: PrefaceHandler
  readonly #reader = new ProxyHeaderReader()
  /** It is read, or refused. */
  #done = false
  #over = false

  /**
   * @param accept makes the transport
   * @param timeout milliseconds
   */
  constructor(
    id: number,
    admission: Admission,
    accept: (handler: TransportHandler) => { readonly transport: Transport; readonly startTls?: BeforeTls['startTls'] },
    rules: OriginRules,
    timeout: number,
    handler: PrefaceHandler,
  ) {
    this.id = id
    this.admission = admission
    this.#handler = handler
    this.deadline = performance.now() + (admission === 0 ? timeout : Math.min(timeout, OVER_LIMIT_TIME))
    const { transport, startTls } = accept(this)
    this.transport = transport
    this.startTls = startTls
    this.origin = new Origin(rules, transport)
    transport.resume()
  }

  onChunk(chunk: Buffer, length: number): void {
    try {
      if (!this.#done) this.#read(chunk, length)
    } catch (error) {
      this.#fail(error)
    }
  }

  onProgress(): void {}

  onEnd(): void {
    if (this.#reader.begun) this.#refuse(INCOMPLETE)
    else this.transport.end()
  }

  onClosed(): void {
    this.#over = true
    this.#handler.onGone(this)
  }

  /** `now` is `performance.now()`. */
  sweep(now: number): void {
    if (now >= this.deadline) this.#refuse(TIMEOUT)
  }

  #read(chunk: Buffer, length: number): void {
    if (!this.origin.trusted) return this.#refuse(UNTRUSTED)
    const reader = this.#reader
    const behind = reader.push(chunk, 0, length)
    if (reader.refusal !== undefined) return this.#refuse(reader.refusal)
    if (reader.header === undefined) return
    this.#done = true
    this.transport.pause()
    this.origin.onProxyHeader(reader.header)
    this.#admit(Buffer.from(chunk.subarray(behind, length)))
  }

  #admit(behind: Buffer): void {
    // Of one above a limit, and of one whose request tells more, nothing is asked here.
    if (this.admission !== 0 || !this.origin.settled) return this.#giveOn(behind)
    this.origin.admit(this.id, admission => {
      if (this.#over) return
      this.admission = admission
      try {
        this.#giveOn(behind)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #giveOn(behind: Buffer): void {
    this.#over = true
    this.#handler.onPreface(this, behind)
  }

  #refuse(refusal: Refusal): void {
    if (this.#over) return
    this.#done = true
    this.#over = true
    this.#handler.onNoPreface(this, refusal, this.#reader.received)
  }

  #fail(error: unknown): void {
    this.#handler.onInternalError(error)
    this.transport.destroy()
  }
}
