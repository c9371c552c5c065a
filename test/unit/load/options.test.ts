// The command line of `echobahn load`: what it reads, and the one line for each wrong option.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLoad, renderLoadHelp } from '../../../src/cli/load-parse.js'
import { LOAD_GROUPS, LOAD_OPTIONS, MERGE_OPTIONS } from '../../../src/cli/load-schema.js'
import { ExitError } from '../../../src/errors.js'
import type { LoadSettings } from '../../../src/load-settings.js'

const URL = 'ws://127.0.0.1:8888/'

function settingsOf(...argv: string[]): LoadSettings {
  const command = parseLoad([URL, ...argv])
  assert.equal(command.action, 'load')
  return command.settings
}

function lineFor(...argv: string[]): string {
  try {
    parseLoad(argv)
  } catch (error) {
    assert.ok(error instanceof ExitError, String(error))
    assert.equal(error.exitCode, 2)
    assert.doesNotMatch(error.message, /[\r\n]/)
    return error.message
  }
  assert.fail(`accepted: ${JSON.stringify(argv)}`)
}

test('the example of the help is read as it is meant', () => {
  const settings = settingsOf('--connections', '1000', '--rate', '20000', '--size', '256', '--duration', '30s')
  assert.deepEqual(settings.urls, [URL])
  assert.deepEqual(settings.rate, { from: 20_000, to: 20_000 })
  assert.deepEqual(
    [settings.connections, settings.duration, settings.messages],
    [1000, 30_000, Number.POSITIVE_INFINITY],
  )
  assert.deepEqual(settings.size, [{ least: 256, most: 256, weight: 1 }])
})

test('without a duration it lasts 10 s, or until all messages are sent', () => {
  assert.equal(settingsOf('--rate=1').duration, 10_000)
  assert.ok(settingsOf('--rate=1', '--messages=5').duration > 1e9)
  assert.equal(settingsOf('--rate=1', '--messages=5', '--duration=2s').duration, 2000)
})

test('values of its own kinds', () => {
  assert.deepEqual(settingsOf('--rate=1000..50000', '--steps=5').rate, { from: 1000, to: 50_000 })
  assert.deepEqual(settingsOf('--rate=0.5/s').rate, { from: 0.5, to: 0.5 })
  assert.equal(settingsOf('--rate=1', '--churn=100/s').churn, 100)
  assert.deepEqual(settingsOf('--rate=1', '--size=64:70%,1KiB..4KiB:25%,1MiB:5%').size, [
    { least: 64, most: 64, weight: 70 },
    { least: 1024, most: 4096, weight: 25 },
    { least: 1_048_576, most: 1_048_576, weight: 5 },
  ])
  assert.deepEqual(settingsOf('--rate=1', '--size=0..10').size, [{ least: 0, most: 10, weight: 1 }])
  assert.deepEqual(settingsOf('--rate=1', '--size=0..10:60%,5:40%').size, [
    { least: 0, most: 10, weight: 60 },
    { least: 5, most: 5, weight: 40 },
  ])
  assert.deepEqual(settingsOf('--rate=1', '--header=X-A: b c', '--header=X-A:d').header, [
    ['X-A', 'b c'],
    ['X-A', 'd'],
  ])
  assert.equal(settingsOf('--rate=1').compression, undefined)
  assert.equal(settingsOf('--rate=1', '--compression=on').compression, 'permessage-deflate; client_max_window_bits')
  const offers = 'permessage-deflate; server_no_context_takeover, permessage-deflate'
  assert.equal(settingsOf('--rate=1', `--compression=${offers}`).compression, offers)
  assert.equal(settingsOf('--rate=1', '--admin=http://127.0.0.1:8889/').admin, 'http://127.0.0.1:8889')
  assert.deepEqual([settingsOf('--rate=1').insecure, settingsOf('--rate=1', '--insecure').insecure], [false, true])
  const bounds = ['p99=20ms', 'max=1s', 'mean=5ms', 'handshake-p99.9=1s', 'ping-p50=2ms', 'errors=3', 'errors=0.1%']
  assert.deepEqual(
    settingsOf('--rate=1', ...bounds.map(text => `--max=${text}`)).max.map(({ text: _, ...bound }) => bound),
    [
      { kind: 'echo', statistic: 99, most: 20 },
      { kind: 'echo', statistic: 100, most: 1000 },
      { kind: 'echo', statistic: 'mean', most: 5 },
      { kind: 'handshake', statistic: 99.9, most: 1000 },
      { kind: 'ping', statistic: 50, most: 2 },
      { kind: 'errors', statistic: 'count', most: 3 },
      { kind: 'errors', statistic: 'share', most: 0.001 },
    ],
  )
})

const BAD: Readonly<Record<string, readonly string[]>> = {
  rate: ['', 'x', '-1', '1..', '..1', '1..2..3', '0..0', '1e3', '10000001', '1/m'],
  steps: ['-1', '1.5', '1001'],
  arrivals: ['even'],
  inFlight: ['0', 'x', '100001'],
  think: ['5', '-1s'],
  duration: ['0', '10', '1441m'],
  messages: ['0', '1.5'],
  p99: ['0', '20'],
  payload: ['html'],
  size: ['', 'x', '65MiB', '4..2', '1..', '..2', '64:70%', '64:70%,128:31%', '64,128', '64:50%,128:x%', '64:50%,128'],
  fragment: ['-1', '65MiB'],
  ping: ['5'],
  connections: ['0', '1000001'],
  ramp: ['5'],
  churn: ['-1', 'x/s', '1/m'],
  compression: ['yes', 'gzip', 'permessage-deflate;', 'permessage-deflate, x', 'permessage-deflate; a=é'],
  subprotocol: ['a b'],
  header: ['', 'a', ':b', 'a b: c', 'X: a\r\nY: b', 'Host: x', 'upgrade: x', 'Sec-WebSocket-Key: x', 'Origin: x'],
  origin: ['x'],
  ca: [''],
  servername: ['a b'],
  streams: ['0'],
  timeout: ['0', '10'],
  threads: ['0', '1025'],
  max: [
    '',
    'p99',
    'p99=20',
    'p101=1s',
    'p99.9999=1s',
    'errors=x',
    'errors=0.5',
    'errors=1s',
    'other-p99=1s',
    'lost=1ms',
  ],
  json: [''],
  csv: [''],
  hgrm: [''],
  html: [''],
  metricsPort: ['65536', 'x'],
  admin: ['', '127.0.0.1:8889', 'ws://a', 'http://a/b', 'http://a/?b'],
  adminToken: ['', 'a b'],
}

