// A Prometheus of Debian's package with the project's own configuration, on a free loopback port, and its query API.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parse, stringify } from 'yaml'
import { endWithUs } from './watchdog.js'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))

/** Folder of the project's configuration. */
export const CONFIGURATION = join(ROOT, 'prometheus')

/** Whether `prometheus` and `promtool` are installed. */
export const HAS_PROMETHEUS = ['prometheus', 'promtool'].every(
  program => spawnSync(program, ['--version']).error === undefined,
)

/** Values of one series; times are seconds since 1970. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly points: readonly (readonly [time: number, value: number])[]
}

export interface Rule {
  readonly name: string
  readonly query: string
  readonly type: 'alerting' | 'recording'
  readonly health: 'ok' | 'err' | 'unknown'
  /** Of alerts. */
  readonly state?: 'inactive' | 'pending' | 'firing'
}

interface Answer<T> {
  readonly status: 'success' | 'error'
  readonly error?: string
  readonly data: T
}

interface Result {
  readonly resultType: 'vector' | 'matrix' | 'scalar'
  readonly result: readonly {
    readonly metric: Record<string, string>
    readonly value?: [number, string]
    readonly values?: [number, string][]
  }[]
}

export class Prometheus {
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #exited: Promise<unknown>
  url = ''

  private constructor(directory: string) {
    this.#directory = directory
    this.#child = spawn(
      'prometheus',
      [
        `--config.file=${join(directory, 'prometheus/prometheus.yml')}`,
        `--web.console.templates=${join(directory, 'prometheus/consoles')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
        '--web.enable-remote-write-receiver',
        '--log.format=json',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    endWithUs(this.#child)
    this.#exited = once(this.#child, 'exit')
  }

  /**
   * Starts with the project's configuration, but for its targets.
   *
   * @param targets `host:port` of each admin server
   */
  static async start(targets: readonly string[]): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'echobahn-prometheus-'))
    const file = copyConfiguration(directory)
    writeFileSync(file, withTargets(readFileSync(file, 'utf8'), targets))
    const prometheus = new Prometheus(directory)
    await prometheus.#listening()
    return prometheus
  }

  /** Value of every series at `time`, seconds since 1970; a scalar is a series without labels. */
  async query(expression: string, time: number): Promise<Series[]> {
    return seriesOf(await this.#ask('query', { query: expression, time: String(time) }))
  }

  /** Values from `start` to `end` at every `step`, all in seconds. */
  async range(expression: string, start: number, end: number, step: number): Promise<Series[]> {
    const parameters = { query: expression, start: String(start), end: String(end), step: String(step) }
    return seriesOf(await this.#ask('query_range', parameters))
  }

  async labelValues(label: string, selector: string): Promise<string[]> {
    return this.#ask(`label/${label}/values`, { 'match[]': selector })
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#ask<{ groups: { rules: Rule[] }[] }>('rules', {})
    return groups.flatMap(({ rules }) => rules)
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
    rmSync(this.#directory, { recursive: true })
  }

  /** The log says which port was taken, and then when the server is ready. */
  async #listening(): Promise<void> {
    const lines = createInterface({ input: this.#child.stderr as NodeJS.ReadableStream })
    const ready = new Promise<void>(resolve => {
      lines.on('line', line => {
        const { msg, address } = JSON.parse(line) as { msg?: string; address?: string }
        if (msg === 'Listening on') this.url = `http://${address}`
        if (msg === 'Server is ready to receive web requests.') resolve()
      })
    })
    const failed = this.#exited.then(() => {
      throw new Error('prometheus exited at its start')
    })
    await Promise.race([ready, failed])
  }

  /** @throws Error with Prometheus' own message, such as where an expression does not parse. */
  async #ask<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { status, error, data } = (await response.json()) as Answer<T>
    if (status === 'error') throw new Error(`${parameters.query ?? path}: ${error}`)
    return data
  }
}

function seriesOf({ resultType, result }: Result): Series[] {
  if (resultType === 'scalar') return [{ metric: {}, points: [pointOf(result as unknown as [number, string])] }]
  return result.map(({ metric, value, values }) => ({
    metric,
    points: (values ?? [value as [number, string]]).map(pointOf),
  }))
}

/** Prometheus writes values as text: `NaN` and `+Inf` too. */
function pointOf([time, text]: readonly [number, string]): [number, number] {
  return [time, text.endsWith('Inf') ? Number(`${text}inity`) : Number(text)]
}

interface Configuration {
  scrape_config_files?: string[]
  scrape_configs: { job_name: string; dns_sd_configs?: unknown; static_configs?: unknown }[]
  alerting?: unknown
}

/**
 * Copies the configuration to the folder `prometheus` of `directory`; the folder `drop-in` beside it may hold more. A Prometheus
 * before 2.43 knows no scrape_config_files: for it what those files hold is written into the file itself, as later ones read it.
 *
 * @returns path of the file
 */
export function copyConfiguration(directory: string): string {
  const folder = join(directory, 'prometheus')
  cpSync(CONFIGURATION, folder, { recursive: true })
  const file = join(folder, 'prometheus.yml')
  if (hasScrapeConfigFiles()) return file
  const { scrape_config_files: globs = [], ...configuration } = parse(readFileSync(file, 'utf8')) as Configuration
  const dropped = globs.flatMap(glob => filesOf(join(folder, glob))).map(path => parse(readFileSync(path, 'utf8')))
  const jobs = [...configuration.scrape_configs, ...dropped.flatMap(({ scrape_configs }) => scrape_configs)]
  writeFileSync(file, stringify({ ...configuration, scrape_configs: jobs }))
  return file
}

function hasScrapeConfigFiles(): boolean {
  const { stdout } = spawnSync('promtool', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = (/version (\d+)\.(\d+)/.exec(stdout) as RegExpExecArray).map(Number)
  return major > 2 || minor >= 43
}

/** Files that a glob of the form `folder/*.yml` matches. */
function filesOf(glob: string): string[] {
  const folder = dirname(glob)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => extname(name) === extname(glob))
    .map(name => join(folder, name))
}

/** The configuration with these targets for the service, and none for all else: no test looks names up. */
function withTargets(text: string, targets: readonly string[]): string {
  const { alerting: _, ...configuration } = parse(text) as Configuration
  const jobs = configuration.scrape_configs.map(({ dns_sd_configs, ...job }) => {
    if (dns_sd_configs === undefined) throw new Error(`${job.job_name} has no dns_sd_configs to replace`)
    return { ...job, static_configs: [{ targets: job.job_name === 'echobahn' ? targets : [] }] }
  })
  return stringify({ ...configuration, scrape_configs: jobs })
}
