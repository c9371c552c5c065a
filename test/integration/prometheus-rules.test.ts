// The configuration and the rules through promtool, and what promtool does not know: every alert is explained and tested.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { CONFIGURATION, HAS_PROMETHEUS } from '../support/prometheus.js'

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

test('promtool finds the configuration and its rules right', { skip }, () => {
  promtool('check', 'config', '--lint-fatal', 'prometheus.yml')
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
