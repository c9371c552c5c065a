// Requests of HTTP/2 judged as opening handshakes (RFC 8441): what is accepted, and what is refused in which words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConnectAcceptance,
  connectRequest,
  headText,
  judgeConnect,
} from '../../../src/protocol/connect-request.js'
import { connected, described, refused, responseText } from '../../../src/protocol/connect-response.js'
import { statusOf } from '../../../src/protocol/response-status.js'
import type { Refusal, UpgradeRules } from '../../../src/protocol/upgrade-request.js'

const RULES: UpgradeRules = {
  path: undefined,
  origins: [],
  subprotocols: [],
  compression: { windowBits: 15, contextTakeover: false },
}
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const LEGAL: Readonly<Record<string, string>> = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/chat?a=b',
  ':authority': 'server.example:8443',
  'sec-websocket-version': '13',
}

/** The legal request with fields replaced, left out where a value is undefined, and further lines behind. */
function judge(
  fields: Record<string, string | undefined> = {},
  more: readonly string[] = [],
  rules = RULES,
): ConnectAcceptance | Refusal {
  const all = Object.entries({ ...LEGAL, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  )
  return judgeConnect(connectRequest([...all, ...more]), rules)
}

function assertAccepted(judgement: ConnectAcceptance | Refusal): ConnectAcceptance {
  assert.equal(judgement.kind, 'accept', JSON.stringify(judgement))
  return judgement as ConnectAcceptance
}

test('a legal request, without a key', () => {
  const { path, query, key, subprotocol, deflate } = assertAccepted(judge())
  assert.deepEqual([path, query, key, subprotocol, deflate], ['/chat', 'a=b', undefined, undefined, undefined])
})

test('a key that comes is kept for the answer', () => {
  assert.equal(assertAccepted(judge({ 'sec-websocket-key': KEY })).key, KEY)
})

for (const [what, fields, more] of [
  ['http as scheme', { ':scheme': 'http' }, []],
  ['Host in the place of :authority', { ':authority': undefined, host: 'a' }, []],
  ['Host that says the same', { host: 'server.example:8443' }, []],
  ['an IPv6 address in brackets', { ':authority': '[::1]:8888' }, []],
  ['content-length 0', { 'content-length': '0' }, []],
  ['100 fields', {}, Array.from({ length: 99 }, (_, i) => [`x-${i}`, '1']).flat()],
] as const) {
  test(`accepted: ${what}`, () => void assertAccepted(judge(fields, more)))
}

test('subprotocol and compression are negotiated as over HTTP/1.1', () => {
  const more = ['sec-websocket-protocol', 'a, b', 'sec-websocket-extensions', 'permessage-deflate']
  const acceptance = assertAccepted(judge({}, more, { ...RULES, subprotocols: ['b'] }))
  assert.equal(acceptance.subprotocol, 'b')
  assert.match(acceptance.extensionsHeader ?? '', /^permessage-deflate; server_no_context_takeover/)
})

const REFUSED: readonly (readonly [
  what: string,
  fields: Record<string, string | undefined>,
  status: number,
  reason: string,
  sentence: RegExp,
  more?: readonly string[],
])[] = [
  ['GET', { ':method': 'GET', ':protocol': undefined }, 405, 'not_upgrade', /extended CONNECT \(RFC 8441\).*"GET"/],
  ['no method', { ':method': undefined }, 405, 'not_upgrade', /""/],
  ['no protocol', { ':protocol': undefined }, 501, 'not_upgrade', /this CONNECT has none/],
  ['another protocol', { ':protocol': 'connect-ip' }, 501, 'not_upgrade', /it is "connect-ip"/],
  ['the protocol in another case', { ':protocol': 'WebSocket' }, 501, 'not_upgrade', /it is "WebSocket"/],
  ['no scheme', { ':scheme': undefined }, 400, 'bad_request', /:scheme must be https or http/],
  ['another scheme', { ':scheme': 'wss' }, 400, 'bad_request', /it is "wss"/],
  ['no authority', { ':authority': undefined }, 400, 'bad_request', /:authority, or the Host header/],
  ['an empty authority', { ':authority': '' }, 400, 'bad_request', /:authority, or the Host header/],
  ['user information', { ':authority': 'u@a' }, 400, 'bad_request', /:authority, or the Host header/],
  ['a Host that says something else', { host: 'other' }, 400, 'bad_request', /:authority, or the Host header/],
  ['an IPv6 address without brackets', { ':authority': '::1:80' }, 400, 'bad_request', /brackets.*"::1:80"/],
  ['a body', { 'content-length': '1' }, 400, 'bad_request', /has no body/],
  ['no version', { 'sec-websocket-version': undefined }, 400, 'bad_request', /exactly once, with the value 13/],
  ['an old version', { 'sec-websocket-version': '8' }, 400, 'bad_version', /"8".*version 13 only/],
  ['a bad key', { 'sec-websocket-key': 'x' }, 400, 'bad_request', /16 octets in base64/],
  ['two keys', { 'sec-websocket-key': KEY }, 400, 'bad_request', /exactly once/, ['sec-websocket-key', KEY]],
  ['no path', { ':path': undefined }, 400, 'bad_request', /:path must begin with "\/"/],
  ['an absolute URI', { ':path': 'http://a/' }, 400, 'bad_request', /:path must begin with "\/"/],
  ['an asterisk', { ':path': '*' }, 400, 'bad_request', /:path must begin with "\/"/],
  ['a fragment', { ':path': '/a#b' }, 400, 'bad_request', /without "#"/],
  ['a malformed offer', { 'sec-websocket-extensions': 'a b' }, 400, 'bad_request', /Extensions header is malformed/],
  ['two origins', { origin: 'http://a' }, 400, 'bad_request', /only once/, ['origin', 'http://b']],
  [
    '101 fields',
    {},
    431,
    'bad_http',
    /more than 100 header lines/,
    Array.from({ length: 100 }, (_, i) => [`x-${i}`, '1']).flat(),
  ],
]

for (const [what, fields, status, reason, sentence, more] of REFUSED) {
  test(`refused with ${status}: ${what}`, () => {
    const refusal = judge(fields, more)
    assert.equal(refusal.kind, 'refuse')
    if (refusal.kind !== 'refuse') return
    assert.deepEqual([refusal.status, refusal.reason], [status, reason])
    assert.match(refusal.sentence, sentence)
    assert.match(refusal.sentence, /^[ !-~]{1,300}$/)
  })
}

test('path and origin by the rules', () => {
  const rules = { ...RULES, path: '/echo', origins: ['https://good.example'] }
  const statusFor = (fields: Record<string, string>): number | string => {
    const judgement = judge(fields, [], rules)
    return judgement.kind === 'refuse' ? judgement.status : 'accepted'
  }
  assert.equal(statusFor({}), 404)
  assert.equal(statusFor({ ':path': '/echo', origin: 'https://evil.example' }), 403)
  assert.equal(statusFor({ ':path': '/echo?x', origin: 'https://good.example' }), 'accepted')
})

test('the responses have no field of HTTP/1.1 alone, and names in lower case', () => {
  const refusal = judge({ 'sec-websocket-version': '8' }) as Refusal
  const { status, fields, body } = refused(refusal, true)
  assert.equal(status, 400)
  assert.deepEqual(
    fields.map(([name]) => name),
    ['sec-websocket-version', 'content-type', 'content-length'],
  )
  assert.deepEqual(fields.at(-1), ['content-length', String(body.length)])
  const upgrade = { ...refusal, headers: { Upgrade: 'websocket', Connection: 'Upgrade', Allow: 'CONNECT' } }
  assert.deepEqual(refused(upgrade, false).fields[0], ['allow', 'CONNECT'])
  assert.equal(refused(upgrade, false).body, '')
  assert.equal(described('{"ä":1}', false).body, '')
  assert.deepEqual(described('{"ä":1}', true).fields.at(-1), ['content-length', '9'])
})

test('only what was agreed on is answered', () => {
  assert.deepEqual(connected({ accept: null, extensions: null, subprotocol: null }).fields, [])
  assert.deepEqual(connected({ accept: 'x', extensions: 'e', subprotocol: 's' }).fields, [
    ['sec-websocket-accept', 'x'],
    ['sec-websocket-protocol', 's'],
    ['sec-websocket-extensions', 'e'],
  ])
})

test('heads and responses as text, and the status in them', () => {
  assert.equal(headText([':method', 'CONNECT', 'a', 'b']), ':method: CONNECT\r\na: b\r\n\r\n')
  const text = responseText({ status: 405, fields: [['allow', 'CONNECT']], body: 'no.\n' })
  assert.equal(text, ':status: 405\r\nallow: CONNECT\r\n\r\nno.\n')
  assert.deepEqual([statusOf(text), statusOf('HTTP/1.1 426 Upgrade Required\r\n'), statusOf('')], [405, 426, undefined])
})
