// `echobahn load` and `echobahn load merge`, from settings to exit code.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitError } from '../errors.js'
import type { LoadSettings, Threshold } from '../load-settings.js'
import { AdminClient, type Metrics, sumOf } from './admin-client.js'
import { compare } from './comparison.js'
import { Conductor, type LiveState } from './conductor.js'
import { LimitSearch } from './find-limit.js'
import { renderHtml } from './html-report.js'
import { LiveLine } from './live-line.js'
import { isToolTheLimit } from './notes.js'
import { mergeOutcomes, type Outcome } from './outcome.js'
import { readOutcome, renderOutcome } from './outcome-file.js'
import { renderCsv, renderHgrm } from './tables.js'
import { renderText } from './text-report.js'
import { ALL_WELL, exitCode, FAULTY, type Judgement, judge, measure } from './thresholds.js'
import { amount, time } from './words.js'

/** Rate of the first trial of `--find-limit`, when none is given. */
const FIRST_RATE = 1000
/** Of the messages of a trial, the share that must come back. */
const KEPT = 0.99
/** Trials of one rate. */
const ATTEMPTS = 3
/** Milliseconds that the service is given to notice the last connection's end. */
const SETTLING = 3000
const POLL = 50

type Outputs = Pick<LoadSettings, 'json' | 'csv' | 'hgrm' | 'html'>

/** Makes a load, tells about it, and resolves with the exit code. */
export async function runLoad(settings: LoadSettings, version: string): Promise<number> {
  const stage = await Stage.open(settings, version)
  try {
    return settings.findLimit ? await findLimit(settings, stage) : await runOnce(settings, stage)
  } finally {
    stage.close()
  }
}

/** The results of several loads as if they were one. */
export function runMerge(files: readonly string[], settings: Outputs & Pick<LoadSettings, 'max'>): number {
  return tell(mergeOutcomes(files.map(readOutcome)), settings)
}

async function runOnce(settings: LoadSettings, stage: Stage): Promise<number> {
  return tell(await stage.load(settings), settings)
}

/** Each trial is a load of its own; the results told in the end are those of the highest rate that held. */
async function findLimit(settings: LoadSettings, stage: Stage): Promise<number> {
  const search = new LimitSearch(settings.rate?.from ?? FIRST_RATE)
  let best: Outcome | undefined
  while (search.rate !== undefined && !stage.wasStopped) {
    const { rate } = search
    const trial = await tryRate(rate, settings, stage)
    if (trial.holds) best = trial.outcome
    search.tell(trial.holds)
    print(`${amount(rate)} messages/s ${trial.holds ? 'holds' : 'does not hold'}: ${trial.words}`)
  }
  if (best === undefined) {
    print('no rate that was tried holds')
    return FAULTY
  }
  print(`\nthe highest rate that holds: ${amount(search.best)} messages/s with p99 up to ${time(settings.p99)}\n`)
  return tell(best, settings)
}

interface Trial {
  readonly outcome: Outcome
  readonly holds: boolean
  /** Why. */
  readonly words: string
}

/** A trial that failed while the tool itself was the limit says nothing of the server, and is made again. */
async function tryRate(rate: number, settings: LoadSettings, stage: Stage): Promise<Trial> {
  const limit = { text: 'p99', kind: 'echo', statistic: 99, most: settings.p99 } as const
  for (let attempt = 1; ; attempt++) {
    const outcome = await stage.load({ ...settings, rate: { from: rate, to: rate } })
    const judgements = judge([...settings.max, limit], outcome)
    const isKept = outcome.counts.messages.echoed >= KEPT * rate * (settings.duration / 1000)
    const holds = exitCode(outcome, judgements) === ALL_WELL && isKept
    if (!holds && isToolTheLimit(outcome) && attempt < ATTEMPTS && !stage.wasStopped) continue
    return { outcome, holds, words: whyOf(judgements, isKept, outcome) }
  }
}

function whyOf(judgements: readonly Judgement[], isKept: boolean, outcome: Outcome): string {
  const values = judgements.map(({ threshold, actual }) => `${nameOf(threshold)} ${measure(threshold, actual)}`)
  const { echoed } = outcome.counts.messages
  const shortfall = isKept ? [] : [`only ${amount(echoed / outcome.seconds)} messages/s came back`]
  const tool = isToolTheLimit(outcome) ? ['the tool was the limit'] : []
  return [...values, ...shortfall, ...tool].join(', ')
}

