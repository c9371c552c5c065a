// The unit for systemd, its example of an environment file and its page: they agree with each other and with the options.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from '../../../src/cli/parse.js'
import { OPTIONS } from '../../../src/cli/schema.js'
import { EXIT_ERRORS } from '../../../src/errors.js'
import { openFilesWarning } from '../../../src/primary/open-files.js'
import type { Settings } from '../../../src/settings.js'
import { parseDuration } from '../../../src/units.js'
import { ROOT } from '../../support/root.js'

const UNIT = readUnit('deploy/systemd/echobahn.service')
const ENVIRONMENT = readAssignments('deploy/systemd/echobahn.env')
const PAGE = read('docs/systemd.md')
const PACKAGE: { version: string; bin: Record<string, string> } = JSON.parse(read('package.json'))

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Lines that are neither empty nor comments. */
function linesOf(text: string): string[] {
  return text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
}

function readAssignments(path: string): Record<string, string> {
  return Object.fromEntries(linesOf(read(path)).map(splitAssignment))
}

function splitAssignment(line: string): [string, string] {
  const at = line.indexOf('=')
  assert.ok(at > 0, line)
  return [line.slice(0, at), line.slice(at + 1)]
}

/** The values of each key, in their order; a key is in one section only. */
function readUnit(path: string): ReadonlyMap<string, readonly string[]> {
  const unit = new Map<string, string[]>()
  for (const line of linesOf(read(path))) {
    if (/^\[\w+\]$/.test(line)) continue
    const [key, value] = splitAssignment(line)
    unit.set(key, [...(unit.get(key) ?? []), value])
  }
  return unit
}

function only(key: string): string {
  const values = UNIT.get(key) ?? []
  assert.equal(values.length, 1, key)
  return values[0]
}

function settingsOf(env: Record<string, string>): Settings {
  const command = parse([], env)
  assert.ok(command.action === 'run')
  return command.settings
}

for (const [name, env] of [
  ['the example', ENVIRONMENT],
  ['no environment file', {}],
] as const)
  test(`with ${name}, the unit's limits suit the options`, () => {
    const settings = settingsOf(env)
    const stop = parseDuration(only('TimeoutStopSec'))
    assert.ok(stop !== undefined && stop > settings.drainDelay + settings.drainTimeout)
    const limit = Number(only('LimitNOFILE'))
    assert.equal(openFilesWarning({ soft: limit, hard: limit }, settings.maxConnections), undefined)
  })

test('each variable of the example is an option, and the token is none of them', () => {
  const variables = OPTIONS.map(option => option.variable)
  for (const variable of Object.keys(ENVIRONMENT)) assert.ok(variables.includes(variable), variable)
  assert.ok(!Object.keys(ENVIRONMENT).some(variable => variable.includes('TOKEN')))
})

test('the admin token is a credential, in the variable that names its file', () => {
  const [credential] = only('LoadCredential').split(':')
  const environment = Object.fromEntries((UNIT.get('Environment') ?? []).map(splitAssignment))
  assert.equal(environment.ECHOBAHN_ADMIN_TOKEN_FILE, `%d/${credential}`)
  assert.ok(OPTIONS.some(option => option.variable === 'ECHOBAHN_ADMIN_TOKEN_FILE'))
})

test('signals go to the primary, which drains and reloads by them', () => {
  assert.equal(only('Type'), 'exec')
  assert.equal(only('KillMode'), 'mixed')
  assert.equal(only('KillSignal'), 'SIGTERM')
  assert.equal(only('ExecReload'), '/bin/kill -HUP $MAINPID')
})

test('a wrong option is no reason to start again, a worker without memory none to stop', () => {
  assert.equal(only('Restart'), 'on-failure')
  assert.equal(Number(only('RestartPreventExitStatus')), EXIT_ERRORS.ECHOBAHN_BAD_OPTION.exit)
  assert.equal(only('OOMPolicy'), 'continue')
})

test('nothing is allowed that the service does not need', () => {
  const expected = {
    DynamicUser: 'yes',
    NoNewPrivileges: 'yes',
    CapabilityBoundingSet: '',
    AmbientCapabilities: '',
    ProtectSystem: 'strict',
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX',
    SystemCallErrorNumber: 'EPERM',
    // V8 compiles while it runs.
    MemoryDenyWriteExecute: 'no',
  }
  for (const [key, value] of Object.entries(expected)) assert.equal(only(key), value, key)
  assert.deepEqual(UNIT.get('SystemCallFilter'), ['@system-service', '~@privileged @resources', 'setpriority'])
  const switches = [...UNIT.keys()].filter(key =>
    /^(Private|Protect(?!System|Proc)|Restrict(?!Address|Prevent)|Lock)/.test(key),
  )
  assert.ok(switches.length > 12)
  for (const key of switches) assert.equal(only(key), 'yes', key)
})

test('the program is where the page installs it', () => {
  assert.equal(only('ExecStart'), `node node_modules/.bin/${Object.keys(PACKAGE.bin)[0]}`)
  assert.ok(PAGE.includes(`ln -sfn ${PACKAGE.version} ${only('WorkingDirectory')}\n`))
  assert.ok(PAGE.includes(`./echobahn-${PACKAGE.version}.tgz\n`))
  for (const path of [only('EnvironmentFile').slice(1), only('LoadCredential').split(':')[1]])
    assert.ok(PAGE.includes(` ${path}\n`) || PAGE.includes(` ${path})\n`), path)
})
