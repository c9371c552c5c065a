// Writes a client's frames into large shared slabs: what a connection sends in one go lies together and is one write.

import { randomFillSync } from 'node:crypto'
import { FIN, RSV1, writeHeader } from '../protocol/frame-encoder.js'
import { unmask } from '../protocol/masking.js'
import { CONTINUATION } from '../protocol/opcodes.js'

const SLAB = 256 * 1024
/** Longest header of a client frame. */
const MAX_MASKED_HEADER = 14
/** A control frame at its longest. */
const ROOM_FOR_CONTROL = 6 + 125
const MASKED = 0x80

/** Masking keys must not be predictable (RFC 6455 section 5.3); asking for many at a time makes them nearly free. */
const keys = new Uint32Array(4096)
let nextKey = keys.length

export function maskingKey(): number {
  if (nextKey === keys.length) {
    randomFillSync(keys)
    nextKey = 0
  }
  return keys[nextKey++] | 0
}

export class FrameWriter {
  output = Buffer.allocUnsafeSlow(SLAB)
  /** Masking key of the frame that was begun last, its first octet in the most significant bits. */
  key = 0
  #start = 0
  #end = 0

  /** Octets that wait to be taken. */
  get pending(): number {
    return this.#end - this.#start
  }

  /** Whether a frame of so many payload octets has room beside what waits. */
  hasRoom(length: number): boolean {
    return this.#end + MAX_MASKED_HEADER + length <= this.output.length
  }

  /**
   * Begins one frame, whose payload the caller writes into `output` at the offset that is returned, masked with `key`.
   *
   * @param first the header's first octet: FIN, RSV1 and the opcode
   */
  frame(first: number, length: number): number {
    if (!this.hasRoom(length)) this.#renew(MAX_MASKED_HEADER + length)
    this.key = maskingKey()
    const at = this.#writeHeader(first, length, this.key)
    this.#end = at + length
    return at
  }

  /** Adds a control frame or other short one. */
  control(first: number, payload: Buffer): void {
    const at = this.frame(first, payload.length)
    unmask(payload, 0, payload.length, this.output, at, this.key, 0)
  }

  /** Adds a message as frames of at most `fragment` octets; 0 does not cut. Returns the length of each. */
  message(first: number, payload: Buffer, fragment: number): number[] {
    const lengths: number[] = []
    const size = fragment === 0 ? Math.max(payload.length, 1) : fragment
    for (let done = 0; done < payload.length || done === 0; done += size) {
      const piece = Math.min(size, payload.length - done)
      const fin = done + piece === payload.length ? FIN : 0
      const at = this.frame((done === 0 ? first & ~FIN : CONTINUATION) | fin, piece)
      unmask(payload, done, piece, this.output, at, this.key, 0)
      lengths.push(piece)
    }
    return lengths
  }

  /** What was added since the last take, to be written to a socket. */
  take(): Buffer {
    const octets = this.output.subarray(this.#start, this.#end)
    this.#start = this.#end
    return octets
  }

  /** The socket is done with all that was taken: the slab can be used from its beginning again. */
  reuse(): void {
    this.#start = 0
    this.#end = 0
  }

  /** What was taken may still be read by a socket, so the old slab is left to it. */
  renewIfFull(): void {
    if (this.#end + ROOM_FOR_CONTROL > this.output.length) this.#renew(0)
  }

  #renew(need: number): void {
    const waiting = this.output.subarray(this.#start, this.#end)
    this.output = Buffer.allocUnsafeSlow(Math.max(SLAB, waiting.length + need))
    waiting.copy(this.output)
    this.#start = 0
    this.#end = waiting.length
  }

  /** Returns where the payload begins. */
  #writeHeader(first: number, length: number, key: number): number {
    const slab = this.output
    const at = writeHeader(slab, this.#end, first, length)
    slab[this.#end + 1] |= MASKED
    slab[at] = key >>> 24
    slab[at + 1] = key >>> 16
    slab[at + 2] = key >>> 8
    slab[at + 3] = key
    return at + 4
  }
}

/** First octet of a message's first frame. */
export function firstOctet(opcode: number, compressed: boolean): number {
  return FIN | opcode | (compressed ? RSV1 : 0)
}
