// What a query asks for: strict behind the prefix, blind to everything else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CONTROL_NAMES, DETAIL_NAMES } from '../../../src/control-names.js'
import { HANDSHAKE_FAULT_NAMES } from '../../../src/controls/handshake-faults.js'
import { type ControlRules, readControls, writeControls } from '../../../src/controls/parse.js'
import { CONTROL_ENTRIES, type Controls } from '../../../src/controls/schema.js'
import { VIOLATION_NAMES } from '../../../src/controls/violations.js'

const RULES: ControlRules = { prefix: 'eb-', restricted: true, maxMessage: 16 * 2 ** 20 }

function controlsOf(query: string, rules: Partial<ControlRules> = {}): Controls | undefined {
  const read = readControls(query, { ...RULES, ...rules })
  if (read.problem !== undefined) assert.fail(read.problem)
  return read.controls
}

function problemOf(query: string, rules: Partial<ControlRules> = {}): string {
  const { problem } = readControls(query, { ...RULES, ...rules })
  return problem ?? assert.fail(`accepted: ${query}`)
}

test('without the prefix nothing means anything', () => {
  for (const query of ['', 'delay=x', 'token=eb-&delay=1', 'EB-delay=1s', 'a=eb-delay', 'EIO=4&transport=websocket'])
    assert.equal(controlsOf(query), undefined)
})

test('values are read in the units of options, and beside parameters of other people', () => {
  assert.deepEqual(controlsOf('token=%zz&eb-delay=200ms&delay=9&eb-rate=64kB&eb-drop=5%&eb-corrupt=0.25%25'), {
    delay: 200,
    rate: 64_000,
    drop: 0.05,
    corrupt: 0.0025,
  })
})

test('an empty prefix makes every parameter a control', () => {
  assert.deepEqual(controlsOf('delay=1s', { prefix: '' }), { delay: 1000 })
  assert.match(problemOf('delay=1s&token=1', { prefix: '' }), /^There is no control "token"\./)
})

test('an unknown control is named, with the nearest one', () => {
  assert.match(problemOf('eb-dely=1s'), /^There is no control "eb-dely"\. The nearest is eb-delay\./)
  assert.match(problemOf('eb-handshake-dela=1s'), /nearest is eb-handshake-delay\./)
  const far = problemOf('eb-quite-something-else=1')
  assert.match(far, /^There is no control "eb-quite-something-else"\. All/)
  assert.match(problemOf('eb-=1'), /^There is no control "eb-"/)
  assert.match(problemOf('eb-constructor=1'), /^There is no control "eb-constructor"/)
})

test('a bad value is named, with what is allowed', () => {
  assert.equal(
    problemOf('eb-delay=200'),
    'The control eb-delay is "200"; allowed are durations 0–1m, such as 200ms or 2s.',
  )
  assert.match(problemOf('eb-delay=%0d%0aX'), /is "\?\?X"/)
})

test('a control is given once; header as often as is good for anybody', () => {
  assert.match(problemOf('eb-delay=1s&eb-delay=1s'), /^The control eb-delay is given twice/)
  assert.deepEqual(controlsOf('eb-header=A:1&eb-header=B:2'), {
    header: [
      ['A', '1'],
      ['B', '2'],
    ],
  })
  assert.match(problemOf(Array(17).fill('eb-header=A:1').join('&')), /more than 16 times/)
  assert.equal(controlsOf(Array(16).fill('eb-header=A:1').join('&'))?.header?.length, 16)
})

test('what could hurt others needs controls all', () => {
  for (const query of ['eb-header=A:1', 'eb-cookie=a=b', 'eb-status=302&eb-location=/x'])
    assert.match(problemOf(query, { restricted: false }), /only allowed with the option --controls all/)
})

test('a field of an answer can be no field of the handshake, and have no line end', () => {
  for (const field of [
    'Upgrade:x',
    'sec-websocket-accept:x',
    'Content-Length:1',
    'Connection:x',
    'A',
    ':x',
    'A:',
    'A b:c',
  ])
    assert.match(problemOf(`eb-header=${encodeURIComponent(field)}`), /^The control eb-header is /)
  for (const end of ['%0d', '%0a', '%00', '%7f', '%c3%bc']) {
    assert.match(problemOf(`eb-header=A:1${end}b`), /^The control eb-header is /)
    assert.match(problemOf(`eb-cookie=a=1${end}b`), /^The control eb-cookie is /)
    assert.match(problemOf(`eb-status=301&eb-location=/${end}b`), /^The control eb-location is /)
  }
})

