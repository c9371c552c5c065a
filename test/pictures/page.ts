// A dashboard as a page: its panels where Grafana puts them, in 24 columns, each with its title.

import type { Dashboard, Panel } from '../support/panel-queries.js'
import { type Line, renderGraph, renderHeatmap } from './chart.js'
import { formatValue } from './units.js'

/** Pixels. */
export const HEIGHT_OF_ROW = 36
const WIDTH_OF_COLUMN = 65
const GAP = 8
const TITLE_HEIGHT = 26

const STYLE = `
  body { font: 13px sans-serif; margin: 16px; color: #222; background: #f4f5f5; }
  h1 { font-size: 20px; margin: 0; }
  p { margin: 4px 0 10px; color: #555; }
  main { position: relative; }
  section, h2 { position: absolute; box-sizing: border-box; overflow: hidden; margin: 0; }
  section { background: #fff; border: 1px solid #dcdcdc; border-radius: 3px; }
  h2 { font-size: 14px; padding-top: 12px; }
  h3 { font-size: 13px; margin: 6px 10px 0; height: 20px; }
  .figure { font-size: 34px; text-align: center; color: #2f8f46; margin-top: 18px; }`

/** @param lines the data of each panel */
export function renderPage(dashboard: Dashboard, lines: ReadonlyMap<Panel, readonly Line[]>): string {
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style>
<h1>${escapeHtml(dashboard.title)}</h1>
<p>Drawn by ECharts from what a real Prometheus answered to this dashboard's queries during a test load. Not a screenshot
of Grafana, which draws the same data in its own way.</p>
<main>${dashboard.panels.map(panel => renderPanel(panel, lines.get(panel))).join('\n')}</main>`
}

function renderPanel(panel: Panel, lines: readonly Line[] | undefined): string {
  const { x, y, w, h } = panel.gridPos
  const box = {
    left: x * WIDTH_OF_COLUMN,
    top: y * HEIGHT_OF_ROW,
    width: w * WIDTH_OF_COLUMN - GAP,
    height: h * HEIGHT_OF_ROW - GAP,
  }
  const style = Object.entries(box)
    .map(([property, pixels]) => `${property}:${pixels}px`)
    .join(';')
  if (lines === undefined) return `<h2 style="${style}">${escapeHtml(panel.title)}</h2>`
  const content = renderContent(panel, lines, box.width, box.height - TITLE_HEIGHT)
  return `<section style="${style}"><h3>${escapeHtml(panel.title)}</h3>${content}</section>`
}

function renderContent(panel: Panel, lines: readonly Line[], width: number, height: number): string {
  const { defaults } = panel.fieldConfig
  if (panel.type === 'stat') return `<div class="figure">${formatValue(lastValue(lines), defaults.unit)}</div>`
  if (panel.type === 'heatmap') return renderHeatmap({ unit: panel.options.yAxis?.unit ?? '', lines, width, height })
  const stacked = defaults.custom.stacking?.mode === 'normal'
  return renderGraph({ unit: defaults.unit, lines, width, height, stacked })
}

function lastValue([{ points }]: readonly Line[]): number {
  return points[points.length - 1][1]
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
