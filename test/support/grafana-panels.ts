// Dashboards drawn by Grafana's own components in a headless Chromium, from what a real Prometheus answers to their queries.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Drawn, Request, Series } from '../pictures/panels/src/request.js'
import { type Dashboard, panelsOf, withVariables } from './panel-queries.js'
import type { Prometheus } from './prometheus.js'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))
const PACKAGE = join(ROOT, 'test/pictures/panels')

/** Path of the browser; empty where there is none. */
const CHROMIUM = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).stdout.trim()

/** Whether the package is installed that draws panels, and a Chromium that shows them. */
export const CAN_DRAW = CHROMIUM !== '' && existsSync(join(PACKAGE, 'node_modules/.package-lock.json'))

/** Pixels; about what a browser on a small screen has. */
const WIDTH = 1440
const MILLISECONDS = 120_000

export interface Drawing {
  readonly dashboard: Dashboard
  /** Seconds since 1970, and seconds between two points. */
  readonly from: number
  readonly to: number
  readonly step: number
  /** As PromQL writes durations. */
  readonly rateInterval: string
  /** File for the picture, if one is wanted. */
  readonly picture?: string
}

/**
 * @returns what each panel of each drawing shows
 * @throws Error with what went wrong outside of the panels.
 */
export async function draw(prometheus: Prometheus, drawings: readonly Drawing[]): Promise<Drawn[][]> {
  run('npm', ['run', '--silent', 'build', '--prefix', PACKAGE])
  const requests = await Promise.all(drawings.map(drawing => requestOf(prometheus, drawing)))
  return JSON.parse(run('node', [join(PACKAGE, '.build/draw.js'), CHROMIUM], JSON.stringify(requests)))
}

async function requestOf(prometheus: Prometheus, drawing: Drawing): Promise<Request> {
  const { dashboard, from, to, step, rateInterval, picture } = drawing
  const series: Record<number, Series[]> = {}
  for (const { id, targets = [] } of panelsOf(dashboard)) {
    const answers = targets.map(async ({ expr, legendFormat = '' }) => {
      const found = await prometheus.range(withVariables(expr, rateInterval), from, to, step)
      return found.map(({ metric, points }) => ({
        legend: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? ''),
        labels: metric,
        points: points.map(([time, value]) => [time, Number.isFinite(value) ? value : null] as const),
      }))
    })
    series[id] = (await Promise.all(answers)).flat()
  }
  const { title, panels } = dashboard
  return { title, panels, series, from, to, step, width: WIDTH, ...(picture !== undefined && { picture }) }
}

/** @returns what the program writes to its standard output */
function run(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...{ input, encoding: 'utf8', timeout: MILLISECONDS, maxBuffer: 2 ** 28 },
  })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}
