// Scrapes a service again and again and sees to it that no counter goes backwards.

import assert from 'node:assert/strict'
import type { Service } from './service.js'

const COUNTER = /^echobahn_\w+_(?:total|bucket|count|sum)(?:\{|$)/

export class CounterWatch {
  readonly #done: Promise<void>
  #stopped = false

  constructor(service: Service) {
    this.#done = this.#run(service)
    this.#done.catch(() => {})
  }

  /** Rejects if a counter has gone backwards or missed a scrape since the watch began. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(service: Service): Promise<void> {
    let before = await service.metrics()
    while (!this.#stopped) {
      const now = await service.metrics()
      assertNoneFell(before, now)
      before = now
    }
    assertNoneFell(before, await service.metrics())
  }
}

function assertNoneFell(before: Map<string, number>, now: Map<string, number>): void {
  for (const [series, value] of before) {
    if (!COUNTER.test(series)) continue
    const later = now.get(series)
    assert.ok(later !== undefined && later >= value, `${series} went from ${value} to ${later}`)
  }
}
