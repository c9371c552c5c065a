// Panels in one manner: graphs with a table of means and maxima, single figures, heatmaps.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import type { Panel as PanelModel, Threshold } from '@grafana/grafana-foundation-sdk/dashboard'
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { DATASOURCE } from './variables.js'

/** Panels are 24 columns wide together, and a row of graphs this high. */
const GRAPH_HEIGHT = 8
const FIGURE_HEIGHT = 4

/** What the builders of all kinds of panels can do. */
export interface Panel extends Builder<PanelModel> {
  id(id: number): this
  title(title: string): this
  description(description: string): this
  unit(unit: string): this
  span(columns: number): this
  datasource(datasource: typeof DATASOURCE): this
}

export interface Described {
  readonly title: string
  readonly description: string
  /** Identifier of a unit of Grafana's, such as `s` or `Bps`. */
  readonly unit: string
  /** Columns; a third of the width by default. */
  readonly span?: number
}

export interface Graph extends Described {
  /** Expression by legend; `{{label}}` stands for a label's value. */
  readonly queries: Readonly<Record<string, string>>
  readonly stacked?: boolean
  readonly max?: number
  /** The legend stands beside the graph, where many series have room. */
  readonly manySeries?: boolean
  /** Series whose legend begins with `received` are drawn below zero, so that those sent do not hide them. */
  readonly mirrored?: boolean
}

export function graph(options: Graph): Panel {
  const { queries, stacked = false, max, manySeries = false, mirrored = false, ...described } = options
  const panel = describe(new TimeseriesBuilder(), described)
    .height(GRAPH_HEIGHT)
    .lineWidth(1)
    .fillOpacity(stacked ? 30 : 10)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Never)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(manySeries ? LegendPlacement.Right : LegendPlacement.Bottom)
        .calcs(['mean', 'max']),
    )
  if (max !== undefined) panel.max(max)
  if (mirrored) panel.withOverride(BELOW_ZERO)
  else panel.min(0)
  for (const [i, [legend, expression]] of Object.entries(queries).entries())
    panel.withTarget(query(expression, i).legendFormat(legend))
  return panel
}

const BELOW_ZERO = {
  matcher: { id: 'byRegexp', options: '/^received/' },
  properties: [{ id: 'custom.transform', value: 'negative-Y' }],
}

export interface Figure extends Described {
  readonly expression: string
  /** The figure is red below this, green from it on; always green by default. */
  readonly expected?: number
  /** The figure is green below this, red from it on. */
  readonly limit?: number
}

export function figure({ expression, expected, limit, span = 4, ...described }: Figure): Panel {
  return describe(new StatBuilder(), { ...described, span })
    .height(FIGURE_HEIGHT)
    .noValue('–')
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(expected, limit)))
    .withTarget(query(expression))
}

export interface Heatmap extends Described {
  /** Observations by `le`. */
  readonly expression: string
}

export function heatmap({ expression, unit, ...described }: Heatmap): Panel {
  return describe(new HeatmapBuilder(), { ...described, unit: 'short' })
    .height(GRAPH_HEIGHT)
    .calculate(false)
    .color(
      new HeatmapColorOptionsBuilder()
        .mode(HeatmapColorMode.Scheme)
        .scheme('Turbo')
        .fill('dark-orange')
        .exponent(0.5)
        .steps(64)
        .reverse(false),
    )
    .yAxis(new YAxisConfigBuilder().unit(unit))
    .showLegend()
    .withTarget(query(expression).legendFormat('{{le}}').format(PromQueryFormat.Heatmap))
}

/** Queries of a panel are A, B, C and so on. */
function query(expression: string, i = 0): DataqueryBuilder {
  const refId = String.fromCharCode('A'.charCodeAt(0) + i)
  return new DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(expression).range()
}

function describe<P extends Panel>(panel: P, { title, description, unit, span = 8 }: Described): P {
  return panel.title(title).description(description).unit(unit).span(span).datasource(DATASOURCE)
}

/** The first step reaches down without end, which Grafana writes as null. */
function steps(expected: number | undefined, limit: number | undefined): Threshold[] {
  if (expected !== undefined) return [step(null, 'red'), step(expected, 'green')]
  return limit === undefined ? [step(null, 'green')] : [step(null, 'green'), step(limit, 'red')]
}

function step(value: number | null, color: string): Threshold {
  return { value, color }
}
