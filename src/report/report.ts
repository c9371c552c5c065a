// What the service tells of one connection: the JSON of /connections/:id. Sizes are octets, times milliseconds.

import type { ControlsReport } from '../controls/active.js'
import type { PauseReason } from '../pause-reasons.js'
import type { OpcodeName } from '../protocol/opcodes.js'
import type { AddressSource } from '../proxied.js'

/** A status code and reason as a Close frame carried them; 1005 stands for a Close without a code. */
export interface CloseReport {
  readonly code: number
  readonly reason: string
}

/** How often reads (or writes) of one size came. */
export interface Chop {
  readonly size: number
  readonly count: number
}

export interface DirectionReport {
  /** Octets of the socket, the opening handshake included; over HTTP/2, those of the stream's DATA frames. */
  readonly octets: number
  /**
   * Reads or writes after the handshake by size, ascending; under TLS, of what it carries. Sizes beyond the first 100
   * different ones are summed in `otherChops`.
   */
  readonly chops: readonly Chop[]
  readonly otherChops: { readonly count: number; readonly octets: number }
  readonly frames: Readonly<Record<OpcodeName, number>>
  /** Payload octets of frames as they were on the wire. */
  readonly payload: Readonly<Record<OpcodeName, number>>
  readonly messages: { readonly text: number; readonly binary: number }
  /** Application octets of messages, inflated. */
  readonly messageOctets: { readonly text: number; readonly binary: number }
  /** Payload octets of data frames per application octet; null when there were none. */
  readonly compressionRatio: number | null
}

/** One line of the wire log, `at` milliseconds after the connection was upgraded. */
export type WireEvent =
  | {
      readonly at: number
      readonly event: 'octets received' | 'octets sent'
      readonly length: number
      readonly hex: string
    }
  | {
      readonly at: number
      readonly event: 'frame received' | 'frame sent'
      readonly opcode: number
      readonly fin: boolean
      readonly rsv: number
      readonly length: number
      /** Masking key in hex; null for an unmasked frame. */
      readonly mask: string | null
    }
  | {
      readonly at: number
      readonly event: 'close received' | 'close sent'
      readonly code: number
      readonly reason: string
    }
  | {
      /** The time of the event before it. */
      readonly at: number
      readonly event: 'gap'
      /** Reads, writes and Closes that are missing here. What follows has no frames, and shows fewer octets. */
      readonly events: number
    }

/** Where the time of a connection went; `server` and `client` are all of it. */
export interface TimeReport {
  /** The server had something to do for it that did not wait for the client; the codec's queue and turns included. */
  readonly server: number
  /** Part of `server` in which the event loop worked for it. */
  readonly worked: number
  /** Nothing was to be done before the client sent or read something. */
  readonly client: number
  /** Octets waited for the client, or the network, to take them: the kernel had no more room. */
  readonly unread: number
  /** The connection was not read, by reason; of several the first one counts. */
  readonly paused: Readonly<Record<PauseReason, number>>
}

export interface SlowestEcho {
  /** When it was written, after the connection was upgraded. */
  readonly at: number
  /** From reading the message to writing its echo. */
  readonly duration: number
}

/** Round trips of the pings that were answered. */
export interface PingReport {
  readonly answered: number
  readonly least: number
  readonly mean: number
  readonly most: number
}

/** The line that /connections shows of a connection. Secrets in it are masked unless `--reports-secrets show`. */
export interface ConnectionSummary {
  readonly id: number
  /** Number of the worker that served it. */
  readonly worker: number
  readonly state: 'open' | 'closed' | 'refused'
  /** ISO 8601, when the handshake was accepted or refused. */
  readonly openedAt: string
  readonly duration: number
  /** Address and port of the client: the port is 0 where a proxy did not tell it. */
  readonly peer: string
  /** How the server knows `peer`. */
  readonly addressSource: AddressSource
  /** Address and port of the proxy that told of `peer`; null where none did. */
  readonly proxy: string | null
  /** Of the request target, without the query. This and the next two are null where a refused client did not send them. */
  readonly path: string | null
  /** Value of the Sec-WebSocket-Key header; null also over HTTP/2, where clients need not send one. */
  readonly key: string | null
  readonly userAgent: string | null
  /** Null unless it has closed. */
  readonly clean: boolean | null
  /** Code of the protocol error that the server closed for, or reason of the refusal. */
  readonly error: string | null
  /** Of the first Close frame; 1006 when the connection ended without one, null as long as there is none. */
  readonly code: number | null
}

/** Heads of the opening handshake. */
interface Heads {
  /** The first 4 KiB of it. */
  readonly request: string
  /** Whether there was more. */
  readonly requestCut: boolean
  readonly response: string
}

/** What the opening handshake agreed on besides. */
export interface Handshake extends Heads {
  readonly extensions: string | null
  readonly subprotocol: string | null
}

/** The report of a handshake that was refused: there never was a WebSocket connection. */
export interface RefusalReport extends ConnectionSummary {
  readonly state: 'refused'
  readonly transport: string
  /** Null where there is no path. */
  readonly query: string | null
  /** The response is whole, with its body. */
  readonly handshake: Heads
  readonly refusal: { readonly status: number | null; readonly reason: string; readonly sentence: string }
}

export interface ConnectionReport extends ConnectionSummary {
  readonly state: 'open' | 'closed'
  /**
   * What carried it: `tcp`, `tls`, or `stream` where Node's bare TCP handle could not be used; `h2c` is a stream of HTTP/2 over
   * TCP, `h2` over TLS.
   */
  readonly transport: string
  readonly httpVersion: string
  readonly path: string
  /** Of the request target, without its `?`. */
  readonly query: string
  readonly handshake: Handshake
  readonly closing: {
    /** Who sent the first Close frame. */
    readonly initiator: 'client' | 'server' | null
    readonly received: CloseReport | null
    readonly sent: CloseReport | null
    /** Who ended TCP first. */
    readonly droppedBy: 'client' | 'server' | null
    /** Why the connection was not closed cleanly. */
    readonly uncleanReason: string | null
    /** Meaning of `error`. */
    readonly errorMeaning: string | null
  }
  /** Test controls; null without. */
  readonly controls: ControlsReport | null
  readonly received: DirectionReport
  readonly sent: DirectionReport
  /** Octets handed over for sending that the kernel has not taken, or never took before the connection was gone. */
  readonly unsentOctets: number
  readonly time: TimeReport
  /** Null when nothing was echoed. */
  readonly slowestEcho: SlowestEcho | null
  /** Null when none was answered. */
  readonly pings: PingReport | null
  /**
   * The first 64 events, and the last 32 where there were more; of those, where reads or writes of one size come in a row, only
   * the first.
   */
  readonly log: readonly WireEvent[]
  /** Whether there were more events than the log holds. */
  readonly logCut: boolean
}

/** How many reports there are of each kind, and how many had to make room. */
export interface ReportCounts {
  /** `closed` are those that closed cleanly, `failed` those that ended otherwise. */
  readonly kept: {
    readonly open: number
    readonly closed: number
    readonly failed: number
    readonly refused: number
  }
  readonly evicted: { readonly closed: number; readonly failed: number; readonly refused: number }
}
