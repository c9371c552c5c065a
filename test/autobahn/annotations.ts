// Marks the run and its steps as regions in time for the dashboard "Autobahn run": in Grafana, or in a file.

import { writeFile } from 'node:fs/promises'
import { FAMILIES, familyOf, stepOf } from './cases.js'

/** An annotation as Grafana's HTTP API takes it (POST /api/annotations); times in milliseconds since 1970. */
export interface Region {
  readonly time: number
  readonly timeEnd: number
  readonly tags: readonly string[]
  readonly text: string
}

/** Takes regions one by one as they end. */
export interface RegionSink {
  add(region: Region): void
  /** Resolves when all are where they belong. Rejects with the first failure. */
  close(): Promise<void>
}

/** Tells regions from the cases that the suite's processes begin; a step is one process's, from its first case on. */
export class Annotations {
  readonly #sink: RegionSink
  readonly #now: () => number
  readonly #cases: number
  readonly #startedAt: number
  /** The step that each process of the suite is at. */
  readonly #current = new Map<number, { readonly step: string; readonly time: number }>()

  constructor(cases: readonly string[], sink: RegionSink, now: () => number = Date.now) {
    this.#cases = cases.length
    this.#sink = sink
    this.#now = now
    this.#startedAt = now()
  }

  /** A process begins a case. */
  began(process: number, id: string): void {
    const step = stepOf(id)
    if (this.#current.get(process)?.step === step) return
    this.ended(process)
    this.#current.set(process, { step, time: this.#now() })
  }

  /** A process is at its end. */
  ended(process: number): void {
    const current = this.#current.get(process)
    if (current === undefined) return
    this.#current.delete(process)
    this.#add('family', current.time, `${current.step} ${FAMILIES[familyOf(current.step)]}`)
  }

  /** Ends the steps that are open, after an interruption, and the run. Rejects as the sink does. */
  async finish(): Promise<void> {
    for (const process of this.#current.keys()) this.ended(process)
    this.#add('run', this.#startedAt, `Autobahn run, ${this.#cases} cases`)
    await this.#sink.close()
  }

  #add(kind: 'run' | 'family', time: number, text: string): void {
    this.#sink.add({ time, timeEnd: this.#now(), tags: ['autobahn', kind], text })
  }
}

/** Grafana when `GRAFANA_URL` and `GRAFANA_TOKEN`, of a service account that may write annotations, are set; else the file. */
export function chooseSink(environment: NodeJS.ProcessEnv, file: string): RegionSink {
  const { GRAFANA_URL: url, GRAFANA_TOKEN: token } = environment
  return url && token ? new GrafanaSink(url, token) : new FileSink(file)
}

/** Posts each region at once, so that it shows while the run goes on. */
class GrafanaSink implements RegionSink {
  readonly #url: string
  readonly #token: string
  readonly #posts: Promise<void>[] = []

  constructor(url: string, token: string) {
    this.#url = `${url.replace(/\/+$/, '')}/api/annotations`
    this.#token = token
  }

  add(region: Region): void {
    const post = this.#post(region)
    post.catch(() => {})
    this.#posts.push(post)
  }

  async close(): Promise<void> {
    await Promise.all(this.#posts)
  }

  async #post(region: Region): Promise<void> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(region),
      signal: AbortSignal.timeout(10_000),
    })
    if (!response.ok) throw new Error(`Grafana took no annotation: ${response.status} ${await response.text()}`)
  }
}

/** Writes an array of all regions at the end. */
class FileSink implements RegionSink {
  readonly #file: string
  readonly #regions: Region[] = []

  constructor(file: string) {
    this.#file = file
  }

  add(region: Region): void {
    this.#regions.push(region)
  }

  async close(): Promise<void> {
    await writeFile(this.#file, `${JSON.stringify(this.#regions, null, 2)}\n`)
  }
}
