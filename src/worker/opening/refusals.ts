// Refusals for what only the worker sees: limits and time, not the request.

import type { Admission } from '../../messages.js'
import type { Refusal, RefusalReason } from '../../protocol/upgrade-request.js'

/** Milliseconds that a connection above a limit has for its request; then it gets its answer all the same. */
export const OVER_LIMIT_TIME = 1000

/** By the status that the primary decided on. */
export const OVER_LIMIT: Record<Exclude<Admission, 0>, Refusal> = {
  429: refusal(429, 'max_connections_per_ip', 'Too many connections come from this address (max-connections-per-ip).'),
  503: refusal(503, 'max_connections', 'The server has all the connections it may have (max-connections).'),
}

export const TIMEOUT = refusal(408, 'timeout', 'The request was not complete within the handshake timeout.')

export const INCOMPLETE = refusal(400, 'bad_http', 'The request ended before its head was complete.')

export const UNTRUSTED = refusal(
  403,
  'untrusted_peer',
  'Only proxies may connect here (proxy-protocol), and this address is not one of those that are trusted (trusted-proxies).',
)

function refusal(status: number, reason: RefusalReason, sentence: string): Refusal {
  return { kind: 'refuse', status, reason, sentence, headers: {} }
}
