// What turns the pieces of incoming data frames into echoes: one way for plain connections, one for compressed ones.

import type { ProtocolError } from '../errors.js'
import type { FrameDecoder } from '../protocol/frame-decoder.js'
import type { Outbox } from './outbox.js'
import type { Traffic } from './traffic.js'

/** What an echo needs of its connection. */
export interface EchoHost {
  readonly decoder: FrameDecoder
  /** Where replies are put together; `flush` writes them. */
  readonly outbox: Outbox
  readonly traffic: Traffic
  /** Messages answered since the chunk at hand began; the echoes count themselves here. */
  messagesEchoed: number
  /** Whether messages still get echoed. */
  readonly echoes: boolean
  /** Octets of replies up to the high-water mark. */
  readonly replyRoom: number
  /** Makes room in the outbox for `size` octets more. */
  reserve(size: number): void
  flush(): void
  /** Writes a buffer that nobody else will touch, behind what is in the outbox. */
  writeOwned(bytes: Buffer): void
  /** Stops reading until the callback that `arrange` gets is called. */
  holdUntil(arrange: (resume: () => void) => void): void
  /** Something that a Close may wait for is done. */
  onEchoProgress(): void
  /** A message broke the protocol; what came before it is answered. */
  failNow(error: ProtocolError): void
  onInternalError(error: unknown): void
}

export interface Echo {
  /**
   * Takes the data piece that the decoder stands at; must read its payload. True if it was a whole message that is echoed
   * and counted; otherwise the caller counts what was received.
   */
  piece(): boolean
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
  /** The peer has read: there may be room for replies again. */
  onRoom(): void
  /** The connection is gone. */
  discard(): void
}
