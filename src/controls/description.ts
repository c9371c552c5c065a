// What the server tells a client about its own connection: the JSON of describe, and of a plain GET where that is on.

import type { AddressSource } from '../proxied.js'
import type { Host } from './host.js'

/** What is known of a request. */
export interface Described {
  readonly id: number
  /** Address and port of the client. */
  readonly peer: string
  readonly addressSource: AddressSource
  /** Address and port of the proxy that told of `peer`; null where none did. */
  readonly proxy: string | null
  readonly method: string
  readonly httpVersion: string
  /** Such as `TLSv1.3`; null without TLS. */
  readonly tlsVersion: string | null
  readonly path: string
  /** Without its `?`. */
  readonly query: string
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
  readonly extensions: string | null
  readonly subprotocol: string | null
  /** Controls in force, as the answer names them; empty for none. */
  readonly controls: string
}

/** What such a name says is nobody else's business; a handshake's key is no secret. */
const SECRET = /auth|cookie|token|secret|passw|credential|session|api-?key|signature/i
const MASK = '***'

/** JSON in one line. */
export function describe(host: Host, described: Described): string {
  const { rawHeaders, query, ...others } = described
  return JSON.stringify({ ...others, query: maskedQuery(query), fields: maskedFields(rawHeaders), ...host })
}

/** Fields by name in lower case, the values of lines of one name in a list. */
function maskedFields(rawHeaders: readonly string[]): Record<string, string[]> {
  const fields = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase()
    const values = fields.get(name) ?? []
    fields.set(name, values)
    values.push(SECRET.test(name) ? MASK : rawHeaders[i + 1])
  }
  return Object.fromEntries(fields)
}

function maskedQuery(query: string): string {
  return query
    .split('&')
    .map(parameter => {
      const [name] = parameter.split('=', 1)
      return SECRET.test(name) && name.length < parameter.length ? `${name}=${MASK}` : parameter
    })
    .join('&')
}
