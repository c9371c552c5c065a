// Reads client frames without I/O (RFC 6455 section 5): chunks in, however they are cut; pieces of frames out.
//
//   decoder.feed(chunk, 0, chunk.length)
//   while (decoder.next()) decoder.readPayload(target, offset)
//   if (decoder.error) …
//
// A piece is what one chunk holds of one frame, so a large frame costs no memory here. Frame headers and control
// frames are yielded whole: what a chunk's end cuts of them is held back, 131 octets at most.

import { isUtf8 } from 'node:buffer'
import { ProtocolError, type ProtocolErrorCode } from '../errors.js'
import { isValidCloseCode } from './close-codes.js'
import { FIN, RSV1 } from './frame-encoder.js'
import { unmask } from './masking.js'
import { BINARY, CLOSE, CONTINUATION, isControl, OPCODE_INDEX, TEXT } from './opcodes.js'
import { Utf8Validator } from './utf8.js'

/** Limits and negotiated terms of a connection. */
export interface DecoderRules {
  /** Largest message in octets; for a compressed one that bounds the wire only roughly, its inflation decides. */
  readonly maxMessage: number
  /** Most frames of one message; 0 is no limit. */
  readonly maxFragments: number
  /** Whether permessage-deflate was negotiated, so that RSV1 may be set (RFC 7692 section 6). */
  readonly compression: boolean
}

const NOTHING = new Uint8Array(0)
const MAX_CONTROL_PAYLOAD = 125
/** Longest header of a client frame, and a control frame's payload. */
const MAX_HELD = 6 + MAX_CONTROL_PAYLOAD

export class FrameDecoder {
  /** Why the connection must fail; once set, nothing more is decoded. */
  error: ProtocolError | undefined

  // The piece at hand, valid after `next()` was true.
  fin = false
  opcode = 0
  /** RSV1 of the message's first frame: the payload is deflate data. */
  compressed = false
  /** TEXT or BINARY: the opcode of the message that a data frame belongs to. */
  messageOpcode = 0
  /** Payload octets of the whole frame. */
  payloadLength = 0
  /** Payload octets of this piece. */
  available = 0
  /** Payload octets of the frame that are not read yet, this piece included. */
  remaining = 0
  /** Whether the piece begins its frame. */
  startsFrame = false

  /** Status code of the last Close frame, 1005 if it had none (section 7.1.5). */
  closeCode = 0
  /** Reason of the last Close frame. */
  closeReason = ''

  readonly #rules: DecoderRules
  /** Masking key of the frame at hand. */
  #key = 0
  /** Made for the first text that is not all ASCII. */
  #text: Utf8Validator | undefined
  #chunk: Uint8Array = NOTHING
  #position = 0
  #end = 0
  /** Where the piece's octets are: the chunk, or what was held back of a control frame. */
  #source: Uint8Array = NOTHING
  #sourcePosition = 0
  #held: Buffer | undefined
  #heldLength = 0
  #inMessage = false
  /** Payload octets and frames of the message so far, the frame at hand included. */
  #messageLength = 0
  #fragments = 0

  constructor(rules: DecoderRules) {
    this.#rules = rules
  }

  /** Gives the next chunk, octets `start`…`end`; only read until `next()` is false. */
  feed(chunk: Uint8Array, start: number, end: number): void {
    this.#chunk = chunk
    this.#position = start
    this.#end = end
  }

  /** Where what is not read yet begins in the chunk. */
  get position(): number {
    return this.#position
  }

  /** Whether a message has begun and its last frame is not read yet. */
  get inMessage(): boolean {
    return this.#inMessage
  }

  /** Whether the piece is a data message of one frame, whole in the chunk. */
  get isWholeMessage(): boolean {
    return this.fin && this.startsFrame && this.opcode !== CONTINUATION && this.available === this.payloadLength
  }

