// `npm run dashboards`: writes the dashboards that Grafana reads, and them and the rules as Kubernetes has them.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { renderManifests } from './kubernetes.js'
import { renderDashboards } from './render.js'

const dashboards = renderDashboards()
write('grafana/dashboards', dashboards)
write('deploy/kubernetes/monitoring', renderManifests('.', dashboards))

function write(folder: string, texts: ReadonlyMap<string, string>): void {
  for (const [path, text] of texts) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
