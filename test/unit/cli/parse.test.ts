// Flags and variables become settings: defaults, precedence, the forms of a flag, and the actions.

import assert from 'node:assert/strict'
import { availableParallelism, totalmem } from 'node:os'
import { test } from 'node:test'
import { parse } from '../../../src/cli/parse.js'
import { OPTIONS } from '../../../src/cli/schema.js'
import type { Settings } from '../../../src/settings.js'

const CORES = availableParallelism()

/** Half of what the machine or the cgroup has, and 32 MiB for each worker at least. */
function defaultBudget(): number {
  const constrained = process.constrainedMemory()
  const available = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.max(Math.floor(available / 2), availableParallelism() * 32 * 2 ** 20)
}

const DEFAULTS: Settings = {
  host: '127.0.0.1',
  port: 8888,
  path: undefined,
  subprotocol: [],
  origin: [],
  tlsCert: undefined,
  tlsKey: undefined,
  http2: 'on',
  trustedProxies: [],
  proxyProtocol: 'off',
  forwardedHeader: 'none',
  workers: CORES,
  distribution: 'least-connections',
  compression: 'on',
  deflateLevel: 'auto',
  memLevel: 8,
  windowBits: 15,
  contextTakeover: 'off',
  offload: 'auto',
  codecThreads: 1,
  codecQueue: 1024,
  maxMessage: 16_777_216,
  maxInflateRatio: 0,
  maxConnections: 65_536,
  maxConnectionsPerIp: 0,
  memoryBudget: defaultBudget(),
  maxOpenings: 8192,
  maxFragments: 0,
  handshakeTimeout: 5000,
  pingInterval: 30_000,
  pingTimeout: 10_000,
  highWaterMark: 1_048_576,
  lowWaterMark: 262_144,
  slowReaderTimeout: 30_000,
  drainTimeout: 10_000,
  drainDelay: 0,
  controls: 'on',
  controlsPrefix: 'eb-',
  defaultControls: undefined,
  controlsHoldTimeout: 300_000,
  plainHttp: 'refuse',
  reports: 100,
  reportsFailed: 1000,
  reportsSecrets: 'mask',
  adminHost: '127.0.0.1',
  adminPort: 8889,
  adminAllowedHost: [],
  adminToken: undefined,
  adminTokenFile: undefined,
  logLevel: 'info',
}

/** A text for every option that is not its default, and the value it stands for. */
const OTHERS: { readonly [Field in keyof Settings]: readonly [text: string, value: Settings[Field]] } = {
  host: ['::1', '::1'],
  port: ['0', 0],
  path: ['/echo/%7Bid%7D', '/echo/%7Bid%7D'],
  subprotocol: ['chat', ['chat']],
  origin: ['null', ['null']],
  tlsCert: ['cert.pem', 'cert.pem'],
  tlsKey: ['key.pem', 'key.pem'],
  http2: ['off', 'off'],
  trustedProxies: ['10.0.0.0/8', ['10.0.0.0/8']],
  proxyProtocol: ['required', 'required'],
  forwardedHeader: ['x-forwarded-for', 'x-forwarded-for'],
  workers: ['4096', 4096],
  distribution: ['round-robin', 'round-robin'],
  compression: ['off', 'off'],
  deflateLevel: ['0', 0],
  memLevel: ['9', 9],
  windowBits: ['9', 9],
  contextTakeover: ['on', 'on'],
  offload: ['never', 'never'],
  codecThreads: ['0', 0],
  codecQueue: ['1', 1],
  maxMessage: ['125', 125],
  maxInflateRatio: ['100', 100],
  maxConnections: ['0', 0],
  maxConnectionsPerIp: ['7', 7],
  memoryBudget: ['256MiB', 2 ** 28],
  maxOpenings: ['9', 9],
  maxFragments: ['65537', 65_537],
  handshakeTimeout: ['1ms', 1],
  pingInterval: ['2m', 120_000],
  pingTimeout: ['0', 0],
  highWaterMark: ['1GiB', 1_073_741_824],
  lowWaterMark: ['0', 0],
  slowReaderTimeout: ['1440m', 86_400_000],
  drainTimeout: ['500ms', 500],
  drainDelay: ['5s', 5000],
  controls: ['all', 'all'],
  controlsPrefix: ['', ''],
  defaultControls: ['delay=50ms&close=1001&after=100', 'delay=50ms&close=1001&after=100'],
  controlsHoldTimeout: ['1ms', 1],
  plainHttp: ['describe', 'describe'],
  reports: ['0', 0],
  reportsFailed: ['0', 0],
  reportsSecrets: ['show', 'show'],
  adminHost: ['localhost', 'localhost'],
  adminPort: ['65535', 65_535],
  adminAllowedHost: ['echo', ['echo']],
  adminToken: ['c2VjcmV0Cg==', 'c2VjcmV0Cg=='],
  adminTokenFile: ['/run/secrets/token', '/run/secrets/token'],
  logLevel: ['silent', 'silent'],
}

function settingsOf(argv: string[], env: NodeJS.ProcessEnv = {}): Settings {
  const command = parse(argv, env)
  assert.ok(command.action === 'run')
  return command.settings
}

/** What an option cannot go without. */
const PARTNERS: { readonly [Field in keyof Settings]?: string[] } = {
  tlsCert: ['--tls-key', 'key.pem'],
  tlsKey: ['--tls-cert', 'cert.pem'],
  trustedProxies: ['--forwarded-header', 'forwarded'],
  proxyProtocol: ['--trusted-proxies', '10.0.0.0/8'],
  forwardedHeader: ['--trusted-proxies', '10.0.0.0/8'],
}

function partnerOf(field: keyof Settings): string[] {
  return PARTNERS[field] ?? []
}

