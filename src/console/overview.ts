// The first page: what the service does now, and did in the last 15 minutes.

import type { State } from './answers.js'
import { Chart, type Stretch } from './chart.js'
import { fill, make, setText, table } from './dom.js'
import { duration, exact, octets, percent, short } from './format.js'
import type { LiveFeed } from './live-feed.js'
import { CHARTS, nameOf } from './overview-charts.js'
import type { Series } from './series.js'
import type { View } from './view.js'

const RANGES = [
  ['1 min', 60],
  ['5 min', 300],
  ['15 min', 900],
] as const

/** Seconds. */
const SHORTEST = 60

export function overview(feed: LiveFeed): View {
  let paused = false
  let stretch: Stretch
  /** Seconds of the moving range. */
  let range = 900
  const charts = CHARTS.map(shown => ({
    shown,
    chart: new Chart(shown, chosen => {
      stretch = chosen
      drawCharts()
    }),
  }))
  const tiles = make('dl', { class: 'tiles' })
  const workers = make('section')
  const totals = make('section')
  const pause = make('button', { type: 'button', 'aria-pressed': 'false', onclick: () => setPaused(!paused) }, 'Pause')
  const ranges = RANGES.map(([name, seconds]) =>
    make(
      'button',
      {
        type: 'button',
        onclick: () => {
          range = seconds
          stretch = undefined
          drawCharts()
        },
      },
      name,
    ),
  )
  const element = make(
    'div',
    {},
    make(
      'div',
      { class: 'bar' },
      make('h1', {}, 'Overview'),
      make('span', { class: 'soft' }, 'Drag over a chart for a range'),
      make('span', { role: 'group', 'aria-label': 'Range', class: 'range' }, ranges),
      pause,
    ),
    tiles,
    workers,
    make(
      'div',
      { class: 'grid' },
      charts.map(({ chart }) => chart.element),
    ),
    totals,
  )

  function setPaused(value: boolean): void {
    paused = value
    pause.setAttribute('aria-pressed', String(paused))
    setText(pause, paused ? 'Go on' : 'Pause')
    if (!paused) draw()
  }

  function draw(): void {
    const { series, hello, state } = feed
    if (series === undefined || hello === undefined || state === undefined || series.length === 0) return
    fillTiles(tiles, series, hello.limits.memory_budget * hello.workers)
    drawWorkers(state)
    drawCharts()
    fillTotals(totals, series)
  }

  function drawCharts(): void {
    const { series, hello } = feed
    if (series === undefined || hello === undefined || series.length === 0) return
    const at = series.at.map(milliseconds => milliseconds / 1000)
    const last = at[at.length - 1]
    // A service that began just now has nothing to show of the time before.
    const shownStretch = stretch ?? { from: last - Math.min(range, Math.max(SHORTEST, last - at[0])), to: last }
    for (const [i, button] of ranges.entries())
      button.setAttribute('aria-pressed', String(stretch === undefined && RANGES[i][1] === range))
    for (const { shown, chart } of charts) chart.show(at, shown.lines(series, hello), shownStretch)
  }

  function drawWorkers({ workers: all }: State): void {
    const { series } = feed
    const rows = all.map(({ worker, pid, state, connections, ageSeconds }) => {
      const labels = { worker: String(worker) }
      const value = (name: string) => series?.sum(series.find(name, labels)) ?? 0
      const loop = series?.rate(series.find('event_loop_busy_seconds_total', labels)) ?? 0
      return [
        String(worker),
        { content: state, tone: state === 'ready' ? 'good' : 'warn' },
        { content: String(pid), number: true },
        { content: exact(connections), number: true },
        { content: percent(loop), number: true },
        { content: octets(value('buffered_bytes')), number: true },
        { content: exact(value('paused_connections')), number: true },
        { content: duration(Math.floor(ageSeconds) * 1000), number: true },
      ]
    })
    const headings = ['process', 'connections', 'loop', 'held', 'paused', 'age'].map(
      name => ({ name, number: true }) as const,
    )
    fill(workers, make('h2', {}, 'Workers'), table('Workers', ['worker', 'state', ...headings], rows, 'list'))
  }

  const stop = feed.listen(what => {
    if (what === 'state' && feed.state !== undefined) drawWorkers(feed.state)
    else if (what !== 'link' && !paused) draw()
  })
  draw()
  return {
    title: 'Overview',
    element,
    shown: draw,
    recolour: () => {
      for (const { chart } of charts) chart.redraw()
    },
    leave: () => {
      stop()
      for (const { chart } of charts) chart.remove()
    },
  }
}

