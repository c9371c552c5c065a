// The configuration in force, as every room reads it. `cli/` makes it from flags and environment.
// Sizes are octets, durations milliseconds; 0 means "no limit" or "off" where a field says so.

export interface Settings {
  readonly host: string
  /** 0 asks the system for a free port. */
  readonly port: number
  /** Path that is served; undefined serves any path. */
  readonly path: string | undefined
  /** Subprotocols offered by the server; empty accepts the client's first. */
  readonly subprotocol: readonly string[]
  /** Allowed values of the Origin header; empty allows all. */
  readonly origin: readonly string[]
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** Whether HTTP/2 is spoken beside HTTP/1.1 (RFC 8441). */
  readonly http2: 'on' | 'off'
  /** Addresses and CIDR blocks of proxies that are believed when they say whom a connection is from; see src/ip-address. */
  readonly trustedProxies: readonly string[]
  /** Whether each connection must begin with a header of the PROXY protocol. */
  readonly proxyProtocol: 'off' | 'required'
  /** The field in which proxies tell whom a request is from. */
  readonly forwardedHeader: 'none' | 'forwarded' | 'x-forwarded-for'

  readonly workers: number
  readonly distribution: 'least-connections' | 'round-robin'

  readonly compression: 'on' | 'off'
  /** zlib level 0–9; `auto` takes 6 for small messages and 1 for large ones. */
  readonly deflateLevel: 'auto' | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
  /** zlib memLevel 1–9. */
  readonly memLevel: number
  /** LZ77 window of both directions, base-2 logarithm, 9–15. */
  readonly windowBits: number
  readonly contextTakeover: 'off' | 'on'
  readonly offload: 'auto' | 'always' | 'never'
  /** Codec threads of each worker; 0 compresses inline only. */
  readonly codecThreads: number
  /** Messages waiting for a codec thread, per worker, above which their connections are not read. */
  readonly codecQueue: number

  /** Largest message, inflated, in octets. */
  readonly maxMessage: number
  /** Largest ratio of inflated to compressed octets of a message; 0 is off. */
  readonly maxInflateRatio: number
  /** 0 is no limit. */
  readonly maxConnections: number
  /** 0 is no limit. */
  readonly maxConnectionsPerIp: number
  /** Octets of memory that all workers together may hold for connections; each has an equal share. */
  readonly memoryBudget: number
  /** Connections in their opening handshake, of all workers together; 0 is no limit. */
  readonly maxOpenings: number
  /** Frames of one message; 0 is no limit. */
  readonly maxFragments: number

  /** Time for a request head to come, and for a peer that has nothing left to read to end the connection. */
  readonly handshakeTimeout: number
  /** An idle peer is pinged after this; 0 is off. */
  readonly pingInterval: number
  /** A pinged peer that stays silent this long is dropped; 0 is off. */
  readonly pingTimeout: number
  /** Outbound octets of one connection above which it is not read. */
  readonly highWaterMark: number
  /** Outbound octets of one connection at which reading resumes. */
  readonly lowWaterMark: number
  /** A connection whose peer takes next to none of its outbound octets for this long is dropped; 0 is off. */
  readonly slowReaderTimeout: number
  readonly drainTimeout: number
  /** Time between the signal to stop, from which on the service is not ready, and the beginning of the drain. */
  readonly drainDelay: number

  /** Whether URLs may ask for test controls (see src/controls); `all` includes those that could hurt others. */
  readonly controls: 'on' | 'off' | 'all'
  /** What a query parameter begins with if it is a control; may be empty. */
  readonly controlsPrefix: string
  /** Controls, as a query without prefix, of connections that ask for none. */
  readonly defaultControls: string | undefined
  /** Time after which a connection is dropped that a control leaves hanging. */
  readonly controlsHoldTimeout: number
  /** What answers a GET that asks for no upgrade. */
  readonly plainHttp: 'refuse' | 'describe'

  /** Cleanly closed connections of each worker whose reports are kept; 0 makes no reports, of others neither. */
  readonly reports: number
  /** Connections of each worker that ended otherwise, and as many refused handshakes, whose reports are kept. */
  readonly reportsFailed: number
  /** Whether reports mask what is likely to be a secret of the client's. */
  readonly reportsSecrets: 'mask' | 'show'
  readonly adminHost: string
  readonly adminPort: number
  /** Host names that the admin server answers to beside IP addresses, localhost and its own. */
  readonly adminAllowedHost: readonly string[]
  /** Bearer token that the admin server asks for. With neither it nor a file of it, none is asked for. */
  readonly adminToken: string | undefined
  readonly adminTokenFile: string | undefined
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/** The settings as people may see them: a secret that is set becomes `***`. */
export function maskedSettings(settings: Settings): Settings {
  return settings.adminToken === undefined ? settings : { ...settings, adminToken: '***' }
}

/** A field as flags and printed configurations spell it: `maxMessage` is `max-message`. */
export function kebabCase(field: string): string {
  return field.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
