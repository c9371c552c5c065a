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
  readonly idle = true
  readonly queued = 0
  midFrame = false
  readonly #host: EchoHost
  /** A text frame that is being kept, its header already before it. */
  #kept: Buffer | undefined
  #keptLength = 0
  /** The frame at hand is being echoed as fragments; the next one has `#fragmentOpcode`. */
  #fragmenting = false
  #fragmentOpcode = CONTINUATION
  #messageLength = 0

  constructor(host: EchoHost) {
    this.#host = host
  }

  get held(): number {
    return this.#kept?.length ?? 0
  }

  /** The common case: straight from the chunk into the outbox. */
  takeWhole(): boolean {
    const { decoder, out } = this.#host
    const { outbox } = out
    const { opcode, payloadLength } = decoder
    const payload = writeHeader(outbox.buffer, outbox.position, FIN | opcode, payloadLength)
    if (!decoder.readPayload(outbox.buffer, payload)) return false
    outbox.position = payload + payloadLength
    out.messages++
    return true
  }

  takePiece(): void {
    const { decoder } = this.#host
    if (!decoder.startsFrame) this.#continue()
    else if (decoder.available === decoder.payloadLength) this.#wholeFrame()
    else if (decoder.messageOpcode !== TEXT) this.#cutThrough()
    else if (decoder.payloadLength > KEPT_TEXT) this.#beginFragments()
    else this.#beginKept()
  }

  endOfChunk(): void {}

  onRoom(): void {}

  discard(): void {
    this.#kept = undefined
  }

  #continue(): void {
    if (this.#kept !== undefined) this.#keep(this.#kept)
    else if (this.#fragmenting) this.#fragment()
    else this.#through()
  }

  /** A frame that is whole in the chunk. */
  #wholeFrame(): void {
    const { decoder } = this.#host
    if (this.#append(this.#finFlag, decoder.opcode)) this.#frameDone()
  }

  /** Sends the header of a frame that is still coming. */
  #cutThrough(): void {
    const { decoder, out } = this.#host
    out.header(this.#finFlag, decoder.opcode, decoder.payloadLength)
    this.midFrame = true
    this.#through()
  }

  /** The next stretch of a frame whose header is out. */
  #through(): void {
    const { decoder, out } = this.#host
    const { available } = decoder
    if (!decoder.readPayload(out.outbox.buffer, out.outbox.position)) return
    out.outbox.position += available
    if (decoder.remaining > 0) return
    this.midFrame = false
    this.#frameDone()
  }

  #beginKept(): void {
    const { opcode, payloadLength } = this.#host.decoder
    this.#kept = Buffer.allocUnsafe(headerLength(payloadLength) + payloadLength)
    this.#keptLength = writeHeader(this.#kept, 0, this.#finFlag | opcode, payloadLength)
    this.#keep(this.#kept)
  }

  #keep(kept: Buffer): void {
    const { decoder, out } = this.#host
    const { available, opcode, payloadLength } = decoder
    if (!decoder.readPayload(kept, this.#keptLength)) return this.discard()
    this.#keptLength += available
    if (decoder.remaining > 0) return
    this.#kept = undefined
    out.ownedFrame(kept, opcode, payloadLength)
    this.#frameDone()
  }

  #beginFragments(): void {
    this.#fragmenting = true
    this.#fragmentOpcode = this.#host.decoder.opcode
    this.#fragment()
  }

  /** Sends the piece, if there is anything in it, as a frame of its own. */
  #fragment(): void {
    const { decoder, out } = this.#host
    if (decoder.available === 0) return void decoder.readPayload(out.outbox.buffer, out.outbox.position)
    const last = decoder.remaining === decoder.available
    if (!this.#append(last ? this.#finFlag : 0, this.#fragmentOpcode)) return
    this.#fragmentOpcode = CONTINUATION
    if (!last) return
    this.#fragmenting = false
    this.#frameDone()
  }

  /** Appends the piece as a frame; the header once the payload has turned out to be valid. */
  #append(flags: number, opcode: number): boolean {
    const { decoder, out } = this.#host
    const { outbox } = out
    const { available } = decoder
    if (!decoder.readPayload(outbox.buffer, outbox.position + headerLength(available))) return false
    out.header(flags, opcode, available)
    outbox.position += available
    return true
  }

  get #finFlag(): number {
    return this.#host.decoder.fin ? FIN : 0
  }

  /** The frame at hand is read and echoed whole. */
  #frameDone(): void {
    const { decoder, out } = this.#host
    this.#messageLength += decoder.payloadLength
    if (!decoder.fin) return
    this.#host.messageReceived(decoder.messageOpcode, this.#messageLength)
    out.messageSent(decoder.messageOpcode, this.#messageLength)
    this.#messageLength = 0
  }
}

/** Octets that the echo of one chunk can exceed it by: headers that came with an earlier chunk, or are put between. */
export const ECHO_OVERHEAD = 2 * MAX_HEADER