function nameOf({ text }: Threshold): string {
  return text.split('=')[0]
}

/** Writes what was asked for, the text to where no other output goes, and gives the exit code. */
function tell(outcome: Outcome, settings: Outputs & Pick<LoadSettings, 'max'>): number {
  const judgements = judge(settings.max, outcome)
  const outputs: readonly (readonly [file: string | undefined, render: () => string])[] = [
    [settings.json, () => renderOutcome(outcome)],
    [settings.csv, () => renderCsv(outcome)],
    [settings.hgrm, () => renderHgrm(outcome)],
    [settings.html, () => renderHtml(outcome, judgements)],
  ]
  const takesStdout = outputs.some(([file]) => file === '-')
  ;(takesStdout ? process.stderr : process.stdout).write(`${renderText(outcome, judgements)}\n`)
  for (const [file, render] of outputs) if (file !== undefined) writeOutput(file, render())
  return exitCode(outcome, judgements)
}

function writeOutput(file: string, text: string): void {
  try {
    if (file === '-') process.stdout.write(text)
    else writeFileSync(file, text)
  } catch (error) {
    throw new ExitError('ECHOBAHN_LOAD_FAILED', `${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** What lasts over all loads of a command: the live line, the metrics, the admin server's counts, and Ctrl-C. */
class Stage {
  wasStopped = false
  readonly #version: string
  readonly #admin: AdminClient | undefined
  readonly #line: LiveLine | undefined
  readonly #update: ((state: LiveState) => void) | undefined
  readonly #closeMetrics: (() => void) | undefined
  #conductor: Conductor | undefined
  readonly #onSignal = (): void => {
    this.wasStopped = true
    this.#conductor?.stop()
  }

  private constructor(settings: LoadSettings, version: string, metrics: MetricsPort | undefined) {
    this.#version = version
    this.#update = metrics?.update
    this.#closeMetrics = metrics?.close
    if (settings.admin !== undefined) this.#admin = new AdminClient(settings.admin, settings.adminToken)
    if (process.stderr.isTTY) this.#line = new LiveLine(settings, process.stderr)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.#onSignal)
  }

  static async open(settings: LoadSettings, version: string): Promise<Stage> {
    return new Stage(settings, version, await openMetrics(settings.metricsPort))
  }

  async load(settings: LoadSettings): Promise<Outcome> {
    // Unlike any other's, so that the service's reports tell these connections from others.
    const userAgent = `echobahn-load/${this.#version} (${randomBytes(6).toString('hex')})`
    const before = await this.#admin?.metrics()
    const conductor = new Conductor(settings, userAgent, state => {
      this.#line?.show(state)
      this.#update?.(state)
    })
    this.#conductor = conductor
    try {
      const outcome = await conductor.run()
      if (this.#admin === undefined || before === undefined) return outcome
      const after = await settled(this.#admin, before)
      const reports = settings.http2 ? [] : await this.#admin.reports(userAgent)
      const comparesOctets = !settings.http2 && settings.urls.every(url => url.startsWith('ws:'))
      const { books } = conductor
      return { ...outcome, comparison: compare(outcome, { before, after, reports, books, comparesOctets }) }
    } finally {
      this.#line?.clear()
    }
  }

  close(): void {
    this.#closeMetrics?.()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.#onSignal)
  }
}

interface MetricsPort {
  readonly update: (state: LiveState) => void
  readonly close: () => void
}

async function openMetrics(port: number | undefined): Promise<MetricsPort | undefined> {
  if (port === undefined) return undefined
  const { MetricsServer } = await import('./metrics-server.js')
  const server = new MetricsServer()
  process.stderr.write(`metrics ${await server.listen(port)}\n`)
  return { update: state => server.update(state), close: () => server.close() }
}

/** The metrics once the service has as many connections as before, or when that takes too long. */
async function settled(admin: AdminClient, before: Metrics): Promise<Metrics> {
  const deadline = performance.now() + SETTLING
  for (;;) {
    const metrics = await admin.metrics()
    const open = sumOf(metrics, 'echobahn_connections')
    if (open <= sumOf(before, 'echobahn_connections') || performance.now() > deadline) return metrics
    await delay(POLL)
  }
}