test('a detail needs what it is a detail of', () => {
  for (const [query, partners] of [
    ['eb-reason=bye', 'eb-close'],
    ['eb-after=3', 'eb-close, eb-end, eb-send'],
    ['eb-close=1000&eb-end-after=3', 'eb-end'],
    ['eb-push-size=3B', 'eb-push'],
    ['eb-chop-delay=1ms', 'eb-chop'],
    ['eb-retry-after=1s', 'eb-status'],
    ['eb-seed=1', 'eb-drop, eb-duplicate, eb-corrupt, eb-swap, eb-jitter, eb-close, eb-end, eb-send'],
  ])
    assert.ok(problemOf(query).endsWith(`only allowed together with ${partners}.`), problemOf(query))
  assert.ok(controlsOf('eb-close=1000&eb-reason=bye&eb-after=3&eb-seed=1'))
})

test('a redirect leads somewhere, another status does not', () => {
  assert.deepEqual(controlsOf('eb-status=307&eb-location=/x'), { status: 307, location: '/x' })
  assert.match(problemOf('eb-status=400&eb-location=/x'), /location is only allowed with a eb-status of 300–399/)
})

test('what happens after octets, messages or a time has a bound in each', () => {
  const least = (text: string) =>
    (controlsOf(`eb-close=1000&eb-after=${text}`) as { after?: { least: number } }).after?.least
  assert.deepEqual(['1000000000', '1024GiB', '60m'].map(least), [1e9, 2 ** 40, 3_600_000])
  for (const text of ['1000000001', '1099511627777B', '3600001ms'])
    assert.match(problemOf(`eb-close=1000&eb-after=${text}`), /^The control eb-after is /)
})

test('a bomb is at most max-message', () => {
  assert.deepEqual(controlsOf('eb-send=bomb=16MiB'), { send: { name: 'bomb', size: 16 * 2 ** 20 } })
  assert.deepEqual(controlsOf('eb-send=bomb'), { send: { name: 'bomb', size: 16 * 2 ** 20 } })
  assert.match(problemOf('eb-send=bomb=16777217B'), /allowed are sizes up to max-message, 16MiB/)
  assert.match(problemOf('eb-send=masked=1MiB'), /^The control eb-send is "masked=1MiB"/)
  const large = { prefix: 'eb-', restricted: true, maxMessage: 2 ** 31 }
  assert.equal(readControls('eb-send=bomb=1GiB', large).problem, undefined)
  assert.match(String(readControls('eb-send=bomb=1073741825B', large).problem), /^The control eb-send is /)
  assert.match(problemOf('eb-send=bomb=0B'), /^The control eb-send is /)
})

/** Values at both ends of what is allowed, and beyond them. */
const BOUNDS: readonly (readonly [name: string, good: readonly string[], bad: readonly string[]])[] = [
  ['status', ['300', '599'], ['299', '600', '101', 'x', '']],
  ['handshake-delay', ['0', '1m'], ['60001ms', '2m', '1']],
  ['handshake', HANDSHAKE_FAULT_NAMES, ['', 'on', 'constructor']],
  ['subprotocol', ['chat'], ['', 'a b', 'x'.repeat(257)]],
  ['compression', ['off'], ['on', '']],
  ['trickle', ['1ms', '100ms'], ['0', '101ms']],
  ['delay', ['0', '1m'], ['60001ms', '-1s']],
  ['jitter', ['0', '1m'], ['60001ms']],
  ['rate', ['100B', '1GiB'], ['99B', '0', '2GiB']],
  ['read-rate', ['100B', '1GiB'], ['99B']],
  ['stall', ['0', '1000000000'], ['1000000001', '1s']],
  ['fragment', ['1B', '1000'], ['0', '0B']],
  ['chop', ['1', '1MiB'], ['0', '2MiB']],
  ['compress', ['always', 'never'], ['', 'on']],
  ['drop', ['0%', '100%', '0.0001%'], ['100.1%', '5', '-1%', '0.00001%', '1000%']],
  ['reply', ['echo', 'none', 'count', 'describe', 'upper', 'sha256', 'size'], ['']],
  ['push', ['10ms', '1m'], ['9ms', '2m', '0']],
  ['describe', ['', 'on'], ['off', '1']],
  ['ping', ['10ms', '1m'], ['9ms', '0']],
  ['pong', ['off', '1ms', '1m'], ['on', '0', '2m']],
  ['close', ['1000', '1003', '1007', '1014', '3000', '4999', '1005'], ['1004', '1006', '1015', '999', '2999', '5000']],
  ['end', ['fin', 'reset', 'vanish'], ['', 'rst']],
  ['close-reply', ['off', '1m'], ['0', '2m']],
  ['close-wait', ['0', '1m'], ['2m']],
  ['send', VIOLATION_NAMES, ['', 'constructor', 'opcode1']],
]

