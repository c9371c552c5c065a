// The memory in which a worker builds what it writes: one slab for all connections, used by one at a time.
//
// A write that the kernel takes at once leaves the slab free again. One that has to wait keeps its stretch of the slab,
// and the next begins behind it. A connection of which a write waits gets copies for its next ones (see outgoing), so
// that a slow reader pins one stretch and no more.

/** Octets of a slab: a chunk with all that its echo can add fits. */
const SLAB = 512 * 1024
/** Views of the first octets of a slab, up to this length, are kept: traffic mostly repeats its sizes. */
const KEPT_VIEWS = 2048

export class Outbox {
  buffer = Buffer.allocUnsafeSlow(SLAB)
  /** Where the next octet goes. */
  position = 0
  #start = 0
  #views: Buffer[] = []
  #lastView = this.buffer.subarray(0, 0)

  /** Octets that can still be appended. */
  get room(): number {
    return this.buffer.length - this.position
  }

  /** Octets appended since `begin`. */
  get size(): number {
    return this.position - this.#start
  }

  /** Makes room for `size` octets. Only while the outbox is empty. */
  begin(size: number): void {
    const fits = this.room >= size && (this.buffer.length === SLAB || size > SLAB)
    if (fits) return
    this.buffer = Buffer.allocUnsafeSlow(Math.max(size, SLAB))
    this.position = this.#start = 0
    this.#views = []
    this.#lastView = this.buffer.subarray(0, 0)
  }

  /** What was appended since `begin`; it stays in place until `release`. Allocates only for a size that is new. */
  take(): Buffer {
    const { size } = this
    if (this.#start > 0) return this.buffer.subarray(this.#start, this.position)
    if (size < KEPT_VIEWS) {
      this.#views[size] ??= this.buffer.subarray(0, size)
      return this.#views[size]
    }
    if (this.#lastView.length !== size) this.#lastView = this.buffer.subarray(0, size)
    return this.#lastView
  }

  /** After the write of `take()`: `free` when its memory may be used again. */
  release(free: boolean): void {
    if (free) this.position = this.#start
    else this.#start = this.position
  }

  /** Forgets what was appended since `begin`. */
  drop(): void {
    this.position = this.#start
  }

  append(bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.buffer, this.position, start, end)
    this.position += end - start
  }
}
