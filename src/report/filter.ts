// Which connections a reader wants to see: the query of /connections.

import type { ConnectionSummary } from './report.js'

export interface ConnectionFilter {
  readonly state?: 'open' | 'closed'
  readonly clean?: boolean
  /** Part of the User-Agent header, in any case. */
  readonly agent?: string
  /** Code of the protocol error. */
  readonly error?: string
  /** Value of the Sec-WebSocket-Key header. */
  readonly key?: string
  /** Most connections that are wanted. */
  readonly limit: number
}

export function matches(summary: ConnectionSummary, filter: ConnectionFilter): boolean {
  const { state, clean, agent, error, key } = filter
  return (
    (state === undefined || summary.state === state) &&
    (clean === undefined || summary.clean === clean) &&
    (agent === undefined || (summary.userAgent ?? '').toLowerCase().includes(agent.toLowerCase())) &&
    (error === undefined || summary.error === error) &&
    (key === undefined || summary.key === key)
  )
}

/** The newest matching ones of all, newest first. */
export function select(summaries: Iterable<ConnectionSummary>, filter: ConnectionFilter): ConnectionSummary[] {
  return [...summaries]
    .filter(summary => matches(summary, filter))
    .sort((a, b) => b.id - a.id)
    .slice(0, filter.limit)
}
