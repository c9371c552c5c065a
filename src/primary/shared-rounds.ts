// One round of something at a time, shared by all who want one meanwhile.

/**
 * Who asks while a round is under way gets the next one, since results of this one may be older than the question. So a
 * worker that is stuck finds a few requests when it wakes, however many scrapes there were.
 */
export class SharedRounds<Result> {
  readonly #run: () => Promise<Result>
  #current: Promise<Result> | undefined
  #next: Promise<Result> | undefined

  /** @param run one round; where it rejects, so do those who share it */
  constructor(run: () => Promise<Result>) {
    this.#run = run
  }

  /** Resolves with the result of a round that began after this call. */
  round(): Promise<Result> {
    if (!this.#current) return this.#begin()
    this.#next ??= this.#current.catch(() => {}).then(() => this.#begin())
    return this.#next
  }

  #begin(): Promise<Result> {
    this.#next = undefined
    this.#current = this.#run().finally(() => {
      this.#current = undefined
    })
    return this.#current
  }
}
