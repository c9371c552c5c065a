// Request heads, rule by rule: RFC 9112 sections 2.2, 3 and 5, and the bounds on what a head may be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_FIELD_LINES, MAX_HEAD_OCTETS, RequestHeadReader } from '../../../src/protocol/request-head.js'
import { judgeUpgrade } from '../../../src/protocol/upgrade-request.js'
import { latin1, octetsUntilRefused, readHead } from '../../support/read-head.js'

const LINE = 'GET / HTTP/1.1\r\n'
const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const EVERY_OCTET = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet))

test('a head is read, and what stands behind it is left', () => {
  const text = 'GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\nhost:again\r\n\r\n'
  assert.deepEqual(readHead(latin1(`${text}\x81\x80GET / HTTP/1.1\r\n`)), {
    head: {
      method: 'GET',
      target: '/chat?room=1',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'example.com', 'X-Empty', '', 'host', 'again'],
    },
    refusal: undefined,
    text,
    length: text.length,
  })
})

test('a reader is fresh until an octet comes', () => {
  const reader = new RequestHeadReader()
  const empty = () =>
    assert.deepEqual([reader.begun, reader.head, reader.refusal, reader.text], [false, undefined, undefined, ''])
  empty()
  assert.equal(reader.push(Buffer.from('GET'), 2, 2), 2)
  empty()
  assert.equal(reader.push(Buffer.from('GET'), 2, 3), 3)
  assert.ok(reader.begun)
})

test('once a head is whole or refused, no octet changes that', () => {
  const whole = latin1(`${LINE}\r\n`)
  const refused = latin1(`${LINE} `)
  const { head } = readHead(whole)
  assert.deepEqual(readHead(whole, refused, whole), {
    head,
    refusal: undefined,
    text: `${LINE}\r\n`,
    length: whole.length,
  })
  const { refusal } = readHead(refused)
  assert.deepEqual(readHead(refused, whole, latin1(' ')), {
    head: undefined,
    refusal,
    text: `${LINE} `,
    length: undefined,
  })
})

/** What a head is, and the method, target, version and headers that it has. */
const READ: readonly [what: string, text: string, ...expected: [string, string, string, ...string[]]][] = [
  ['no header', `${LINE}\r\n`, 'GET', '/', '1.1'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'GET', '/', '1.0'],
  ['HTTP/1.9', 'GET / HTTP/1.9\r\n\r\n', 'GET', '/', '1.9'],
  ['any token for a method', `${TOKEN} / HTTP/1.1\r\n\r\n`, TOKEN, '/', '1.1'],
  ['a method that begins as PROXY does', 'PROX / HTTP/1.1\r\n\r\n', 'PROX', '/', '1.1'],
  ['a method that begins as PROXY and goes on', 'PROXYING / HTTP/1.1\r\n\r\n', 'PROXYING', '/', '1.1'],
  ['the method of the preface of HTTP/2', 'PRI * HTTP/1.1\r\n\r\n', 'PRI', '*', '1.1'],
  ['a one-letter method', 'P / HTTP/1.1\r\n\r\n', 'P', '/', '1.1'],
  ['asterisk-form', 'OPTIONS * HTTP/1.1\r\n\r\n', 'OPTIONS', '*', '1.1'],
  ['authority-form', 'CONNECT [::1]:80 HTTP/1.1\r\n\r\n', 'CONNECT', '[::1]:80', '1.1'],
  ['absolute-form', 'GET ws://a/b?c HTTP/1.1\r\n\r\n', 'GET', 'ws://a/b?c', '1.1'],
  ['an empty line first (section 2.2)', `\r\n${LINE}A: b\r\n\r\n`, 'GET', '/', '1.1', 'A', 'b'],
  ['any token for a name', `${LINE}${TOKEN}: a\r\n\r\n`, 'GET', '/', '1.1', TOKEN, 'a'],
  ['a one-letter name', `${LINE}A:b\r\n\r\n`, 'GET', '/', '1.1', 'A', 'b'],
  ['colons in a value', `${LINE}A::: b:\r\n\r\n`, 'GET', '/', '1.1', 'A', ':: b:'],
  ['an empty value', `${LINE}A:\r\nB: \r\nC:\t \t\r\n\r\n`, 'GET', '/', '1.1', 'A', '', 'B', '', 'C', ''],
  ['SP and HTAB around a value', `${LINE}A: \t b \t\r\nC:\td\t\r\n\r\n`, 'GET', '/', '1.1', 'A', 'b', 'C', 'd'],
  ['SP and HTAB inside a value', `${LINE}A: b \t c\r\n\r\n`, 'GET', '/', '1.1', 'A', 'b \t c'],
  ['obs-text in a value', `${LINE}A: \x80\xe4\xff\r\n\r\n`, 'GET', '/', '1.1', 'A', '\x80\xe4\xff'],
]