for (const [name, good, bad] of BOUNDS)
  test(`${name} takes what is allowed, and no more`, () => {
    for (const value of good) assert.ok(controlsOf(`eb-${name}=${value}`), value)
    for (const value of bad)
      assert.match(problemOf(`eb-${name}=${value}`), new RegExp(`^The control eb-${name} is `), value)
  })

test('a push has up to a MiB, a pause of chops up to a second, a reason up to 123 octets', () => {
  assert.ok(controlsOf('eb-push=10ms&eb-push-size=1MiB'))
  assert.match(problemOf('eb-push=10ms&eb-push-size=1048577B'), /push-size/)
  assert.ok(controlsOf('eb-chop=1&eb-chop-delay=1s'))
  assert.match(problemOf('eb-chop=1&eb-chop-delay=1001ms'), /chop-delay/)
  assert.ok(controlsOf(`eb-close=1000&eb-reason=${'%E2%82%AC'.repeat(41)}`))
  assert.match(problemOf(`eb-close=1000&eb-reason=${'%E2%82%AC'.repeat(41)}a`), /reason/)
})

test('after is messages, octets or time, one or a range', () => {
  const afterOf = (text: string) => controlsOf(`eb-close=1000&eb-after=${text}`)?.after
  assert.deepEqual(afterOf('3'), { unit: 'messages', least: 3, most: 3 })
  assert.deepEqual(afterOf('5s'), { unit: 'milliseconds', least: 5000, most: 5000 })
  assert.deepEqual(afterOf('1m'), { unit: 'milliseconds', least: 60_000, most: 60_000 })
  assert.deepEqual(afterOf('20ms..1m'), { unit: 'milliseconds', least: 20, most: 60_000 })
  assert.deepEqual(afterOf('64kB'), { unit: 'octets', least: 64_000, most: 64_000 })
  assert.deepEqual(afterOf('64kB..1MiB'), { unit: 'octets', least: 64_000, most: 1_048_576 })
  assert.deepEqual(afterOf('3..3'), { unit: 'messages', least: 3, most: 3 })
  for (const bad of ['', '..', '3..', '..3', '3..2', '3..5s', '1..2..3', '61m', '-1', '1.5', '1000000001'])
    assert.match(problemOf(`eb-close=1000&eb-after=${bad}`), /^The control eb-after is /, bad)
})

test('every name has its entry, and its example is allowed with what it belongs to', () => {
  assert.deepEqual(CONTROL_ENTRIES.map(([name]) => name).sort(), [...CONTROL_NAMES, ...DETAIL_NAMES].sort())
  const partners: Record<string, string> = {
    status: '301',
    push: '1s',
    close: '1000',
    chop: '7',
    end: 'fin',
    send: 'rsv1',
    drop: '1%',
  }
  for (const [name, { example, of, help }] of CONTROL_ENTRIES) {
    const partner = of.length === 0 ? '' : `&eb-${of[0]}=${partners[of[0]]}`
    assert.ok(controlsOf(`eb-${name}=${encodeURIComponent(example)}${partner}`), name)
    assert.match(help, /[.]$/)
  }
})

test('what the answer tells is what was understood: read again it is the same', () => {
  const query =
    'eb-delay=200ms&eb-close=4001&eb-reason=gr%C3%BC%C3%9Fe%3B%20%26x&eb-after=1s..10s&eb-drop=0.1%25&eb-describe&eb-header=X-A:b%3B%20c&eb-send=bomb=1MiB&eb-pong=off&eb-seed=7&eb-after=3'
  const controls = controlsOf(query.replace('&eb-after=3', ''))
  const text = writeControls(controls as Controls)
  assert.match(text, /^[ -~]+$/)
  assert.match(text, /delay=200ms; /)
  assert.deepEqual(
    controlsOf(
      text
        .split('; ')
        .map(part => `eb-${part}`)
        .join('&'),
    ),
    controls,
  )
})

test('at once is told in the unit that it was given in', () => {
  for (const text of ['0', '0B', '0ms'])
    assert.match(writeControls(controlsOf(`eb-close=1000&eb-after=${text}`) as Controls), new RegExp(`after=${text}$`))
})

test('no query throws, and each problem is one line that is safe anywhere', () => {
  const names = [...CONTROL_NAMES, ...DETAIL_NAMES, 'x', '']
  const parameter = fc
    .tuple(fc.constantFrom(...names), fc.string({ unit: 'grapheme', maxLength: 12 }))
    .map(([name, value]) => `eb-${name}=${encodeURIComponent(value)}`)
  fc.assert(
    fc.property(fc.array(parameter, { maxLength: 4 }), parameters => {
      const { problem } = readControls(parameters.join('&'), RULES)
      if (problem !== undefined) assert.match(problem, /^[ -~–]+$/)
    }),
  )
})
