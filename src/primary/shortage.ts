// What the primary does when file descriptors run out: newcomers are turned away, counted, and told of once in a while.

import type { Logger } from 'pino'
import { SHORTAGES, type Shortage } from '../metrics/catalogue.js'
import { Occasional } from '../occasional.js'
import type { OpenFilesLimit } from './open-files.js'

/** File descriptors that the primary keeps for all but accepted connections: listeners, IPC pipes, the admin server. */
const RESERVE = 64

const SENTENCES: Readonly<Record<Shortage, string>> = {
  turned_away: 'connections were closed unanswered: the primary has no file descriptors left for them',
  accept_failed: 'connections could not be accepted',
  undelivered: 'connections did not reach a worker: it has no file descriptors left',
}

export class Shortages {
  readonly counts = Object.fromEntries(SHORTAGES.map(kind => [kind, 0])) as Record<Shortage, number>
  readonly #mostHeld: number
  readonly #log: Readonly<Record<Shortage, Occasional>>

  /** @param limit on the files of this process; undefined where it is not known */
  constructor(limit: OpenFilesLimit | undefined, log: Logger) {
    this.#mostHeld = Math.max(RESERVE, (limit?.soft ?? Number.POSITIVE_INFINITY) - RESERVE)
    this.#log = Object.fromEntries(
      SHORTAGES.map(kind => [kind, new Occasional(times => log.warn({ times }, SENTENCES[kind]))]),
    ) as Record<Shortage, Occasional>
  }

  /** Whether another connection can be held until a worker takes it, beside `held` others. */
  hasRoom(held: number): boolean {
    return held < this.#mostHeld
  }

  note(kind: Shortage): void {
    this.counts[kind]++
    this.#log[kind].happened()
  }
}