for (const [what, text, method, target, httpVersion, ...rawHeaders] of READ) {
  test(`read: ${what}`, () => {
    const head = { method, target, httpVersion, rawHeaders }
    assert.deepEqual(readHead(latin1(text)), { head, refusal: undefined, text, length: text.length })
  })
}

const REQUEST_LINE = /^The request line must be a method, a target in visible ASCII and HTTP\/1\.1, with one space/
const LF_ALONE = /^Each line of the request head must end with CR LF; one ends with LF alone\.$/
const VERSION_1 = /^The request line asks for HTTP\/\d; this server speaks HTTP\/1\.1\.$/

function requestLine(what: string, where: string): RegExp {
  const escaped = `${what} ${where}`.replace(/[/.*]/g, '\\$&')
  return new RegExp(`${REQUEST_LINE.source} .*; it has ${escaped}\\.$`)
}

/** What is wrong, and a head up to the octet that cannot be right: there it is refused, and no octet earlier. */
const REFUSED: readonly [what: string, text: string, status: number, sentence: RegExp][] = [
  ['a space first', ' ', 400, requestLine('a space', 'where it begins')],
  ['NUL first', '\0', 400, requestLine('the octet 0x00', 'where it begins')],
  ['an octet above ASCII first', '\xff', 400, requestLine('the octet 0xff', 'where it begins')],
  ['a second empty line', '\r\n\r\nG', 400, requestLine('CR', 'where it begins')],
  ['LF first', '\n', 400, LF_ALONE],
  ['CR first, without LF', '\rG', 400, /LF must follow CR; the octet 0x47 follows one/],
  ['a delimiter in the method', 'GE(', 400, requestLine('the octet 0x28', 'behind "GE"')],
  ['HTAB behind the method', 'GET\t', 400, requestLine('the octet 0x09', 'behind "GET"')],
  ['CR behind the method', 'GET\r', 400, requestLine('CR', 'behind "GET"')],
  ['LF behind the method', 'GET\n', 400, LF_ALONE],
  ['two spaces behind the method', 'GET  ', 400, requestLine('a space', 'behind "GET "')],
  ['no target', 'GET \r', 400, requestLine('CR', 'behind "GET "')],
  ['a control character in the target', 'GET /\x1f', 400, requestLine('the octet 0x1f', 'behind "GET /"')],
  ['DEL in the target', 'GET /\x7f', 400, requestLine('the octet 0x7f', 'behind "GET /"')],
  ['obs-text in the target', 'GET /\x80', 400, requestLine('the octet 0x80', 'behind "GET /"')],
  ['no version', 'GET /\r', 400, requestLine('CR', 'behind "GET /"')],
  ['no version, and LF alone', 'GET /\n', 400, LF_ALONE],
  ['two spaces behind the target', 'GET /  ', 400, requestLine('a space', 'behind "GET / "')],
  ['a version in small letters', 'GET / h', 400, requestLine('the octet 0x68', 'behind "GET / "')],
  ['another protocol', 'GET / HTC', 400, requestLine('the octet 0x43', 'behind "GET / HT"')],
  ['a version without a number', 'GET / HTTP/\r', 400, requestLine('CR', 'behind "GET / HTTP/"')],
  ['HTTP/0.9', 'GET / HTTP/0', 505, VERSION_1],
  ['HTTP/2.0', 'GET / HTTP/2', 505, VERSION_1],
  ['HTTP/9', 'GET / HTTP/9', 505, VERSION_1],
  ['a letter for a version', 'GET / HTTP/x', 400, requestLine('the octet 0x78', 'behind "GET / HTTP/"')],
  ['a version of two digits', 'GET / HTTP/11', 400, requestLine('the octet 0x31', 'behind "GET / HTTP/1"')],
  ['no minor version', 'GET / HTTP/1.\r', 400, requestLine('CR', 'behind "GET / HTTP/1."')],
  ['a minor version of two digits', 'GET / HTTP/1.10', 400, requestLine('the octet 0x30', 'behind "GET / HTTP/1.1"')],
  ['a space behind the version', 'GET / HTTP/1.1 ', 400, requestLine('a space', 'behind "GET / HTTP/1.1"')],
  ['LF alone behind the version', 'GET / HTTP/1.1\n', 400, LF_ALONE],
  ['a bare CR behind the version', 'GET / HTTP/1.1\r\r', 400, /LF must follow CR; CR follows one/],
  ['the line of another head', `\r\nGET /\r`, 400, requestLine('CR', 'behind "GET /"')],

  ['a space before the first name (section 2.2)', `${LINE} `, 400, /^A header line must not begin with white space/],
  ['HTAB before the first name (section 2.2)', `${LINE}\t`, 400, /^A header line must not begin with white space/],
  ['obs-fold with a space (section 5.2)', `${LINE}A: b\r\n `, 400, /must not begin with white space: .* one line only/],
  ['obs-fold with HTAB (section 5.2)', `${LINE}A: b\r\n\t`, 400, /must not begin with white space: .* one line only/],
  ['a space before the colon (section 5.1)', `${LINE}Ab `, 400, /White space must not follow the header name "Ab"/],
  ['HTAB before the colon (section 5.1)', `${LINE}Ab\t`, 400, /White space must not follow the header name "Ab"/],
  ['a space behind a one-letter name', `${LINE}A `, 400, /White space must not follow the header name "A"/],
  ['an empty name', `${LINE}:`, 400, /a token, a colon and a value; one has the octet 0x3a where it begins/],
  ['a name that is no token', `${LINE}A(`, 400, /a token, a colon and a value; one has the octet 0x28 behind "A"/],
  ['a name that begins with a quote', `${LINE}"`, 400, /has the octet 0x22 where it begins/],
  ['a name above ASCII', `${LINE}A: b\r\nAb\xe4`, 400, /has the octet 0xe4 behind "Ab"/],
  ['a line without a colon', `${LINE}A: b\r\nabc\r`, 400, /^The header line "abc" has no colon/],
  ['a one-letter line without a colon', `${LINE}A\r`, 400, /^The header line "A" has no colon/],
  ['LF in a name', `${LINE}A\n`, 400, LF_ALONE],
  ['NUL in a value', `${LINE}A: b\0`, 400, /No control character but the tab .* the value of "A" has the octet 0x00/],
  ['NUL before a value', `${LINE}Abc:\0`, 400, /the value of "Abc" has the octet 0x00/],
  ['a bare CR in a value', `${LINE}A: b\rc`, 400, /LF must follow CR; the octet 0x63 follows one/],
  ['CR CR LF', `${LINE}A: b\r\r`, 400, /LF must follow CR; CR follows one/],
  ['a space behind CR', `${LINE}A: b\r `, 400, /LF must follow CR; a space follows one/],
  ['LF alone behind a value', `${LINE}A: b\n`, 400, LF_ALONE],
  ['LF alone at the end', `${LINE}A: b\r\n\n`, 400, LF_ALONE],
  ['a bare CR at the end', `${LINE}A: b\r\n\r\r`, 400, /LF must follow CR; CR follows one/],

  [
    'PROXY protocol v1',
    'PROXY ',
    400,
    /^This is a header of the PROXY protocol, version 1; .* turn .* off at the proxy/,
  ],
  [
    'PROXY protocol v2',
    '\r\n\r\n\0\r\nQUIT\n',
    400,
    /^This is a header of the PROXY protocol, version 2; .* turn .* off at the proxy/,
  ],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0', 400, /^This is the preface of HTTP\/2; .* HTTP\/1\.1 request here\.$/],
  ['a TLS ClientHello', '\x16\x03', 400, /^This is a TLS ClientHello; .* connect with ws:\/\/ or http:\/\/ instead/],
  ['what only begins as PROXY v2', '\r\n\r\n\0\r\nQUIZ', 400, requestLine('CR', 'where it begins')],
  ['what only begins as the preface of HTTP/2', 'PRI * HTTP/2;', 505, VERSION_1],
  ['what only begins as TLS', '\x16\x02', 400, requestLine('the octet 0x16', 'where it begins')],
  ['PROXY behind an empty line', '\r\nPROXY TCP4 :', 400, requestLine('the octet 0x3a', 'behind "PROXY TCP4 "')],
]

