// Whom the admin server answers, as browsers tell it: by the Host and Origin headers.
//
// A page of any site can have its own name resolve to 127.0.0.1 and then read what a server there answers (DNS rebinding).
// The browser sends that name as the Host, so a server that answers only to its own names is out of reach.

import { isIP, isIPv6 } from 'node:net'
import type { Request, RequestHandler } from 'express'
import { sendError } from './errors.js'

/** Host and optional port (RFC 9110 section 7.2); an IPv6 address is in brackets. */
const HOST = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d*)?$/i
/** Characters of a refused host that are told back. */
const MOST_TOLD = 64

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether only this machine can reach a server that listens on `host`: an address, or a name as the user wrote it. */
export function isLoopback(host: string): boolean {
  return isLocalhost(host.toLowerCase()) || /^127\.[\d.]+$/.test(host) || (isIPv6(host) && /^[0:]+:0*1$/.test(host))
}

/**
 * Answers 403 unless the Host is an IP address, which cannot be rebound, a name of loopback, or one of `names`. A request
 * without Host does not come from a browser.
 */
export function requireKnownHost(names: readonly string[]): RequestHandler {
  const known = new Set(names.map(name => name.toLowerCase()))
  const allowed = ['IP addresses', 'localhost', ...[...known].filter(name => isIP(name) === 0)].join(', ')
  return (request, response, next) => {
    const { host } = request.headers
    if (host === undefined || isKnown(host, known)) return next()
    const told = host.slice(0, MOST_TOLD)
    sendError(response, 403, `not as host ${told}: allowed are ${allowed}; --admin-allowed-host allows more`)
  }
}

function isKnown(header: string, known: ReadonlySet<string>): boolean {
  const [, address, text] = HOST.exec(header) ?? []
  if (address !== undefined) return isIPv6(address)
  const name = text?.toLowerCase().replace(/\.$/, '')
  return name !== undefined && (isIP(name) === 4 || isLocalhost(name) || known.has(name))
}

/** RFC 6761 section 6.3: the name and all below it are loopback, whatever a name server says. */
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost')
}

/** Answers 403 to a request that would change something and was made by a page of another origin. */
export const refuseForeignOrigin: RequestHandler = (request, response, next) => {
  if (SAFE_METHODS.has(request.method)) return next()
  refuseForeign(request, response, next)
}

/** Answers 403 to any request of a page of another origin: browsers let every page open a WebSocket anywhere, and read it. */
export const refuseForeign: RequestHandler = (request, response, next) => {
  if (!isForeign(request)) return next()
  sendError(
    response,
    403,
    "not from another site's page: allowed are this server's own pages, and programs that send no Origin",
  )
}

/** Answers 403 to a request that would change something: for a server that anybody may reach and that has no token. */
export const refuseChanges: RequestHandler = (request, response, next) => {
  if (SAFE_METHODS.has(request.method)) return next()
  sendError(
    response,
    403,
    'a server that is not on loopback changes nothing without a token: set --admin-token-file, or send SIGHUP to reload',
  )
}

/**
 * Whether a page of another origin made the request. Browsers send Origin with every method but GET and HEAD (Fetch
 * section 3.2); older ones and pages without referrer can lack it, and Sec-Fetch-Site tells of those.
 */
function isForeign({ headers }: Request): boolean {
  const { origin, host = '' } = headers
  if (origin !== undefined && !isOriginOf(host, origin)) return true
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** The scheme is not compared: a proxy may have taken TLS off. */
function isOriginOf(host: string, origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: authority } = new URL(origin)
  const own = `${protocol}//${host}`
  return URL.canParse(own) && authority !== '' && new URL(own).host === authority
}
