// What a connection needs of the way its octets go, whichever that is: TCP, TLS or a stream of HTTP/2.

import type { Agreed } from './opening-handshake.js'

export interface Wire {
  /** Octets that were written and not taken yet. */
  readonly pending: number
  /** The octets must not change while any of them are pending. */
  write(octets: Buffer): void
  /** Ends the sending half. */
  end(): void
  destroy(): void
}

/** Told of everything that happens; `onClosed` comes last and exactly once. */
export interface WireHandler {
  /** The server agreed: frames may go. `head` is the octets of both heads on the wire. */
  onUpgraded(agreed: Agreed, head: { readonly sent: number; readonly received: number }): void
  /** The server did not agree, and nothing more comes but `onClosed`. @param reason status, or code of a violation */
  onRefused(reason: string): void
  /** `length` octets of `chunk` from 0, which are lent until the call returns. */
  onChunk(chunk: Buffer, length: number): void
  /** Nothing is pending any more. */
  onDrain(): void
  /** @param error code of the system's error, if one ended it */
  onClosed(error: string | undefined): void
}
