// `npm run pictures`: runs a load against the real service, asks a real Prometheus what the panels of the main dashboard ask,
// and draws the answers for docs/. Needs prometheus and chromium.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DASHBOARDS, type Dashboard, type Panel, panelsOf, withVariables } from '../support/panel-queries.js'
import type { Prometheus } from '../support/prometheus.js'
import { WatchedService } from '../support/watched-service.js'
import type { Line } from './chart.js'
import { HEIGHT_OF_ROW, renderPage } from './page.js'

/** Seconds that the pictures show, and between their points. */
const DURATION = 180
const STEP = 5
const RATE_INTERVAL = '20s'

const WIDTH = 1600
const HEADER_HEIGHT = 90

async function main(): Promise<void> {
  const watched = await WatchedService.start()
  try {
    const load = watched.scrapedFor(DURATION)
    await watched.load.readSlowly()
    const { last } = await load
    const [dashboard] = DASHBOARDS
    const page = await draw(dashboard, watched.prometheus, last)
    screenshot(page, heightOf(dashboard), 'docs/echo-service.png')
  } finally {
    await watched.stop()
  }
}

async function draw(dashboard: Dashboard, prometheus: Prometheus, end: number): Promise<string> {
  const lines = new Map<Panel, Line[]>()
  for (const panel of panelsOf(dashboard)) lines.set(panel, await linesOf(panel, prometheus, end))
  return renderPage(dashboard, lines)
}

async function linesOf({ targets = [] }: Panel, prometheus: Prometheus, end: number): Promise<Line[]> {
  const answers = targets.map(async ({ expr, legendFormat = '' }) => {
    const series = await prometheus.range(withVariables(expr, RATE_INTERVAL), end - DURATION, end, STEP)
    return series.map(({ metric, points }) => ({ name: legend(legendFormat, metric), points }))
  })
  return (await Promise.all(answers)).flat()
}

function legend(format: string, labels: Readonly<Record<string, string>>): string {
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => labels[label])
}

function heightOf({ panels }: Dashboard): number {
  return HEADER_HEIGHT + HEIGHT_OF_ROW * Math.max(...panels.map(({ gridPos: { y, h } }) => y + h))
}

function screenshot(html: string, height: number, file: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-picture-'))
  const page = join(directory, 'page.html')
  writeFileSync(page, html)
  const options = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    `--user-data-dir=${directory}/profile`,
  ]
  execFileSync('chromium', [...options, `--window-size=${WIDTH},${height}`, `--screenshot=${file}`, `file://${page}`], {
    stdio: 'ignore',
  })
  rmSync(directory, { recursive: true })
}

await main()
