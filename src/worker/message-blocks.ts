// The memory in which long messages are put together: blocks for all connections of a worker, used again and again.
//
// A buffer of its own for each message would have to grow with what comes, and each time leave a smaller one to the garbage
// collector; 200 unfinished messages of 16 MiB kept that so busy that all others waited for it.

/** Octets of a block: more than MALLOC_MMAP_THRESHOLD_ (see worker-process), so that one that is freed goes back to the system. */
export const BLOCK = 256 * 1024
/** Blocks that are kept although nothing needs them. */
const MOST_IDLE = 128
/** Milliseconds between two looks at those that nothing has needed since the last one: they are let go of. */
const INTERVAL = 1000

export class MessageBlocks {
  readonly #idle: Buffer[] = []
  /** The fewest idle ones since the last look. */
  #fewest = 0
  #lookedAt = 0

  /** Octets that nothing needs now. */
  get idleOctets(): number {
    return this.#idle.length * BLOCK
  }

  /** A block that nobody else has, with anything in it. */
  take(): Buffer {
    const block = this.#idle.pop()
    this.#fewest = Math.min(this.#fewest, this.#idle.length)
    return block ?? Buffer.allocUnsafeSlow(BLOCK)
  }

  /** Takes a block back. */
  giveBack(block: Buffer): void {
    if (this.#idle.length < MOST_IDLE) this.#idle.push(block)
  }

  /** To be called now and then; `now` is monotonic milliseconds. */
  sweep(now: number): void {
    if (now - this.#lookedAt < INTERVAL) return
    this.#lookedAt = now
    this.#idle.length -= this.#fewest
    this.#fewest = this.#idle.length
  }
}
