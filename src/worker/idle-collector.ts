// Collects what a burst of handshakes leaves behind once it is over, if its connections stay.
//
// A handshake makes tens of short-lived objects, and in a burst many of them outlive the young generation. V8 would
// collect them when the old one fills, which on an idle worker is never: they would be a good part of what its connections
// cost. Without connections there is nothing to save, and a collection that finds none of a class has V8 throw away the
// optimised code for it: the next burst would pay half as much again.

import { setFlagsFromString } from 'node:v8'

/** Handshakes that leave enough behind to be worth a pause, and connections enough to be worth it. */
const BURST = 500
/** Milliseconds without a handshake after which the burst is over. */
const QUIET = 1000

/** The collector of --expose-gc, with which the primary starts its workers. */
const { gc } = globalThis

export class IdleCollector {
  #handshakes = 0
  #seen = 0
  #quietSince = 0

  handshakeDone(): void {
    this.#handshakes++
  }

  /** To be called now and then; `now` is monotonic milliseconds, `open` the connections that there are. */
  sweep(now: number, open: number): void {
    if (this.#handshakes !== this.#seen) {
      this.#seen = this.#handshakes
      this.#quietSince = now
    } else if (this.#handshakes >= BURST && now - this.#quietSince >= QUIET) {
      this.#handshakes = this.#seen = 0
      if (open >= BURST) collect()
    }
  }
}

/** Compacts as well: pages of which a part is free stay resident whole. */
function collect(): void {
  setFlagsFromString('--compact-on-every-full-gc')
  gc?.()
  setFlagsFromString('--no-compact-on-every-full-gc')
}
