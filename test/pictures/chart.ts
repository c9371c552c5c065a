// One panel's data as a chart in SVG, drawn by ECharts.

import { type EChartsOption, init } from 'echarts'
import { formatValue } from './units.js'

export interface Line {
  readonly name: string
  /** Seconds since 1970, and the value, which may be no number. */
  readonly points: readonly (readonly [time: number, value: number])[]
}

export interface Chart {
  readonly unit: string
  readonly lines: readonly Line[]
  /** Pixels. */
  readonly width: number
  readonly height: number
}

const TEXT = { fontSize: 11, color: '#555' }
const GRID_LINES = { lineStyle: { color: '#e8e8e8' } }

export function renderGraph(chart: Chart & { readonly stacked: boolean }): string {
  const { unit, lines, stacked } = chart
  return render(chart, {
    // Room below for two rows of the legend.
    grid: { left: 62, right: 20, top: 12, bottom: 62 },
    legend: { bottom: 0, itemHeight: 8, itemWidth: 12, textStyle: TEXT },
    xAxis: { type: 'time', axisLabel: { ...TEXT, hideOverlap: true, formatter: '{HH}:{mm}:{ss}' } },
    yAxis: {
      type: 'value',
      min: 0,
      splitNumber: 4,
      axisLabel: { ...TEXT, formatter: (value: number) => formatValue(value, unit) },
      splitLine: GRID_LINES,
    },
    series: lines.map(({ name, points }) => ({
      name,
      type: 'line',
      showSymbol: false,
      lineStyle: { width: 1.5 },
      ...(stacked ? { stack: 'all', areaStyle: { opacity: 0.3 } } : {}),
      data: points.map(([time, value]) => [time * 1000, Number.isFinite(value) ? value : null]),
    })),
  })
}

/** Lines are cumulative counts named by their upper bounds, as Prometheus has histograms. */
export function renderHeatmap(chart: Chart): string {
  const { unit, lines } = chart
  const byBound = [...lines].sort(
    (a, b) => Number(a.name.replace('+Inf', 'Infinity')) - Number(b.name.replace('+Inf', 'Infinity')),
  )
  const times = byBound[0].points.map(([time]) => time)
  const cells = byBound.flatMap(({ points }, row) =>
    points.map(([, count], column) => [column, row, count - (byBound[row - 1]?.points[column][1] ?? 0)]),
  )
  return render(chart, {
    grid: { left: 62, right: 20, top: 12, bottom: 28 },
    xAxis: {
      type: 'category',
      data: times.map(time => new Date(time * 1000).toTimeString().slice(0, 8)),
      axisLabel: TEXT,
    },
    yAxis: {
      type: 'category',
      data: byBound.map(({ name }) => (name === '+Inf' ? '∞' : `≤ ${formatValue(Number(name), unit)}`)),
      axisLabel: TEXT,
    },
    visualMap: {
      show: false,
      min: 0,
      max: Math.max(...cells.map(([, , count]) => count)),
      inRange: { color: ['#ffffff', '#fdd49e', '#fc8d59', '#d7301f', '#7f0000'] },
    },
    series: [{ type: 'heatmap', data: cells }],
  })
}

function render({ width, height }: Chart, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({ animation: false, ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
