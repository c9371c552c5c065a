// How the server knows whom a connection is from: by its socket, or by what a trusted proxy says.

export type AddressSource = 'socket' | 'proxy-protocol' | 'forwarded' | 'x-forwarded-for'

/** Whom a trusted proxy speaks for on a connection. */
export interface Proxied {
  /** Address and port of the client; port 0 where the proxy does not tell it. */
  readonly peer: string
  readonly source: Exclude<AddressSource, 'socket'>
  /** Address and port of the proxy that is connected. */
  readonly proxy: string
}
