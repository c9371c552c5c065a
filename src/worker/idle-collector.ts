// Collects what a burst leaves behind once it is over.
//
// A handshake makes tens of short-lived objects, and in a burst many of them outlive the young generation. V8 would
// collect them when the old one fills, which on an idle worker is never: they would be a good part of what its connections
// cost. Without connections there is nothing to save, and a collection that finds none of a class has V8 throw away the
// optimised code for it: the next burst would pay half as much again.
//
// Large messages leave large buffers behind, which V8 frees with the small objects that stand for them: also only when
// there is enough else to collect. And a heap that grew under load stays as large until something is collected.

import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Handshakes that leave enough behind to be worth a pause, and connections enough to be worth it. */
const BURST = 500
/** Milliseconds without a handshake after which the burst is over. */
const QUIET = 1000
/** Octets that nothing needs any more, beyond those that were left by the last collection. */
const WASTE = 16 * 1024 * 1024
/** Milliseconds between two looks at them, and two looks must find no growth between them. */
const WASTE_INTERVAL = 500
/** Octets by which the used part of the heap may change between two looks where a worker does next to nothing. */
const STILL = 1024 * 1024

/** The collector of --expose-gc, with which the primary starts its workers. */
const { gc } = globalThis

/** Octets. */
export interface MemoryUse {
  /** Outside of V8's heap. */
  readonly buffers: number
  readonly heapUsed: number
  /** Of the heap, used or not. */
  readonly heapSize: number
}

export class IdleCollector {
  readonly #memory: () => MemoryUse
  readonly #collect: (compacts: boolean) => void
  #handshakes = 0
  #seen = 0
  #quietSince = 0
  #lookedAt = 0
  /** Octets that nothing needs: at the last look, and after the last collection. */
  #waste = 0
  #least: number
  /** Used octets of the heap at the last look. */
  #used: number

  /** @param collect does the work */
  constructor(memory: () => MemoryUse = memoryUse, collect = collectGarbage) {
    this.#memory = memory
    this.#collect = collect
    const { buffers, heapUsed, heapSize } = memory()
    this.#least = buffers + heapSize - heapUsed
    this.#used = heapUsed
  }

  handshakeDone(): void {
    this.#handshakes++
  }

  /**
   * To be called now and then.
   *
   * @param now monotonic milliseconds
   * @param open connections that there are
   * @param held octets that are held for them
   */
  sweep(now: number, open: number, held: number): void {
    this.#sweepHandshakes(now, open)
    if (now - this.#lookedAt >= WASTE_INTERVAL) this.#sweepWaste(now, held)
  }

  #sweepHandshakes(now: number, open: number): void {
    if (this.#handshakes !== this.#seen) {
      this.#seen = this.#handshakes
      this.#quietSince = now
    } else if (this.#handshakes >= BURST && now - this.#quietSince >= QUIET) {
      this.#handshakes = this.#seen = 0
      if (open >= BURST) this.#collect(true)
    }
  }

  #sweepWaste(now: number, held: number): void {
    this.#lookedAt = now
    const { buffers, heapUsed, heapSize } = this.#memory()
    // Under load the unused part of the heap is what it needs for the next moments.
    const isStill = Math.abs(heapUsed - this.#used) < STILL
    this.#used = heapUsed
    const waste = buffers - held + (isStill ? heapSize - heapUsed : 0)
    const grows = waste > this.#waste
    this.#waste = waste
    this.#least = Math.min(this.#least, waste)
    if (grows || waste < this.#least + WASTE) return
    this.#collect(false)
    const after = this.#memory()
    this.#used = after.heapUsed
    this.#waste = this.#least = after.buffers - held + after.heapSize - after.heapUsed
  }
}

function memoryUse(): MemoryUse {
  const { external_memory, used_heap_size, total_heap_size } = getHeapStatistics()
  return { buffers: external_memory, heapUsed: used_heap_size, heapSize: total_heap_size }
}

/** @param compacts takes longer, and frees pages of which a part is in use: they stay resident whole otherwise */
function collectGarbage(compacts: boolean): void {
  if (compacts) setFlagsFromString('--compact-on-every-full-gc')
  gc?.()
  if (compacts) setFlagsFromString('--no-compact-on-every-full-gc')
}
