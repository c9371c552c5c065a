// Reads a server's frames without I/O (RFC 6455 section 5): chunks in, however they are cut; pieces of frames out, where
// they lie. The service's decoder reads clients' frames, which it has to unmask into memory of its own; here nothing is
// copied but the beginnings of headers and of control frames that a chunk's end cuts.

import { isUtf8 } from 'node:buffer'
import { isValidCloseCode } from '../protocol/close-codes.js'
import { FIN, MAX_HEADER, RSV1 } from '../protocol/frame-encoder.js'
import { BINARY, CLOSE, CONTINUATION, isControl, OPCODE_INDEX, TEXT } from '../protocol/opcodes.js'
import { Violation, type ViolationCode } from './violation.js'

const NOTHING = Buffer.alloc(0)
const MAX_CONTROL_PAYLOAD = 125

export class FrameReader {
  /** Why the connection must fail; once set, nothing more is read. */
  error: Violation | undefined

  // The piece at hand, valid after `next()` was true: `length` octets of `source` from `offset`.
  source: Buffer = NOTHING
  offset = 0
  length = 0
  /** Payload octets of the frame behind this piece. */
  remaining = 0
  fin = false
  opcode = 0
  /** Whether the piece begins its frame. */
  startsFrame = false
  /** Whether its message is compressed (RSV1 of the first frame). */
  compressed = false
  /** TEXT or BINARY: the opcode of the message that a data frame belongs to. */
  messageOpcode = 0

  readonly #compression: boolean
  readonly #maxMessage: number
  #chunk: Buffer = NOTHING
  #position = 0
  #end = 0
  #held: Buffer | undefined
  #heldLength = 0
  #inMessage = false
  #messageLength = 0
  #payloadLength = 0

  /**
   * @param compression whether permessage-deflate was agreed, so that RSV1 may be set
   * @param maxMessage payload octets of a message that are accepted
   */
  constructor(compression: boolean, maxMessage: number) {
    this.#compression = compression
    this.#maxMessage = maxMessage
  }

  /** Whether the piece ends its message. */
  get endsMessage(): boolean {
    return this.fin && this.remaining === 0
  }

  /** Gives the next chunk, `length` octets from 0; to be called when `next()` was false. */
  feed(chunk: Buffer, length: number): void {
    this.#chunk = chunk
    this.#position = 0
    this.#end = length
  }

