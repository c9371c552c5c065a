// Asks the service's admin server what it has counted.

import { ExitError } from '../errors.js'
import type { TrafficReport } from './traffic.js'

/** Milliseconds for one answer. */
const TIMEOUT = 10_000
/** Reports that are asked for at a time. */
const AT_A_TIME = 8
/** Most connections that one answer of the service lists. */
const MOST_LISTED = 1000

/** What is read of a connection's report; octets and counts as the service names them. */
export interface ServiceReport extends TrafficReport {
  readonly id: number
  readonly key: string
  readonly state: 'open' | 'closed'
  /** Milliseconds in which the service did not read, by reason; version 0.1.0 does not tell them. */
  readonly time?: { readonly paused: Readonly<Record<string, number>> }
}

interface ConnectionsPage {
  readonly connections: readonly { readonly id: number; readonly state: string }[]
  /** Of the next page; null when there is none. */
  readonly cursor: string | null
}

/** Values by series, such as `echobahn_frames_total{direction="sent",opcode="text"}`. */
export type Metrics = ReadonlyMap<string, number>

export class AdminClient {
  readonly #origin: string
  readonly #headers: Record<string, string>

  constructor(origin: string, token: string | undefined) {
    this.#origin = origin
    this.#headers = { Accept: 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) }
  }

  async metrics(): Promise<Metrics> {
    return parseMetrics(await (await this.#get('/metrics')).text())
  }

  /** Reports of the connections with this user agent, as far as the service still has them. */
  async reports(userAgent: string): Promise<ServiceReport[]> {
    const waiting = (await this.#list(`agent=${encodeURIComponent(userAgent)}`)).values()
    const reports: ServiceReport[] = []
    const lane = async (): Promise<void> => {
      for (const id of waiting) reports.push((await (await this.#get(`/connections/${id}`)).json()) as ServiceReport)
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, lane))
    return reports
  }

  /** Ids of the connections that match, without handshakes that were refused. */
  async #list(query: string): Promise<number[]> {
    const ids: number[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = `/connections?${query}&limit=${MOST_LISTED}${cursor && `&cursor=${cursor}`}`
      const answer = (await (await this.#get(page)).json()) as ConnectionsPage
      for (const { id, state } of answer.connections) if (state !== 'refused') ids.push(id)
      cursor = answer.cursor
    }
    return ids
  }

  async #get(path: string): Promise<Response> {
    const url = this.#origin + path
    try {
      const response = await fetch(url, { headers: this.#headers, signal: AbortSignal.timeout(TIMEOUT) })
      if (response.ok) return response
      throw new Error(`answers ${response.status}`)
    } catch (error) {
      const { message, cause } = error as Error
      const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? message
      throw new ExitError('ECHOBAHN_LOAD_FAILED', `--admin=${this.#origin}: ${url}: ${reason}`)
    }
  }
}

export function parseMetrics(text: string): Metrics {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, series, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (series !== undefined) values.set(series, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value))
  }
  return values
}

/** Sum of the series of a metric that have all these labels. */
export function sumOf(metrics: Metrics, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const [series, value] of metrics) {
    if (series !== name && !series.startsWith(`${name}{`)) continue
    if (wanted.every(label => series.includes(label))) sum += value
  }
  return sum
}
