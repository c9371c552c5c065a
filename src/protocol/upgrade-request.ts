// Judges an HTTP request as a WebSocket opening handshake (RFC 6455 section 4.2.1, RFC 9110, RFC 9112): accept it, with
// what was negotiated, or refuse it with a status and a sentence that helps whoever sent it.

import { type DeflateAgreement, type DeflateTerms, negotiateDeflate } from './deflate-negotiation.js'
import { listElements, type Parsed, parseExtensions, parseSubprotocols } from './header-grammar.js'
import { isAuthority, isBareIpv6, parseTarget, type RequestTarget } from './request-target.js'

/** An HTTP request as it was on the wire. The names are those of node:http's IncomingMessage, but for `target`. */
export interface UpgradeRequest {
  readonly method: string
  /** Such as `1.1`. */
  readonly httpVersion: string
  /** The request target as sent (RFC 9112 section 3.2). */
  readonly target: string
  /**
   * Names and values in turn, without the white space around values. Repeated headers must not have been merged: some of
   * them may come only once.
   */
  readonly rawHeaders: readonly string[]
}

export interface UpgradeRules {
  /** The only path that is served, compared octet for octet; undefined serves any. */
  readonly path?: string | undefined
  /** Allowed values of the Origin header; empty allows all. */
  readonly origins: readonly string[]
  /** Subprotocols that the server speaks; empty takes the client's first. */
  readonly subprotocols: readonly string[]
  /** Undefined declines all compression. */
  readonly compression: DeflateTerms | undefined
}