  /** Goes to the next piece. False when the chunk is used up or `error` is set. */
  next(): boolean {
    if (this.error !== undefined) return false
    if (this.remaining > 0) return this.#continueFrame()
    if (this.#heldLength > 0) return this.#completeHeld()
    const size = this.#end - this.#position
    const need = this.#need(this.#chunk, this.#position, size)
    if (need < 0) return false
    if (size < need) return this.#hold()
    this.#source = this.#chunk
    this.#position = this.#sourcePosition = this.#readHeader(this.#chunk, this.#position)
    return this.#beginFrame(this.#end - this.#position)
  }

  /**
   * Unmasks the piece into `target` at `offset` and checks what its kind demands: UTF-8 of uncompressed text, code and
   * reason of a Close frame. To be called exactly once a piece. Returns false, with `error` set, on a violation.
   */
  readPayload(target: Uint8Array, offset: number): boolean {
    const length = this.available
    const phase = this.payloadLength - this.remaining
    const ascii = unmask(this.#source, this.#sourcePosition, length, target, offset, this.#key, phase)
    if (this.#source === this.#chunk) this.#position += length
    this.remaining -= length
    if (isControl(this.opcode)) return this.opcode !== CLOSE || this.#checkClose(target, offset)
    if (this.messageOpcode === TEXT && !this.compressed && !this.#checkText(target, offset, length, ascii)) return false
    if (this.remaining === 0 && this.fin) this.#endMessage()
    return true
  }

  /** Passes over the piece of a data frame, in place of `readPayload`; nothing that it holds is checked. */
  skipPayload(): void {
    this.#position += this.available
    this.remaining -= this.available
    if (this.remaining === 0 && this.fin) this.#endMessage()
  }

  #continueFrame(): boolean {
    const size = this.#end - this.#position
    if (size === 0) return false
    this.startsFrame = false
    this.#source = this.#chunk
    this.#sourcePosition = this.#position
    this.available = Math.min(size, this.remaining)
    return true
  }

  /**
   * Octets that must be there before a frame can be yielded, as far as its first `size` octets tell: its header, and the
   * payload if it is a control frame. Judges the header as soon as there is something to judge, so that a violation
   * is answered even if its sender then falls silent; −1 and `error` if it is illegal.
   */
  #need(buffer: Uint8Array, position: number, size: number): number {
    if (size < 2) return 2
    const first = buffer[position]
    const second = buffer[position + 1]
    const violation = this.#judgeStart(first, second)
    if (violation !== undefined) return this.#refuse(violation)
    this.payloadLength = second & 0x7f
    if (isControl(first & 0x0f)) return 6 + this.payloadLength
    if (this.payloadLength < 126) return this.#isTooBig(first) ? this.#refuse('ECHOBAHN_MESSAGE_TOO_BIG') : 6
    return this.#needExtended(buffer, position, size)
  }

  /** The same for a data frame with an extended length, which must be the shortest form there is (section 5.2). */
  #needExtended(buffer: Uint8Array, position: number, size: number): number {
    const is16Bit = this.payloadLength === 126
    const key = is16Bit ? 4 : 10
    if (size < key) return key
    if (!is16Bit && buffer[position + 2] >= 0x80) return this.#refuse('ECHOBAHN_LENGTH_INVALID')
    this.payloadLength = is16Bit ? readUint16(buffer, position + 2) : readUint64(buffer, position + 2)
    if (this.payloadLength < (is16Bit ? 126 : 65536)) return this.#refuse('ECHOBAHN_LENGTH_NOT_MINIMAL')
    return this.#isTooBig(buffer[position]) ? this.#refuse('ECHOBAHN_MESSAGE_TOO_BIG') : key + 4
  }

  /** Every rule that the first two octets of a header can break (sections 5.1 to 5.5). */
  #judgeStart(first: number, second: number): ProtocolErrorCode | undefined {
    const opcode = first & 0x0f
    if ((first & 0x30) !== 0) return 'ECHOBAHN_RESERVED_BITS'
    if ((first & RSV1) !== 0 && !(this.#rules.compression && (opcode === TEXT || opcode === BINARY)))
      return 'ECHOBAHN_RESERVED_BITS'
    if (OPCODE_INDEX[opcode] === 255) return 'ECHOBAHN_RESERVED_OPCODE'
    if ((second & 0x80) === 0) return 'ECHOBAHN_UNMASKED_FRAME'
    if (isControl(opcode)) {
      if ((first & FIN) === 0) return 'ECHOBAHN_CONTROL_FRAGMENTED'
      if ((second & 0x7f) > MAX_CONTROL_PAYLOAD) return 'ECHOBAHN_CONTROL_TOO_LONG'
      if (opcode === CLOSE && (second & 0x7f) === 1) return 'ECHOBAHN_CLOSE_PAYLOAD'
    } else if (opcode === CONTINUATION) {
      if (!this.#inMessage) return 'ECHOBAHN_UNEXPECTED_CONTINUATION'
      const { maxFragments } = this.#rules
      if (maxFragments > 0 && this.#fragments >= maxFragments) return 'ECHOBAHN_TOO_MANY_FRAGMENTS'
    } else if (this.#inMessage) return 'ECHOBAHN_EXPECTED_CONTINUATION'
    return undefined
  }

  /** Judged from the header alone, so that nothing is spent on a message that is too big. */
  #isTooBig(first: number): boolean {
    const compressed = this.#inMessage ? this.compressed : (first & RSV1) !== 0
    const { maxMessage } = this.#rules
    return this.#messageLength + this.payloadLength > (compressed ? longestDeflated(maxMessage) : maxMessage)
  }

  /** Reads a whole header that `#need` found legal; returns the position behind it. */
  #readHeader(buffer: Uint8Array, position: number): number {
    const first = buffer[position]
    this.fin = (first & FIN) !== 0
    this.opcode = first & 0x0f
    if (!isControl(this.opcode)) this.#enterDataFrame(first)
    const shortLength = buffer[position + 1] & 0x7f
    const p = position + (shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10)
    this.#key = (buffer[p] << 24) | (buffer[p + 1] << 16) | (buffer[p + 2] << 8) | buffer[p + 3]
    return p + 4
  }

  #enterDataFrame(first: number): void {
    this.#messageLength += this.payloadLength
    this.#fragments++
    if (this.#inMessage) return
    this.#inMessage = true
    this.messageOpcode = this.opcode
    this.compressed = (first & RSV1) !== 0
  }

  #endMessage(): void {
    this.#inMessage = false
    this.#messageLength = 0
    this.#fragments = 0
  }

  #beginFrame(size: number): true {
    this.startsFrame = true
    this.remaining = this.payloadLength
    this.available = Math.min(size, this.payloadLength)
    return true
  }

  /** Keeps the rest of the chunk: the beginning of a header or of a control frame. */
  #hold(): boolean {
    const size = this.#end - this.#position
    if (size === 0) return false
    this.#held ??= Buffer.allocUnsafe(MAX_HELD)
    for (let i = 0; i < size; i++) this.#held[i] = this.#chunk[this.#position + i]
    this.#heldLength = size
    this.#position = this.#end
    return false
  }

