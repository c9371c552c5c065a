// Client's side of the opening handshake without I/O (RFC 6455 section 4.1): the request, and the judgement of what comes.

import { createHash, randomBytes } from 'node:crypto'
import type { ExtensionOffer } from '../protocol/header-grammar.js'
import { listElements, trimWhitespace } from '../protocol/header-grammar.js'
import { type DeflateAgreement, readAgreement } from './deflate-agreement.js'
import { Violation } from './violation.js'

/** What every connection of a load asks for. */
export interface HandshakeTerms {
  /** Value for Sec-WebSocket-Extensions, and what it means; undefined offers nothing. */
  readonly offers: { readonly text: string; readonly parsed: readonly ExtensionOffer[] } | undefined
  readonly subprotocols: readonly string[]
  /** Further fields, User-Agent and Origin among them: names and values. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export interface Agreed {
  readonly subprotocol: string | undefined
  readonly deflate: DeflateAgreement | undefined
}

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Octets of a response's head. */
const MOST = 64 * 1024
const STATUS_LINE = /^HTTP\/1\.1 (\d{3})(?: .*)?$/
const FIELD_LINE = /^([^\s:]+):(.*)$/

export function makeKey(): string {
  return randomBytes(16).toString('base64')
}

/** The head of the request, over HTTP/1.1. */
export function requestHead(url: URL, key: string, terms: HandshakeTerms): string {
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    ...[`Host: ${url.host}`, 'Connection: Upgrade', 'Upgrade: websocket'],
    ...[`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'],
    ...negotiatedFields(terms).map(([name, value]) => `${name}: ${value}`),
    ...['', ''],
  ].join('\r\n')
}

/** Fields that are the same over HTTP/1.1 and HTTP/2. */
export function negotiatedFields({ offers, subprotocols, fields }: HandshakeTerms): [name: string, value: string][] {
  return [
    ...(offers === undefined ? [] : [['Sec-WebSocket-Extensions', offers.text] as [string, string]]),
    ...(subprotocols.length === 0 ? [] : [['Sec-WebSocket-Protocol', subprotocols.join(', ')] as [string, string]]),
    ...fields.map(([name, value]): [string, string] => [name, value]),
  ]
}

/** A response's head: its status, and the values of a field in one text. */
export interface ResponseHead {
  readonly status: number
  readonly value: (name: string) => string | undefined
}

/** Collects the head of a response from chunks. */
export class ResponseReader {
  #octets = Buffer.alloc(0)

  /**
   * @returns the head and what came behind it, or undefined while it is not complete
   * @throws Violation when it is no HTTP response
   */
  push(chunk: Buffer): { head: ResponseHead; rest: Buffer } | undefined {
    this.#octets = Buffer.concat([this.#octets, chunk])
    const end = this.#octets.indexOf('\r\n\r\n')
    const isResponse = this.#octets.subarray(0, 5).equals(Buffer.from('HTTP/').subarray(0, this.#octets.length))
    if (!isResponse || (end < 0 && this.#octets.length > MOST)) throw new Violation('ECHOBAHN_BAD_RESPONSE')
    if (end < 0) return undefined
    return { head: parseHead(this.#octets.toString('latin1', 0, end)), rest: this.#octets.subarray(end + 4) }
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine, ...lines] = text.split('\r\n')
  const status = STATUS_LINE.exec(statusLine)?.[1]
  if (status === undefined) throw new Violation('ECHOBAHN_BAD_RESPONSE')
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? []
    if (name === undefined) throw new Violation('ECHOBAHN_BAD_RESPONSE')
    const before = fields.get(name.toLowerCase())
    fields.set(name.toLowerCase(), (before === undefined ? '' : `${before},`) + trimWhitespace(value))
  }
  return { status: Number(status), value: name => fields.get(name) }
}

/**
 * What a 101 has agreed on.
 *
 * @throws Violation when it does not belong to the key
 */
export function judgeUpgrade(head: ResponseHead, key: string, terms: HandshakeTerms): Agreed {
  const has = (name: string, token: string) =>
    listElements(head.value(name) ?? '').some(element => element.toLowerCase() === token)
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade')) throw new Violation('ECHOBAHN_BAD_UPGRADE')
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  if (head.value('sec-websocket-accept') !== accept) throw new Violation('ECHOBAHN_BAD_ACCEPT')
  return judgeTerms(head, terms)
}

/** Subprotocol and extensions, which HTTP/2 agrees on in the same fields (RFC 8441 section 5). @throws Violation */
export function judgeTerms({ value }: Pick<ResponseHead, 'value'>, terms: HandshakeTerms): Agreed {
  const subprotocol = value('sec-websocket-protocol')
  if (subprotocol !== undefined && !terms.subprotocols.includes(subprotocol))
    throw new Violation('ECHOBAHN_BAD_SUBPROTOCOL')
  const answer = value('sec-websocket-extensions')
  if (answer === undefined || answer === '') return { subprotocol, deflate: undefined }
  const deflate = readAgreement(answer, terms.offers?.parsed ?? [])
  if (deflate === undefined) throw new Violation('ECHOBAHN_BAD_EXTENSION')
  return { subprotocol, deflate }
}
