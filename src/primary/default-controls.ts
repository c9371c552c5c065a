// The controls of connections that ask for none: the option's, or what an admin put in their place, for all handshakes,
// for the next few, or for a share of them. The primary alone counts, so that "the next 3" are 3 of all workers together.

import type { ControlsInForce, PutControls } from '../admin/view.js'
import { Dice, type Draw } from '../controls/dice.js'

export class DefaultControls {
  readonly #option: string | null
  #put: PutControls | undefined
  #left = Number.POSITIVE_INFINITY
  #dice: Dice | undefined
  #draw: Draw = () => 0

  /** @param option the controls that the service was started with */
  constructor(option: string | undefined) {
    this.#option = option ?? null
  }

  put(put: PutControls): void {
    this.#put = put
    this.#left = put.count ?? Number.POSITIVE_INFINITY
    this.#dice = put.share === undefined ? undefined : new Dice(put.seed)
    this.#draw = this.#dice?.sequence('share') ?? (() => 0)
  }

  /** Goes back to the option's. */
  clear(): void {
    this.#put = undefined
  }

  get inForce(): ControlsInForce {
    if (this.#put === undefined) return { controls: this.#option, from: 'option', left: null, share: null, seed: null }
    const { controls, count, share } = this.#put
    const left = count === undefined ? null : this.#left
    return { controls, from: 'admin', left, share: share ?? null, seed: this.#dice?.seed ?? null }
  }

  /** Whether each handshake has to be asked for. */
  get limited(): boolean {
    return this.#put?.count !== undefined || this.#put?.share !== undefined
  }

  /** What a handshake gets that asked: controls, or null for none. After the last of a count the option's are back. */
  claim(): string | null {
    const put = this.#put
    if (put === undefined) return this.#option
    if (put.share !== undefined && this.#draw() >= put.share) return null
    this.#left--
    if (this.#left <= 0) this.clear()
    return put.controls
  }
}
