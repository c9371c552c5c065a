// The opening handshake request, rule by rule: RFC 6455 section 4.2.1, RFC 9110 and RFC 9112.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  judgeUpgrade,
  REFUSAL_REASONS,
  type RefusalReason,
  type UpgradeRequest,
  type UpgradeRules,
} from '../../../src/protocol/upgrade-request.js'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const OPEN: UpgradeRules = { origins: [], subprotocols: [], compression: undefined }
const COMPRESSING: UpgradeRules = { ...OPEN, compression: { contextTakeover: false, windowBits: 15 } }

/** The verdict on the plainest handshake. */
const PLAIN = { kind: 'accept', path: '/', query: '', key: KEY }

/** Header lines by name: a string, several for a repeated header, or undefined to leave out a default. */
type Headers = Record<string, string | readonly string[] | undefined>

interface Change {
  readonly method?: string
  readonly httpVersion?: string
  readonly target?: string
  readonly headers?: Headers
}

const DEFAULT_HEADERS: Headers = {
  Host: 'example.com',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': KEY,
  'Sec-WebSocket-Version': '13',
}

/** A request that is accepted, but for `change`. */
function request(change: Change = {}): UpgradeRequest {
  const { method = 'GET', httpVersion = '1.1', target = '/', headers = {} } = change
  const rawHeaders = Object.entries({ ...DEFAULT_HEADERS, ...headers }).flatMap(([name, value]) => {
    const lines = value === undefined ? [] : [value].flat()
    return lines.flatMap(line => [name, line])
  })
  return { method, httpVersion, target, rawHeaders }
}

test('the plainest handshake is accepted with its key', () => {
  assert.deepEqual(judgeUpgrade(request(), OPEN), PLAIN)
})

test('an accepted handshake has the path and the query of its target', () => {
  const verdict = judgeUpgrade(request({ target: 'ws://example.com/a%20b?c=d?e' }), { ...OPEN, path: '/a%20b' })
  assert.deepEqual(verdict, { ...PLAIN, path: '/a%20b', query: 'c=d?e' })
})