for (const { field, flag, allowed, isSwitch, secret } of LOAD_OPTIONS)
  test(`${flag} refuses what it does not take`, () => {
    if (isSwitch) return assert.equal(lineFor(URL, `${flag}=x`), `${flag}=x: takes no value; allowed is ${flag} alone`)
    for (const text of BAD[field]) {
      const shown = secret ? '***' : text.replaceAll('\r', '\\u{d}').replaceAll('\n', '\\u{a}')
      assert.equal(
        lineFor(URL, '--rate=1', `${flag}=${text}`).replace('given twice; allowed is once', `allowed are ${allowed}`),
        `${flag}=${shown}: allowed are ${allowed}`,
      )
    }
    assert.equal(lineFor(URL, flag), `${flag}: needs a value; allowed are ${allowed}`)
  })

test('URLs: some, and of WebSockets', () => {
  assert.match(lineFor('--rate=1'), /^load: allowed are ws:\/\/ and wss:\/\/ URLs.*, one at least$/)
  for (const text of ['x', 'http://a', 'ws://', 'ws://a#b', 'ws://u:p@a', 'localhost:8888'])
    assert.equal(lineFor(text, '--rate=1'), `${text}: allowed are ws:// and wss:// URLs, without user, password and #`)
})

test('options that contradict each other, or miss each other', () => {
  const line = (...argv: string[]) => lineFor(URL, ...argv)
  assert.equal(line(), 'load: one of --rate (open loop), --in-flight (closed loop) and --find-limit is needed')
  assert.equal(line('--rate=1', '--in-flight=1'), '--in-flight: not allowed together with --rate')
  assert.equal(line('--find-limit', '--in-flight=1'), '--in-flight: not allowed together with --find-limit')
  assert.equal(line('--find-limit', '--messages=1'), '--messages: not allowed together with --find-limit')
  assert.equal(line('--in-flight=1', '--steps=2'), '--steps: allowed only together with --rate')
  assert.equal(
    line('--in-flight=1', '--arrivals=poisson'),
    '--arrivals: allowed only together with --rate or --find-limit',
  )
  assert.equal(line('--rate=1', '--think=1s'), '--think: allowed only together with --in-flight')
  assert.equal(line('--rate=1', '--p99=1s'), '--p99: allowed only together with --find-limit')
  assert.equal(line('--rate=1', '--streams=5'), '--streams: allowed only together with --http2')
  assert.equal(line('--rate=1', '--admin-token=x'), '--admin-token: allowed only together with --admin')
  assert.equal(line('--rate=1', '--insecure', '--ca=x'), '--insecure: not allowed together with --ca')
  assert.equal(line('--rate=1', '--threads=2'), '--threads=2: allowed are as many as connections, 1, at most')
  assert.match(line('--find-limit', '--rate=1..5'), /^--rate: with --find-limit allowed is one rate above 0/)
  assert.match(line('--find-limit', '--rate=0'), /^--rate: with --find-limit allowed is one rate above 0/)
  assert.equal(line('--rate=1', '--json=-', '--html=-'), '--html=-: standard output is taken by --json')
})

test('typos are answered with the nearest flag, repetitions refused', () => {
  assert.match(lineFor(URL, '--rat=1'), /^--rat: no such flag \(did you mean --rate\?\)/)
  assert.equal(lineFor(URL, '--rate=1', '--rate=2'), '--rate=2: given twice; allowed is once')
  assert.equal(lineFor(URL, '--http2', '--http2'), '--http2: given twice; allowed is once')
})

test('merge takes files and the options of results', () => {
  const command = parseLoad(['merge', 'a.json', 'b.json', '--max', 'p99=1s', '--html', 'c.html'])
  assert.ok(command.action === 'merge')
  assert.deepEqual(
    [command.files, command.settings.html, command.settings.max.length],
    [['a.json', 'b.json'], 'c.html', 1],
  )
  assert.match(lineFor('merge'), /^load merge: allowed are names of files/)
  assert.match(lineFor('merge', 'a', '--rate=1'), /^--rate: no such flag/)
  assert.deepEqual(
    MERGE_OPTIONS.map(({ field }) => field),
    ['max', 'json', 'csv', 'hgrm', 'html'],
  )
})

test('help has every option, and no line above 100 columns', () => {
  assert.deepEqual(parseLoad(['--help', '--rate=x']), { action: 'help' })
  const help = renderLoadHelp()
  for (const line of help.split('\n')) assert.ok(line.length <= 100 && !/\s$/.test(line), line)
  for (const { flag, group, help: sentence } of LOAD_OPTIONS) {
    assert.match(help, new RegExp(`^  ${flag} `, 'm'))
    assert.ok(LOAD_GROUPS.some(name => name === group))
    assert.match(sentence, /^[^.]+(?:\.\d[^.]*)*\.$/)
  }
})
