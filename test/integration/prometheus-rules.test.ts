// The configurations and the rules through promtool, what is dropped in too, and what promtool does not know: every alert is
// explained, tested and linked.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { CONFIGURATION, copyConfiguration, HAS_PROMETHEUS, Prometheus } from '../support/prometheus.js'
import { renderRunbook } from '../support/runbook-page.js'

interface Alert {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

interface AlertTest {
  readonly alertname: string
  readonly exp_alerts?: readonly object[]
}

const skip = !HAS_PROMETHEUS && 'no promtool here'

const RULE_TESTS = readdirSync(join(CONFIGURATION, 'tests')).map(name => join('tests', name))

function readYaml(path: string) {
  return parse(readFileSync(join(CONFIGURATION, path), 'utf8'))
}

const ALERTS: readonly Alert[] = readYaml('rules/alerts.yml').groups.flatMap(({ rules }: { rules: Alert[] }) => rules)

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: CONFIGURATION, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
}

/** What promtool says of the configuration with these files in `drop-in`. */
function checkWith(t: TestContext, files: Readonly<Record<string, object>>) {
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-drop-in-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const folder of ['rules', 'scrape']) mkdirSync(join(directory, 'drop-in', folder), { recursive: true })
  // JSON is YAML.
  for (const [path, content] of Object.entries(files))
    writeFileSync(join(directory, 'drop-in', path), JSON.stringify(content))
  return spawnSync('promtool', ['check', 'config', '--lint-fatal', copyConfiguration(directory)], { encoding: 'utf8' })
}

const OWN_RULES = { groups: [{ name: 'own', rules: [{ alert: 'Own', expr: 'up{job="own"} == 0' }] }] }
const OWN_JOBS = { scrape_configs: [{ job_name: 'own', static_configs: [{ targets: ['127.0.0.1:1'] }] }] }

test('promtool finds the configuration and its rules right', { skip }, t => {
  const { status, stdout, stderr } = checkWith(t, {})
  assert.equal(status, 0, stdout + stderr)
})

test('promtool finds the configuration without containers right', { skip }, () => {
  promtool('check', 'config', '--lint-fatal', 'bare.yml')
})

test('the configuration without containers scrapes the same job as often', () => {
  const [ours, bare] = ['prometheus.yml', 'bare.yml'].map(readYaml)
  assert.deepEqual(bare.global, ours.global)
  assert.equal(bare.scrape_configs[0].job_name, ours.scrape_configs[0].job_name)
})

test('rules and scrape configs that are dropped in are read', { skip }, t => {
  const right = checkWith(t, { 'rules/own.yml': OWN_RULES, 'scrape/own.yml': OWN_JOBS })
  assert.equal(right.status, 0, right.stdout + right.stderr)
  assert.match(right.stdout, /drop-in\/rules\/own\.yml/)
})

test('a rule that is dropped in and wrong is found', { skip }, t => {
  const rule = { alert: 'Own', expr: 'up{' }
  const wrong = checkWith(t, { 'rules/own.yml': { groups: [{ name: 'own', rules: [rule] }] } })
  assert.notEqual(wrong.status, 0)
})

test('a job that is dropped in and has the name of ours is found', { skip }, t => {
  const [job] = OWN_JOBS.scrape_configs
  const wrong = checkWith(t, { 'scrape/own.yml': { scrape_configs: [{ ...job, job_name: 'echobahn' }] } })
  assert.notEqual(wrong.status, 0)
  assert.match(wrong.stdout + wrong.stderr, /multiple scrape configs with job name "echobahn"/)
})

test('alerts fire when they should, and only then', { skip }, () => {
  promtool('test', 'rules', ...RULE_TESTS)
})

test('every alert has a case that fires and one that does not', () => {
  const cases: AlertTest[] = RULE_TESTS.flatMap(path => readYaml(path).tests).flatMap(
    ({ alert_rule_test }) => alert_rule_test,
  )
  for (const { alert } of ALERTS) {
    const fires = cases
      .filter(({ alertname }) => alertname === alert)
      .map(({ exp_alerts = [] }) => exp_alerts.length > 0)
    assert.deepEqual(new Set(fires), new Set([true, false]), alert)
  }
})

test('every alert has a severity, a summary, a description and its section in the runbook, and no section is left over', () => {
  const runbook = readFileSync(join(CONFIGURATION, '../docs/runbook.md'), 'utf8')
  for (const { alert, labels, annotations } of ALERTS) {
    assert.match(labels.severity, /^(critical|warning|info)$/, alert)
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert)
    assert.equal(annotations.runbook_url, `{{ $externalURL }}/consoles/runbook.html#${alert.toLowerCase()}`)
  }
  assert.deepEqual(
    [...runbook.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading),
    ALERTS.map(({ alert }) => alert),
  )
})

test('the page of the runbook is up to date: npm run readme', () => {
  const runbook = readFileSync(join(CONFIGURATION, '../docs/runbook.md'), 'utf8')
  assert.equal(readFileSync(join(CONFIGURATION, 'consoles/runbook.html'), 'utf8'), renderRunbook(runbook))
})

test('Prometheus serves the page, with the section of every alert', { skip }, async t => {
  const prometheus = await Prometheus.start([])
  t.after(() => prometheus.stop())
  for (const { alert, annotations } of ALERTS) {
    const [url, section] = annotations.runbook_url.replace('{{ $externalURL }}', prometheus.url).split('#')
    const response = await fetch(url)
    assert.equal(response.status, 200)
    assert.ok((await response.text()).includes(`<h3 id="${section}">${alert}</h3>`), alert)
  }
})
