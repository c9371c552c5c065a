// Memory for one message at a time that grows with what is needed and is kept from message to message.
//
// What is dropped waits for the garbage collector, which sees no hurry in it; so a large buffer is only dropped when
// nothing has needed its size for a while.

const FIRST_SIZE = 64 * 1024
/** Few steps to a large size leave little behind. */
const GROWTH = 4
/** Buffers up to this size are kept for good. */
const KEPT_SIZE = 1024 * 1024
/** Messages in a row that do not need a larger one, after which it is dropped. */
const PATIENCE = 256

/** Memory that grows while something is written into it. */
export interface Target {
  readonly buffer: Buffer
  /** Makes the buffer larger, to `least` octets at least, and keeps the first `used`; more than `most` are not needed. */
  grow(used: number, most: number, least?: number): void
}

export class Scratch implements Target {
  buffer = Buffer.alloc(0)
  #unneeded = 0

  /** Begins a message; nothing of the last one is kept. */
  begin(): void {
    if (this.buffer.length > KEPT_SIZE && ++this.#unneeded > PATIENCE) this.buffer = Buffer.alloc(0)
    if (this.buffer.length === 0) this.buffer = Buffer.allocUnsafeSlow(FIRST_SIZE)
  }

  /** Makes the buffer larger, up to `most` octets, and keeps the first `used`. */
  grow(used: number, most: number, least = 0): void {
    const size = Math.min(Math.max(this.buffer.length * GROWTH, least), most)
    const larger = Buffer.allocUnsafeSlow(size)
    this.buffer.copy(larger, 0, 0, used)
    this.buffer = larger
  }

  /** Lets go of a buffer that is larger than what is kept for good. Returns its octets, 0 if there was none. */
  release(): number {
    const { length } = this.buffer
    if (length <= KEPT_SIZE) return 0
    this.buffer = Buffer.alloc(0)
    return length
  }

  /** Says how much of the buffer a message took in the end. */
  end(used: number): void {
    if (used > KEPT_SIZE) this.#unneeded = 0
  }
}
