// Whom a request is from by Forwarded and X-Forwarded-For: read from the end, no further than what trusted proxies wrote.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AddressSet } from '../../../src/ip-address.js'
import { clientOf, type ForwardedHeader } from '../../../src/protocol/forwarded.js'

const TRUSTED = new AddressSet(['10.0.0.0/8', 'fd00::/8'])

/** `address port`, `nobody`, or the problem. */
function client(header: ForwardedHeader, ...lines: string[]): string {
  const found = clientOf(header, lines, address => TRUSTED.has(address))
  if (!found.ok) return found.problem
  return found.value === undefined ? 'nobody' : `${found.value.address} ${found.value.port}`
}

const FORWARDED: [string[], string][] = [
  [[], 'nobody'],
  [[''], 'nobody'],
  [[' , ,'], 'nobody'],
  [['for=192.0.2.1'], '192.0.2.1 0'],
  [['For="192.0.2.1:8080"'], '192.0.2.1 8080'],
  [['for="192.0.2.1:_port"'], '192.0.2.1 0'],
  [['for="[2001:DB8::1]"'], '2001:db8::1 0'],
  [['for="[2001:db8:0::1]:4711"'], '2001:db8::1 4711'],
  [['for="[::ffff:192.0.2.1]:4711"'], '192.0.2.1 4711'],
  [['for="\\1\\92.0.2.1"'], '192.0.2.1 0'],
  [['by=203.0.113.1;for=192.0.2.1;proto=https;host="a;b,c"'], '192.0.2.1 0'],
  [['for=192.0.2.1 ; proto=https; by=_x'], '192.0.2.1 0'],
  [[';for=192.0.2.1;;proto=http;'], '192.0.2.1 0'],
  [['for=192.0.2.1;secret="say \\"hi, there\\""'], '192.0.2.1 0'],
  // The rightmost that is not trusted.
  [['for=192.0.2.9, for=192.0.2.1'], '192.0.2.1 0'],
  [['for=192.0.2.9, for=192.0.2.1, for=10.0.0.1'], '192.0.2.1 0'],
  [['for=192.0.2.9', 'for=192.0.2.1', 'for="[fd00::1]", for=10.0.0.1'], '192.0.2.1 0'],
  [['for=10.0.0.9, for=10.0.0.1'], '10.0.0.9 0'],
  // Behind what is hidden nothing is known.
  [['for=unknown'], 'nobody'],
  [['for="Unknown:80"'], 'nobody'],
  [['for=_hidden'], 'nobody'],
  [['for="_hid.den-1:_port"'], 'nobody'],
  [['by=10.0.0.1;proto=https'], 'nobody'],
  [['for=192.0.2.9, for=unknown, for=10.0.0.1'], '10.0.0.1 0'],
  [['for=192.0.2.9, proto=http, for=10.0.0.1'], '10.0.0.1 0'],
  // What an untrusted client sent before is never looked at.
  [['for=1.1.1.1;x=", for=192.0.2.1'], '192.0.2.1 0'],
  [['for=1.1.1.1;x=", for="192.0.2.1:80"'], '192.0.2.1 80'],
  [['for=1.1.1.1;x="\\", for="[2001:db8::1]"'], '2001:db8::1 0'],
  [['for=junk', '"', 'for=192.0.2.1'], '192.0.2.1 0'],
  [['\x01\xff, for=192.0.2.1, for=10.0.0.1'], '192.0.2.1 0'],
]

const X_FORWARDED_FOR: [string[], string][] = [
  [[], 'nobody'],
  [[', '], 'nobody'],
  [['192.0.2.1'], '192.0.2.1 0'],
  [['192.0.2.1:8080'], '192.0.2.1 8080'],
  [['2001:DB8::1'], '2001:db8::1 0'],
  [['[2001:db8::1]'], '2001:db8::1 0'],
  [['[2001:db8::1]:443'], '2001:db8::1 443'],
  [['::ffff:192.0.2.1'], '192.0.2.1 0'],
  [['192.0.2.9, 192.0.2.1,10.0.0.1 '], '192.0.2.1 0'],
  [['192.0.2.9', '192.0.2.1', '10.0.0.1'], '192.0.2.1 0'],
  [['10.0.0.9, fd00::1'], '10.0.0.9 0'],
  [['192.0.2.9, unknown, 10.0.0.1'], '10.0.0.1 0'],
  [['Unknown'], 'nobody'],
  [['<script>, 192.0.2.1'], '192.0.2.1 0'],
  [['"1.1.1.1, 192.0.2.1'], '192.0.2.1 0'],
  [['"', '192.0.2.1, 10.0.0.1'], '192.0.2.1 0'],
]

