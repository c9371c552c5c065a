// What --help, --version and --print-config print.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { renderHelp } from '../../../src/cli/help.js'
import { GROUPS } from '../../../src/cli/option.js'
import { parse } from '../../../src/cli/parse.js'
import { renderConfig, VERSION } from '../../../src/cli/print.js'
import { OPTIONS } from '../../../src/cli/schema.js'
import { maskedSettings } from '../../../src/settings.js'

function configOf(argv: string[]): Record<string, unknown> {
  const command = parse(['--print-config', ...argv], {})
  assert.ok('settings' in command)
  return JSON.parse(renderConfig(command.settings))
}

test('no line of help is longer than 100 columns or ends in a space', () => {
  for (const line of renderHelp().split('\n')) {
    assert.ok(line.length <= 100, line)
    assert.doesNotMatch(line, /\s$/)
  }
})

test('help tells of every option what it does, what is allowed, its default and its variable', () => {
  // One line of text, however it was wrapped.
  const help = renderHelp().replace(/\s+/g, ' ')
  for (const option of OPTIONS) {
    const repeatable = option.repeatable ? '; repeatable' : ''
    const text = `${option.flag} ${option.help} Allowed: ${option.allowed}${repeatable}. Default: ${option.default}. Environment: ${option.variable} `
    assert.ok(help.includes(text), text)
  }
  assert.match(help, /--workers .*? Default: number of cores\. Environment: ECHOBAHN_WORKERS/)
})

test('the text of all options is aligned', () => {
  const lines = renderHelp().split('\n')
  for (const { flag } of OPTIONS) {
    const line = lines.find(line => line.startsWith(`  ${flag} `))
    assert.equal(line?.search(/(?<= {2})[A-Za-z]/), 28, flag)
  }
})

test('every group has options, and each help is one sentence', () => {
  for (const group of GROUPS) assert.ok(OPTIONS.some(option => option.group === group))
  for (const { help } of OPTIONS) assert.match(help, /^[^.]+\.$/)
})

test('the version is the one of package.json', () => {
  const manifest = readFileSync(createRequire(import.meta.url).resolve('#package.json'), 'utf8')
  assert.equal(VERSION, JSON.parse(manifest).version)
})

test('the printed configuration has the names of the flags, numbers in octets and milliseconds, and null for nothing', () => {
  const config = configOf(['--max-message=1MiB', '--drain-timeout=2s', '--subprotocol=a'])
  assert.deepEqual(
    Object.keys(config),
    OPTIONS.map(({ flag }) => flag.slice(2)),
  )
  assert.equal(config['max-message'], 1_048_576)
  assert.equal(config['drain-timeout'], 2000)
  assert.deepEqual(config.subprotocol, ['a'])
  assert.equal(config.path, null)
  assert.equal(config['admin-token'], null)
})

test('the admin token is masked wherever it would be printed', () => {
  assert.equal(configOf(['--admin-token=hunter2'])['admin-token'], '***')
  const command = parse(['--admin-token=hunter2'], {})
  assert.ok('settings' in command)
  assert.equal(maskedSettings(command.settings).adminToken, '***')
  assert.equal(command.settings.adminToken, 'hunter2')
})