/** Why a handshake was refused, or got no 101, as a metric label. Those from `timeout` on are for what only the caller sees. */
export const REFUSAL_REASONS = [
  'not_upgrade',
  'bad_request',
  'bad_version',
  'method',
  'path',
  'origin',
  'timeout',
  'max_connections',
  'max_connections_per_ip',
  'max_openings',
  'bad_http',
  'bad_proxy_header',
  'bad_forwarded',
  'untrusted_peer',
  'bad_control',
  'control',
  'plain_http',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** What a handshake agrees on. */
export interface Agreement extends RequestTarget {
  readonly kind: 'accept'
  /** Value for Sec-WebSocket-Protocol; absent when none is agreed. */
  readonly subprotocol?: string
  readonly deflate?: DeflateAgreement
  /** Value for Sec-WebSocket-Extensions; absent when none is agreed. */
  readonly extensionsHeader?: string
}

export interface Acceptance extends Agreement {
  /** Value of Sec-WebSocket-Key. */
  readonly key: string
}

export interface Refusal {
  readonly kind: 'refuse'
  readonly status: number
  /** Plain text for the body: one line, safe in any context. */
  readonly sentence: string
  /** Headers that the status calls for. */
  readonly headers: Record<string, string>
  readonly reason: RefusalReason
}

/** The request with its headers at hand. `values` gives each line of a header, in order; none is an empty array. */
export interface Handshake {
  readonly request: UpgradeRequest
  readonly values: (name: string) => readonly string[]
}

type Check = (handshake: Handshake) => Refusal | undefined

/** First what any HTTP request must satisfy, then the handshake's own fields. */
const CHECKS: readonly Check[] = [
  checkHost,
  checkUpgrade,
  checkMethod,
  checkConnection,
  checkNoBody,
  checkVersion,
  checkKey,
]

/** Minor versions of HTTP/1 that know Upgrade; a server must ignore it in HTTP/1.0 (RFC 9110 section 7.8). */
const HTTP_WITH_UPGRADE = /^1\.[1-9]$/

/** Base64 of 16 octets. Its padding bits may be anything: the example in RFC 6455 section 4.1 itself ends in `EC==`. */
const KEY = /^[A-Za-z0-9+/]{22}==$/

const BAD_TARGET = badRequest(
  'The request target must be a path, or an absolute http, https, ws or wss URI, in visible ASCII without "#".',
)

/** Judges `request` by `rules`. Never throws, whatever the request holds. */
export function judgeUpgrade(request: UpgradeRequest, rules: UpgradeRules): Acceptance | Refusal {
  const handshake = { request, values: headerLookup(request.rawHeaders) }
  for (const check of CHECKS) {
    const refusal = check(handshake)
    if (refusal !== undefined) return refusal
  }
  const target = parseTarget(request.target)
  if (target === undefined) return BAD_TARGET
  const refusal = checkPath(target, rules) ?? checkOrigin(handshake, rules)
  if (refusal !== undefined) return refusal
  const agreement = negotiate(handshake, target, rules)
  return agreement.kind === 'refuse' ? agreement : { ...agreement, key: handshake.values('sec-websocket-key')[0] }
}

export function negotiate({ values }: Handshake, target: RequestTarget, rules: UpgradeRules): Agreement | Refusal {
  const subprotocols = parseOptional(values('sec-websocket-protocol'), parseSubprotocols)
  if (!subprotocols.ok) return badRequest(`The Sec-WebSocket-Protocol header is malformed: ${subprotocols.problem}.`)

  const offers = parseOptional(values('sec-websocket-extensions'), parseExtensions)
  if (!offers.ok) return badRequest(`The Sec-WebSocket-Extensions header is malformed: ${offers.problem}.`)

  const subprotocol = selectSubprotocol(subprotocols.value, rules.subprotocols)
  const deflate = rules.compression && negotiateDeflate(offers.value, rules.compression)
  return {
    kind: 'accept',
    ...target,
    ...(subprotocol !== undefined && { subprotocol }),
    ...(deflate !== undefined && { deflate, extensionsHeader: deflate.response }),
  }
}

/** Lines of a list header mean the same as one line joined with commas (RFC 9110 section 5.3); no line is no element. */
function parseOptional<T>(lines: readonly string[], parse: (value: string) => Parsed<T[]>): Parsed<T[]> {
  return lines.length === 0 ? { ok: true, value: [] } : parse(lines.join(','))
}

/** The client's order is its preference (RFC 6455 section 4.1); names are compared octet for octet. */
function selectSubprotocol(offered: readonly string[], supported: readonly string[]): string | undefined {
  return supported.length === 0 ? offered[0] : offered.find(name => supported.includes(name))
}

/** RFC 9112 section 3.2: one Host header with a valid value, or 400; only HTTP/1.0 may go without. */
function checkHost({ request, values }: Handshake): Refusal | undefined {
  const hosts = values('host')
  if (hosts.length === 0 && !HTTP_WITH_UPGRADE.test(request.httpVersion)) return undefined
  if (hosts.length === 1 && isAuthority(hosts[0])) return undefined
  if (hosts.length === 1 && isBareIpv6(hosts[0])) {
    return badRequest(
      `An IPv6 address in the Host header needs brackets around it, such as "[::1]:8888"; it is ${quote(hosts[0])}.`,
    )
  }
  return badRequest('The Host header must be there exactly once, with a host name or address and optionally a port.')
}

function checkUpgrade({ request, values }: Handshake): Refusal | undefined {
  if (HTTP_WITH_UPGRADE.test(request.httpVersion) && hasElement(values('upgrade'), 'websocket')) return undefined
  return refusal(
    426,
    'not_upgrade',
    'This is a WebSocket echo service: connect with a WebSocket client over HTTP/1.1, with "Upgrade: websocket" ' +
      'and "Connection: Upgrade", at this address as ws:// or wss://, and every message comes back as sent.',
    { Upgrade: 'websocket', Connection: 'Upgrade' },
  )
}

function checkMethod({ request }: Handshake): Refusal | undefined {
  if (request.method === 'GET') return undefined
  const sentence = `A WebSocket handshake is a GET request; the method ${quote(request.method)} is not allowed.`
  return refusal(405, 'method', sentence, { Allow: 'GET' })
}

function checkConnection({ values }: Handshake): Refusal | undefined {
  if (hasElement(values('connection'), 'upgrade')) return undefined
  return badRequest('The Connection header must include "Upgrade" beside the header "Upgrade: websocket".')
}

/** A body would stand where the first frame is expected. */
export function checkNoBody({ values }: Handshake): Refusal | undefined {
  if (values('transfer-encoding').length > 0) {
    return badRequest('A WebSocket handshake has no body: the Transfer-Encoding header is not allowed.')
  }
  if (values('content-length').some(length => !/^0+$/.test(length))) {
    return badRequest('A WebSocket handshake has no body: the Content-Length header must be 0 or absent.')
  }
  return undefined
}

/** Comes before the key, since another version may have other rules for it (RFC 6455 section 4.4). */
export function checkVersion({ values }: Handshake): Refusal | undefined {
  const versions = values('sec-websocket-version')
  if (versions.length !== 1) {
    return badRequest('The Sec-WebSocket-Version header must be there exactly once, with the value 13.')
  }
  if (versions[0] === '13') return undefined
  return refusal(
    426,
    'bad_version',
    `The Sec-WebSocket-Version header asks for ${quote(versions[0])}; this server speaks version 13 only.`,
    { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' },
  )
}

export function checkKey({ values }: Handshake): Refusal | undefined {
  const keys = values('sec-websocket-key')
  if (keys.length === 1 && KEY.test(keys[0])) return undefined
  return badRequest('The Sec-WebSocket-Key header must be there exactly once, with 16 octets in base64.')
}

export function checkPath({ path }: RequestTarget, rules: UpgradeRules): Refusal | undefined {
  if (rules.path === undefined || path === rules.path) return undefined
  return refusal(404, 'path', `Nothing is served at ${quote(path)}; the echo service is at ${quote(rules.path)}.`)
}

/**
 * The list is there against pages of foreign sites in a browser. A request without Origin does not come from a browser
 * (RFC 6455 section 4.2.1), and another client could claim any origin it likes (10.2): it is let through.
 */
export function checkOrigin({ values }: Handshake, rules: UpgradeRules): Refusal | undefined {
  const origins = values('origin')
  if (origins.length > 1) return badRequest('The Origin header may be there only once.')
  if (origins.length === 0 || rules.origins.length === 0) return undefined
  // An origin is scheme, host and port: nothing in it depends on case (RFC 6454 section 6.2).
  const origin = origins[0].toLowerCase()
  if (rules.origins.some(allowed => allowed.toLowerCase() === origin)) return undefined
  return refusal(403, 'origin', `The Origin header ${quote(origins[0])} is not among the origins allowed here.`)
}

const NONE: readonly string[] = []

/** Looks through the lines again for each name: for as few as there are that is quicker than to sort them first. */
export function headerLookup(rawHeaders: readonly string[]): Handshake['values'] {
  return name => fieldValues(rawHeaders, name)
}

/**
 * Values of the field lines of one name, in their order.
 *
 * @param rawHeaders names and values in turn
 * @param name in lower case
 */
export function fieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const line = rawHeaders[i]
    if (line.length !== name.length || line.toLowerCase() !== name) continue
    values ??= []
    values.push(rawHeaders[i + 1])
  }
  return values ?? NONE
}

/** Whether a list header, in however many lines, has `token`, given in lower case, among its elements. */
function hasElement(lines: readonly string[], token: string): boolean {
  return listElements(lines.join(',')).some(element => element.toLowerCase() === token)
}

/** A value from the wire, harmless in a log, a terminal or a page: short, and of characters that mean nothing there. */
export function quote(value: string): string {
  const harmless = value.slice(0, 64).replace(/[^ !#-%(-;=?-~]/g, '?')
  return `"${harmless}${value.length > 64 ? '...' : ''}"`
}

export function badRequest(sentence: string): Refusal {
  return refusal(400, 'bad_request', sentence)
}

export function refusal(
  status: number,
  reason: RefusalReason,
  sentence: string,
  headers: Record<string, string> = {},
): Refusal {
  return { kind: 'refuse', status, sentence, headers, reason }
}