for (const [what, text, status, sentence] of REFUSED) {
  test(`refused with ${status}: ${what}`, () => {
    const { head, refusal, text: read } = readHead(latin1(`${text} rest`))
    assert.equal(head, undefined)
    // Up to the first octet that cannot be, which is the last but where other protocols begin alike.
    assert.equal(read, /^(what only begins|a second empty)/.test(what) ? text.slice(0, read.length) : text)
    assert.notEqual(read, '')
    assert.equal(octetsUntilRefused(latin1(text)), text.length)
    assert.ok(refusal)
    assert.match(refusal.sentence, sentence)
    assert.match(refusal.sentence, /^[ !-~]{1,300}$/)
    const { kind, reason, headers } = refusal
    assert.deepEqual(
      { kind, status: refusal.status, reason, headers },
      { kind: 'refuse', status, reason: 'bad_http', headers: {} },
    )
  })
}

/** What `accepts` allows where `%` stands in `text`, octet by octet; `others` also do no harm there. */
function assertAllowed(text: string, accepts: (octet: string) => boolean, others = ''): void {
  for (const octet of EVERY_OCTET) {
    const { head } = readHead(latin1(text.replace('%', () => octet)))
    const isAllowed = accepts(octet) || others.includes(octet)
    assert.equal(head !== undefined, isAllowed, `0x${octet.charCodeAt(0).toString(16)}`)
  }
}

