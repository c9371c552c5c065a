// permessage-deflate negotiation by RFC 7692, and where it departs from that of ws.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import * as ws from 'ws'
import { type DeflateTerms, negotiateDeflate } from '../../../src/protocol/deflate-negotiation.js'
import { parseExtensions } from '../../../src/protocol/header-grammar.js'

/** The service's default terms. */
const STATELESS: DeflateTerms = { contextTakeover: false, windowBits: 15 }
const TAKEOVER: DeflateTerms = { contextTakeover: true, windowBits: 15 }

function negotiate(header: string, terms: DeflateTerms) {
  const offers = parseExtensions(header)
  assert.ok(offers.ok)
  return negotiateDeflate(offers.value, terms)
}

/** Offer and terms; then the response after the extension's name, and the windows of server and client. */
const ANSWERS: readonly [string, DeflateTerms, string, number, number][] = [
  ['', TAKEOVER, '', 15, 15],
  ['', STATELESS, '; server_no_context_takeover; client_no_context_takeover', 15, 15],
  [
    '; client_no_context_takeover; client_max_window_bits',
    STATELESS,
    '; server_no_context_takeover; client_no_context_takeover',
    15,
    15,
  ],
  ['; server_no_context_takeover', TAKEOVER, '; server_no_context_takeover', 15, 15],
  ['; client_no_context_takeover', TAKEOVER, '; client_no_context_takeover', 15, 15],
  ['; server_max_window_bits=8', TAKEOVER, '; server_max_window_bits=8', 8, 15],
  ['; server_max_window_bits=10', TAKEOVER, '; server_max_window_bits=10', 10, 15],
  ['; server_max_window_bits=15', TAKEOVER, '; server_max_window_bits=15', 15, 15],
  ['; server_max_window_bits="12"', TAKEOVER, '; server_max_window_bits=12', 12, 15],
  ['; client_max_window_bits', TAKEOVER, '', 15, 15],
  ['; client_max_window_bits=15', TAKEOVER, '', 15, 15],
  ['; client_max_window_bits=14', TAKEOVER, '; client_max_window_bits=14', 15, 14],
  ['; client_max_window_bits=8', TAKEOVER, '; client_max_window_bits=8', 15, 8],
  ['; client_max_window_bits="1\\0"', TAKEOVER, '; client_max_window_bits=10', 15, 10],
  ['', { contextTakeover: true, windowBits: 12 }, '', 12, 15],
  ['; client_max_window_bits', { contextTakeover: true, windowBits: 12 }, '; client_max_window_bits=12', 12, 12],
  [
    '; client_max_window_bits=10; server_max_window_bits=14',
    { contextTakeover: true, windowBits: 12 },
    '; server_max_window_bits=12; client_max_window_bits=10',
    12,
    10,
  ],
  [
    '; server_max_window_bits=9; client_max_window_bits=14; server_no_context_takeover; client_no_context_takeover',
    TAKEOVER,
    '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=14',
    9,
    14,
  ],
]

for (const [params, terms, response, serverWindowBits, clientWindowBits] of ANSWERS) {
  test(`permessage-deflate${params} under ${JSON.stringify(terms)}`, () => {
    assert.deepEqual(negotiate(`permessage-deflate${params}`, terms), {
      response: `permessage-deflate${response}`,
      serverContextTakeover: !response.includes('server_no_context_takeover'),
      clientContextTakeover: !response.includes('client_no_context_takeover'),
      serverWindowBits,
      clientWindowBits,
    })
  })
}

const ILLEGAL_WINDOW_BITS = ['7', '16', '0', '08', '010', '+10', '-10', '1e1', '0xa', '10.', '10.0', '100', '"08"', 'x']

const DECLINED_PARAMS: readonly string[] = [
  'unknown',
  'unknown=1',
  'server_no_context_takeover=1',
  'server_no_context_takeover=true',
  'client_no_context_takeover="1"',
  'server_max_window_bits',
  'server_no_context_takeover; server_no_context_takeover',
  'client_no_context_takeover; client_no_context_takeover',
  'server_max_window_bits=10; server_max_window_bits=10',
  'client_max_window_bits; client_max_window_bits',
  'client_max_window_bits; client_max_window_bits=10',
  'Server_No_Context_Takeover',
  'CLIENT_MAX_WINDOW_BITS',
  ...ILLEGAL_WINDOW_BITS.map(bits => `server_max_window_bits=${bits}`),
  ...ILLEGAL_WINDOW_BITS.map(bits => `client_max_window_bits=${bits}`),
]

