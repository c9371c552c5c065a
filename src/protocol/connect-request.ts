// Judges a request of HTTP/2 as a WebSocket opening handshake, which is an extended CONNECT (RFC 8441 sections 4 and 5): by
// the rules of an upgrade request where they are the same, and in the same words.

import { MAX_FIELD_LINES, TOO_MANY_FIELD_LINES } from './request-head.js'
import { isAuthority, isBareIpv6, parseTarget } from './request-target.js'
import {
  type Agreement,
  badRequest,
  checkKey,
  checkNoBody,
  checkOrigin,
  checkPath,
  checkVersion,
  type Handshake,
  headerLookup,
  negotiate,
  quote,
  type Refusal,
  refusal,
  type UpgradeRequest,
  type UpgradeRules,
} from './upgrade-request.js'

/** An acceptance whose client may have sent no key. */
export interface ConnectAcceptance extends Agreement {
  /** Value of Sec-WebSocket-Key: a proxy may have passed on that of its own client. */
  readonly key: string | undefined
}

/** The request as far as HTTP/1.1 has the same. Its `rawHeaders` are all fields, the pseudo-header fields first. */
export function connectRequest(rawHeaders: readonly string[]): UpgradeRequest {
  const values = headerLookup(rawHeaders)
  const [method = ''] = values(':method')
  const [target = ''] = values(':path')
  return { method, httpVersion: '2', target, rawHeaders }
}

/** The head as text, for reports: a line for each field, and an empty one. One character for each octet. */
export function headText(fields: readonly string[]): string {
  let text = ''
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return `${text}\r\n`
}

/** In the order of those of an upgrade request. */
const CHECKS: readonly ((handshake: Handshake) => Refusal | undefined)[] = [
  checkFieldLines,
  checkAuthority,
  checkMethod,
  checkProtocol,
  checkScheme,
  checkNoBody,
  checkSameVersion,
  checkKeyIfAny,
]

const BAD_TARGET = badRequest('The :path must begin with "/", in visible ASCII without "#".')

/** Judges `request` by `rules`. Never throws, whatever the request holds. */
export function judgeConnect(request: UpgradeRequest, rules: UpgradeRules): ConnectAcceptance | Refusal {
  const handshake = { request, values: headerLookup(request.rawHeaders) }
  for (const check of CHECKS) {
    const refusal = check(handshake)
    if (refusal !== undefined) return refusal
  }
  const target = request.target.startsWith('/') ? parseTarget(request.target) : undefined
  if (target === undefined) return BAD_TARGET
  const refusal = checkPath(target, rules) ?? checkOrigin(handshake, rules)
  if (refusal !== undefined) return refusal
  const agreement = negotiate(handshake, target, rules)
  return agreement.kind === 'refuse' ? agreement : { ...agreement, key: handshake.values('sec-websocket-key')[0] }
}

function checkFieldLines({ request: { rawHeaders } }: Handshake): Refusal | undefined {
  let lines = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (!rawHeaders[i].startsWith(':')) lines++
  return lines > MAX_FIELD_LINES ? TOO_MANY_FIELD_LINES : undefined
}

/** RFC 9113 section 8.3.1: `:authority`, or Host in its place; where there are both they must not differ. */
function checkAuthority({ values }: Handshake): Refusal | undefined {
  const [authority, ...others] = new Set([...values(':authority'), ...values('host')])
  if (authority !== undefined && others.length === 0) {
    if (isAuthority(authority)) return undefined
    if (isBareIpv6(authority)) {
      return badRequest(
        `An IPv6 address in :authority needs brackets around it, such as "[::1]:8888"; it is ${quote(authority)}.`,
      )
    }
  }
  return badRequest(
    'The :authority, or the Host header in its place, must be one host name or address and optionally a port.',
  )
}

/** Upgrade, which 426 would have to name, does not exist in HTTP/2 (RFC 9113 section 8.2.2): 405 names what is allowed. */
function checkMethod({ request: { method } }: Handshake): Refusal | undefined {
  if (method === 'CONNECT') return undefined
  return refusal(
    405,
    'not_upgrade',
    'This is a WebSocket echo service: over HTTP/2 connect with an extended CONNECT (RFC 8441), with ' +
      `":protocol: websocket"; the method ${quote(method)} is not allowed.`,
    { Allow: 'CONNECT' },
  )
}

function checkProtocol({ values }: Handshake): Refusal | undefined {
  const [protocol] = values(':protocol')
  if (protocol === 'websocket') return undefined
  const asked = protocol === undefined ? 'this CONNECT has none' : `it is ${quote(protocol)}`
  return refusal(501, 'not_upgrade', `A CONNECT needs ":protocol: websocket" here (RFC 8441); ${asked}.`)
}

function checkScheme({ values }: Handshake): Refusal | undefined {
  const [scheme = ''] = values(':scheme')
  // A proxy may speak TLS to its client and none to us, or the other way about.
  if (scheme === 'https' || scheme === 'http') return undefined
  return badRequest(`The :scheme must be https or http (RFC 8441 section 5); it is ${quote(scheme)}.`)
}

/** 426 has no meaning in HTTP/2; the version that is spoken is told all the same (RFC 6455 section 4.4). */
function checkSameVersion(handshake: Handshake): Refusal | undefined {
  const refusal = checkVersion(handshake)
  if (refusal?.reason !== 'bad_version') return refusal
  return { ...refusal, status: 400, headers: { 'Sec-WebSocket-Version': '13' } }
}

function checkKeyIfAny(handshake: Handshake): Refusal | undefined {
  return handshake.values('sec-websocket-key').length === 0 ? undefined : checkKey(handshake)
}
