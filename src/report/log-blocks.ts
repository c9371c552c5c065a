// The memory of all wire logs of a process: small blocks of a few slabs, chained by each log.
//
// Most logs hold a handful of events of a connection that nobody will ever ask about. As objects and strings those would be
// most of what a report costs; here they are octets, which no garbage collector looks at.

/** Octets of a block. The first four hold the number of the next block in its chain. */
export const BLOCK = 128
const NEXT = 4
const BLOCKS_PER_SLAB = 4096

/** What stands for no block. */
export const NONE = -1

export class LogBlocks {
  readonly #slabs: Buffer[] = []
  /** Blocks that are in use or were. */
  #used = 0
  /** First of the chain of blocks that were given back. */
  #free = NONE

  /** A block that nobody else has. What follows it is not said until `chain` is called. */
  take(): number {
    if (this.#free === NONE) return this.#fresh()
    const block = this.#free
    this.#free = this.next(block)
    return block
  }

  /** Lets `next` follow `block`. */
  chain(block: number, next: number): void {
    this.slab(block).writeInt32LE(next, this.start(block) - NEXT)
  }

  next(block: number): number {
    return this.slab(block).readInt32LE(this.start(block) - NEXT)
  }

  /** Takes back the chain from `first` to `last`. */
  giveBack(first: number, last: number): void {
    this.chain(last, this.#free)
    this.#free = first
  }

  slab(block: number): Buffer {
    return this.#slabs[Math.trunc(block / BLOCKS_PER_SLAB)]
  }

  /** Where the block's content begins in its slab. */
  start(block: number): number {
    return (block % BLOCKS_PER_SLAB) * BLOCK + NEXT
  }

  /** Where it ends. */
  end(block: number): number {
    return (block % BLOCKS_PER_SLAB) * BLOCK + BLOCK
  }

  #fresh(): number {
    if (this.#used === this.#slabs.length * BLOCKS_PER_SLAB)
      this.#slabs.push(Buffer.allocUnsafeSlow(BLOCKS_PER_SLAB * BLOCK))
    return this.#used++
  }
}
