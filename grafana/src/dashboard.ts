// What the dashboards have in common: variables, links to each other, refresh, no editing.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  DashboardBuilder,
  DashboardCursorSync,
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Panel } from './panels.js'
import { variables } from './variables.js'

/** Dashboards with this tag link to each other. */
const TAG = 'echobahn'

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  /** Panels by the title of their row, from left to right and top to bottom. */
  readonly rows: Readonly<Record<string, readonly Panel[]>>
}

export function dashboard({ uid, title, description, rows }: Dashboard): DashboardBuilder {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new VisibleLink())
  for (const variable of variables()) builder.withVariable(variable)
  let id = 0
  for (const [row, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(row).id(++id))
    for (const panel of panels) builder.withPanel(panel.id(++id))
  }
  return builder
}

/** Links to all dashboards of the service, side by side; the SDK's own builder tucks them away in a menu. */
class VisibleLink implements Builder<DashboardLink> {
  build(): DashboardLink {
    const { placement, ...link } = new DashboardLinkBuilder('Dashboards')
      .type(DashboardLinkType.Dashboards)
      .icon('external link')
      .tags([TAG])
      .includeVars(true)
      .keepTime(true)
      .build()
    return link
  }
}
