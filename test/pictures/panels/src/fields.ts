// Series as the data frames that Grafana makes of them: units, thresholds, colours and overrides of the panel's JSON applied.

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  FieldType,
  type GrafanaTheme2,
  toDataFrame,
} from '@grafana/data'
import type { Series } from './request'

/** What the plugin "timeseries" takes where a panel's JSON is silent. */
const TIMESERIES_DEFAULTS = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  lineWidth: 1,
  fillOpacity: 0,
  gradientMode: 'none',
  barAlignment: 0,
  pointSize: 5,
  showPoints: 'auto',
  spanNulls: false,
  axisPlacement: 'auto',
  axisLabel: '',
  axisColorMode: 'text',
  axisBorderShow: false,
  axisCenteredZero: false,
  scaleDistribution: { type: 'linear' },
  stacking: { mode: 'none', group: 'A' },
  thresholdsStyle: { mode: 'off' },
  hideFrom: { legend: false, tooltip: false, viz: false },
}

/** Properties of a field that a panel's JSON may set for all fields or override for some. */
const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'color']

const REGISTRY = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map(path => property(path, path, false)),
  ...Object.keys(TIMESERIES_DEFAULTS).map(path => property(`custom.${path}`, path, true)),
  property('custom.transform', 'transform', true),
])

function property(id: string, path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    ...{ id, path, isCustom, name: path, description: path, category: [], settings: {} },
    editor: () => null,
    override: () => null,
    process: value => value,
    shouldApply: ({ type }) => type !== FieldType.time,
    getItemsCount: () => 1,
  }
}

/** @param step seconds; where points are further apart, a line has a gap */
export function framesOf(
  series: readonly Series[],
  { defaults, overrides }: FieldConfigSource,
  theme: GrafanaTheme2,
  step: number,
): DataFrame[] {
  const fieldConfig = {
    defaults: {
      ...defaults,
      color: defaults.color ?? { mode: defaults.custom === undefined ? 'thresholds' : 'palette-classic' },
      custom: { ...TIMESERIES_DEFAULTS, ...defaults.custom },
    },
    overrides,
  }
  const data = series.map(({ legend, labels, points }) =>
    toDataFrame({
      name: legend,
      fields: [
        {
          name: 'Time',
          type: FieldType.time,
          values: points.map(([time]) => time * 1000),
          config: { interval: step * 1000 },
        },
        {
          name: 'Value',
          type: FieldType.number,
          labels,
          values: points.map(([, value]) => value),
          config: legend === '' ? {} : { displayNameFromDS: legend },
        },
      ],
    }),
  )
  const frames = applyFieldOverrides({
    ...{ data, fieldConfig, fieldConfigRegistry: REGISTRY, theme, timeZone: 'utc' },
    replaceVariables: value => value,
  })
  cacheFieldDisplayNames(frames)
  return frames
}
