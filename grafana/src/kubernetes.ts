// Rules and dashboards as prometheus-operator and Grafana's sidecar read them from Kubernetes: files below
// deploy/kubernetes/monitoring, and their text.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'

const RULES = 'prometheus/rules'
const LABELS = { 'app.kubernetes.io/name': 'echobahn' }
/** What Helm's chart of Grafana has its sidecar look for, and the annotation that names Grafana's folder. */
const DASHBOARD_LABEL = { grafana_dashboard: '1' }
const FOLDER_ANNOTATION = 'grafana_folder'

/**
 * Text of each file by its name.
 * @param root folder of the project
 * @param dashboards their JSON by path, as `renderDashboards` gives it
 */
export function renderManifests(root: string, dashboards: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([
    ['prometheus-rule.yaml', manifests('prometheus/rules', [ruleOf(root)])],
    ['dashboards.yaml', manifests('grafana/dashboards', [...dashboards].map(configMapOf))],
  ])
}

function ruleOf(root: string): object {
  const files = readdirSync(join(root, RULES)).sort()
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'echobahn', labels: LABELS },
    spec: { groups: files.flatMap(file => parse(readFileSync(join(root, RULES, file), 'utf8')).groups) },
  }
}

function configMapOf([path, json]: readonly [path: string, json: string]): object {
  const file = basename(path)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `echobahn-dashboard-${basename(file, '.json')}`,
      labels: { ...LABELS, ...DASHBOARD_LABEL },
      annotations: { [FOLDER_ANNOTATION]: dirname(path) },
    },
    // In one line: an object of Kubernetes is at most a mebibyte.
    data: { [file]: JSON.stringify(JSON.parse(json)) },
  }
}

function manifests(source: string, objects: readonly object[]): string {
  const texts = objects.map(object => stringify(object, { lineWidth: 0 }))
  return `# Made by npm run dashboards from ${source}.\n${texts.join('---\n')}`
}
