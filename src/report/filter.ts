// Which connections a reader wants to see: the query of /connections.

import { PROTOCOL_ERRORS } from '../errors.js'
import { REFUSAL_REASONS } from '../protocol/upgrade-request.js'
import type { Entry } from './entry.js'
import type { Position, Sort } from './order.js'

/** What `error` of a connection may be. */
export const ERRORS: readonly string[] = [...Object.keys(PROTOCOL_ERRORS), ...REFUSAL_REASONS]

/** What connections must be like; what is undefined does not matter. */
export interface Conditions {
  readonly state?: 'open' | 'closed' | 'refused' | undefined
  readonly worker?: number | undefined
  readonly clean?: boolean | undefined
  /** Code of the first Close, 1006 where there was none. */
  readonly code?: number | undefined
  /** Code of the protocol error, or reason of the refusal. */
  readonly error?: string | undefined
  /** Address, with the port or without. */
  readonly peer?: string | undefined
  readonly path?: string | undefined
  /** Part of the User-Agent header, in any case. */
  readonly agent?: string | undefined
  /** Value of the Sec-WebSocket-Key header. */
  readonly key?: string | undefined
  /** Opened, or refused, at this instant or later: milliseconds since 1970. */
  readonly since?: number | undefined
  /** Milliseconds. */
  readonly minDuration?: number | undefined
  readonly maxDuration?: number | undefined
}

export interface ConnectionFilter extends Conditions {
  readonly sort: Sort
  /** Where the page before ended; undefined asks for the first one. */
  readonly after?: Position | undefined
  /** Most connections that are wanted. */
  readonly limit: number
}

export function matches(entry: Entry, conditions: Conditions): boolean {
  const { state, worker, clean, code, error, peer, path, agent, key, since, minDuration, maxDuration } = conditions
  return (
    (state === undefined || entry.state === state) &&
    (worker === undefined || entry.worker === worker) &&
    (clean === undefined || entry.clean === clean) &&
    (code === undefined || entry.code === code) &&
    (error === undefined || entry.error === error) &&
    (peer === undefined || entry.peer === peer || addressOf(entry.peer) === peer) &&
    (path === undefined || entry.path === path) &&
    (agent === undefined || (entry.userAgent ?? '').toLowerCase().includes(agent.toLowerCase())) &&
    (key === undefined || entry.key === key) &&
    (since === undefined || entry.openedDate >= since) &&
    (minDuration === undefined || entry.duration >= minDuration) &&
    (maxDuration === undefined || entry.duration <= maxDuration)
  )
}

/** The address of an address with its port. */
export function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(':'))
}
