// What is kept of a refused opening handshake: the octets of its request, and why. All else is made of them when it is told.

import { parseTarget } from '../protocol/request-target.js'
import { statusOf } from '../protocol/response-status.js'
import type { RefusalReason } from '../protocol/upgrade-request.js'
import type { AddressSource, Proxied } from '../proxied.js'
import { type KeptEntry, summaryOf } from './entry.js'
import { keptHead } from './kept-head.js'
import type { ConnectionSummary, RefusalReport } from './report.js'
import { MASKS, type Secrets } from './secrets.js'

/** What the worker knows of it. */
export interface RefusedRequest {
  readonly id: number
  readonly peer: string
  readonly proxied?: Proxied | undefined
  readonly transport: string
  /** The head as far as it came, one character for each octet. */
  readonly head: string
  readonly reason: RefusalReason
  /** As it was sent; empty where the client got none. */
  readonly response: string
}

/** Octets that are kept of a response: ours are shorter. */
const MOST_RESPONSE = 4096

/** In a request line, and over HTTP/2 in a field among the first. */
const TARGET = /^(?:\r\n)?[^:\s]+ (\S+) HTTP\//
const PATH_FIELD = /^(?::[a-z]+: .*\r\n)*:path: (\S+)\r\n/

export class RefusedHandshake implements KeptEntry {
  readonly id: number
  readonly worker: number
  readonly state = 'refused'
  readonly openedDate = Date.now()
  readonly duration = 0
  readonly peer: string
  readonly addressSource: AddressSource
  readonly proxy: string | null
  readonly clean = null
  readonly code = null
  readonly #transport: string
  readonly #head: string
  readonly #cut: boolean
  readonly error: RefusalReason
  readonly #response: string

  constructor({ id, peer, proxied, transport, head, reason, response }: RefusedRequest, worker: number) {
    this.id = id
    this.worker = worker
    this.peer = peer
    this.addressSource = proxied?.source ?? 'socket'
    this.proxy = proxied?.proxy ?? null
    this.#transport = transport
    this.#head = keptHead(head)
    this.#cut = this.#head.length < head.length
    this.error = reason
    this.#response = Buffer.from(response.slice(0, MOST_RESPONSE), 'latin1').toString('latin1')
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
    const query = this.#target?.query ?? null
    const [head, body = ''] = this.#response.split('\r\n\r\n')
    return {
      ...this.summary(secrets),
      state: 'refused',
      transport: this.#transport,
      query: query && mask.query(query),
      handshake: {
        request: mask.head(this.#head).trimEnd(),
        requestCut: this.#cut,
        response: mask.text(this.#response).trimEnd(),
      },
      refusal: {
        status: statusOf(head) ?? null,
        reason: this.error,
        sentence: mask.text(sentenceOf(body)).trimEnd(),
      },
    }
  }

  /** Undefined when no request line came, or none with a path. */
  get #target(): { readonly path: string; readonly query: string } | undefined {
    const [, target] = TARGET.exec(this.#head) ?? PATH_FIELD.exec(this.#head) ?? []
    return target === undefined ? undefined : parseTarget(target)
  }

  #field(name: string): string | null {
    return new RegExp(`\\n${name}:[ \\t]*([^\\r\\n]*)`, 'i').exec(this.#head)?.[1].trimEnd() ?? null
  }
}

/** Of a page, what its title says. */
function sentenceOf(body: string): string {
  return /<title>([^<]*)<\/title>/.exec(body)?.[1] ?? body
}
