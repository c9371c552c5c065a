// The answer to an opening handshake as controls want it: its octets, and what becomes of the connection behind it.

import { STATUS_CODES } from 'node:http'
import { type AgreedTerms, switchingProtocols } from '../protocol/handshake-response.js'
import type { HandshakeFaultName } from './handshake-faults.js'
import type { Controls } from './schema.js'

/** `upgraded`: a WebSocket connection. `fin`, `reset`: TCP ends. `hang`: nothing is ever said. */
export type Behind = 'upgraded' | 'fin' | 'reset' | 'hang'

export interface Answer {
  readonly octets: string
  readonly behind: Behind
}

const CONTROLS_FIELD = 'Echobahn-Controls'
const HUGE = 256 * 1024

/** @param text the controls as the answer names them */
export function answerOf(controls: Controls, text: string, agreed: AgreedTerms): Answer {
  const { status, handshake } = controls
  const fields = fieldsOf(controls, text)
  if (status !== undefined) return { octets: refusal(status, controls, fields), behind: 'fin' }
  if (handshake === 'hang' || handshake === 'reset') return { octets: '', behind: handshake }
  if (handshake === 'close') return { octets: '', behind: 'fin' }
  if (handshake === 'garbage') return { octets: 'echobahn/1 this is no HTTP\r\n\r\n', behind: 'fin' }
  const { extensions, subprotocol } = agreed
  const right = withFields(switchingProtocols(agreed.accept, extensions, subprotocol), fields)
  return { octets: handshake === undefined ? right : spoil(right, handshake), behind: 'upgraded' }
}

function fieldsOf({ cookie, header = [] }: Controls, text: string): string {
  const fields = [[CONTROLS_FIELD, text], ...header]
  if (cookie !== undefined) fields.push(['Set-Cookie', cookie])
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

function withFields(head: string, fields: string): string {
  return `${head.slice(0, -2)}${fields}\r\n`
}

function refusal(status: number, { location, 'retry-after': retryAfter }: Controls, fields: string): string {
  const body = `The control status asked for ${status}.\n`
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields}` +
    (location === undefined ? '' : `Location: ${location}\r\n`) +
    (retryAfter === undefined ? '' : `Retry-After: ${Math.ceil(retryAfter / 1000)}\r\n`) +
    `Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

type Spoilt = Exclude<HandshakeFaultName, 'hang' | 'close' | 'reset' | 'garbage'>

const FAULTS: Readonly<Record<Spoilt, (head: string) => string>> = {
  'bad-accept': head => replaceField(head, 'Sec-WebSocket-Accept', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
  'no-accept': head => withoutField(head, 'Sec-WebSocket-Accept'),
  'no-upgrade': head => withoutField(head, 'Upgrade'),
  'no-connection': head => withoutField(head, 'Connection'),
  'wrong-upgrade': head => replaceField(head, 'Upgrade', 'echo'),
  'unasked-extension': head => replaceField(head, 'Sec-WebSocket-Extensions', 'x-echobahn-unasked'),
  'wrong-subprotocol': head => replaceField(head, 'Sec-WebSocket-Protocol', 'x-echobahn-unasked'),
  'bad-window-bits': head =>
    replaceField(head, 'Sec-WebSocket-Extensions', 'permessage-deflate; server_max_window_bits=7'),
  'huge-header': head => withFields(head, `X-Huge: ${'h'.repeat(HUGE)}\r\n`),
}

function spoil(head: string, fault: HandshakeFaultName): string {
  return fault in FAULTS ? FAULTS[fault as Spoilt](head) : head
}

function withoutField(head: string, name: string): string {
  const start = head.indexOf(`\r\n${name}:`)
  return start < 0 ? head : head.slice(0, start) + head.slice(head.indexOf('\r\n', start + 2))
}

function replaceField(head: string, name: string, value: string): string {
  return withFields(withoutField(head, name), `${name}: ${value}\r\n`)
}

/** 200 with JSON, for a plain GET. */
export function describedResponse(json: string, withBody: boolean): string {
  const body = Buffer.from(`${json}\n`)
  return (
    'HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n' +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${withBody ? body.toString('latin1') : ''}`
  )
}
