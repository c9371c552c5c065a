// What turns the pieces of incoming data frames into echoes: one way for plain connections, one for compressed ones.

import type { ProtocolError } from '../errors.js'
import type { FrameDecoder } from '../protocol/frame-decoder.js'
import type { Outgoing } from './outgoing.js'

/** What an echo needs of its connection. */
export interface EchoHost {
  /** Stands at the piece that the echo is given. */
  readonly decoder: FrameDecoder
  readonly out: Outgoing
  /** Whether messages still get echoed. */
  readonly open: boolean
  /** Octets of replies up to the high-water mark. */
  readonly replyRoom: number
  /** A message has come whole: `size` application octets, inflated. */
  messageReceived(opcode: number, size: number): void
  /** Charges the connection's share of this turn (see turns). */
  charge(milliseconds: number): void
  /** The echo has sent something outside of a chunk, or has become idle. */
  onEchoProgress(): void
  /** The codec takes no more at present; `onCodecRoom` says when it does. */
  onCodecFull(): void
  onCodecRoom(): void
  /** Messages that waited for the codec are echoed: how many, and the seconds that each took. */
  echoed(duration: number): void
  /** A message broke the protocol; what came before it is answered. */
  failNow(error: ProtocolError): void
  onInternalError(error: unknown): void
}

export interface Echo {
  /**
   * Takes a message that lies in one frame and that frame whole in the chunk; reads its payload.
   *
   * @returns true if the reply is the same frame unmasked, now in the outbox; the caller counts both then. Otherwise the
   *   echo counts what it sends, when it does.
   */
  takeWhole(): boolean
  /** Takes any other piece of a data frame; reads its payload. */
  takePiece(): void
  /** Called after the last piece of a chunk. */
  endOfChunk(): void
  /** An outgoing frame is half written: no other frame may be put before its end. */
  readonly midFrame: boolean
  /** Nothing that was received whole is still on its way to being echoed. */
  readonly idle: boolean
  /** Octets held for messages that are not echoed yet. */
  readonly held: number
  /** Those of them that belong to messages received whole: what back-pressure can make fewer. */
  readonly queued: number
  /** The peer has read: there may be room for replies again. */
  onRoom(): void
  /** The connection is gone. */
  discard(): void
}