for (const params of DECLINED_PARAMS) {
  test(`an offer with ${params} is declined, and the next one taken`, () => {
    assert.equal(negotiate(`permessage-deflate; ${params}`, TAKEOVER), undefined)
    const fallback = negotiate(`permessage-deflate; ${params}, permessage-deflate; client_max_window_bits=9`, TAKEOVER)
    assert.equal(fallback?.response, 'permessage-deflate; client_max_window_bits=9')
  })
}

test('other extensions are passed over, and the first acceptable offer wins', () => {
  assert.equal(negotiate('x-webkit-deflate-frame, Permessage-Deflate, permessage-bzip2', TAKEOVER), undefined)
  const agreement = negotiate(
    'foo; server_max_window_bits=9, permessage-deflate; server_max_window_bits=11, permessage-deflate',
    TAKEOVER,
  )
  assert.equal(agreement?.response, 'permessage-deflate; server_max_window_bits=11')
})

test('no offers, no agreement', () => assert.equal(negotiateDeflate([], TAKEOVER), undefined))

test('what is answered to any legal offer stays within the offer and the terms', () => {
  const bits = fc.integer({ min: 8, max: 15 })
  const params = fc.record({
    server_no_context_takeover: fc.boolean(),
    client_no_context_takeover: fc.boolean(),
    server_max_window_bits: fc.option(bits),
    client_max_window_bits: fc.option(fc.oneof(bits, fc.constant(true))),
  })
  const anyTerms = fc.record({ contextTakeover: fc.boolean(), windowBits: fc.integer({ min: 9, max: 15 }) })
  fc.assert(
    fc.property(params, anyTerms, (offered, terms) => {
      const texts = Object.entries(offered)
        .filter(([, value]) => value !== false && value !== null)
        .map(([name, value]) => (value === true ? name : `${name}=${value}`))
      const agreement = negotiate(['permessage-deflate', ...texts].join(';'), terms)
      assert.ok(agreement)
      assert.ok(agreement.serverWindowBits <= Math.min(offered.server_max_window_bits ?? 15, terms.windowBits))
      assert.equal(agreement.serverContextTakeover, terms.contextTakeover && !offered.server_no_context_takeover)
      assert.equal(agreement.clientContextTakeover, terms.contextTakeover && !offered.client_no_context_takeover)
      const confirmed = agreement.response.includes('server_max_window_bits')
      assert.equal(confirmed, offered.server_max_window_bits !== null)
      if (offered.client_max_window_bits === null) {
        assert.equal(agreement.clientWindowBits, 15)
        assert.doesNotMatch(agreement.response, /client_max_window_bits/)
      }
    }),
  )
})

test("zlib's window of 9 bits refers back 250 octets at most, within the 256 that an answer of 8 promises", () => {
  for (const level of [1, 6, 9]) {
    const reaches = (period: number) => {
      const text = Buffer.concat(Array(8).fill(noise(period)))
      return deflateRawSync(text, { windowBits: 9, level }).length < text.length / 2
    }
    assert.ok(reaches(250), `level ${level}`)
    for (let period = 251; period <= 512; period++) assert.ok(!reaches(period), `level ${level}, distance ${period}`)
  }
})

