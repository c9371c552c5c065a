// What a load is to be, as `cli/` makes it from the flags of `echobahn load`.
// Sizes are octets, durations milliseconds, rates per second; plain data, so that it can be sent to a thread.

export type Payload = 'text' | 'json' | 'binary' | 'random'

/** Sizes from `least` to `most`, all as likely; `weight` is their share among others. */
export interface SizeShare {
  readonly least: number
  readonly most: number
  readonly weight: number
}

/** A bound that the results must hold. */
export interface Threshold {
  /** As it was written, such as `p99=20ms`. */
  readonly text: string
  readonly kind: 'echo' | 'handshake' | 'ping' | 'errors'
  /** Percentile 0–100, or the mean; of errors, whether `most` is a share (0–1) or a count. */
  readonly statistic: number | 'mean' | 'share' | 'count'
  /** Milliseconds, a share or a count. */
  readonly most: number
}

export interface LoadSettings {
  readonly urls: readonly string[]
  readonly connections: number
  /** Time over which the connections are opened; 0 is as fast as they open. */
  readonly ramp: number
  /** Connections that leave, and others that come; 0 is none. */
  readonly churn: number

  /** Messages per second in all, from the beginning to the end: the open loop. Undefined is the closed loop. */
  readonly rate: { readonly from: number; readonly to: number } | undefined
  /** Equal steps in which the rate changes; 0 is evenly. */
  readonly steps: number
  readonly arrivals: 'constant' | 'poisson'
  /** Messages in flight on each connection: the closed loop. */
  readonly inFlight: number | undefined
  /** Pause between an echo and the next message of the closed loop. */
  readonly think: number
  readonly duration: number
  /** Most messages in all; Infinity is no bound. */
  readonly messages: number
  readonly findLimit: boolean
  readonly p99: number

  readonly payload: Payload
  readonly size: readonly SizeShare[]
  /** Largest frame; 0 does not cut messages. */
  readonly fragment: number
  /** Time between the pings of a connection; 0 is none. */
  readonly ping: number

  /** Value for Sec-WebSocket-Extensions; undefined offers none. */
  readonly compression: string | undefined
  readonly subprotocol: readonly string[]
  readonly header: readonly (readonly [name: string, value: string])[]
  readonly origin: string | undefined
  readonly ca: string | undefined
  readonly insecure: boolean
  readonly servername: string | undefined
  readonly http2: boolean
  /** WebSocket streams of one HTTP/2 session. */
  readonly streams: number
  /** For an opening handshake, an echo, and a closing handshake each. */
  readonly timeout: number

  readonly threads: number
  readonly max: readonly Threshold[]
  /** Names of files to write; `-` is standard output. */
  readonly json: string | undefined
  readonly csv: string | undefined
  readonly hgrm: string | undefined
  readonly html: string | undefined
  readonly metricsPort: number | undefined
  readonly admin: string | undefined
  readonly adminToken: string | undefined
}
