// The dashboards in Git are those that their sources make, and Grafana finds them.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { renderDashboards } from '../../../grafana/src/render.js'
import { DASHBOARDS } from '../../support/panel-queries.js'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))
const FOLDER = join(ROOT, 'grafana/dashboards')

function readYaml(path: string) {
  return parse(readFileSync(join(ROOT, path), 'utf8'))
}

test('the files are up to date: npm run dashboards', () => {
  const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const texts = files.map(({ parentPath, name }) => {
    const path = join(parentPath, name)
    return [path.slice(FOLDER.length + 1).replaceAll(sep, '/'), readFileSync(path, 'utf8')] as const
  })
  assert.deepEqual(new Map(texts.sort()), new Map([...renderDashboards()].sort()))
})

test('uids, titles and panel ids are unique', () => {
  for (const key of ['uid', 'title'] as const)
    assert.equal(new Set(DASHBOARDS.map(dashboard => dashboard[key])).size, DASHBOARDS.length)
  for (const { panels } of DASHBOARDS)
    assert.deepEqual(
      panels.map(({ id }) => id),
      panels.map((_, i) => i + 1),
    )
})

test('every dashboard links to all', () => {
  const [{ tags }] = DASHBOARDS
  for (const dashboard of DASHBOARDS) {
    assert.deepEqual(dashboard.tags, tags)
    assert.deepEqual(
      dashboard.links.map(({ type, tags }) => ({ type, tags })),
      [{ type: 'dashboards', tags }],
    )
  }
})

test("Grafana's data source is the dashboards' first choice, and scraped as often as it says", () => {
  const { datasources } = readYaml('grafana/provisioning/datasources/prometheus.yml')
  const { global } = readYaml('prometheus/prometheus.yml')
  assert.deepEqual([datasources.length, datasources[0].uid], [1, 'prometheus'])
  assert.equal(datasources[0].jsonData.timeInterval, global.scrape_interval)
  for (const { templating } of DASHBOARDS) assert.equal(templating.list[0].current.value, datasources[0].uid)
})

test('folders come from files, and nobody edits a dashboard in Grafana', () => {
  const { providers } = readYaml('grafana/provisioning/dashboards/echobahn.yml')
  assert.equal(providers[0].options.foldersFromFilesStructure, true)
  assert.equal(providers[0].allowUiUpdates, false)
  for (const { editable } of DASHBOARDS) assert.equal(editable, false)
})
