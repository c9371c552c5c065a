// The dashboards as files: their path below grafana/dashboards, whose folders are Grafana's, and their text.

import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { autobahnRun } from './autobahn-run.js'
import { echoService } from './echo-service.js'
import { k6Load } from './k6-load.js'
import { loadTest } from './load-test.js'
import { workersAndCodec } from './workers-and-codec.js'

const DASHBOARDS: Readonly<Record<string, DashboardBuilder>> = {
  'echobahn/echo-service.json': echoService,
  'echobahn/workers-and-codec.json': workersAndCodec,
  'echobahn/autobahn-run.json': autobahnRun,
  'echobahn/load-test.json': loadTest,
  'echobahn/k6-load.json': k6Load,
}

/** Text of each file by its path. */
export function renderDashboards(): Map<string, string> {
  return new Map(Object.entries(DASHBOARDS).map(([path, dashboard]) => [path, render(dashboard)]))
}

function render(dashboard: DashboardBuilder): string {
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`
}
