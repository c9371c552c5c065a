// Random numbers that a seed brings back: each input of a run is made from the run's seed and its own number alone.

export class Random {
  #a = 0
  #b = 0
  #c = 0
  #d = 0

  /** Begins anew; the same two numbers give the same sequence. */
  seed(run: number, input: number): void {
    this.#a = 0x9e3779b9
    this.#b = run | 0
    this.#c = input | 0
    this.#d = 1
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 random bits, as a signed number (Doty-Humphrey's sfc32). */
  next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return (this.next() >>> 0) % end
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]
  }
}
