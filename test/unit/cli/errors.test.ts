// Every wrong option is one line that names flag or variable, value and what is allowed, and never tells a secret.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from '../../../src/cli/parse.js'
import { OPTIONS } from '../../../src/cli/schema.js'
import { ExitError } from '../../../src/errors.js'
import type { Settings } from '../../../src/settings.js'

const WHOLE = ['', '-1', '1.5', 'x', '0x1', '1e1', ' 1', '1kB']
const SIZE = ['', '-1', '1.5MiB', '1KB', '1s', 'x', '2GiB', '1073741825']
const DURATION = ['', '1', '-1s', '1h', '1.5s', '1441m', '30 s', 'Infinity']
const CHOICE = ['', 'On', 'yes', 'true', 'on ', 'infos', 'constructor']
const HOST = ['', 'a b', '-a', 'a..b', '1.2.3', '1.2.3.256', '[::1]', 'http://a', 'a:80', 'a'.repeat(64)]

const BAD: { readonly [Field in keyof Settings]: readonly string[] } = {
  host: HOST,
  port: [...WHOLE, '65536'],
  path: ['', 'echo', '/a?b', '/a#b', '/a b', '/%', '/%zz', '/ü'],
  subprotocol: ['', 'a b', 'a/b', 'a"', 'ü', 'a\r\nb'],
  origin: ['', '*', 'example.com', 'https://', 'https://a/', 'https://a/b', 'https://a:99999', 'https://a@b', 'NULL'],
  tlsCert: [''],
  tlsKey: [''],
  http2: CHOICE,
  trustedProxies: ['', 'proxy', '10.0.0.1/8', '10.0.0.0/33', '10.0.0/24', 'fd00::/129', 'fd00::1/64', '010.0.0.1'],
  proxyProtocol: [...CHOICE, 'v1', 'on'],
  forwardedHeader: [...CHOICE, 'X-Forwarded-For', 'on'],
  workers: [...WHOLE, '0', '4097'],
  distribution: CHOICE,
  compression: CHOICE,
  deflateLevel: ['', '10', '12', '-1', '01', 'Auto', '1.0'],
  memLevel: [...WHOLE, '0', '10'],
  windowBits: [...WHOLE, '8', '16'],
  contextTakeover: CHOICE,
  offload: CHOICE,
  codecThreads: [...WHOLE, '1025'],
  codecQueue: [...WHOLE, '0', '2147483648'],
  maxMessage: [...SIZE, '124', '0'],
  maxInflateRatio: [...WHOLE, '2147483648'],
  maxConnections: [...WHOLE, '2147483648'],
  maxConnectionsPerIp: [...WHOLE, '2147483648'],
  memoryBudget: [...SIZE.filter(size => size !== '2GiB' && size !== '1073741825'), '1048575'],
  maxOpenings: [...WHOLE, '2147483648'],
  maxFragments: [...WHOLE, '2147483648'],
  handshakeTimeout: [...DURATION, '0', '0s'],
  pingInterval: DURATION,
  pingTimeout: DURATION,
  highWaterMark: [...SIZE, '0'],
  lowWaterMark: SIZE,
  slowReaderTimeout: DURATION,
  drainTimeout: DURATION,
  drainDelay: DURATION,
  controls: CHOICE,
  controlsPrefix: ['a b', 'a&', 'a=', 'ü', '%', 'x'.repeat(33)],
  defaultControls: [''],
  controlsHoldTimeout: [...DURATION, '0'],
  plainHttp: CHOICE,
  reports: [...WHOLE, '2147483648'],
  reportsFailed: [...WHOLE, '2147483648'],
  reportsSecrets: CHOICE,
  adminHost: HOST,
  adminPort: [...WHOLE, '65536'],
  adminAllowedHost: HOST,
  adminToken: ['', 'a b', '=', 'ü', 'a=b', 'a\nb'],
  adminTokenFile: [''],
  logLevel: CHOICE,
}

/** The line that stops the start; fails when there is none or when it is not one line. */
function lineFor(argv: string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    parse(argv, env)
  } catch (error) {
    assert.ok(error instanceof ExitError, String(error))
    assert.equal(error.code, 'ECHOBAHN_BAD_OPTION')
    assert.equal(error.exitCode, 2)
    assert.doesNotMatch(error.message, /[\r\n\p{Cc}]/u)
    return error.message
  }
  assert.fail(`accepted: ${JSON.stringify([argv, env])}`)
}

