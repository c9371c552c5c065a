// A dashboard's panels where Grafana puts them, in 24 columns, drawn by Grafana's own components.

import {
  createTheme,
  dateTime,
  EventBusSrv,
  type FieldConfigSource,
  getFieldDisplayValues,
  type ReduceDataOptions,
  ThemeContext,
  type TimeRange,
} from '@grafana/data'
import {
  BigValue,
  type BigValueColorMode,
  type BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  GlobalStyles,
  PanelChrome,
  PanelContextProvider,
  TimeSeries,
  type VizLegendOptions,
} from '@grafana/ui'
import { Component, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { framesOf } from './fields'
import type { Drawn, Panel, Request, Series } from './request'
import { seen } from './seen'

declare global {
  interface Window {
    show(request: Request): void
    seen(request: Request): Drawn[]
  }
}

/** Grafana's own, in pixels. */
const ROW_HEIGHT = 30
const GAP = 8
const COLUMNS = 24

const theme = createTheme({ colors: { mode: 'light' } })
const errors = new Map<number, string>()

interface StatOptions {
  readonly reduceOptions: ReduceDataOptions
  readonly colorMode: BigValueColorMode
  readonly graphMode: BigValueGraphMode
}

interface Shown {
  readonly panel: Panel
  readonly series: readonly Series[]
  readonly request: Request
  readonly width: number
  readonly height: number
}

function Stat({ panel, series, request, width, height }: Shown) {
  const { reduceOptions, colorMode, graphMode } = panel.options as StatOptions
  const fieldConfig = panel.fieldConfig as FieldConfigSource
  const data = framesOf(series, fieldConfig, theme, request.step)
  const values = getFieldDisplayValues({
    ...{ data, fieldConfig, reduceOptions, theme, timeZone: 'utc', sparkline: true },
    replaceVariables: value => value,
  })
  return values.map(({ display, sparkline, name }) => (
    <BigValue
      key={name}
      value={display}
      {...(sparkline === undefined ? {} : { sparkline: { ...sparkline, timeRange: rangeOf(request) } })}
      {...{ colorMode, graphMode, theme, height, width: width / values.length }}
      textMode={BigValueTextMode.Auto}
      justifyMode={BigValueJustifyMode.Auto}
    />
  ))
}

function Graph({ panel, series, request, width, height }: Shown) {
  const { legend } = panel.options as { legend: VizLegendOptions }
  const frames = framesOf(series, panel.fieldConfig as FieldConfigSource, theme, request.step)
  return (
    <TimeSeries
      {...{ frames, legend, width, height, theme }}
      timeRange={rangeOf(request)}
      timeZone="utc"
      options={{}}
      tweakScale={scale => scale}
      tweakAxis={axis => axis}
    />
  )
}

function Content(shown: Shown) {
  if (shown.panel.type === 'stat') return <Stat {...shown} />
  if (shown.panel.type !== 'timeseries')
    return <Note>A {shown.panel.type}: Grafana keeps its component to itself.</Note>
  return shown.series.length === 0 ? <Note>No data</Note> : <Graph {...shown} />
}

function Note({ children }: { children: ReactNode }) {
  return <p style={{ padding: 8, color: theme.colors.text?.secondary }}>{children}</p>
}

/** An error in one panel is that panel's. */
class Fence extends Component<{ id: number; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override componentDidCatch(error: Error) {
    errors.set(this.props.id, error.stack ?? error.message)
  }

  override render() {
    return this.state.failed ? null : this.props.children
  }
}

function Placed({ panel, request }: { panel: Panel; request: Request }) {
  const { x, y, w, h } = panel.gridPos
  const column = (request.width - GAP) / COLUMNS
  const width = w * column - GAP
  const height = h * (ROW_HEIGHT + GAP) - GAP
  const style = { position: 'absolute' as const, left: GAP + x * column, top: y * (ROW_HEIGHT + GAP), width, height }
  if (panel.type === 'row') return <h4 style={{ ...style, paddingTop: 6 }}>{panel.title}</h4>
  const series = request.series[panel.id]
  return (
    <section style={style} data-panel={panel.id}>
      <Fence id={panel.id}>
        <PanelChrome
          title={panel.title}
          {...{ width, height }}
          {...(panel.description && { description: panel.description })}
        >
          {(width: number, height: number) => (
            <Fence id={panel.id}>
              <Content {...{ panel, series, request, width, height }} />
            </Fence>
          )}
        </PanelChrome>
      </Fence>
    </section>
  )
}

function Dashboard(request: Request) {
  const rows = Math.max(...request.panels.map(({ gridPos: { y, h } }) => y + h))
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider value={{ eventBus: new EventBusSrv(), eventsScope: 'pictures' }}>
        <h3 style={{ padding: GAP, margin: 0 }}>{request.title}</h3>
        <main style={{ position: 'relative', height: rows * (ROW_HEIGHT + GAP) }}>
          {request.panels.map(panel => (
            <Placed key={panel.id} {...{ panel, request }} />
          ))}
        </main>
      </PanelContextProvider>
    </ThemeContext.Provider>
  )
}

function rangeOf({ from, to }: Request): TimeRange {
  const range = { from: dateTime(from * 1000), to: dateTime(to * 1000) }
  return { ...range, raw: range }
}

window.show = request => {
  createRoot(document.body.appendChild(document.createElement('div'))).render(<Dashboard {...request} />)
}

window.seen = ({ panels }) => seen(panels, errors)