/** Octets without repetition worth compressing; the same for the same length. */
function noise(length: number): Uint8Array {
  let state = length
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

/** What ws's negotiation needs; its type package does not declare it. */
interface WsNegotiation {
  readonly extension: {
    parse(header: string): Record<string, object[]>
    format(extensions: Record<string, object[]>): string
  }
  readonly PerMessageDeflate: new (options: object) => { accept(offers: object[]): object }
}

const { extension, PerMessageDeflate } = ws as unknown as WsNegotiation

/** Answer of ws's server to a header: a response, `none`, or `400`. */
function answerOfWs(header: string): string {
  const deflate = new PerMessageDeflate({
    isServer: true,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
  })
  try {
    const offers = extension.parse(header)['permessage-deflate']
    return offers === undefined ? 'none' : extension.format({ 'permessage-deflate': [deflate.accept(offers)] })
  } catch {
    return '400'
  }
}

function answerOfOurs(header: string): string {
  const offers = parseExtensions(header)
  if (!offers.ok) return '400'
  return negotiateDeflate(offers.value, STATELESS)?.response ?? 'none'
}

const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** Parameters of a response, in no order: RFC 7692 gives them none. */
function unordered(response: string): string[] {
  return response.split('; ').sort()
}

const SAME_AS_WS = [
  'permessage-deflate',
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
  'permessage-deflate; server_max_window_bits=10; client_max_window_bits=11',
  'permessage-deflate; server_max_window_bits="8"',
  'permessage-deflate, permessage-deflate; client_max_window_bits=10',
  'foo; a="b", bar',
  'foo, permessage-deflate',
  'Permessage-Deflate',
  'permessage-deflate;',
  'permessage-deflate; client_max_window_bits=',
  'permessage-deflate; client_max_window_bits=""',
  'permessage-deflate; client_max_window_bits="1',
  'permessage deflate',
]

for (const header of SAME_AS_WS) {
  test(`ws answers the same to ${header}`, () => {
    assert.deepEqual(unordered(answerOfOurs(header)), unordered(answerOfWs(header)))
  })
}

/** Header, our answer, that of ws, and the rule that ours follows. */
const UNLIKE_WS: readonly [string, string, string, string][] = [
  ['permessage-deflate; foo', 'none', '400', 'RFC 7692 7: an unknown parameter declines the offer'],
  ['permessage-deflate; foo, permessage-deflate', AGREED, '400', 'RFC 7692 7: the next offer is considered'],
  [
    'permessage-deflate; client_max_window_bits; client_max_window_bits',
    'none',
    '400',
    'RFC 7692 7: a repeated parameter declines the offer',
  ],
  ['permessage-deflate; server_no_context_takeover=1', 'none', '400', 'RFC 7692 7.1.1.1: a value where none may be'],
  ['permessage-deflate; client_no_context_takeover=1', 'none', '400', 'RFC 7692 7.1.1.2: a value where none may be'],
  ['permessage-deflate; server_max_window_bits=16', 'none', '400', 'RFC 7692 7: an illegal value declines the offer'],
  ['permessage-deflate; client_max_window_bits=7', 'none', '400', 'RFC 7692 7: an illegal value declines the offer'],
  ['permessage-deflate; server_max_window_bits', 'none', '400', 'RFC 7692 7.1.2.1: the value is required'],
  [
    'permessage-deflate; server_max_window_bits=010',
    'none',
    `${AGREED}; server_max_window_bits=10`,
    'RFC 7692 7.1.2.1: no leading zeros',
  ],
  [
    'permessage-deflate; client_max_window_bits=+10',
    'none',
    `${AGREED}; client_max_window_bits=10`,
    'RFC 7692 7.1.2.2: digits only',
  ],
  [
    'permessage-deflate; client_max_window_bits=1e1',
    'none',
    `${AGREED}; client_max_window_bits=10`,
    'RFC 7692 7.1.2.2: digits only',
  ],
  [
    'permessage-deflate; client_max_window_bits=0xa',
    'none',
    `${AGREED}; client_max_window_bits=10`,
    'RFC 7692 7.1.2.2: digits only',
  ],
  [
    'permessage-deflate; client_max_window_bits=15',
    AGREED,
    `${AGREED}; client_max_window_bits=15`,
    'RFC 7692 7.1.2.2: both mean 15; ours is the shorter answer',
  ],
  [', permessage-deflate', AGREED, '400', 'RFC 9110 5.6.1.2: empty elements are ignored'],
  ['permessage-deflate,,foo', AGREED, '400', 'RFC 9110 5.6.1.2: empty elements are ignored'],
  ['permessage-deflate,', AGREED, '400', 'RFC 9110 5.6.1.2: empty elements are ignored'],
  [' permessage-deflate', AGREED, '400', 'RFC 9110 5.6.3: white space around a value means nothing'],
  ['permessage-deflate ', AGREED, '400', 'RFC 9110 5.6.3: white space around a value means nothing'],
  [
    'permessage-deflate; client_max_window_bits =10',
    `${AGREED}; client_max_window_bits=10`,
    '400',
    'RFC 6455 9.1: implied *LWS',
  ],
  [
    'permessage-deflate; client_max_window_bits= "10"',
    `${AGREED}; client_max_window_bits=10`,
    '400',
    'RFC 6455 9.1: implied *LWS',
  ],
]

for (const [header, ours, theirs, rule] of UNLIKE_WS) {
  test(`unlike ws: ${header} (${rule})`, () => {
    assert.deepEqual(unordered(answerOfOurs(header)), unordered(ours))
    assert.deepEqual(unordered(answerOfWs(header)), unordered(theirs))
  })
}
