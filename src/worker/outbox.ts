// The memory in which a worker builds what it writes: slabs for all connections, used by one connection at a time.
//
// A write that the kernel takes at once leaves its slab free again. One that has to wait keeps its stretch of the slab,
// and the next begins behind it; a connection of which a write waits gets copies for its next ones (see outgoing), so that
// it pins one slab at most. Small writes have small slabs, since a stretch of a few octets pins a whole one.

/** Octets of a slab for small writes, and up to which a write is small. */
const SMALL_SLAB = 64 * 1024
const SMALL_WRITE = 8 * 1024
/** Octets of a slab for others: a chunk with all that its echo can add fits. */
const LARGE_SLAB = 320 * 1024
/** Views of the first octets of a slab, up to this length, are kept: traffic mostly repeats its sizes. */
const KEPT_VIEWS = 2048

class Slab {
  readonly memory: Buffer
  /** Where what no write keeps begins. */
  start = 0
  readonly #views: Buffer[] = []
  #lastView: Buffer

  constructor(size: number) {
    this.memory = Buffer.allocUnsafeSlow(size)
    this.#lastView = this.memory.subarray(0, 0)
  }

  /** The octets from `start` to `end`. Allocates only for a length that is new. */
  view(end: number): Buffer {
    if (this.start > 0) return this.memory.subarray(this.start, end)
    if (end < KEPT_VIEWS) {
      this.#views[end] ??= this.memory.subarray(0, end)
      return this.#views[end]
    }
    if (this.#lastView.length !== end) this.#lastView = this.memory.subarray(0, end)
    return this.#lastView
  }
}

export class Outbox {
  /** Where to write, from `position` on. */
  buffer: Buffer
  /** Where the next octet goes. */
  position = 0
  #small = new Slab(SMALL_SLAB)
  #large = new Slab(LARGE_SLAB)
  #slab: Slab

  constructor() {
    this.#slab = this.#small
    this.buffer = this.#slab.memory
  }

  /** Octets that can still be appended. */
  get room(): number {
    return this.buffer.length - this.position
  }

  /** Octets appended since `begin`. */
  get size(): number {
    return this.position - this.#slab.start
  }

  /** Makes room for `size` octets. Only while the outbox is empty. */
  begin(size: number): void {
    this.#slab = this.#slabFor(size)
    this.buffer = this.#slab.memory
    this.position = this.#slab.start
  }

  /** What was appended since `begin`; it stays in place until `release`. */
  take(): Buffer {
    return this.#slab.view(this.position)
  }

  /** After the write of `take()`: `free` when its memory may be used again. */
  release(free: boolean): void {
    if (free) this.position = this.#slab.start
    else this.#slab.start = this.position
  }

  /** Forgets what was appended since `begin`. */
  drop(): void {
    this.position = this.#slab.start
  }

  append(bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.buffer, this.position, start, end)
    this.position += end - start
  }

  /** What is larger than a slab gets memory of its own, which is not kept. */
  #slabFor(size: number): Slab {
    if (size > LARGE_SLAB) return new Slab(size)
    if (size > SMALL_WRITE) {
      if (LARGE_SLAB - this.#large.start < size) this.#large = new Slab(LARGE_SLAB)
      return this.#large
    }
    if (SMALL_SLAB - this.#small.start < size) this.#small = new Slab(SMALL_SLAB)
    return this.#small
  }
}