test('a method has token characters only', () => assertAllowed('G% / HTTP/1.1\r\n\r\n', octet => TOKEN.includes(octet)))

test('a target has visible ASCII only', () => assertAllowed('GET /% HTTP/1.1\r\n\r\n', octet => /[!-~]/.test(octet)))

test('a header name has token characters only', () => {
  assertAllowed(`${LINE}A%: b\r\n\r\n`, octet => TOKEN.includes(octet), ':')
})

test('a header value has visible ASCII, obs-text, SP and HTAB only', () => {
  assertAllowed(`${LINE}A: b%c\r\n\r\n`, octet => /[\t -~\x80-\xff]/.test(octet))
})

test('the octet before a chunk is not taken for a line of the head', () => {
  const { refusal } = readHead(latin1('GET '), latin1('\0'))
  assert.match(refusal?.sentence ?? '', /behind "GET "/)
})

test('what a refusal quotes is short and harmless', () => {
  const { refusal } = readHead(latin1(`GET /<script>'${'x'.repeat(500)}\x1b`))
  assert.match(refusal?.sentence ?? '', /has the octet 0x1b behind "GET \/\?script\?\?x+\.\.\."\.$/)
})

/** A head of exactly `length` octets. */
function headOf(length: number): string {
  const head = `${LINE}A: \r\n\r\n`
  return head.replace('A: ', `A: ${'x'.repeat(length - head.length)}`)
}

function fields(count: number, ...last: readonly string[]): string {
  return `${LINE}${'X: y\r\n'.repeat(count - last.length)}${last.map(line => `${line}\r\n`).join('')}\r\n`
}

const TOO_LONG = /^The request head must not be longer than 16 KiB\.$/
const TOO_MANY = /^The request must not have more than 100 header lines\.$/

function assertTooLarge(text: string, sentence: RegExp, length: number): void {
  const { refusal } = readHead(latin1(text))
  assert.equal(octetsUntilRefused(latin1(text)), length)
  assert.deepEqual([refusal?.status, refusal?.reason], [431, 'bad_http'])
  assert.match(refusal?.sentence ?? '', sentence)
}

