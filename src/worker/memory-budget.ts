// What a worker may hold for its connections: unfinished messages, what waits for the codec, unsent octets.
//
// Near the end of the budget those that hold most are not read any more; at its end the one that holds most is closed. Who
// holds little is left alone: a part of the budget is kept for such connections, and nobody else can use it up.

/** Part of the budget above which connections that hold more than most are not read. */
const NEAR = 0.75
/** Part of the budget that connections which hold much can fill; what is above is kept for those that hold little. */
const FULL = 0.9
/** Octets up to which a connection holds little. */
export const LITTLE = 128 * 1024
/** Milliseconds that connections may be left unread for the budget; then those that hold most are closed. */
const PATIENCE = 10_000
/** Part of the budget down to which they are: the others get on for a while, and of those that are gone it is seen. */
const RELIEF = 0.375

export interface Holder {
  /** Stops reading for the budget's sake, until `resumeAfterMemory`. */
  pauseForMemory(): void
  resumeAfterMemory(): void
  /** Ends, and lets go of everything that is held. */
  closeForMemory(): void
}

export class MemoryBudget {
  /** Octets held for all connections. */
  held = 0
  readonly #near: number
  readonly #relief: number
  readonly #full: number
  readonly #whole: number
  /** Connections that hold more than a little, and how much. */
  readonly #large = new Map<Holder, number>()
  /** Connections that are not read for the budget's sake. */
  readonly #paused = new Set<Holder>()
  /** Since when there are such; monotonic milliseconds, 0 if there are none or nobody has looked yet. */
  #pausedSince = 0

  /** @param octets the worker's share of the budget */
  constructor(octets: number) {
    this.#near = octets * NEAR
    this.#relief = octets * RELIEF
    this.#full = octets * FULL
    this.#whole = octets
  }

  /** `holder` holds `now` octets, after `before`. */
  change(holder: Holder, before: number, now: number): void {
    this.held += now - before
    if (now > LITTLE) this.#large.set(holder, now)
    else this.#large.delete(holder)
    if (now > before) this.#tighten(holder, now)
    else if (this.#paused.size > 0 && this.held <= this.#near) this.#resumeAll()
  }

  /** `holder` is gone, or lets go of the `octets` that it held. */
  forget(holder: Holder, octets: number): void {
    this.#paused.delete(holder)
    this.change(holder, octets, 0)
  }

  /** To be called now and then; `now` is monotonic milliseconds. */
  sweep(now: number): void {
    if (this.#paused.size === 0) this.#pausedSince = 0
    else if (this.#pausedSince === 0) this.#pausedSince = now
    else if (now - this.#pausedSince >= PATIENCE) {
      this.#pausedSince = 0
      while (this.held > this.#relief && this.#closeLargest());
    }
  }

  #tighten(holder: Holder, octets: number): void {
    if (this.held <= this.#near) return
    const average = this.#near / Math.max(1, this.#large.size)
    if (octets > LITTLE && octets >= average && !this.#paused.has(holder)) {
      this.#paused.add(holder)
      holder.pauseForMemory()
    }
    while (this.held > this.#full && this.#closeLargest());
    // Only a very large number of connections that hold little each comes to this.
    if (this.held > this.#whole) holder.closeForMemory()
  }

  #closeLargest(): boolean {
    let largest: Holder | undefined
    let most = 0
    for (const [holder, octets] of this.#large) {
      if (octets <= most) continue
      largest = holder
      most = octets
    }
    if (largest === undefined) return false
    largest.closeForMemory()
    return true
  }

  #resumeAll(): void {
    const paused = [...this.#paused]
    this.#paused.clear()
    this.#pausedSince = 0
    for (const holder of paused) holder.resumeAfterMemory()
  }
}
