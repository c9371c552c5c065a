// The client's side of the opening handshake: requests, answers that may be accepted, and those that may not.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { readAgreement } from '../../../src/load/deflate-agreement.js'
import { MessageDeflate } from '../../../src/load/message-deflate.js'
import {
  type HandshakeTerms,
  judgeUpgrade,
  makeKey,
  ResponseReader,
  requestHead,
} from '../../../src/load/opening-handshake.js'
import { Violation } from '../../../src/load/violation.js'
import { parseExtensions } from '../../../src/protocol/header-grammar.js'

function offersOf(text: string) {
  const parsed = parseExtensions(text)
  assert.ok(parsed.ok)
  return { text, parsed: parsed.value }
}

const PLAIN: HandshakeTerms = { offers: undefined, subprotocols: [], fields: [] }
const RICH: HandshakeTerms = {
  offers: offersOf('permessage-deflate'),
  subprotocols: ['a', 'b'],
  fields: [
    ['User-Agent', 'x'],
    ['X-A', '1'],
    ['X-A', '2'],
  ],
}

function accept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** The code of the violation that an answer to the key `k` is, or what it agrees on. */
function judge(lines: readonly string[], terms = PLAIN, status = 'HTTP/1.1 101 Switching Protocols') {
  try {
    const read = new ResponseReader().push(Buffer.from([status, ...lines, '', ''].join('\r\n')))
    assert.ok(read)
    return read.head.status === 101 ? judgeUpgrade(read.head, 'k', terms) : read.head.status
  } catch (error) {
    assert.ok(error instanceof Violation)
    return error.code
  }
}

const GOOD = ['Upgrade: WebSocket', 'Connection: keep-alive, Upgrade', `Sec-WebSocket-Accept: ${accept('k')}`]

