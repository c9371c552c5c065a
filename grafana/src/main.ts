// `npm run dashboards`: writes the dashboards that Grafana reads.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { renderDashboards } from './render.js'

for (const [path, text] of renderDashboards()) {
  const file = join('grafana/dashboards', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
