// Asks the workers for their reports before a scrape, and waits for them no longer than a short while.

/** Milliseconds after which a scrape goes on with what has come. */
const ROUND_TIMEOUT = 300

export interface Reporter {
  requestReport(sequence: number): void
}

/**
 * One round of requests at a time. Who asks while a round is under way gets the next one, since answers of this one may
 * be older than the question. So a worker that is stuck finds a few requests when it wakes, however many scrapes there were.
 */
export class ReportRounds {
  readonly #reporters: () => Iterable<Reporter>
  readonly #pending = new Set<Reporter>()
  #sequence = 0
  #finish: (() => void) | undefined
  #current: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** @param reporters those who can be expected to answer, asked for at the beginning of each round */
  constructor(reporters: () => Iterable<Reporter>) {
    this.#reporters = reporters
  }

  /** Resolves when everybody has answered a request made after this call, or the time is up. */
  gather(): Promise<void> {
    if (!this.#current) return this.#begin()
    this.#next ??= this.#current.then(() => this.#begin())
    return this.#next
  }

  /** The reporter answered the request with this sequence; 0 is a report that nobody asked for. */
  answered(reporter: Reporter, sequence: number): void {
    if (sequence === this.#sequence) this.gone(reporter)
  }

  /** The reporter is dead; nobody waits for it any more. */
  gone(reporter: Reporter): void {
    if (this.#pending.delete(reporter) && this.#pending.size === 0) this.#finish?.()
  }

  #begin(): Promise<void> {
    this.#next = undefined
    this.#current = this.#round().finally(() => {
      this.#current = undefined
    })
    return this.#current
  }

  async #round(): Promise<void> {
    this.#sequence++
    this.#pending.clear()
    for (const reporter of this.#reporters()) this.#pending.add(reporter)
    if (this.#pending.size > 0) await this.#answers()
  }

  #answers(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ROUND_TIMEOUT)
      this.#finish = () => {
        clearTimeout(timer)
        resolve()
      }
      for (const reporter of this.#pending) reporter.requestReport(this.#sequence)
    })
  }
}
