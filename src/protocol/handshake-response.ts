// Heads of the responses to an opening handshake (RFC 6455 section 4.2.2, RFC 9112 section 4).

import type { Refusal } from './upgrade-request.js'

/** Reason phrases of the status codes that a handshake is refused with (RFC 9110 section 15, RFC 6585). */
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
}

const TEXT_FIELDS = { 'Content-Type': 'text/plain; charset=utf-8' } as const

/** What an accepted handshake agreed on, as the values of the fields that say so; null for none. */
export interface AgreedTerms {
  /** Of Sec-WebSocket-Accept; null where the client sent no key, which it need not over HTTP/2. */
  readonly accept: string | null
  readonly extensions: string | null
  readonly subprotocol: string | null
}

/**
 * The response that makes the connection a WebSocket one.
 *
 * @param accept value of Sec-WebSocket-Accept
 * @param extensions value of Sec-WebSocket-Extensions; null for none
 * @param subprotocol value of Sec-WebSocket-Protocol; null for none
 */
export function switchingProtocols(
  accept: string | null,
  extensions: string | null,
  subprotocol: string | null,
): string {
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n` +
    (subprotocol === null ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`) +
    (extensions === null ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`) +
    '\r\n'
  )
}

/** What stands in a response that refuses the handshake, when it is not the sentence. */
export interface RefusalBody {
  readonly text: string
  /** Fields that belong to it, Content-Type among them. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * A whole response that refuses the handshake and ends the connection.
 *
 * @param withBody false for the answer to a HEAD request, which has the same head and no body (RFC 9110 section 9.3.2)
 * @param body the sentence as text, if it is not given
 */
export function refusalResponse(
  { status, sentence, headers }: Refusal,
  withBody: boolean,
  body: RefusalBody = { text: `${sentence}\n`, fields: TEXT_FIELDS },
): string {
  const { Connection: connection, ...others } = headers
  const fields = {
    ...others,
    Connection: connection === undefined ? 'close' : `${connection}, close`,
    ...body.fields,
    'Content-Length': String(Buffer.byteLength(body.text)),
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${PHRASES[status]}\r\n${lines.join('')}\r\n${withBody ? body.text : ''}`
}
