// What the opening handshake of a connection agreed on, made in one place. From it come the connection's rules, its echo
// and the head of its report.

import type { ActiveControls } from '../controls/active.js'
import type { ConnectAcceptance } from '../protocol/connect-request.js'
import type { DeflateAgreement } from '../protocol/deflate-negotiation.js'
import type { Acceptance, UpgradeRequest } from '../protocol/upgrade-request.js'
import type { Proxied } from '../proxied.js'
import { MOST_KEPT } from '../report/kept-head.js'
import type { Transport, TransportKind } from '../transport/transport.js'

export interface ConnectionTerms {
  /** Number of the connection, unique over the primary's life. */
  readonly id: number
  /** Address and port of the peer, or of the client that a proxy speaks for. */
  readonly peer: string
  readonly proxied?: Proxied | undefined
  readonly transport: TransportKind
  /** Such as `1.1`, or `2`. */
  readonly httpVersion: string
  /** Path and query of the request target; the query is without its `?` and empty where there is none. */
  readonly path: string
  readonly query: string
  /** Head of the request as it came, up to `MOST_KEPT` octets of it. */
  readonly request: string
  /** Value of Sec-WebSocket-Key, and of the Sec-WebSocket-Accept that answered it; null where none came over HTTP/2. */
  readonly key: string | null
  readonly accept: string | null
  readonly userAgent: string | null
  /** Values of the headers that answered the client's offers; null where nothing was agreed. */
  readonly extensions: string | null
  readonly subprotocol: string | null
  /** Undefined when messages go uncompressed. */
  readonly deflate: DeflateAgreement | undefined
  /** What the connection is to do besides echoing; undefined for nearly all. */
  readonly controls?: ActiveControls | undefined
}

/** Octets that are kept of a User-Agent. */
const MOST_AGENT_KEPT = 256
/** Of a path, and of a query, where the head is longer than what is kept of it. */
const MOST_TARGET_KEPT = 1024

/** @param head the request as text */
export function connectionTerms(
  id: number,
  transport: Transport,
  request: UpgradeRequest,
  head: string,
  acceptance: Acceptance | ConnectAcceptance,
  accept: string | null,
  controls?: ActiveControls,
): ConnectionTerms {
  const { deflate, extensionsHeader, subprotocol } = acceptance
  // Strings cut out of the head keep all of it in memory, which is fine for as long as all of it is kept.
  const keepsAll = head.length <= MOST_KEPT
  const keep = (text: string, most: number): string => (keepsAll ? text : flatCopy(text.slice(0, most)))
  const agent = fieldValue(request.rawHeaders, 'user-agent')
  return {
    id,
    peer: transport.peer,
    proxied: transport.proxied,
    transport: transport.kind,
    httpVersion: request.httpVersion,
    path: keep(acceptance.path, MOST_TARGET_KEPT),
    query: keep(acceptance.query, MOST_TARGET_KEPT),
    request: keep(head, MOST_KEPT),
    key: acceptance.key === undefined ? null : keep(acceptance.key, MOST_KEPT),
    accept,
    userAgent: agent && keep(agent.slice(0, MOST_AGENT_KEPT), MOST_AGENT_KEPT),
    extensions: extensionsHeader ?? null,
    subprotocol: subprotocol === undefined ? null : keep(subprotocol, MOST_TARGET_KEPT),
    deflate,
    controls,
  }
}

/** Value of the first field line of this name, given in lower case. */
function fieldValue(rawHeaders: readonly string[], name: string): string | null {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].length === name.length && rawHeaders[i].toLowerCase() === name) return rawHeaders[i + 1]
  }
  return null
}

/** A string of its own; heads are latin1. */
function flatCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