function fillTiles(tiles: Element, series: Series, budget: number): void {
  const rate = (name: string, direction: string) => series.rate(series.find(name, { direction })) ?? 0
  const total = (name: string, direction: string) => exact(series.sum(series.find(name, { direction })))
  const echo = series.find('echo_duration_seconds_bucket')
  const latency = (quantile: number) => {
    const seconds = series.quantile(echo, quantile)
    return seconds === null ? '–' : duration(seconds * 1000)
  }
  const held = series.sum(series.find('buffered_bytes'))
  const refused = series.sum(series.find('handshakes_total')) - handshakes(series, 'accepted')
  const tile = (id: string, name: string, value: string, under: string) =>
    make('div', {}, make('dt', {}, name), make('dd', { id }, value, make('div', { class: 'under' }, under)))
  fill(
    tiles,
    tile(
      'tile-websockets',
      'WebSockets open',
      exact(series.sum(series.find('websockets'))),
      `${exact(handshakes(series, 'accepted'))} accepted, ${exact(refused)} refused`,
    ),
    tile(
      'tile-received',
      'Messages received',
      `${short(rate('messages_total', 'received'))}/s`,
      `${total('messages_total', 'received')} in all`,
    ),
    tile(
      'tile-sent',
      'Messages sent',
      `${short(rate('messages_total', 'sent'))}/s`,
      `${total('messages_total', 'sent')} in all`,
    ),
    tile(
      'tile-wire',
      'On the wire',
      `${octets(rate('wire_bytes_total', 'received') + rate('wire_bytes_total', 'sent'))}/s`,
      `${octets(series.sum(series.find('wire_bytes_total')))} in all`,
    ),
    tile('tile-echo', 'Echo, median', latency(0.5), `p99 ${latency(0.99)}`),
    tile(
      'tile-errors',
      'Protocol errors',
      exact(series.sum(series.find('protocol_errors_total'))),
      'failed by the server',
    ),
    tile('tile-memory', 'Memory held', octets(held), `${percent(held / budget)} of ${octets(budget)}`),
  )
}

function handshakes(series: Series, result: string): number {
  return series.sum(series.find('handshakes_total', { result }))
}

/** Exact counts since the service began, as /metrics has them. */
function fillTotals(section: Element, series: Series): void {
  const kinds = [
    ['Messages', 'messages_total', ['opcode', 'direction']],
    ['Message octets', 'message_bytes_total', ['opcode', 'direction']],
    ['Wire octets', 'wire_bytes_total', ['direction']],
    ['Frames', 'frames_total', ['opcode', 'direction']],
    ['Handshakes', 'handshakes_total', ['result']],
    ['Closes', 'closes_total', ['code', 'initiator']],
    ['Protocol errors', 'protocol_errors_total', ['code']],
  ] as const
  const rows = kinds.flatMap(([kind, name, labels]) =>
    series
      .find(name)
      .filter(place => series.sum([place]) > 0)
      .map(place => [kind, nameOf(series, place, labels), { content: exact(series.sum([place])), number: true }]),
  )
  const headings = ['what', 'which', { name: 'since the start', number: true }] as const
  fill(
    section,
    make('h2', {}, 'Counted so far'),
    rows.length === 0
      ? make('p', { class: 'soft' }, 'Nothing has come yet: connect a client, or try the playground.')
      : table('Counts since the service began', headings, rows),
  )
}
