// What is kept of one connection, as the list of connections looks at it: cheap to look at, told only when it is wanted.

import type { AddressSource } from '../proxied.js'
import type { ConnectionReport, ConnectionSummary, RefusalReport } from './report.js'
import type { Secrets } from './secrets.js'

export interface Entry {
  readonly id: number
  readonly worker: number
  readonly state: ConnectionSummary['state']
  /** Milliseconds since 1970: when the handshake was accepted or refused. */
  readonly openedDate: number
  /** Milliseconds; of an open connection, so far. */
  readonly duration: number
  readonly peer: string
  readonly addressSource: AddressSource
  readonly proxy: string | null
  /** As the client sent them; null where it did not. */
  readonly path: string | null
  readonly key: string | null
  readonly userAgent: string | null
  readonly clean: boolean | null
  readonly error: string | null
  readonly code: number | null
}

/** An entry that has yet to be told. */
export interface KeptEntry extends Entry {
  summary(secrets: Secrets): ConnectionSummary
  report(secrets: Secrets): ConnectionReport | RefusalReport
}

/** The entry's line in the list. */
export function summaryOf(entry: Entry, mask: (text: string) => string): ConnectionSummary {
  const { id, worker, state, openedDate, duration, peer, addressSource, proxy } = entry
  const { path, key, userAgent, clean, error, code } = entry
  return {
    id,
    worker,
    state,
    openedAt: new Date(openedDate).toISOString(),
    duration,
    peer,
    addressSource,
    proxy,
    path: path && mask(path),
    key,
    userAgent: userAgent && mask(userAgent),
    clean,
    error,
    code,
  }
}

/** An entry that has been told: its line, or its report, is all that there is of it here. */
export interface ToldEntry extends Entry {
  readonly line: ConnectionSummary
}

export function entryOf(told: ConnectionSummary): ToldEntry {
  const { id, worker, state, openedAt, duration, peer, addressSource, proxy } = told
  const { path, key, userAgent, clean, error, code } = told
  const source = { peer, addressSource, proxy }
  const line = { id, worker, state, openedAt, duration, ...source, path, key, userAgent, clean, error, code }
  return { ...line, openedDate: Date.parse(openedAt), line }
}