test('the request has what is asked for, in one head', () => {
  const head = requestHead(new URL('ws://host:81/p/q?r=s'), 'KEY', RICH)
  assert.equal(
    head,
    [
      ...['GET /p/q?r=s HTTP/1.1', 'Host: host:81', 'Connection: Upgrade', 'Upgrade: websocket'],
      ...['Sec-WebSocket-Key: KEY', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Extensions: permessage-deflate'],
      ...['Sec-WebSocket-Protocol: a, b', 'User-Agent: x', 'X-A: 1', 'X-A: 2', '', ''],
    ].join('\r\n'),
  )
  assert.doesNotMatch(requestHead(new URL('ws://host/'), 'KEY', PLAIN), /Extensions|Protocol|81/)
})

test('keys are 16 octets, and never the same', () => {
  const keys = Array.from({ length: 100 }, makeKey)
  assert.equal(new Set(keys).size, 100)
  assert.ok(keys.every(key => Buffer.from(key, 'base64').length === 16))
})

test('an answer is read however it is cut, and what follows is kept', () => {
  const octets = Buffer.from(`HTTP/1.1 101 x\r\n${GOOD.join('\r\n')}\r\n\r\nrest`)
  for (let cut = 1; cut < octets.length - 4; cut++) {
    const reader = new ResponseReader()
    const first = reader.push(Buffer.from(octets.subarray(0, cut)))
    const read = first ?? reader.push(Buffer.from(octets.subarray(cut)))
    assert.equal(read?.head.status, 101)
    if (first === undefined) assert.equal(read?.rest.toString(), 'rest')
  }
})

test('answers that are accepted', () => {
  assert.deepEqual(judge(GOOD), { subprotocol: undefined, deflate: undefined })
  const rich = judge([...GOOD, 'sec-websocket-protocol:  b ', 'Sec-WebSocket-Extensions: permessage-deflate'], RICH)
  assert.deepEqual(rich, {
    subprotocol: 'b',
    deflate: { serverContextTakeover: true, clientContextTakeover: true, clientWindowBits: 15 },
  })
  assert.equal(judge([], PLAIN, 'HTTP/1.1 503 Busy'), 503)
  assert.equal(judge([], PLAIN, 'HTTP/1.1 404'), 404)
})

test('answers that a client must fail', () => {
  assert.equal(judge(GOOD.slice(1)), 'ECHOBAHN_BAD_UPGRADE')
  assert.equal(judge([GOOD[0], GOOD[2], 'Connection: close']), 'ECHOBAHN_BAD_UPGRADE')
  assert.equal(judge(GOOD.slice(0, 2)), 'ECHOBAHN_BAD_ACCEPT')
  assert.equal(judge([...GOOD.slice(0, 2), `Sec-WebSocket-Accept: ${accept('other')}`]), 'ECHOBAHN_BAD_ACCEPT')
  assert.equal(judge([...GOOD, 'Sec-WebSocket-Protocol: a']), 'ECHOBAHN_BAD_SUBPROTOCOL')
  assert.equal(judge([...GOOD, 'Sec-WebSocket-Protocol: c'], RICH), 'ECHOBAHN_BAD_SUBPROTOCOL')
  assert.equal(judge([...GOOD, 'Sec-WebSocket-Extensions: permessage-deflate']), 'ECHOBAHN_BAD_EXTENSION')
  assert.equal(judge(GOOD, PLAIN, 'HTTP/1.0 101 x'), 'ECHOBAHN_BAD_RESPONSE')
  assert.equal(judge(['no colon here']), 'ECHOBAHN_BAD_RESPONSE')
  assert.throws(() => new ResponseReader().push(Buffer.from('SSH-2.0')), { code: 'ECHOBAHN_BAD_RESPONSE' })
  assert.throws(() => new ResponseReader().push(Buffer.from(`HTTP/1.1 101 x\r\n${'a: b\r\n'.repeat(20_000)}`)), {
    code: 'ECHOBAHN_BAD_RESPONSE',
  })
})

const AGREEMENTS: readonly (readonly [offer: string, answer: string, fits: boolean])[] = [
  ['permessage-deflate', 'permessage-deflate', true],
  ['permessage-deflate', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover', true],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=10', true],
  ['permessage-deflate', 'permessage-deflate; client_max_window_bits=10', false],
  ['permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits=10', true],
  ['permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits', false],
  ['permessage-deflate; server_no_context_takeover', 'permessage-deflate', false],
  ['permessage-deflate; server_no_context_takeover', 'permessage-deflate; server_no_context_takeover', true],
  ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate', false],
  ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=10', true],
  ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=9', true],
  ['permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=11', false],
  ['permessage-deflate; server_no_context_takeover, permessage-deflate', 'permessage-deflate', true],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=16', false],
  ['permessage-deflate', 'permessage-deflate; server_max_window_bits=08', false],
  ['permessage-deflate', 'permessage-deflate; server_no_context_takeover=1', false],
  ['permessage-deflate', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover', false],
  ['permessage-deflate', 'permessage-deflate; other', false],
  ['permessage-deflate', 'permessage-deflate, permessage-deflate', false],
  ['permessage-deflate', 'permessage-bzip2', false],
  ['permessage-deflate', 'permessage-deflate;;', false],
]

for (const [offer, answer, fits] of AGREEMENTS)
  test(`"${answer}" ${fits ? 'fits' : 'does not fit'} "${offer}"`, () => {
    assert.equal(readAgreement(answer, offersOf(offer).parsed) !== undefined, fits)
  })

test('what was agreed is what the answer says', () => {
  const text = 'permessage-deflate; server_no_context_takeover; client_max_window_bits=9'
  assert.deepEqual(readAgreement(text, offersOf('permessage-deflate; client_max_window_bits').parsed), {
    ...{ serverContextTakeover: false, clientContextTakeover: true, clientWindowBits: 9 },
  })
})

const TAKEOVER = { serverContextTakeover: true, clientContextTakeover: true, clientWindowBits: 15 }

test('compression and back, of any size, in streams that remember and streams that do not', () => {
  for (const takeover of [true, false]) {
    const agreement = { ...TAKEOVER, serverContextTakeover: takeover, clientContextTakeover: takeover }
    const [one, other] = [new MessageDeflate(agreement), new MessageDeflate(agreement)]
    for (const size of [1, 10, 1000, 65_536, 300_000, 5]) {
      const plain = Buffer.alloc(size, `message of ${size} octets `)
      const deflated = Buffer.from(one.deflate(plain, size))
      const back = other.inflate(deflated, 300_000)
      assert.ok(back?.equals(plain), `${size}`)
    }
    one.close()
    other.close()
  }
})

test('a message that inflates to more than is allowed is refused', () => {
  const deflate = new MessageDeflate(TAKEOVER)
  const bomb = Buffer.from(deflate.deflate(Buffer.alloc(1_000_000), 1_000_000))
  assert.equal(new MessageDeflate(TAKEOVER).inflate(bomb, 999_999), undefined)
  assert.equal(new MessageDeflate(TAKEOVER).inflate(bomb, 1_000_000)?.length, 1_000_000)
})

test('octets that do not compress survive', async () => {
  const { randomBytes } = await import('node:crypto')
  const plain = randomBytes(100_000)
  const one = new MessageDeflate(TAKEOVER)
  const deflated = Buffer.from(one.deflate(plain, plain.length))
  assert.ok(new MessageDeflate(TAKEOVER).inflate(deflated, plain.length)?.equals(plain))
})