  /** Takes from the chunk what the held frame lacks, and goes to it once it is there. */
  #completeHeld(): boolean {
    const held = this.#held as Buffer
    for (;;) {
      const need = this.#need(held, 0, this.#heldLength)
      if (need < 0) return false
      if (this.#heldLength === need) break
      if (this.#position === this.#end) return false
      held[this.#heldLength++] = this.#chunk[this.#position++]
    }
    const behindHeader = this.#readHeader(held, 0)
    this.#heldLength = 0
    if (!isControl(this.opcode)) {
      this.#source = this.#chunk
      this.#sourcePosition = this.#position
      return this.#beginFrame(this.#end - this.#position)
    }
    this.#source = held
    this.#sourcePosition = behindHeader
    return this.#beginFrame(this.payloadLength)
  }

  #checkText(target: Uint8Array, offset: number, length: number, ascii: boolean): boolean {
    if (ascii && (this.#text === undefined || this.#text.atBoundary)) return true
    this.#text ??= new Utf8Validator()
    const text = this.#text
    if (!text.push(target, offset, offset + length)) return this.#fail('ECHOBAHN_INVALID_UTF8')
    if (this.remaining === 0 && this.fin && !text.atBoundary) return this.#fail('ECHOBAHN_INVALID_UTF8')
    return true
  }

  #checkClose(target: Uint8Array, offset: number): boolean {
    this.closeCode = 1005
    this.closeReason = ''
    if (this.payloadLength === 0) return true
    const code = readUint16(target, offset)
    if (!isValidCloseCode(code)) return this.#fail('ECHOBAHN_CLOSE_CODE')
    const reason = Buffer.from(target.subarray(offset + 2, offset + this.payloadLength))
    if (!isUtf8(reason)) return this.#fail('ECHOBAHN_CLOSE_REASON')
    this.closeCode = code
    this.closeReason = reason.toString()
    return true
  }

  #refuse(code: ProtocolErrorCode): -1 {
    this.#fail(code)
    return -1
  }

  #fail(code: ProtocolErrorCode): false {
    this.error = new ProtocolError(code)
    return false
  }
}

function readUint16(buffer: Uint8Array, position: number): number {
  return (buffer[position] << 8) | buffer[position + 1]
}

function readUint32(buffer: Uint8Array, position: number): number {
  return (
    ((buffer[position] << 24) | (buffer[position + 1] << 16) | (buffer[position + 2] << 8) | buffer[position + 3]) >>> 0
  )
}

/** Rounded above 2^53, which is far above any limit. */
function readUint64(buffer: Uint8Array, position: number): number {
  return readUint32(buffer, position) * 2 ** 32 + readUint32(buffer, position + 4)
}

/** What a message of `length` octets may take on the wire when its sender deflates without gain: stored blocks. */
function longestDeflated(length: number): number {
  return length + Math.ceil(length / 64) + 1024
}
