// What turns the pieces of incoming data frames into echoes. One way for plain connections, one for compressed ones.

export interface Echo {
  /** Takes the data piece that the decoder stands at; must read its payload. */
  piece(): void
  /** Called after the last piece of a chunk. */
  endOfChunk(): void
  /** An outgoing frame is half written: no other frame may be put before its end. */
  readonly midFrame: boolean
  /** Nothing received is still on its way to being echoed. */
  readonly settled: boolean
  /** Octets held for messages that are not echoed yet. */
  readonly held: number
  /** Those of them that belong to messages received whole. */
  readonly queued: number
  /** The connection is gone. */
  discard(): void
}