for (const [header, table] of [
  ['forwarded', FORWARDED],
  ['x-forwarded-for', X_FORWARDED_FOR],
] as const) {
  for (const [lines, expected] of table) {
    test(`${header} ${JSON.stringify(lines)} is from ${expected}`, () =>
      assert.equal(client(header, ...lines), expected))
  }
}

const NO_PAIRS = /is no list of pairs such as for="192\.0\.2\.1:8080"$/
const NO_ADDRESS = /is no address$/
const MALFORMED: [ForwardedHeader, string, RegExp][] = [
  ['forwarded', '192.0.2.1', NO_PAIRS],
  ['forwarded', 'for', NO_PAIRS],
  ['forwarded', 'for=', NO_PAIRS],
  ['forwarded', 'for =1.2.3.4', NO_PAIRS],
  ['forwarded', 'for=192.0.2.1:80', NO_PAIRS],
  ['forwarded', 'for=[2001:db8::1]', NO_PAIRS],
  ['forwarded', 'for="192.0.2.1', NO_PAIRS],
  ['forwarded', 'for=192.0.2.1"', NO_PAIRS],
  ['forwarded', 'for=192.0.2.1 proto=http', NO_PAIRS],
  ['forwarded', 'for="1.2.3.4"x', NO_PAIRS],
  ['forwarded', 'for="a\x01"', NO_PAIRS],
  ['forwarded', 'for=1.2.3.4;For=1.2.3.4', /has more than one "for"$/],
  ['forwarded', 'for=""', NO_ADDRESS],
  ['forwarded', 'for=example', NO_ADDRESS],
  ['forwarded', 'for=192.0.2.256', NO_ADDRESS],
  ['forwarded', 'for="2001:db8::1"', NO_ADDRESS],
  ['forwarded', 'for="[192.0.2.1]"', NO_ADDRESS],
  ['forwarded', 'for="[fe80::1%a]"', NO_ADDRESS],
  ['forwarded', 'for="192.0.2.1:65536"', NO_ADDRESS],
  ['forwarded', 'for="192.0.2.1:"', NO_ADDRESS],
  ['forwarded', 'for="_"', NO_ADDRESS],
  ['forwarded', 'for="unknown "', NO_ADDRESS],
  ['x-forwarded-for', 'example.com', NO_ADDRESS],
  ['x-forwarded-for', '192.0.2.256', NO_ADDRESS],
  ['x-forwarded-for', '192.0.2.1:65536', NO_ADDRESS],
  ['x-forwarded-for', '192.0.2.1 10.0.0.1', NO_ADDRESS],
  ['x-forwarded-for', '[192.0.2.1]:80', NO_ADDRESS],
  ['x-forwarded-for', 'fe80::1%eth0', NO_ADDRESS],
  ['x-forwarded-for', '_hidden', NO_ADDRESS],
  ['x-forwarded-for', 'for=192.0.2.1', NO_ADDRESS],
]
for (const [header, element, problem] of MALFORMED) {
  test(`${header} ${JSON.stringify(element)} is malformed, where a trusted proxy wrote it and only there`, () => {
    assert.match(client(header, element), problem)
    const hop = (address: string): string => (header === 'forwarded' ? `for=${address}` : address)
    assert.match(client(header, `${element}, ${hop('10.0.0.1')}`), problem)
    assert.match(client(header, hop('1.1.1.1'), element), problem)
    assert.equal(client(header, `${element}, ${hop('192.0.2.1')}`), '192.0.2.1 0')
    assert.equal(client(header, element, hop('192.0.2.1')), '192.0.2.1 0')
  })
}

test('whatever stands before what the trusted proxy wrote changes nothing', () => {
  const before = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 3 })
  const pieces = fc.array(fc.constantFrom('for=', '"', '\\', ',', ';', '1.1.1.1', '[', ' '), { maxLength: 12 })
  fc.assert(
    fc.property(before, pieces, fc.ipV4(), (lines, spoofed, address) => {
      if (TRUSTED.has(address)) return
      const junk = spoofed.join('')
      assert.equal(client('forwarded', ...lines, `${junk}, for="${address}:5"`), `${address} 5`)
      assert.equal(client('forwarded', ...lines, junk, `for=${address};by="x,y"`), `${address} 0`)
      assert.equal(client('x-forwarded-for', ...lines, `${junk}, ${address}`), `${address} 0`)
    }),
    { numRuns: 2000 },
  )
})

test('no lines throw, and a problem fits into one line', () => {
  const lines = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 })
  fc.assert(
    fc.property(lines, lines => {
      for (const header of ['forwarded', 'x-forwarded-for'] as const)
        assert.match(client(header, ...lines), /^[ !-~]+$/)
    }),
    { numRuns: 2000 },
  )
})
