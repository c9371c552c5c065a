// A message that comes in pieces, put together: in one small buffer as long as it is short, then in blocks.

import type { FrameDecoder } from '../protocol/frame-decoder.js'
import { BLOCK, type MessageBlocks } from './message-blocks.js'

/** First size where more than one frame makes up the message, so that nobody knows how long it will be. */
const FIRST_SIZE = 1024
/** First size at most: a frame may announce what never comes. */
const MOST_AT_FIRST = 64 * 1024

/** Where a piece is unmasked that lies in two blocks: free again whenever `read` returns. */
let scratch = Buffer.allocUnsafeSlow(BLOCK)

export class Assembly {
  /** Octets so far. */
  length = 0
  /** Octets of memory that this takes. */
  held = 0
  readonly #blocks: MessageBlocks
  readonly #pieces: Buffer[] = []
  /** Octets of the last piece that are used. All others are full. */
  #used = 0

  constructor(blocks: MessageBlocks) {
    this.#blocks = blocks
  }

  /** Where the message is: one piece or more. Valid until `release`. */
  get pieces(): readonly Buffer[] {
    return this.#pieces.map((piece, i) => (i === this.#pieces.length - 1 ? piece.subarray(0, this.#used) : piece))
  }

  /** Reads the piece at hand; false if its text is invalid. */
  read(decoder: FrameDecoder): boolean {
    const { available, payloadLength, fin } = decoder
    this.#makeRoom(this.length + available, fin ? payloadLength : FIRST_SIZE)
    const last = this.#pieces[this.#pieces.length - 1]
    if (available <= last.length - this.#used) {
      if (!decoder.readPayload(last, this.#used)) return false
      this.#used += available
    } else {
      if (scratch.length < available) scratch = Buffer.allocUnsafeSlow(available)
      if (!decoder.readPayload(scratch, 0)) return false
      this.#append(scratch, available)
    }
    this.length += available
    return true
  }

  /** Gives the memory back: the pieces are somebody else's from now on. */
  release(): void {
    for (const piece of this.#pieces) if (piece.length === BLOCK) this.#blocks.giveBack(piece)
    this.#pieces.length = 0
    this.held = 0
    this.#used = 0
    this.length = 0
  }

  /** Lets a message of up to a block lie in one piece. */
  #makeRoom(length: number, likely: number): void {
    const [first] = this.#pieces
    if (first !== undefined && (first.length >= length || first.length === BLOCK)) return
    const size = Math.min(
      BLOCK,
      Math.max(length, first === undefined ? Math.min(likely, MOST_AT_FIRST) : first.length * 2),
    )
    const larger = size === BLOCK ? this.#blocks.take() : Buffer.allocUnsafe(size)
    first?.copy(larger, 0, 0, this.#used)
    this.#pieces[0] = larger
    this.held = size
  }

  #append(source: Buffer, length: number): void {
    for (let at = 0; at < length; ) {
      let last = this.#pieces[this.#pieces.length - 1]
      if (this.#used === last.length) {
        last = this.#blocks.take()
        this.#pieces.push(last)
        this.held += BLOCK
        this.#used = 0
      }
      const copied = source.copy(last, this.#used, at, length)
      this.#used += copied
      at += copied
    }
  }
}