  /** Goes to the next piece. False when the chunk is used up or `error` is set. Control frames come whole. */
  next(): boolean {
    if (this.error !== undefined) return false
    if (this.remaining > 0) return this.#continueFrame()
    if (this.#heldLength > 0) return this.#completeHeld()
    const size = this.#end - this.#position
    if (size === 0) return false
    const need = this.#need(this.#chunk, this.#position, size)
    if (need < 0) return false
    if (size < need) return this.#hold(size)
    this.#position += this.#readHeader(this.#chunk, this.#position)
    return this.#begin(this.#chunk, this.#position)
  }

  /** Status code of the Close frame at hand, 1005 if it has none, and its reason; undefined, with `error` set, on a violation. */
  close(): { readonly code: number; readonly reason: string } | undefined {
    if (this.length === 0) return { code: 1005, reason: '' }
    const code = this.source.readUInt16BE(this.offset)
    const reason = this.source.subarray(this.offset + 2, this.offset + this.length)
    if (!isValidCloseCode(code)) this.fail('ECHOBAHN_CLOSE_CODE')
    else if (!isUtf8(reason)) this.fail('ECHOBAHN_CLOSE_REASON')
    else return { code, reason: reason.toString() }
    return undefined
  }

  fail(code: ViolationCode): void {
    this.error = new Violation(code)
  }

  /**
   * Octets that must be there before the frame can be told: its header, and the payload if it is a control frame. −1 and
   * `error` if the first `size` octets already break a rule.
   */
  #need(buffer: Buffer, position: number, size: number): number {
    if (size < 2) return 2
    const first = buffer[position]
    const second = buffer[position + 1]
    const violation = this.#judge(first, second)
    if (violation !== undefined) return this.#refuse(violation)
    this.#payloadLength = second
    if (isControl(first & 0x0f)) return 2 + second
    if (second < 126) return this.#judgeLength(2)
    const header = second === 126 ? 4 : MAX_HEADER
    if (size < header) return header
    if (second === 126) this.#payloadLength = buffer.readUInt16BE(position + 2)
    else if (buffer[position + 2] >= 0x80) return this.#refuse('ECHOBAHN_LENGTH_INVALID')
    else this.#payloadLength = buffer.readUInt32BE(position + 2) * 2 ** 32 + buffer.readUInt32BE(position + 6)
    // The shortest form is the only one allowed (section 5.2).
    if (this.#payloadLength < (second === 126 ? 126 : 65536)) return this.#refuse('ECHOBAHN_LENGTH_NOT_MINIMAL')
    return this.#judgeLength(header)
  }

  /** Every rule that the first two octets of a header can break (sections 5.1 to 5.5). */
  #judge(first: number, second: number): ViolationCode | undefined {
    const opcode = first & 0x0f
    if ((first & 0x30) !== 0) return 'ECHOBAHN_RESERVED_BITS'
    if ((first & RSV1) !== 0 && !(this.#compression && (opcode === TEXT || opcode === BINARY)))
      return 'ECHOBAHN_RESERVED_BITS'
    if (OPCODE_INDEX[opcode] === 255) return 'ECHOBAHN_RESERVED_OPCODE'
    if (second >= 0x80) return 'ECHOBAHN_MASKED_FRAME'
    if (isControl(opcode)) {
      if ((first & FIN) === 0) return 'ECHOBAHN_CONTROL_FRAGMENTED'
      if (second > MAX_CONTROL_PAYLOAD) return 'ECHOBAHN_CONTROL_TOO_LONG'
      if (opcode === CLOSE && second === 1) return 'ECHOBAHN_CLOSE_PAYLOAD'
    } else if (opcode === CONTINUATION) {
      if (!this.#inMessage) return 'ECHOBAHN_UNEXPECTED_CONTINUATION'
    } else if (this.#inMessage) return 'ECHOBAHN_EXPECTED_CONTINUATION'
    return undefined
  }

  #judgeLength(header: number): number {
    if (this.#messageLength + this.#payloadLength <= this.#maxMessage) return header
    return this.#refuse('ECHOBAHN_MESSAGE_TOO_BIG')
  }

  #refuse(code: ViolationCode): -1 {
    this.fail(code)
    return -1
  }

  /** Reads a whole header that `#need` found legal; returns its length. */
  #readHeader(buffer: Buffer, position: number): number {
    const first = buffer[position]
    const second = buffer[position + 1]
    this.fin = (first & FIN) !== 0
    this.opcode = first & 0x0f
    if (!isControl(this.opcode)) {
      if (!this.#inMessage) {
        this.messageOpcode = this.opcode
        this.compressed = (first & RSV1) !== 0
        this.#messageLength = 0
      }
      this.#inMessage = !this.fin
      this.#messageLength = this.fin ? 0 : this.#messageLength + this.#payloadLength
    }
    return second < 126 ? 2 : second === 126 ? 4 : MAX_HEADER
  }

  #begin(source: Buffer, offset: number): true {
    this.source = source
    this.offset = offset
    this.startsFrame = true
    const there = (source === this.#chunk ? this.#end : source.length) - offset
    this.length = Math.min(this.#payloadLength, there)
    this.remaining = this.#payloadLength - this.length
    if (source === this.#chunk) this.#position = offset + this.length
    return true
  }

  #continueFrame(): boolean {
    const size = this.#end - this.#position
    if (size === 0) return false
    this.source = this.#chunk
    this.offset = this.#position
    this.startsFrame = false
    this.length = Math.min(size, this.remaining)
    this.remaining -= this.length
    this.#position += this.length
    return true
  }

  /** Keeps the rest of the chunk: the beginning of a header or of a control frame. */
  #hold(size: number): false {
    this.#held ??= Buffer.allocUnsafeSlow(2 + MAX_CONTROL_PAYLOAD)
    this.#chunk.copy(this.#held, 0, this.#position, this.#end)
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
      if (this.#heldLength >= need) break
      if (this.#position === this.#end) return false
      held[this.#heldLength++] = this.#chunk[this.#position++]
    }
    this.#heldLength = 0
    const header = this.#readHeader(held, 0)
    return isControl(this.opcode) ? this.#begin(held, header) : this.#begin(this.#chunk, this.#position)
  }
}