/** The value as an error line shows it. */
function shown(text: string): string {
  return text.replaceAll('\r', '\\u{d}').replaceAll('\n', '\\u{a}')
}

for (const { field, flag, variable, allowed, secret } of OPTIONS) {
  for (const text of BAD[field]) {
    test(`${flag} refuses ${JSON.stringify(text)}`, () => {
      const value = secret ? '***' : shown(text)
      assert.equal(lineFor([`${flag}=${text}`]), `${flag}=${value}: allowed are ${allowed}`)
      assert.equal(lineFor([], { [variable]: text }), `${variable}=${value}: allowed are ${allowed}`)
    })
  }

  test(`${flag} needs a value`, () => {
    const line = `${flag}: needs a value; allowed are ${allowed}`
    assert.equal(lineFor([flag]), line)
    assert.equal(lineFor([flag, '--help']), line)
    assert.equal(lineFor([flag, '--']), line)
  })
}

test('default controls are judged as those of a URL, without prefix', () => {
  const why = (controls: string, ...others: string[]): string =>
    lineFor(['--default-controls', controls, ...others]).slice(`--default-controls=${controls}: `.length)
  assert.match(why('dely=1s'), /^There is no control "dely". The nearest is delay\./)
  assert.match(why('delay=1'), /^The control delay is "1"; allowed are durations 0–1m/)
  assert.match(why('&'), /^There is no control in it\.$/)
  assert.match(why('send=bomb=2MiB', '--max-message', '1MiB'), /up to max-message, 1MiB/)
  assert.match(why('delay=1s', '--controls', 'off'), /^allowed only while controls is on or all$/)
})

test('the words of what is allowed', () => {
  assert.equal(lineFor(['--deflate-level=12']), '--deflate-level=12: allowed are auto or a whole number 0–9')
  assert.equal(lineFor(['--port', '-1']), '--port=-1: allowed are whole numbers 0–65535')
  assert.equal(lineFor(['--offload=1']), '--offload=1: allowed are auto, always or never')
  assert.equal(lineFor(['--max-message=1']), '--max-message=1: allowed are sizes 125B–1GiB, such as 64kB or 16MiB')
  assert.equal(
    lineFor([], { ECHOBAHN_DRAIN_TIMEOUT: '5' }),
    'ECHOBAHN_DRAIN_TIMEOUT=5: allowed are durations 0–1440m, such as 500ms or 30s',
  )
})

test('of several values of a repeatable option the wrong one is named', () => {
  assert.match(lineFor(['--subprotocol=a', '--subprotocol=b c']), /^--subprotocol=b c: allowed are tokens/)
  assert.match(lineFor([], { ECHOBAHN_ORIGIN: 'https://a,b,https://c' }), /^ECHOBAHN_ORIGIN=b: allowed are origins/)
  assert.match(lineFor([], { ECHOBAHN_ORIGIN: 'https://a,' }), /^ECHOBAHN_ORIGIN=: allowed are origins/)
})

test('an unknown flag is named without its value, and a near one is suggested', () => {
  const unknown = (argument: string) => lineFor([argument]).replace(/; allowed are those that --help lists$/, '')
  assert.equal(unknown('--prot=1'), '--prot: no such flag (did you mean --port?)')
  assert.equal(unknown('--max-mesage'), '--max-mesage: no such flag (did you mean --max-message?)')
  assert.equal(unknown('--max_connections'), '--max_connections: no such flag (did you mean --max-connections?)')
  assert.equal(unknown('-port'), '-port: no such flag (did you mean --port?)')
  assert.equal(unknown('--hlep'), '--hlep: no such flag (did you mean --help?)')
  assert.equal(unknown('--something-else'), '--something-else: no such flag')
  assert.equal(unknown('--__proto__'), '--__proto__: no such flag')
})

test('an unknown variable of ours is refused, and a near one is suggested', () => {
  assert.equal(
    lineFor([], { ECHOBAHN_PROT: '1' }),
    'ECHOBAHN_PROT: no such variable (did you mean ECHOBAHN_PORT?); allowed are those that --help lists',
  )
  assert.equal(lineFor([], { ECHOBAHN_: '1' }), 'ECHOBAHN_: no such variable; allowed are those that --help lists')
})

test('a stray argument is refused', () => {
  assert.equal(lineFor(['8080']), 'stray argument "8080": allowed are the flags that --help lists')
  assert.equal(lineFor(['--', '--port']), 'stray argument "--port": allowed are the flags that --help lists')
  assert.equal(lineFor(['']), 'stray argument "": allowed are the flags that --help lists')
})

