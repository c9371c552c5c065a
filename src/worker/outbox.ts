// The memory in which a worker builds what it writes: one slab for all connections, used by one at a time.
//
// A write that the kernel takes at once leaves the slab free again. One that has to wait keeps its stretch of the slab,
// and the next begins behind it, so that slow readers pin what they have not read and not a slab each.

/** Octets of a slab. */
const SLAB = 1024 * 1024

export class Outbox {
  buffer = Buffer.allocUnsafeSlow(SLAB)
  /** Where the next octet goes. */
  position = 0
  #start = 0

  /** Octets that can still be appended. */
  get room(): number {
    return this.buffer.length - this.position
  }

  get isEmpty(): boolean {
    return this.position === this.#start
  }

  /** Makes room for `size` octets. Only while the outbox is empty. */
  begin(size: number): void {
    const fits = this.room >= size && (this.buffer.length === SLAB || size > SLAB)
    if (fits) return
    this.buffer = Buffer.allocUnsafeSlow(Math.max(size, SLAB))
    this.position = this.#start = 0
  }

  /** What was appended since `begin`; it stays in place until `release`. */
  take(): Buffer {
    return this.buffer.subarray(this.#start, this.position)
  }

  /** After the write of `take()`: `free` when the kernel has taken all of it. */
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
