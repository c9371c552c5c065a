// Every query of every panel, and what Grafana makes of its variables.

import { renderDashboards } from '../../grafana/src/render.js'

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly fieldConfig: {
    readonly defaults: { readonly unit: string; readonly custom: { readonly stacking?: { readonly mode: string } } }
  }
  readonly options: { readonly yAxis?: { readonly unit: string } }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Query[]
}

export interface Query {
  readonly refId: string
  readonly expr: string
  readonly legendFormat?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
}

export interface Variable {
  readonly name: string
  readonly type: string
  readonly label?: string
  readonly query?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly refresh?: number
  readonly multi?: boolean
  readonly includeAll?: boolean
  readonly allValue?: string
  readonly current: { readonly value: unknown }
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly editable: boolean
  readonly tags: readonly string[]
  readonly links: readonly { readonly type: string; readonly tags: readonly string[] }[]
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

/** The dashboards as Grafana reads them. */
export const DASHBOARDS: readonly Dashboard[] = [...renderDashboards().values()].map(text => JSON.parse(text))

/** Panels of a dashboard that show data. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.filter(({ type }) => type !== 'row')
}

/**
 * An expression with everything chosen in every variable.
 *
 * @param rateInterval as PromQL writes durations; Grafana takes four times the scrape interval or, when that is more, the step
 */
export function withVariables(expression: string, rateInterval: string): string {
  return expression.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$(?:job|instance|worker)\b/g, '.+')
}

/** k6 writes its own series, which are there only while it runs. */
export const K6_DASHBOARD = DASHBOARDS.find(({ uid }) => uid === 'echobahn-k6') as Dashboard

/** Whether a panel is drawn, of a type of which Grafana publishes the component. */
export function isDrawable({ type }: Panel): boolean {
  return type === 'timeseries' || type === 'stat'
}
