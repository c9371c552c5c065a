// The real service with two workers under a mixed load, and `echobahn load` at work elsewhere, scraped by a real Prometheus.

import { setTimeout as delay } from 'node:timers/promises'
import { LOAD_OPTIONS, MixedLoad } from './mixed-load.js'
import { Prometheus } from './prometheus.js'
import { Service } from './service.js'
import { WatchedLoad } from './watched-load.js'

const POLL_MILLISECONDS = 200

export class WatchedService {
  readonly #service: Service
  readonly prometheus: Prometheus
  readonly load: MixedLoad
  readonly #command: WatchedLoad

  private constructor(service: Service, prometheus: Prometheus, load: MixedLoad, command: WatchedLoad) {
    this.#service = service
    this.prometheus = prometheus
    this.load = load
    this.#command = command
  }

  static async start(): Promise<WatchedService> {
    const service = new Service(['--workers', '2', ...LOAD_OPTIONS])
    await service.listening()
    const command = await WatchedLoad.start()
    const prometheus = await Prometheus.start([`127.0.0.1:${service.adminPort}`, command.target])
    const watched = new WatchedService(service, prometheus, new MixedLoad(service), command)
    try {
      await watched.load.start()
      return watched
    } catch (error) {
      await watched.stop()
      throw error
    }
  }

  /**
   * Waits for the scrapes of so many seconds from now on.
   *
   * @returns times in seconds of the first and the last of them
   */
  async scrapedFor(seconds: number): Promise<{ first: number; last: number }> {
    const start = Date.now() / 1000
    for (;;) {
      await delay(POLL_MILLISECONDS)
      const times = await this.#scrapesSince(start)
      const [first, last] = [times[0], times[times.length - 1]]
      if (last >= start + seconds) return { first, last }
    }
  }

  /** @throws the first error of a client, if there was one. */
  async stop(): Promise<void> {
    try {
      this.load.stop()
    } finally {
      await this.prometheus.stop()
      await this.#service.stop()
      await this.#command.stop()
    }
  }

  async #scrapesSince(start: number): Promise<number[]> {
    const now = Date.now() / 1000
    const [series] = await this.prometheus.query(`up[${Math.ceil(now - start) + 1}s]`, now)
    return series?.points.map(([time]) => time).filter(time => time > start) ?? []
  }
}
