// Chance that can be repeated: from one seed a sequence of its own for each control, so that what one of them draws does
// not depend on which others are on.

import { randomInt } from 'node:crypto'

const RANGE = 2 ** 32

export type Draw = () => number

export class Dice {
  /** 0…2^32 − 1. */
  readonly seed: number

  constructor(seed = randomInt(RANGE)) {
    this.seed = seed
  }

  /** Numbers from 0 up to, but not including, 1: the same for the same seed and name. */
  sequence(name: string): Draw {
    let state = this.seed
    for (let i = 0; i < name.length; i++) state = scramble(state ^ name.charCodeAt(i))
    return () => {
      state = (state + 0x9e3779b9) >>> 0
      return scramble(state) / RANGE
    }
  }
}

/** The finaliser of MurmurHash3: every bit of the result depends on every bit of `value`. */
function scramble(value: number): number {
  let h = value >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