test('the bounds are 16 KiB and 100 header lines', () =>
  assert.deepEqual([MAX_HEAD_OCTETS, MAX_FIELD_LINES], [16_384, 100]))

test('a head of 16 KiB is read, and one of an octet more is refused with 431', () => {
  const { head, length } = readHead(latin1(headOf(MAX_HEAD_OCTETS)))
  assert.equal(head?.rawHeaders[1].length, MAX_HEAD_OCTETS - LINE.length - 7)
  assert.equal(length, MAX_HEAD_OCTETS)
  assertTooLarge(headOf(MAX_HEAD_OCTETS + 1), TOO_LONG, MAX_HEAD_OCTETS)
})

test('an empty line before the request counts among its octets', () => {
  assert.ok(readHead(latin1(`\r\n${headOf(MAX_HEAD_OCTETS - 2)}`)).head)
  assertTooLarge(`\r\n${headOf(MAX_HEAD_OCTETS - 1)}`, TOO_LONG, MAX_HEAD_OCTETS)
})

test('a head that is never whole is refused after 16 KiB, in whatever it is', () => {
  const endless = 'x'.repeat(2 * MAX_HEAD_OCTETS)
  for (const text of [endless, `GET /${endless}`, `${LINE}${endless}`, `${LINE}A:${endless}`]) {
    assertTooLarge(text, TOO_LONG, MAX_HEAD_OCTETS)
  }
})

test('100 header lines are read', () => {
  assert.equal(readHead(latin1(fields(100, 'Last: z'))).head?.rawHeaders.at(-1), 'z')
})

test('101 header lines are refused with 431 at the first octet of the last', () => {
  assertTooLarge(fields(101), TOO_MANY, LINE.length + 100 * 'X: y\r\n'.length + 1)
})

// Node's parser hands 1,000 header lines on and drops the rest, so that these were accepted.
for (const hidden of ['Origin: https://evil.example', 'Transfer-Encoding: chunked', 'Content-Length: 5']) {
  test(`${hidden} does not hide behind 1,000 header lines`, () => {
    const octets = latin1(fields(1010, hidden))
    assert.ok(octets.length < MAX_HEAD_OCTETS)
    assert.equal(readHead(octets).refusal?.status, 431)
  })
}

test('Connection: Upgrade<HTAB> is an upgrade, since OWS is SP or HTAB', () => {
  const lines = ['Host:\ta \t', 'Upgrade: websocket\t', 'Connection: Upgrade\t', 'Sec-WebSocket-Version:13 \t']
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  const { head } = readHead(latin1(`${LINE}${lines.join('\r\n')}\r\nSec-WebSocket-Key: \t${key}\t\t\r\n\r\n`))
  assert.ok(head)
  const verdict = judgeUpgrade(head, { origins: [], subprotocols: [], compression: undefined })
  assert.deepEqual(verdict, { kind: 'accept', path: '/', query: '', key })
})

test('nothing is held of a head that lies in one chunk', t => {
  const whole = latin1(headOf(MAX_HEAD_OCTETS))
  const refused = latin1(`${LINE} `)
  const alloc = t.mock.method(Buffer, 'allocUnsafeSlow')
  assert.ok(readHead(whole).head)
  assert.ok(readHead(refused).refusal)
  assert.equal(alloc.mock.callCount(), 0)
})

test('16 KiB octet by octet are copied a few times, not for each octet', t => {
  const octets = latin1(headOf(MAX_HEAD_OCTETS))
  const alloc = t.mock.method(Buffer, 'allocUnsafeSlow')
  const reader = new RequestHeadReader()
  for (let i = 0; i < octets.length; i++) reader.push(octets, i, i + 1)
  assert.equal(reader.text, octets.toString('latin1'))
  const sizes = alloc.mock.calls.map(({ arguments: [size] }) => size)
  assert.equal(sizes.length, 6)
  assert.deepEqual([sizes[0], sizes[5]], [512, MAX_HEAD_OCTETS])
})
