// What the log says of connections: each one at debug, and at info only what goes wrong, summed up once in a while, so
// that no client can fill a disk.

import type { Logger } from 'pino'
import type { ProtocolError } from '../errors.js'
import { Occasional } from '../occasional.js'
import { statusOf } from '../protocol/response-status.js'
import type { RefusedRequest } from '../report/refused-handshake.js'
import type { ConnectionTerms } from './connection-terms.js'

/** What is told of a connection. To read `peer` costs a system call, so that it is only read at debug. */
export interface LoggedConnection {
  readonly id: number
  readonly peer: string
  readonly ending: { readonly initiator: string; readonly code: number; readonly seconds: number }
}

export class ConnectionLog {
  readonly #log: Logger
  readonly #each: boolean
  readonly #refusals: Summary
  readonly #failures: Summary

  constructor(log: Logger, now?: () => number) {
    this.#log = log
    this.#each = log.isLevelEnabled('debug')
    this.#refusals = new Summary(log, 'opening handshakes were refused', now)
    this.#failures = new Summary(log, 'connections were failed for breaking the protocol', now)
  }

  accepted({ id, peer, transport, path }: Pick<ConnectionTerms, 'id' | 'peer' | 'transport' | 'path'>): void {
    if (this.#each) this.#log.debug({ connection: id, peer, transport, path }, 'connection accepted')
  }

  refused({ id, peer, reason, response }: Pick<RefusedRequest, 'id' | 'peer' | 'reason' | 'response'>): void {
    if (this.#each) {
      this.#log.debug({ connection: id, peer, reason, status: statusOf(response) ?? 0 }, 'opening handshake refused')
    }
    this.#refusals.happened(reason)
  }

  failed(connection: LoggedConnection, { code, closeCode, message }: ProtocolError): void {
    if (this.#each) {
      const { id, peer } = connection
      this.#log.debug({ connection: id, peer, error: code, code: closeCode, reason: message }, 'protocol error')
    }
    this.#failures.happened(code)
  }

  closed({ id, ending }: LoggedConnection): void {
    if (this.#each) this.#log.debug({ connection: id, ...ending }, 'connection closed')
  }

  /** To be called now and then: tells what is still to be told. */
  sweep(): void {
    this.#refusals.sweep()
    this.#failures.sweep()
  }
}

/** Counts by reason, told at info once in a while. */
class Summary {
  readonly #occasional: Occasional
  #counts: Record<string, number> = {}

  constructor(log: Logger, sentence: string, now?: () => number) {
    this.#occasional = new Occasional(times => {
      log.info({ times, reasons: this.#counts }, sentence)
      this.#counts = {}
    }, now)
  }

  happened(reason: string): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1
    this.#occasional.happened()
  }

  sweep(): void {
    this.#occasional.catchUp()
  }
}
