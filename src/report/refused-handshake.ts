// What is kept of a refused opening handshake: the octets of its request, and why. All else is made of them when it is told.

import { refusalResponse } from '../protocol/handshake-response.js'
import { parseTarget } from '../protocol/request-target.js'
import type { Refusal } from '../protocol/upgrade-request.js'
import { type KeptEntry, summaryOf } from './entry.js'
import { keptHead } from './kept-head.js'
import type { ConnectionSummary, RefusalReport } from './report.js'
import { MASKS, type Secrets } from './secrets.js'

/** What the worker knows of it. */
export interface RefusedRequest {
  readonly id: number
  readonly peer: string
  readonly transport: string
  /** The head as far as it came, one character for each octet. */
  readonly head: string
  readonly refusal: Refusal
  /** Whether the answer had a body. */
  readonly withBody: boolean
}

export class RefusedHandshake implements KeptEntry {
  readonly id: number
  readonly worker: number
  readonly state = 'refused'
  readonly openedDate = Date.now()
  readonly duration = 0
  readonly peer: string
  readonly clean = null
  readonly code = null
  readonly #transport: string
  readonly #head: string
  readonly #cut: boolean
  readonly #refusal: Refusal
  readonly #withBody: boolean

  constructor({ id, peer, transport, head, refusal, withBody }: RefusedRequest, worker: number) {
    this.id = id
    this.worker = worker
    this.peer = peer
    this.#transport = transport
    this.#head = keptHead(head)
    this.#cut = this.#head.length < head.length
    this.#refusal = { ...refusal, sentence: Buffer.from(refusal.sentence).toString() }
    this.#withBody = withBody
  }

  get error(): string {
    return this.#refusal.reason
  }

  get path(): string | null {
    return this.#target?.path ?? null
  }

  get key(): string | null {
    return this.#field('sec-websocket-key')
  }

  get userAgent(): string | null {
    return this.#field('user-agent')
  }

  summary(secrets: Secrets = 'mask'): ConnectionSummary {
    return summaryOf(this, MASKS[secrets].text)
  }

  report(secrets: Secrets = 'mask'): RefusalReport {
    const mask = MASKS[secrets]
    const { status, reason, sentence } = this.#refusal
    const query = this.#target?.query ?? null
    const response = refusalResponse(this.#refusal, this.#withBody)
    return {
      ...this.summary(secrets),
      state: 'refused',
      transport: this.#transport,
      query: query && mask.query(query),
      handshake: {
        request: mask.head(this.#head).trimEnd(),
        requestCut: this.#cut,
        response: mask.text(response).trimEnd(),
      },
      refusal: { status, reason, sentence: mask.text(sentence) },
    }
  }

  /** Undefined when no request line came, or none with a path. */
  get #target(): { readonly path: string; readonly query: string } | undefined {
    const [, target] = /^(?:\r\n)?\S+ (\S+) HTTP\//.exec(this.#head) ?? []
    return target === undefined ? undefined : parseTarget(target)
  }

  #field(name: string): string | null {
    return new RegExp(`\\n${name}:[ \\t]*([^\\r\\n]*)`, 'i').exec(this.#head)?.[1].trimEnd() ?? null
  }
}
