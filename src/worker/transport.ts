// What a connection knows of its socket: octets in, octets out. Implemented by shared-buffer- and stream-transport.

export interface TransportHandler {
  /** Octets from the peer, 0…`length` of `chunk`, which is lent for the call only. */
  onChunk(chunk: Buffer, length: number): void
  /** The kernel took some of what a write had to leave waiting. */
  onProgress(): void
  /** The socket is gone. Called exactly once. */
  onClosed(): void
}

export interface Transport {
  /**
   * Writes all of `bytes`.
   *
   * @returns true if the caller may use the memory again, false if it belongs to the write from now on
   */
  write(bytes: Buffer): boolean
  /** Octets that were written and that the kernel has not taken yet; an upper bound. */
  readonly pending: number
  /** Brings the count of octets sent up to date; returns what this connection has sent so far. */
  settle(): number
  pause(): void
  resume(): void
  /** FIN, once everything written is sent. */
  end(): void
  /** Drops the connection now. */
  destroy(): void
}
