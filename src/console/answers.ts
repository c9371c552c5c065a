// What the admin server answers, as far as the console looks at it. A test holds these shapes against the service's own.

import type { Column, Row, ToldHistory } from './series.js'

export interface WorkerState {
  readonly worker: number
  readonly pid: number
  readonly state: string
  readonly connections: number
  readonly ageSeconds: number
}

export interface State {
  readonly readiness: string
  readonly reloading: boolean
  readonly workers: readonly WorkerState[]
}

/** First message of the live feed. */
export interface Hello {
  readonly version: string
  readonly service: {
    readonly port: number
    readonly secure: boolean
    readonly path: string
    /** Allowed values of the Origin header; empty allows all. */
    readonly origins: readonly string[]
  }
  readonly controls: { readonly allowed: 'on' | 'off' | 'all'; readonly prefix: string }
  readonly workers: number
  readonly limits: { readonly max_connections: number; readonly codec_queue: number; readonly memory_budget: number }
  readonly columns: readonly Column[]
  readonly history: ToldHistory
  readonly state: State
}

export type FeedMessage =
  | (Hello & { readonly type: 'hello' })
  | (Row & { readonly type: 'row'; readonly state: State })
  | { readonly type: 'state'; readonly state: State }

export interface Filter {
  readonly name: string
  readonly label: string
  readonly allowed: string
  readonly choices: readonly string[] | null
}

export interface Summary {
  readonly id: number
  readonly worker: number
  readonly state: 'open' | 'closed' | 'refused'
  readonly openedAt: string
  readonly duration: number
  readonly peer: string
  readonly addressSource: string
  readonly proxy: string | null
  readonly path: string | null
  readonly userAgent: string | null
  readonly clean: boolean | null
  readonly error: string | null
  readonly code: number | null
}

export interface ConnectionList {
  readonly connections: readonly Summary[]
  readonly unasked: readonly number[]
  readonly cursor: string | null
  readonly kept: Readonly<Record<'open' | 'closed' | 'failed' | 'refused', number>>
  readonly evicted: Readonly<Record<'closed' | 'failed' | 'refused', number>>
}

export interface Refused extends Summary {
  readonly state: 'refused'
  readonly transport: string
  readonly query: string | null
  readonly handshake: { readonly request: string; readonly requestCut: boolean; readonly response: string }
  readonly refusal: { readonly status: number | null; readonly reason: string; readonly sentence: string }
}

export interface Direction {
  readonly octets: number
  readonly chops: readonly { readonly size: number; readonly count: number }[]
  readonly otherChops: { readonly count: number; readonly octets: number }
  readonly frames: Readonly<Record<string, number>>
  readonly payload: Readonly<Record<string, number>>
  readonly messages: { readonly text: number; readonly binary: number }
  readonly messageOctets: { readonly text: number; readonly binary: number }
  readonly compressionRatio: number | null
}

export type WireEvent =
  | { readonly at: number; readonly event: `octets ${Way}`; readonly length: number; readonly hex: string }
  | {
      readonly at: number
      readonly event: `frame ${Way}`
      readonly opcode: number
      readonly fin: boolean
      readonly rsv: number
      readonly length: number
      readonly mask: string | null
    }
  | { readonly at: number; readonly event: `close ${Way}`; readonly code: number; readonly reason: string }
  | { readonly at: number; readonly event: 'gap'; readonly events: number }

type Way = 'received' | 'sent'

interface Close {
  readonly code: number
  readonly reason: string
}

export interface Report extends Summary {
  readonly state: 'open' | 'closed'
  readonly transport: string
  readonly httpVersion: string
  readonly query: string
  readonly handshake: Refused['handshake'] & { readonly extensions: string | null; readonly subprotocol: string | null }
  readonly closing: {
    readonly initiator: string | null
    readonly received: Close | null
    readonly sent: Close | null
    readonly droppedBy: string | null
    readonly uncleanReason: string | null
    readonly errorMeaning: string | null
  }
  readonly controls: {
    readonly controls: string
    readonly from: string
    readonly uses: Readonly<Record<string, number>>
    readonly events: readonly { readonly at: number; readonly control: string; readonly what: string }[]
    readonly judgement: {
      readonly violation: string
      readonly source: string
      readonly duty: string
      readonly client: string
      readonly right: boolean | null
    } | null
  } | null
  readonly received: Direction
  readonly sent: Direction
  readonly unsentOctets: number
  readonly time: {
    readonly server: number
    readonly worked: number
    readonly client: number
    readonly unread: number
    readonly paused: Readonly<Record<string, number>>
  }
  readonly slowestEcho: { readonly at: number; readonly duration: number } | null
  readonly pings: {
    readonly answered: number
    readonly least: number
    readonly mean: number
    readonly most: number
  } | null
  readonly log: readonly WireEvent[]
  readonly logCut: boolean
}

export interface Control {
  readonly name: string
  readonly group: string
  readonly help: string
  readonly allowed: string
  readonly example: string
  readonly repeatable: boolean
  readonly restricted: boolean
  readonly of: readonly string[]
}

export interface Catalogue {
  readonly prefix: string
  readonly controls: readonly Control[]
}
