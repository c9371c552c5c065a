// Echo without compression: every frame goes back as it came, and large ones while they still come.
//
// A binary frame is cut through: its header goes out at once and its payload follows as it arrives. Text has to leave
// room for a Close after a late UTF-8 error, so a text frame that a chunk's end cuts is kept until it is whole, or, when
// it is large, is echoed as fragments, piece by piece.

import { FIN, headerLength, MAX_HEADER, writeHeader } from '../protocol/frame-encoder.js'
import { CONTINUATION, TEXT } from '../protocol/opcodes.js'
import type { Echo, EchoHost } from './echo.js'

/** A cut text frame of up to this many octets is echoed whole. */
const KEPT_TEXT = 64 * 1024

export class PlainEcho implements Echo {
  readonly settled = true
  readonly queued = 0
  midFrame = false
  readonly #connection: EchoHost
  /** A text frame being kept, its header already before it. */
  #kept: Buffer | undefined
  #keptLength = 0
  /** The frame at hand is being echoed as fragments; the next one has `#fragmentOpcode`. */
  #fragmenting = false
  #fragmentOpcode = CONTINUATION
  #messageLength = 0

  constructor(connection: EchoHost) {
    this.#connection = connection
  }

  get held(): number {
    return this.#kept?.length ?? 0
  }

  piece(): boolean {
    const { decoder } = this.#connection
    if (decoder.startsFrame && decoder.available === decoder.payloadLength) return this.#wholeFrame()
    if (decoder.startsFrame) this.#firstPiece()
    else if (this.#kept !== undefined) this.#keep(this.#kept)
    else if (this.#fragmenting) this.#fragment()
    else this.#through()
    return false
  }

  endOfChunk(): void {}

  onRoom(): void {}

  discard(): void {
    this.#kept = undefined
  }

  /** The common case: straight from the chunk into the outbox. */
  #wholeFrame(): boolean {
    const { decoder, outbox, traffic } = this.#connection
    const { fin, opcode, payloadLength } = decoder
    const payload = writeHeader(outbox.buffer, outbox.position, fin ? FIN | opcode : opcode, payloadLength)
    if (!decoder.readPayload(outbox.buffer, payload)) return false
    outbox.position = payload + payloadLength
    if (fin && opcode !== CONTINUATION) {
      traffic.wholeEcho(opcode, payloadLength)
      this.#connection.messagesEchoed++
      return true
    }
    traffic.frameSent(opcode, payloadLength)
    this.#frameDone()
    return false
  }

  #firstPiece(): void {
    const { decoder, outbox, traffic } = this.#connection
    const { opcode, payloadLength } = decoder
    if (decoder.messageOpcode === TEXT) {
      if (payloadLength > KEPT_TEXT) {
        this.#fragmenting = true
        this.#fragmentOpcode = opcode
        return this.#fragment()
      }
      const kept = Buffer.allocUnsafe(headerLength(payloadLength) + payloadLength)
      this.#keptLength = writeHeader(kept, 0, decoder.fin ? FIN | opcode : opcode, payloadLength)
      this.#keep(kept)
      return
    }
    outbox.position = writeHeader(outbox.buffer, outbox.position, decoder.fin ? FIN | opcode : opcode, payloadLength)
    traffic.frameSent(opcode, payloadLength)
    this.midFrame = true
    this.#through()
  }

  /** The next stretch of a frame whose header is out. */
  #through(): void {
    const { decoder, outbox } = this.#connection
    const { available } = decoder
    if (!decoder.readPayload(outbox.buffer, outbox.position)) return
    outbox.position += available
    if (decoder.remaining > 0) return
    this.midFrame = false
    this.#frameDone()
  }

  #keep(kept: Buffer): void {
    const { decoder } = this.#connection
    const { available, opcode, payloadLength } = decoder
    this.#kept = kept
    if (!decoder.readPayload(kept, this.#keptLength)) return this.discard()
    this.#keptLength += available
    if (decoder.remaining > 0) return
    this.#kept = undefined
    this.#connection.writeOwned(kept)
    this.#connection.traffic.frameSent(opcode, payloadLength)
    this.#frameDone()
  }

  /** Sends the piece, if there is anything in it, as a frame of its own. */
  #fragment(): void {
    const { decoder, outbox, traffic } = this.#connection
    const { available } = decoder
    const last = decoder.remaining === available
    if (available === 0) return void decoder.readPayload(outbox.buffer, outbox.position)
    const opcode = this.#fragmentOpcode
    const payload = writeHeader(outbox.buffer, outbox.position, last && decoder.fin ? FIN | opcode : opcode, available)
    if (!decoder.readPayload(outbox.buffer, payload)) return
    outbox.position = payload + available
    traffic.frameSent(opcode, available)
    this.#fragmentOpcode = CONTINUATION
    if (!last) return
    this.#fragmenting = false
    this.#frameDone()
  }

  /** The frame at hand is read and echoed whole. */
  #frameDone(): void {
    const connection = this.#connection
    const { decoder, traffic } = connection
    this.#messageLength += decoder.payloadLength
    if (!decoder.fin) return
    traffic.messageReceived(decoder.messageOpcode, this.#messageLength)
    traffic.messageSent(decoder.messageOpcode, this.#messageLength)
    this.#messageLength = 0
    connection.messagesEchoed++
  }
}

/** Octets that the echo of one chunk can exceed it by: headers that came with an earlier chunk, or are put between. */
export const ECHO_OVERHEAD = 2 * MAX_HEADER
