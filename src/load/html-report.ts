// The results as one HTML file that needs nothing else: charts, tables, and the text of the terminal.

import { barChart, type Line, legend, lineChart } from './charts.js'
import { percentile } from './latencies.js'
import { faultShare, faultsOf, type Outcome } from './outcome.js'
import { curveOf, rowsOf } from './text-histogram.js'
import { renderText } from './text-report.js'
import type { Judgement } from './thresholds.js'
import { amount, percent, time } from './words.js'

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --line: #d5dae3; --card: #fff; --page: #f5f7fa; --bar: #3b7ddd }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #364152; --card: #1b2230; --page: #121722 } }
body { margin: 0 auto; max-width: 960px; padding: 24px; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 22px; margin: 0 0 4px } h2 { font-size: 16px; margin: 0 0 8px } p { margin: 0 0 8px; overflow-wrap: anywhere }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 20px; margin: 16px 0 }
.soft { color: var(--soft) } .figures { display: flex; flex-wrap: wrap; gap: 12px 36px } .figures b { display: block; font-size: 22px; color: var(--ink) }
.figures .bad { color: #d92d20 } .figures .good { color: #079455 } pre { overflow-x: auto; font: 12px/1.45 ui-monospace, monospace; margin: 0 }
svg { width: 100%; height: auto } svg text { font-size: 12px; fill: var(--soft) } .grid { stroke: var(--line) } .bar { fill: var(--bar) }
.legend span { margin-right: 18px; color: var(--soft) } .legend i { display: inline-block; width: 12px; height: 3px; margin: 0 6px 4px 0 }
`

const COLOURS = { blue: '#3b7ddd', green: '#12a150', orange: '#e8871e', red: '#d92d20' } as const

export function renderHtml(outcome: Outcome, judgements: readonly Judgement[]): string {
  const { descriptions, startedAt, notes } = outcome
  const start = new Date(startedAt).toISOString().replace('T', ' ').slice(0, 19)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Load test, ${start} UTC</title><style>${STYLE}</style></head><body>
<h1>Load test</h1>
${descriptions.map(line => `<p>${escaped(line)}</p>`).join('\n')}
<p class="soft">${start} UTC</p>
${section('', figures(outcome, judgements) + notes.map(note => `<p>${escaped(note)}</p>`).join(''))}
${latencySections(outcome)}
${timeSections(outcome)}
${section('All results', `<pre>${escaped(renderText(outcome, judgements))}</pre>`)}
</body></html>
`
}

function figures(outcome: Outcome, judgements: readonly Judgement[]): string {
  const { counts, seconds, latencies } = outcome
  const errors = faultsOf(counts)
  const exceeded = judgements.filter(({ holds }) => !holds)
  const figure = (words: string, value: string, look = '') =>
    `<div class="soft">${words}<b class="${look}">${value}</b></div>`
  const all = [
    figure('messages/s', amount(seconds > 0 ? counts.messages.echoed / seconds : 0)),
    figure('echo, p50', latencies.echo.totalCount > 0 ? time(percentile(latencies.echo, 50)) : '–'),
    figure('echo, p99', latencies.echo.totalCount > 0 ? time(percentile(latencies.echo, 99)) : '–'),
    figure(
      'errors',
      errors === 0 ? 'none' : `${amount(errors)} (${percent(faultShare(counts))})`,
      errors === 0 ? 'good' : 'bad',
    ),
    figure('connections', amount(counts.connections.opened)),
    judgements.length > 0 &&
      figure(
        'bounds',
        exceeded.length === 0 ? 'hold' : `${exceeded.length} exceeded`,
        exceeded.length === 0 ? 'good' : 'bad',
      ),
  ]
  return `<div class="figures">${all.filter(one => one !== false).join('')}</div>`
}

function latencySections({ latencies }: Outcome): string {
  const { echo, waiting } = latencies
  if (echo.totalCount === 0) return ''
  // The axis has as much room for each further nine: 90 %, 99 %, 99.9 %.
  const nines = (at: number) => -Math.log10(1 - at / 100)
  const line = (name: string, colour: string, histogram: typeof echo): Line => ({
    ...{ name, colour },
    points: curveOf(histogram).map(point => [nines(point.percentile), point.value]),
  })
  const lines = [
    line('from when it was due', COLOURS.blue, echo),
    ...(waiting.totalCount > 0 && percentile(waiting, 100) > 0
      ? [line('of that, waiting to be sent', COLOURS.orange, waiting)]
      : []),
  ]
  const most = nines(100 * (1 - 1 / Math.max(2, echo.totalCount)))
  const xTicks = [0, 50, 90, 99, 99.9, 99.99, 99.999]
    .filter(at => nines(at) <= most)
    .map(at => [nines(at), `${at} %`] as const)
  const chart = lineChart({ lines, xTicks, yLabel: time, logarithmic: true })
  const bars = rowsOf(echo, 16).map(({ from, to, count }) => ({
    label: `${time(from)} – ${time(to)}`,
    count,
    words: amount(count),
  }))
  return section('Echo latency by percentile', legend(lines) + chart) + section('Echoes by latency', barChart(bars))
}

function timeSections({ timeline }: Outcome): string {
  if (timeline.length < 2) return ''
  const start = timeline[0].at
  const line = (name: string, colour: string, value: (second: (typeof timeline)[number]) => number): Line => ({
    ...{ name, colour },
    points: timeline.map(second => [second.at - start, value(second)]),
  })
  const last = timeline[timeline.length - 1].at - start
  const xTicks = Array.from({ length: 6 }, (_, i) => Math.round((last * i) / 5))
    .filter((tick, i, all) => tick !== all[i - 1])
    .map(tick => [tick, `${tick} s`] as const)
  const rates = [
    line('due', COLOURS.orange, ({ due }) => due),
    line('echoed', COLOURS.blue, ({ echoed }) => echoed),
    line('errors', COLOURS.red, ({ faults }) => faults),
  ]
  const times = [
    line('p99', COLOURS.orange, ({ echo }) => percentile(echo, 99)),
    line('p50', COLOURS.green, ({ echo }) => percentile(echo, 50)),
  ]
  const connections = [line('connections', COLOURS.blue, ({ open }) => open)]
  return [
    section('Messages per second', legend(rates) + lineChart({ lines: rates, xTicks, yLabel: amount })),
    section('Echo latency over time', legend(times) + lineChart({ lines: times, xTicks, yLabel: time })),
    section('Connections', lineChart({ lines: connections, xTicks, yLabel: amount })),
  ].join('\n')
}

function section(title: string, content: string): string {
  return `<section>${title === '' ? '' : `<h2>${title}</h2>`}${content}</section>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => ENTITIES[character])
}