test('a flag that is not repeatable is given once', () => {
  assert.equal(lineFor(['--port=1', '--port', '2']), '--port=2: given twice; allowed is once')
  assert.equal(lineFor(['--help', '--help']), '--help: given twice; allowed is once')
  assert.equal(lineFor(['healthcheck', 'healthcheck']), 'healthcheck: given twice; allowed is once')
  assert.equal(lineFor(['--help=yes']), '--help=yes: takes no value; allowed is --help alone')
})

test('the admin token comes from one place', () => {
  const why = 'allowed only without admin-token-file'
  assert.equal(lineFor(['--admin-token=abc', '--admin-token-file=f']), `--admin-token=***: ${why}`)
  assert.equal(lineFor(['--admin-token-file=f'], { ECHOBAHN_ADMIN_TOKEN: 'abc' }), `ECHOBAHN_ADMIN_TOKEN=***: ${why}`)
})

test('certificate and key go together', () => {
  assert.equal(lineFor(['--tls-cert=c.pem']), '--tls-cert=c.pem: allowed only together with tls-key')
  assert.equal(
    lineFor([], { ECHOBAHN_TLS_KEY: 'k.pem' }),
    'ECHOBAHN_TLS_KEY=k.pem: allowed only together with tls-cert',
  )
})

test('what proxies tell and whom to trust go together', () => {
  const why = 'allowed only together with trusted-proxies'
  assert.equal(lineFor(['--proxy-protocol=required']), `--proxy-protocol=required: ${why}`)
  assert.equal(lineFor([], { ECHOBAHN_FORWARDED_HEADER: 'forwarded' }), `ECHOBAHN_FORWARDED_HEADER=forwarded: ${why}`)
  assert.equal(
    lineFor(['--trusted-proxies=::1', '--proxy-protocol=off']),
    '--trusted-proxies=::1: allowed only together with proxy-protocol=required, or with forwarded-header',
  )
})

test('the water marks must not cross, and the one that was given is named', () => {
  const low = '--low-water-mark=2MiB: allowed are sizes up to high-water-mark, 1MiB'
  assert.equal(lineFor(['--low-water-mark=2MiB']), low)
  assert.equal(lineFor(['--low-water-mark=2MiB', '--high-water-mark=1MiB']), low)
  const high = 'ECHOBAHN_HIGH_WATER_MARK=1kB: allowed are sizes from low-water-mark, 256KiB'
  assert.equal(lineFor([], { ECHOBAHN_HIGH_WATER_MARK: '1kB' }), high)
})

test('a ping timeout needs pings', () => {
  const line = lineFor(['--ping-interval=0'], { ECHOBAHN_PING_TIMEOUT: '3s' })
  assert.equal(line, 'ECHOBAHN_PING_TIMEOUT=3s: allowed is 0 while ping-interval is 0')
})

test('no error tells the admin token', () => {
  const wrong: [string[], NodeJS.ProcessEnv?][] = [
    [['--admin-token=hunter2 x']],
    [['--admin-token', 'hunter2 x']],
    [['--admin-token', '--hunter2']],
    [['--admin-token', 'hunter', 'hunter2']],
    [['--admin-token=hunter2', '--admin-token=hunter2']],
    [['--admin-tokn=hunter2']],
    [['--admin-tokn', 'hunter2']],
    [['--admin-token:hunter2']],
    [['admin-token=hunter2']],
    [['--', '--admin-token=hunter2']],
    [['--admin-token=hunter2', '--port=x']],
    [[], { ECHOBAHN_ADMIN_TOKEN: 'hunter2 x' }],
    [[], { ECHOBAHN_ADMIN_TOKN: 'hunter2' }],
  ]
  for (const [argv, env] of wrong) assert.doesNotMatch(lineFor(argv, env), /hunter2/, JSON.stringify([argv, env]))
})

test('whatever is given, the answer is settings or one line', () => {
  const flag = fc.constantFrom(...OPTIONS.map(option => option.flag), '--help', '--nope', '--', '-')
  const argument = fc.oneof(
    flag,
    fc.string({ unit: 'binary' }),
    fc.tuple(flag, fc.string()).map(pair => pair.join('=')),
  )
  const variable = fc.constantFrom(...OPTIONS.map(option => option.variable))
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 5 }), fc.dictionary(variable, fc.string()), (argv, env) => {
      try {
        parse(argv, env)
      } catch {
        lineFor(argv, env)
      }
    }),
  )
})
