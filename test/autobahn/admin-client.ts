// Reads the counts of a service from its admin server.

import { setTimeout } from 'node:timers/promises'
import type { ConnectionReport, ConnectionSummary } from '../../src/report/report.js'
import { parseExposition } from '../support/exposition.js'

/** Most connections that one answer lists. */
const LIST_LIMIT = 1000
/** Milliseconds; between looks at connections that are still open. */
const POLL_INTERVAL = 50
/** Milliseconds. */
const QUIET_DEADLINE = 30_000

interface Page {
  readonly connections: readonly ConnectionSummary[]
  /** Of the next page. */
  readonly cursor: string | null
}

export class AdminClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '')
  }

  /** All series of /metrics, keyed as in the exposition. */
  async metrics(): Promise<Map<string, number>> {
    return parseExposition(await (await this.#get('/metrics')).text())
  }

  /** Number of the newest connection; 0 before the first. */
  async newestConnection(): Promise<number> {
    const { connections } = await this.#list('limit=1')
    const [newest] = connections
    return newest?.id ?? 0
  }

  /** Reports of all connections that are newer than number `id` and not forgotten yet. */
  async connectionsAfter(id: number): Promise<ConnectionReport[]> {
    const reports: ConnectionReport[] = []
    for (const summary of await this.#listAll('')) {
      if (summary.id <= id || summary.state === 'refused') continue
      reports.push((await (await this.#get(`/connections/${summary.id}`)).json()) as ConnectionReport)
    }
    return reports
  }

  /**
   * Resolves when no connection that is newer than number `id` is open: then the metrics and their reports stand still.
   *
   * @throws Error when they do not close in time, which is far above every timeout of a closing handshake.
   */
  async quietAfter(id: number, signal: AbortSignal): Promise<void> {
    for (let waited = 0; waited < QUIET_DEADLINE; waited += POLL_INTERVAL) {
      const open = await this.#listAll('state=open')
      if (!open.some(connection => connection.id > id)) return
      await setTimeout(POLL_INTERVAL, undefined, { signal })
    }
    throw new Error(`the suite is done, but connections are still open after ${QUIET_DEADLINE / 1000} s`)
  }

  /** Page by page. */
  async #listAll(query: string): Promise<ConnectionSummary[]> {
    const all: ConnectionSummary[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await this.#list(`${query}&limit=${LIST_LIMIT}${cursor && `&cursor=${cursor}`}`)
      all.push(...page.connections)
      cursor = page.cursor
    }
    return all
  }

  async #list(query: string): Promise<Page> {
    return (await (await this.#get(`/connections?${query}`)).json()) as Page
  }

  async #get(path: string): Promise<Response> {
    const url = this.#url + path
    const response = await fetch(url, { headers: { accept: 'application/json, text/plain' } }).catch(cause => {
      throw new Error(`${url} cannot be read`, { cause })
    })
    if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`)
    return response
  }
}