const ACCEPTED: readonly [string, Change, UpgradeRules][] = [
  ['HTTP/1.2', { httpVersion: '1.2' }, OPEN],
  ['upgrade tokens in any case', { headers: { Upgrade: 'WebSocket', Connection: 'uPGRADE' } }, OPEN],
  ['header names in any case', { headers: { Upgrade: undefined, uPGRADE: 'websocket' } }, OPEN],
  ['upgrade tokens among others', { headers: { Upgrade: 'h2c, websocket', Connection: 'keep-alive, Upgrade' } }, OPEN],
  ['upgrade tokens in several lines', { headers: { Connection: ['keep-alive', 'Upgrade'] } }, OPEN],
  ['empty elements in Connection', { headers: { Connection: ',, Upgrade,' } }, OPEN],
  ['a key that ends in A', { headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' } }, OPEN],
  ['a key that ends in g', { headers: { 'Sec-WebSocket-Key': '+/AAAAAAAAAAAAAAAAAAAg==' } }, OPEN],
  ['a key that ends in w', { headers: { 'Sec-WebSocket-Key': '/////////////////////w==' } }, OPEN],
  [
    'a key with padding bits set, as in section 4.1',
    { headers: { 'Sec-WebSocket-Key': 'AQIDBAUGBwgJCgsMDQ4PEC==' } },
    OPEN,
  ],
  ['Host with a port', { headers: { Host: 'example.com:8888' } }, OPEN],
  ['Host with an empty port', { headers: { Host: 'example.com:' } }, OPEN],
  ['Host with an IPv6 address', { headers: { Host: '[::1]:8888' } }, OPEN],
  ['Host with an escaped octet', { headers: { Host: 'ex%41mple' } }, OPEN],
  ['Content-Length 0', { headers: { 'Content-Length': '0' } }, OPEN],
  ['any path when none is set', { target: '/some/where?a=b[]' }, OPEN],
  ['the path set', { target: '/echo' }, { ...OPEN, path: '/echo' }],
  ['the path set, with a query', { target: '/echo?x=1?y=/' }, { ...OPEN, path: '/echo' }],
  ['absolute-form http', { target: 'http://example.com/echo?x' }, { ...OPEN, path: '/echo' }],
  ['absolute-form HTTPS', { target: 'HTTPS://example.com:443/echo' }, { ...OPEN, path: '/echo' }],
  ['absolute-form ws', { target: 'ws://[::1]/echo' }, { ...OPEN, path: '/echo' }],
  ['absolute-form wss', { target: 'wss://example.com/echo' }, { ...OPEN, path: '/echo' }],
  ['absolute-form without a path is the root', { target: 'ws://example.com' }, { ...OPEN, path: '/' }],
  ['absolute-form with only a query is the root', { target: 'ws://example.com?x=/y' }, { ...OPEN, path: '/' }],
  ['any Origin when none is set', { headers: { Origin: 'null' } }, OPEN],
  [
    'an Origin in the list',
    { headers: { Origin: 'https://b.example' } },
    listing('https://a.example', 'https://b.example'),
  ],
  ['an Origin in another case', { headers: { Origin: 'HTTPS://A.example' } }, listing('https://a.EXAMPLE')],
  ['no Origin: no browser', {}, listing('https://a.example')],
]

for (const [what, change, rules] of ACCEPTED) {
  test(`accepted: ${what}`, () => assert.equal(judgeUpgrade(request(change), rules).kind, 'accept'))
}

const UPGRADE = { Upgrade: 'websocket', Connection: 'Upgrade' }

interface Expected {
  readonly status: number
  readonly reason: RefusalReason
  readonly headers?: Record<string, string>
  readonly sentence: RegExp
}

const NOT_UPGRADE: Expected = {
  status: 426,
  reason: 'not_upgrade',
  headers: UPGRADE,
  sentence: /WebSocket echo service/,
}
const BAD_HOST = badRequest(/Host header must be there exactly once/)
const BARE_IPV6 = badRequest(/IPv6 address in the Host header needs brackets around it, such as "\[::1\]:8888"/)
const BAD_CONNECTION = badRequest(/Connection header must include "Upgrade"/)
const BAD_LENGTH = badRequest(/Content-Length header must be 0/)
const BAD_CODING = badRequest(/Transfer-Encoding header is not allowed/)
const BAD_KEY = badRequest(/Sec-WebSocket-Key header .* 16 octets in base64/)
const VERSION_COUNT = badRequest(/Sec-WebSocket-Version header .* once, with the value 13/)
const BAD_TARGET = badRequest(/request target must be/)
const NOT_FOUND: Expected = { status: 404, reason: 'path', sentence: /the echo service is at "\/echo"/ }
const FORBIDDEN: Expected = { status: 403, reason: 'origin', sentence: /Origin header/ }

const REFUSED: readonly [string, Change, UpgradeRules, Expected][] = [
  ['a plain GET', { headers: { Upgrade: undefined, Connection: 'keep-alive' } }, OPEN, NOT_UPGRADE],
  ['a plain POST', { method: 'POST', headers: { Upgrade: undefined } }, OPEN, NOT_UPGRADE],
  ['HTTP/1.0 with Upgrade', { httpVersion: '1.0' }, OPEN, NOT_UPGRADE],
  ['HTTP/1.0 without Host', { httpVersion: '1.0', headers: { Host: undefined } }, OPEN, NOT_UPGRADE],
  ['HTTP/2', { httpVersion: '2.0' }, OPEN, NOT_UPGRADE],
  ['an upgrade to something else', { headers: { Upgrade: 'h2c' } }, OPEN, NOT_UPGRADE],
  ['websocket with a version', { headers: { Upgrade: 'websocket/13' } }, OPEN, NOT_UPGRADE],
  ['websocket as a part of a token', { headers: { Upgrade: 'websockets, xwebsocket' } }, OPEN, NOT_UPGRADE],
  ['an empty Upgrade', { headers: { Upgrade: '' } }, OPEN, NOT_UPGRADE],

  ['no Host', { headers: { Host: undefined } }, OPEN, BAD_HOST],
  ['no Host on a plain GET', { headers: { Host: undefined, Upgrade: undefined } }, OPEN, BAD_HOST],
  ['two Hosts', { headers: { Host: ['a.example', 'a.example'] } }, OPEN, BAD_HOST],
  ['two Hosts in HTTP/1.0', { httpVersion: '1.0', headers: { Host: ['a', 'b'] } }, OPEN, BAD_HOST],
  ['an empty Host', { headers: { Host: '' } }, OPEN, BAD_HOST],
  ['a Host that is only a port', { headers: { Host: ':80' } }, OPEN, BAD_HOST],
  ['a Host with user information', { headers: { Host: 'me@a.example' } }, OPEN, BAD_HOST],
  ['a Host with a path', { headers: { Host: 'a.example/echo' } }, OPEN, BAD_HOST],
  ['a Host with a bad escape', { headers: { Host: 'a%4' } }, OPEN, BAD_HOST],
  ['a Host with a bad port', { headers: { Host: 'a:b' } }, OPEN, BAD_HOST],
  ['an IPv6 Host without brackets', { headers: { Host: '::1' } }, OPEN, BARE_IPV6],
  ['an IPv6 Host without brackets, with a port', { headers: { Host: '::1:51951' } }, OPEN, BARE_IPV6],
  ['two IPv6 Hosts without brackets', { headers: { Host: ['::1', '::1'] } }, OPEN, BAD_HOST],

  ['no Connection', { headers: { Connection: undefined } }, OPEN, BAD_CONNECTION],
  ['Connection without Upgrade', { headers: { Connection: 'keep-alive, upgrades' } }, OPEN, BAD_CONNECTION],

  ['POST', { method: 'POST' }, OPEN, { status: 405, reason: 'method', headers: { Allow: 'GET' }, sentence: /"POST"/ }],
  ['get', { method: 'get' }, OPEN, { status: 405, reason: 'method', headers: { Allow: 'GET' }, sentence: /"get"/ }],

  ['Content-Length 1', { headers: { 'Content-Length': '1' } }, OPEN, BAD_LENGTH],
  ['Content-Length repeated', { headers: { 'Content-Length': ['0', '5'] } }, OPEN, BAD_LENGTH],
  ['Content-Length empty', { headers: { 'Content-Length': '' } }, OPEN, BAD_LENGTH],
  ['Transfer-Encoding', { headers: { 'Transfer-Encoding': 'chunked' } }, OPEN, BAD_CODING],

  ['no version', { headers: { 'Sec-WebSocket-Version': undefined } }, OPEN, VERSION_COUNT],
  ['two versions', { headers: { 'Sec-WebSocket-Version': ['13', '13'] } }, OPEN, VERSION_COUNT],
  ...['8', '14', '013', '13.0', '+13', '13, 8', '', 'x'].map((version): (typeof REFUSED)[number] => [
    `version ${JSON.stringify(version)}`,
    { headers: { 'Sec-WebSocket-Version': version } },
    OPEN,
    {
      status: 426,
      reason: 'bad_version',
      headers: { ...UPGRADE, 'Sec-WebSocket-Version': '13' },
      sentence: /Sec-WebSocket-Version header .* 13 only/,
    },
  ]),
  [
    'another version with another kind of key',
    { headers: { 'Sec-WebSocket-Version': '14', 'Sec-WebSocket-Key': undefined } },
    OPEN,
    {
      status: 426,
      reason: 'bad_version',
      headers: { ...UPGRADE, 'Sec-WebSocket-Version': '13' },
      sentence: /asks for "14"/,
    },
  ],

  ['no key', { headers: { 'Sec-WebSocket-Key': undefined } }, OPEN, BAD_KEY],
  ['two keys', { headers: { 'Sec-WebSocket-Key': [KEY, KEY] } }, OPEN, BAD_KEY],
  ['an empty key', { headers: { 'Sec-WebSocket-Key': '' } }, OPEN, BAD_KEY],
  ['a key of 15 octets', { headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' } }, OPEN, BAD_KEY],
  ['a key of 17 octets', { headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' } }, OPEN, BAD_KEY],
  ['a key without padding', { headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA' } }, OPEN, BAD_KEY],
  ['a key in base64url', { headers: { 'Sec-WebSocket-Key': '-_AAAAAAAAAAAAAAAAAAAA==' } }, OPEN, BAD_KEY],
  ['a key with a line end', { headers: { 'Sec-WebSocket-Key': `${KEY}\n` } }, OPEN, BAD_KEY],

  ['a fragment', { target: '/echo#top' }, OPEN, BAD_TARGET],
  ['a fragment in absolute-form', { target: 'ws://a.example#top' }, OPEN, BAD_TARGET],
  ['an empty target', { target: '' }, OPEN, BAD_TARGET],
  ['asterisk-form', { target: '*' }, OPEN, BAD_TARGET],
  ['authority-form', { target: 'a.example:80' }, OPEN, BAD_TARGET],
  ['another scheme', { target: 'ftp://a.example/' }, OPEN, BAD_TARGET],
  ['absolute-form without a host', { target: 'http:///echo' }, OPEN, BAD_TARGET],
  ['absolute-form with user information', { target: 'http://me@a.example/' }, OPEN, BAD_TARGET],
  ['a control character', { target: '/a\u0001' }, OPEN, BAD_TARGET],
  ['a raw octet above ASCII', { target: '/\u00e4' }, OPEN, BAD_TARGET],

  ['another path', { target: '/' }, { ...OPEN, path: '/echo' }, NOT_FOUND],
  ['a longer path', { target: '/echo/' }, { ...OPEN, path: '/echo' }, NOT_FOUND],
  ['a path in another case', { target: '/Echo' }, { ...OPEN, path: '/echo' }, NOT_FOUND],
  ['another path in absolute-form', { target: 'http://a.example/x?/echo' }, { ...OPEN, path: '/echo' }, NOT_FOUND],

  ['a foreign Origin', { headers: { Origin: 'https://evil.example' } }, listing('https://a.example'), FORBIDDEN],
  [
    'an Origin with another port',
    { headers: { Origin: 'https://a.example:1' } },
    listing('https://a.example'),
    FORBIDDEN,
  ],
  ['the opaque Origin', { headers: { Origin: 'null' } }, listing('https://a.example'), FORBIDDEN],
  ['an empty Origin', { headers: { Origin: '' } }, listing('https://a.example'), FORBIDDEN],
  ['two Origins', { headers: { Origin: ['https://a', 'https://a'] } }, OPEN, badRequest(/Origin header .* only once/)],

  [
    'malformed subprotocols',
    { headers: { 'Sec-WebSocket-Protocol': 'a b' } },
    OPEN,
    badRequest(/Sec-WebSocket-Protocol header is malformed: a subprotocol must be a token/),
  ],
  [
    'a subprotocol repeated in another line',
    { headers: { 'Sec-WebSocket-Protocol': ['a', 'b, a'] } },
    OPEN,
    badRequest(/Sec-WebSocket-Protocol header is malformed: .* only once/),
  ],
  [
    'an empty list of subprotocols',
    { headers: { 'Sec-WebSocket-Protocol': '' } },
    OPEN,
    badRequest(/names no subprotocol/),
  ],
  [
    'malformed extensions, also without compression',
    { headers: { 'Sec-WebSocket-Extensions': 'foo;' } },
    OPEN,
    badRequest(/Sec-WebSocket-Extensions header is malformed: an extension parameter/),
  ],
  [
    'one malformed line of extensions',
    { headers: { 'Sec-WebSocket-Extensions': ['permessage-deflate', '='] } },
    COMPRESSING,
    badRequest(/Sec-WebSocket-Extensions header is malformed: the name of an extension/),
  ],
]

for (const [what, change, rules, expected] of REFUSED) {
  test(`refused with ${expected.status}: ${what}`, () => {
    const verdict = judgeUpgrade(request(change), rules)
    assert.ok(verdict.kind === 'refuse')
    const { status, reason, headers, sentence } = verdict
    assert.deepEqual(
      { status, reason, headers },
      {
        status: expected.status,
        reason: expected.reason,
        headers: expected.headers ?? {},
      },
    )
    assert.match(sentence, expected.sentence)
  })
}

const SUBPROTOCOLS: readonly [string, readonly string[], readonly string[], string | undefined][] = [
  ["the client's first when the server has no list", ['b, a'], [], 'b'],
  ["the first in the client's order that the server lists", ['x, b, a'], ['a', 'b'], 'b'],
  ['none when none matches', ['x, y'], ['a'], undefined],
  ['none when the client asks for none', [], ['a'], undefined],
  ['names are case-sensitive', ['A'], ['a'], undefined],
  ['lists in several lines', ['x', 'b'], ['b'], 'b'],
]

for (const [what, offered, supported, expected] of SUBPROTOCOLS) {
  test(`subprotocol: ${what}`, () => {
    const verdict = judgeUpgrade(request({ headers: { 'Sec-WebSocket-Protocol': offered } }), {
      ...OPEN,
      subprotocols: supported,
    })
    const subprotocol = expected === undefined ? {} : { subprotocol: expected }
    assert.deepEqual(verdict, { ...PLAIN, ...subprotocol })
  })
}

test('compression is negotiated from all lines of the header', () => {
  const lines = [
    'permessage-deflate; unknown',
    'permessage-deflate; client_no_context_takeover; client_max_window_bits',
  ]
  const verdict = judgeUpgrade(request({ headers: { 'Sec-WebSocket-Extensions': lines } }), COMPRESSING)
  assert.ok(verdict.kind === 'accept')
  assert.equal(verdict.extensionsHeader, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover')
  assert.equal(verdict.deflate?.response, verdict.extensionsHeader)
})

test('without an acceptable offer, or without compression, no extension is answered', () => {
  const offering = (extensions: string) => request({ headers: { 'Sec-WebSocket-Extensions': extensions } })
  assert.deepEqual(judgeUpgrade(offering('foo, permessage-deflate; bar'), COMPRESSING), PLAIN)
  assert.deepEqual(judgeUpgrade(offering('permessage-deflate'), OPEN), PLAIN)
  assert.deepEqual(judgeUpgrade(request(), COMPRESSING), PLAIN)
})

test('every canonical key of 16 octets is accepted, any other length refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), octets => {
      const key = Buffer.from(octets).toString('base64')
      const verdict = judgeUpgrade(request({ headers: { 'Sec-WebSocket-Key': key } }), OPEN)
      assert.equal(verdict.kind, octets.length === 16 ? 'accept' : 'refuse')
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), octets => {
      const key = Buffer.from(octets).toString('base64')
      assert.deepEqual(judgeUpgrade(request({ headers: { 'Sec-WebSocket-Key': key } }), OPEN), { ...PLAIN, key })
    }),
  )
})

test('a value echoed in a sentence is short and harmless', () => {
  const hostile = `<script>"&'\r\n\u001b[31m\u00e4${'x'.repeat(500)}`
  const verdict = judgeUpgrade(request({ method: hostile }), OPEN)
  assert.ok(verdict.kind === 'refuse')
  assert.match(verdict.sentence, /the method "\?script\?{6}\?\[31m\?x+\.\.\." is not allowed/)
  assert.ok(verdict.sentence.length < 160)
})

test('nothing on the wire makes it throw, and every sentence is one line of harmless ASCII', () => {
  const octets = fc.string({ unit: 'binary', maxLength: 40 })
  const name = fc.oneof(fc.constantFrom(...Object.keys(DEFAULT_HEADERS), 'Origin', 'Sec-WebSocket-Protocol'), octets)
  const changed = fc.record(
    {
      method: octets,
      httpVersion: fc.constantFrom('0.9', '1.0', '1.1', '2.0', ''),
      target: octets,
      headers: fc.dictionary(name, fc.oneof(octets, fc.array(octets, { maxLength: 3 }))),
    },
    { requiredKeys: [] },
  )
  const rules: UpgradeRules = { ...COMPRESSING, path: '/echo', origins: ['https://a.example'], subprotocols: ['a'] }
  fc.assert(
    fc.property(changed, fc.boolean(), (change, odd) => {
      const made = request(change)
      const verdict = judgeUpgrade(odd ? { ...made, rawHeaders: made.rawHeaders.slice(1) } : made, rules)
      if (verdict.kind === 'accept') return
      assert.match(verdict.sentence, /^[ !-~]{1,300}$/)
      assert.ok(REFUSAL_REASONS.includes(verdict.reason))
    }),
    { numRuns: 1000 },
  )
})

function listing(...origins: string[]): UpgradeRules {
  return { ...OPEN, origins }
}

function badRequest(sentence: RegExp): Expected {
  return { status: 400, reason: 'bad_request', sentence }
}
