// However a head is cut into chunks, its reader says the same: every split position, octet by octet, and at random.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_FIELD_LINES, MAX_HEAD_OCTETS } from '../../../src/protocol/request-head.js'
import { cutAt, octetByOctet } from '../../support/decode.js'
import { broken, legalHead, TOKEN_CHARACTERS, textOf } from '../../support/generated-heads.js'
import { latin1, octetsUntilRefused, readHead } from '../../support/read-head.js'

const BROWSER =
  'GET /chat?room=1 HTTP/1.1\r\nHost: localhost:8888\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x01\x02\x03\x04'

/** Heads, whole and refused ones, and what stands behind them. */
const CORPUS: Record<string, string> = {
  'a browser, and a frame behind its head': BROWSER,
  'an empty line first, and another head behind': `\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
  'white space around values': 'GET / HTTP/1.1\r\nA:\t b \t\r\nC:\r\nD: \t\r\n\r\n',
  'NUL in a value': 'GET / HTTP/1.1\r\nAb: c\r\nDe: f\0g\r\n\r\n',
  'a bare CR': 'GET / HTTP/1.1\r\nAb: c\rd\r\n\r\n',
  'a folded value': 'GET / HTTP/1.1\r\nAb: c\r\n d\r\n\r\n',
  'HTTP/2.0': 'GET / HTTP/2.0\r\n\r\n',
  'two empty lines': '\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  'PROXY protocol v1': 'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n',
  'PROXY protocol v2': '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a TLS ClientHello': '\x16\x03\x01\x02\0\x01',
  '101 header lines': `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(MAX_FIELD_LINES + 1)}\r\n`,
  'a head that is not whole': 'GET / HTTP/1.1\r\nA: b\r\n',
}

for (const [name, text] of Object.entries(CORPUS)) {
  test(`${name}: the same at every split position, and octet by octet`, () => {
    const octets = latin1(text)
    const whole = readHead(octets)
    for (let position = 0; position <= octets.length; position++) {
      assert.deepEqual(readHead(...cutAt(octets, [position])), whole, `cut at ${position}`)
    }
    assert.deepEqual(readHead(...octetByOctet(octets)), whole)
  })
}

test('a head above 16 KiB: the same at splits around the bound, and octet by octet', () => {
  for (const length of [MAX_HEAD_OCTETS, MAX_HEAD_OCTETS + 1, 3 * MAX_HEAD_OCTETS]) {
    const octets = latin1(`GET / HTTP/1.1\r\nA: ${'x'.repeat(length - 23)}\r\n\r\n`)
    const whole = readHead(octets)
    assert.equal(whole.head === undefined, length > MAX_HEAD_OCTETS)
    for (const position of [1, 511, 512, 513, MAX_HEAD_OCTETS - 1, MAX_HEAD_OCTETS, MAX_HEAD_OCTETS + 1]) {
      assert.deepEqual(readHead(...cutAt(octets, [position])), whole, `cut at ${position}`)
    }
    assert.deepEqual(readHead(...octetByOctet(octets)), whole)
  }
})

const cuts = fc.array(fc.nat(600), { maxLength: 8 })

test('every legal head is read as what it was made from, at any split', () => {
  fc.assert(
    fc.property(legalHead, fc.string({ unit: 'binary', maxLength: 9 }), cuts, (head, behind, positions) => {
      const text = textOf(head)
      const { method, target, httpVersion, fields } = head
      const expected = {
        head: { method, target, httpVersion, rawHeaders: fields.flatMap(([name, , value]) => [name, value]) },
        refusal: undefined,
        text,
        length: text.length,
      }
      const octets = latin1(text + behind)
      assert.deepEqual(readHead(octets), expected)
      assert.deepEqual(readHead(...cutAt(octets, within(octets, positions))), expected)
    }),
    { numRuns: 500 },
  )
})

/** The grammar of RFC 9112 sections 2.2, 3 and 5 once more, for the beginning of a text that is no PROXY header. */
const TCHAR = `[${TOKEN_CHARACTERS.replace(/[\]^\\-]/g, '\\$&')}]`
const REQUEST_LINE = `(?:\\r\\n)?${TCHAR}+ [!-~]+ HTTP/1\\.\\d\\r\\n`
const HEAD = new RegExp(`^(?!PROXY )${REQUEST_LINE}((?:${TCHAR}+:[\\t -~\\x80-\\xff]*\\r\\n)*)\\r\\n`)

test('a broken head never throws, is the same at any split, and is read exactly where the grammar allows it', () => {
  fc.assert(
    fc.property(broken(legalHead), cuts, (text, positions) => {
      const octets = latin1(text)
      const whole = readHead(octets)
      assert.deepEqual(readHead(...cutAt(octets, within(octets, positions))), whole)
      assert.deepEqual(readHead(...octetByOctet(octets)), whole)

      const { head, refusal, length } = whole
      const [expected, lines] = HEAD.exec(text) ?? []
      assert.equal(length, expected?.length)
      if (lines !== undefined) assert.equal(head?.rawHeaders.length, 2 * lines.split('\r\n').length - 2)
      if (refusal === undefined) return
      assert.ok([400, 505].includes(refusal.status))
      assert.match(refusal.sentence, /^[ !-~]{1,300}$/)
    }),
    { numRuns: 3000 },
  )
})

/** For every place in a head, what would make it whole. */
const COMPLETIONS = [
  ':\r\n\r\n',
  ...Array.from('\nGET / HTTP/1.1\r\n\r\n', (_, i) => '\nGET / HTTP/1.1\r\n\r\n'.slice(i)),
]

/** What may still be another protocol, though no request begins so. */
const OTHER_PROTOCOLS = ['\x16', '\r\n\r', 'PRI * HTTP/2']

test('what is refused is refused at the first octet that no head can have there', () => {
  fc.assert(
    fc.property(broken(legalHead), text => {
      const { head, refusal } = readHead(latin1(text))
      const before = refusal === undefined ? text : text.slice(0, octetsUntilRefused(latin1(text)) - 1)
      if (head !== undefined || OTHER_PROTOCOLS.some(beginning => before.startsWith(beginning))) return
      assert.ok(COMPLETIONS.some(rest => readHead(latin1(before + rest)).head !== undefined))
    }),
    { numRuns: 1000 },
  )
})

test('any octets at all never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (octets, positions) => {
      assert.deepEqual(readHead(...cutAt(octets, within(octets, positions))), readHead(octets))
    }),
  )
})

function within(octets: Uint8Array, positions: readonly number[]): number[] {
  return positions.map(position => Math.min(position, octets.length))
}