test('with nothing given the defaults are in force', () => {
  assert.deepEqual(settingsOf([]), DEFAULTS)
})

test('every field of the settings is an option', () => {
  assert.deepEqual(
    OPTIONS.map(({ field }) => field),
    Object.keys(DEFAULTS),
  )
})

for (const { field, flag, variable } of OPTIONS) {
  const [text, value] = OTHERS[field]
  test(`${flag} and ${variable} set ${field}`, () => {
    assert.deepEqual(settingsOf([`${flag}=${text}`, ...partnerOf(field)])[field], value)
    assert.deepEqual(settingsOf([flag, text, ...partnerOf(field)])[field], value)
    assert.deepEqual(settingsOf(partnerOf(field), { [variable]: text })[field], value)
  })
}

test('flags and variables are the kebab-case and the upper case of the field', () => {
  const option = OPTIONS.find(({ field }) => field === 'maxConnectionsPerIp')
  assert.equal(option?.flag, '--max-connections-per-ip')
  assert.equal(option?.variable, 'ECHOBAHN_MAX_CONNECTIONS_PER_IP')
})

test('a flag wins over its variable, even over a bad one', () => {
  assert.equal(settingsOf(['--port=1'], { ECHOBAHN_PORT: '2' }).port, 1)
  assert.equal(settingsOf(['--port=1'], { ECHOBAHN_PORT: 'x' }).port, 1)
  assert.deepEqual(settingsOf(['--origin=null'], { ECHOBAHN_ORIGIN: 'https://a' }).origin, ['null'])
})

test('other variables are none of ours', () => {
  assert.equal(settingsOf([], { PORT: '1', ECHO_PORT: '2', echobahn_port: '3' }).port, 8888)
})

test('a repeatable flag keeps the order, and its variable is a list', () => {
  assert.deepEqual(settingsOf(['--subprotocol', 'b', '--subprotocol=a']).subprotocol, ['b', 'a'])
  assert.deepEqual(settingsOf([], { ECHOBAHN_SUBPROTOCOL: 'b, a' }).subprotocol, ['b', 'a'])
  // A comma is no separator in a flag, and no character of a token.
  assert.throws(() => parse(['--subprotocol=b,a'], {}), /--subprotocol=b,a: allowed are tokens/)
})

test('what proxies tell is only listened to together with whom to trust', () => {
  assert.deepEqual(settingsOf([], { ECHOBAHN_PROXY_PROTOCOL: 'off', ECHOBAHN_FORWARDED_HEADER: 'none' }), DEFAULTS)
  const both = ['--proxy-protocol=required', '--forwarded-header=forwarded']
  const { trustedProxies } = settingsOf(both, { ECHOBAHN_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,::1' })
  assert.deepEqual(trustedProxies, ['10.0.0.0/8', 'fd00::/8', '::1'])
})

test('all deflate levels are numbers but auto', () => {
  for (let level = 0; level <= 9; level++) assert.equal(settingsOf([`--deflate-level=${level}`]).deflateLevel, level)
  assert.equal(settingsOf(['--deflate-level=auto']).deflateLevel, 'auto')
})

test('an origin is kept as a browser sends it', () => {
  const origins = { 'HTTPS://Example.COM:443': 'https://example.com', 'http://[::1]:8080': 'http://[::1]:8080' }
  for (const [text, origin] of Object.entries({ ...origins, 'chrome-extension://abc': 'chrome-extension://abc' })) {
    assert.deepEqual(settingsOf([`--origin=${text}`]).origin, [origin])
  }
})

test('codec threads share the cores among the workers, and there are none without compression', () => {
  assert.equal(settingsOf(['--workers=1']).codecThreads, CORES)
  assert.equal(settingsOf(['--workers=4096']).codecThreads, 1)
  assert.equal(settingsOf(['--compression=off']).codecThreads, 0)
  assert.equal(settingsOf(['--compression=off', '--codec-threads=3']).codecThreads, 3)
})

test('without pings the default ping timeout is off', () => {
  assert.equal(settingsOf(['--ping-interval=0']).pingTimeout, 0)
  assert.equal(settingsOf(['--ping-interval=0', '--ping-timeout=0']).pingTimeout, 0)
})

test('equal water marks are allowed', () => {
  assert.equal(settingsOf(['--high-water-mark=1000', '--low-water-mark=1kB']).lowWaterMark, 1000)
})

test('a value may begin with one hyphen', () => {
  assert.equal(settingsOf(['--admin-token', '-x']).adminToken, '-x')
  assert.equal(settingsOf(['--admin-token=--x']).adminToken, '--x')
})

test('help and version ignore values and variables', () => {
  assert.deepEqual(parse(['--port=x', '--help'], { ECHOBAHN_NOPE: '1' }), { action: 'help' })
  assert.deepEqual(parse(['--version'], { ECHOBAHN_PORT: 'x' }), { action: 'version' })
  assert.deepEqual(parse(['--print-config', '--version', '--help'], {}), { action: 'help' })
})

test('print-config comes with the settings', () => {
  const command = parse(['--print-config', '--port=1'], {})
  assert.ok(command.action === 'print-config')
  assert.equal(command.settings.port, 1)
})

test('healthcheck comes with the settings, wherever it stands, and gives way to what prints', () => {
  for (const argv of [
    ['healthcheck', '--port=1'],
    ['--port', '1', 'healthcheck'],
  ]) {
    const command = parse(argv, { ECHOBAHN_HOST: '0.0.0.0' })
    assert.ok(command.action === 'healthcheck')
    assert.deepEqual([command.settings.host, command.settings.port], ['0.0.0.0', 1])
  }
  assert.equal(parse(['healthcheck', '--print-config'], {}).action, 'print-config')
  assert.equal(parse(['healthcheck', '--help'], {}).action, 'help')
})
