// A load program as a command: what it is asked to do, and the one line of JSON that it answers.
// wsload and load-client.ts take the same arguments (see wsload/options.c) and write the same fields. Only load-client.ts
// knows TLS and HTTP/2.

import { CERTIFICATE } from './certificate.js'

/** What one load does on each of its connections. */
export interface LoadShape {
  readonly connections: number
  /** Application octets of a message. */
  readonly octets: number
  /** Messages in flight on a connection. */
  readonly depth: number
  readonly opcode: 'text' | 'binary'
  /** Offer permessage-deflate without context takeover, and compress what is sent. */
  readonly deflate?: boolean
  /** The server is one of wss. */
  readonly tls?: boolean
  /** The connections are streams of so many sessions of HTTP/2. */
  readonly sessions?: number
}

/**
 * For how long: seconds after a warm-up, a number of messages on each connection, or one message and then silence.
 * A number of messages may have a rate: so many a second on each connection, whether or not echoes come back.
 */
export type LoadSpan =
  | { readonly seconds: number; readonly warmup: number }
  | { readonly count: number; readonly bound: number; readonly rate?: number }
  | { readonly idle: number; readonly bound: number }

export type LoadRequest = LoadShape & { readonly span: LoadSpan }

export interface LoadResult {
  readonly messages: number
  readonly seconds: number
  readonly messagesPerSecond: number
  /** Application octets one way, in 10⁶. */
  readonly megabytesPerSecond: number
  /** Microseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
  /** CPU of the server's process tree, microseconds per message; 0 where it cannot be read. */
  readonly cpuPerMessage: number
  readonly handshakesPerSecond: number
  /** CPU seconds of the server's process tree while the connections were opened. */
  readonly handshakeCpu: number
  /** Of all replies, 0–1. */
  readonly compressedShare: number
  /** Payload octets of a reply on the wire. */
  readonly replyOctets: number
  /** Payload octets of a request on the wire: zlib level 6 where it is compressed. */
  readonly requestOctets: number
  /** Of the server's process tree, before the connections were opened and at the end, MiB. */
  readonly resident: { readonly before: number; readonly after: number }
  readonly proportional: { readonly before: number; readonly after: number }
}

/** What a load program that holds says when all of its connections are open. */
export const OPEN = 'open'
/** Milliseconds that it then waits at most. */
export const HOLD_BOUND = 60_000

/** Seconds that either program takes at most to open its connections, and to leave. */
const SETUP_BOUND = 15
const LEAVE_BOUND = 5
/** How many times a window the first echoes may take beyond the warm-up. */
export const FIRST_ECHO_WINDOWS = 10

/**
 * Arguments of a load program, for a server on 127.0.0.1.
 *
 * @param pid root of the server's process tree
 * @param hold that it writes `open` once all connections are, and waits for its stdin to say or end
 */
export function loadArguments(request: LoadRequest, port: number, pid: number, hold = false): string[] {
  const { connections, octets, depth, opcode, deflate, tls, sessions, span } = request
  const seconds = 'seconds' in span ? span.seconds : span.bound
  return [
    ...['127.0.0.1', String(port), '/', String(connections), String(octets), String(depth), String(seconds)],
    `--${opcode}`,
    ...(deflate ? ['--deflate'] : []),
    ...(tls ? ['--ca', CERTIFICATE.cert] : []),
    ...(sessions === undefined ? [] : ['--sessions', String(sessions)]),
    ...(hold ? ['--hold'] : []),
    ...spanArguments(span),
    ...['--pid', String(pid)],
  ]
}

function spanArguments(span: LoadSpan): string[] {
  if ('count' in span) {
    return ['--count', String(span.count), ...(span.rate === undefined ? [] : ['--rate', String(span.rate)])]
  }
  if ('idle' in span) return ['--idle', String(span.idle)]
  return ['--warmup', String(span.warmup)]
}

/** Milliseconds after which a load program that still runs has failed. */
export function loadBound({ span }: LoadRequest): number {
  const work =
    'seconds' in span
      ? span.seconds * (1 + FIRST_ECHO_WINDOWS) + span.warmup
      : span.bound + ('idle' in span ? span.idle : 0)
  return (SETUP_BOUND + work + LEAVE_BOUND) * 1000
}

/** Fields of a load program's answer that are read here, as wsload names them. */
export interface LoadLine {
  readonly messages: number
  readonly seconds: number
  readonly msgs_per_s: number
  readonly payload_MB_per_s: number
  readonly lat_us: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
  readonly server_cpu_us_per_msg: number
  readonly handshakes_per_s: number
  readonly hs_server_cpu_s: number
  readonly rsv1_share: number
  readonly first_reply_payload_bytes: number
  readonly req_frame_bytes: number
  readonly server_rss_MB_before: number
  readonly server_rss_MB_after: number
  readonly server_pss_MB_before: number
  readonly server_pss_MB_after: number
  readonly errors: number
  /** The first error, or nothing. */
  readonly error: string
}

/** @throws Error that says what went wrong when the load met errors, or did not answer in JSON. */
export function parseLoadLine(text: string): LoadResult {
  const line = JSON.parse(text) as LoadLine
  if (line.errors > 0) throw new Error(`${line.errors} errors, the first: ${line.error}`)
  return {
    messages: line.messages,
    seconds: line.seconds,
    messagesPerSecond: line.msgs_per_s,
    megabytesPerSecond: line.payload_MB_per_s,
    latency: line.lat_us,
    cpuPerMessage: line.server_cpu_us_per_msg,
    handshakesPerSecond: line.handshakes_per_s,
    handshakeCpu: line.hs_server_cpu_s,
    compressedShare: line.rsv1_share,
    replyOctets: line.first_reply_payload_bytes,
    requestOctets: maskedPayload(line.req_frame_bytes),
    resident: { before: line.server_rss_MB_before, after: line.server_rss_MB_after },
    proportional: { before: line.server_pss_MB_before, after: line.server_pss_MB_after },
  }
}

/** Payload octets of a whole masked frame: header of 2, 4 or 10 octets and a masking key of 4 (RFC 6455 section 5.2). */
export function maskedPayload(frameOctets: number): number {
  if (frameOctets < 126 + 6) return frameOctets - 6
  return frameOctets < 65536 + 8 ? frameOctets - 8 : frameOctets - 14
}
