// Responses to an opening handshake over HTTP/2: status and fields, which Node's http2 makes frames of.

import type { AgreedTerms } from './handshake-response.js'
import type { Refusal } from './upgrade-request.js'

export type Fields = readonly (readonly [name: string, value: string])[]

export interface Response {
  readonly status: number
  /** Names in lower case, as HTTP/2 has them (RFC 9113 section 8.2.1). */
  readonly fields: Fields
  /** Empty for none. */
  readonly body: string
}

/** 200 makes the stream a WebSocket connection (RFC 8441 section 5). Only a key that came is answered. */
export function connected({ accept, extensions, subprotocol }: AgreedTerms): Response {
  const fields: [string, string][] = []
  if (accept !== null) fields.push(['sec-websocket-accept', accept])
  if (subprotocol !== null) fields.push(['sec-websocket-protocol', subprotocol])
  if (extensions !== null) fields.push(['sec-websocket-extensions', extensions])
  return { status: 200, fields, body: '' }
}

/** Fields of one connection alone: HTTP/2 has none of them (RFC 9113 section 8.2.2). */
const CONNECTION_FIELD = /^(?:connection|upgrade|keep-alive|proxy-connection|transfer-encoding|te|http2-settings)$/i

export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELD.test(name)
}

/** @param withBody false for the answer to a HEAD request (RFC 9110 section 9.3.2) */
export function refused({ status, sentence, headers }: Refusal, withBody: boolean): Response {
  const body = `${sentence}\n`
  const others = Object.entries(headers).filter(([name]) => !isConnectionField(name))
  const fields = [
    ...others.map(([name, value]) => [name.toLowerCase(), value] as const),
    ['content-type', 'text/plain; charset=utf-8'] as const,
    ['content-length', String(Buffer.byteLength(body))] as const,
  ]
  return { status, fields, body: withBody ? body : '' }
}

/** 200 with JSON, for a plain GET. */
export function described(json: string, withBody: boolean): Response {
  const body = `${json}\n`
  const fields = [
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
    ['content-type', 'application/json'],
    ['content-length', String(Buffer.byteLength(body))],
  ] as const
  return { status: 200, fields, body: withBody ? body : '' }
}

/** For reports: a line for each field, an empty one, and the body. */
export function responseText({ status, fields, body }: Response): string {
  return `:status: ${status}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}
