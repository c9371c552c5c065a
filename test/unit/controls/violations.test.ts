// Violations are what they are called, by ws's word; they are counted as sent, and judged as the RFCs have it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, inflateRaw, inflateRawSync, constants as zlib } from 'node:zlib'
import * as ws from 'ws'
import { answerOf } from '../../../src/controls/answer.js'
import { catalogue, renderViolationsTable } from '../../../src/controls/catalogue.js'
import { type Duty, judge } from '../../../src/controls/duty.js'
import { HANDSHAKE_FAULT_NAMES } from '../../../src/controls/handshake-faults.js'
import { VIOLATION_NAMES, type ViolationName, violationOf } from '../../../src/controls/violations.js'
import { serverFrames } from '../../support/fake-transport.js'

interface WsReceiver extends NodeJS.EventEmitter {
  write(octets: Buffer, taken: () => void): boolean
}

/** What of `ws` its types leave out. */
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: { isServer: boolean; extensions: Record<string, typeof DEFLATE> }) => WsReceiver
}

type Inflated = (error: Error | null, plain?: Buffer) => void

/** The part of permessage-deflate that the receiver uses. */
const DEFLATE = {
  decompress(data: Buffer, _fin: boolean, done: Inflated): void {
    const whole = Buffer.concat([data, Buffer.from([0, 0, 0xff, 0xff])])
    inflateRaw(whole, { finishFlush: zlib.Z_SYNC_FLUSH }, (error, plain) =>
      done(error && Object.assign(error, { code: 'DEFLATE' }), plain),
    )
  },
}

/** What ws's own receiver, as a client, says of these octets: the code of its error, or its events. */
function verdictOf(octets: Buffer, deflate: boolean): Promise<string> {
  const receiver = new Receiver({ isServer: false, extensions: deflate ? { 'permessage-deflate': DEFLATE } : {} })
  return new Promise(resolve => {
    const events: string[] = []
    receiver.on('error', (error: Error & { code?: string }) => resolve(String(error.code)))
    for (const event of ['message', 'ping', 'pong', 'conclude'] as const) receiver.on(event, () => events.push(event))
    receiver.write(octets, () => setImmediate(() => resolve(events.join(' '))))
  })
}

const EXPECTED: Partial<Record<ViolationName, string>> = {
  masked: 'WS_ERR_UNEXPECTED_MASK',
  rsv1: 'WS_ERR_UNEXPECTED_RSV_1',
  rsv2: 'WS_ERR_UNEXPECTED_RSV_2_3',
  rsv3: 'WS_ERR_UNEXPECTED_RSV_2_3',
  'length-not-minimal': 'message',
  'length-not-minimal-64': 'message',
  'length-64-high-bit': 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'huge-length': 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'long-ping': 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  'long-close': 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  'fragmented-ping': 'WS_ERR_EXPECTED_FIN',
  'fragmented-close': 'WS_ERR_EXPECTED_FIN',
  continuation: 'WS_ERR_INVALID_OPCODE',
  interleaved: 'WS_ERR_INVALID_OPCODE',
  'bad-utf8': 'WS_ERR_INVALID_UTF8',
  'bad-utf8-split': 'WS_ERR_INVALID_UTF8',
  'cut-utf8': 'WS_ERR_INVALID_UTF8',
  surrogate: 'WS_ERR_INVALID_UTF8',
  'close-1-octet': 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  'close-0': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-999': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-1004': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-1005': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-1006': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-1015': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-2999': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-5000': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-65535': 'WS_ERR_INVALID_CLOSE_CODE',
  'close-bad-utf8': 'WS_ERR_INVALID_UTF8',
  'text-after-close': 'conclude',
  'close-twice': 'conclude',
  'unasked-pong': 'pong',
  'empty-fragments': 'message',
  'truncated-frame': '',
  'rsv1-continuation': 'WS_ERR_UNEXPECTED_RSV_1',
  'bad-deflate': 'DEFLATE',
  'deflate-refers-back': 'DEFLATE',
  'deflate-bad-utf8': 'WS_ERR_INVALID_UTF8',
  bomb: 'message',
}

for (const name of VIOLATION_NAMES) {
  const violation = violationOf(name)
  test(`${name} is what it is called`, async () => {
    const expected = name.startsWith('opcode') ? 'WS_ERR_INVALID_OPCODE' : EXPECTED[name]
    assert.ok(expected !== undefined, 'no expectation')
    if (!violation.deflate) assert.equal(await verdictOf(violation.make(false, 1000).octets, false), expected)
    if (violation.deflate || name === 'rsv1')
      assert.equal(await verdictOf(violation.make(true, 1000).octets, true), expected)
    assert.match(violation.source, /^RFC \d{4} section/)
  })
}

test('whole frames with a known opcode are counted under it, with their payload', () => {
  for (const name of VIOLATION_NAMES) {
    // Their frames are no server frames, or not whole, or have an opcode that nothing counts.
    if (/^(opcode|masked|length|huge|truncated)/.test(name)) continue
    const { octets, frames } = violationOf(name).make(true, 3_000_000)
    assert.deepEqual(
      frames,
      serverFrames(octets).map(({ opcode, payload }) => [opcode, payload.length]),
      name,
    )
  }
  const frames = (name: ViolationName) => violationOf(name).make(false, 0).frames
  assert.deepEqual(frames('masked'), [[1, 22]])
  assert.deepEqual(frames('length-not-minimal'), [[1, 22]])
  assert.deepEqual(frames('opcode3'), [])
  assert.deepEqual(frames('truncated-frame'), [])
  assert.deepEqual(frames('huge-length'), [])
})

test('opcodes are the reserved ones, and lengths are not the shortest', () => {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    assert.equal(violationOf(`opcode${opcode}` as ViolationName).make(false, 0).octets[0], 0x80 | opcode)
  const hex = (name: ViolationName, length: number) =>
    violationOf(name).make(false, 0).octets.subarray(0, length).toString('hex')
  assert.equal(hex('length-not-minimal', 4), '817e0016')
  assert.equal(hex('length-not-minimal-64', 10), '817f0000000000000016')
  assert.equal(hex('length-64-high-bit', 10), '827f8000000000000010')
  assert.equal(hex('huge-length', 10), '827f4000000000000010')
  assert.equal(hex('masked', 2), '8196')
  assert.equal(hex('long-ping', 4), '897e007e')
  assert.equal(hex('long-close', 4), '887e007e')
  assert.equal(hex('fragmented-ping', 26).slice(-4), '8016')
  assert.equal(violationOf('truncated-frame').make(false, 0).octets.length, 13)
})

test('a Close is the one that its name and its sentence say', () => {
  const closes = (name: ViolationName) =>
    serverFrames(violationOf(name).make(true, 1).octets).map(({ opcode, payload }) =>
      opcode === 8 ? `${payload.readUInt16BE()} ${payload.subarray(2)}` : `opcode ${opcode}`,
    )
  for (const name of VIOLATION_NAMES) {
    const [, code] = /^close-(\d{3,}|0)$/.exec(name) ?? []
    if (code !== undefined) assert.deepEqual(closes(name), [`${code} `])
  }
  assert.deepEqual(closes('close-twice'), ['1000 one', '1001 two'])
  assert.deepEqual(closes('text-after-close'), ['1000 ', 'opcode 1'])
})

test('those that hold a Close say its code, since the closing handshake has begun', () => {
  const closes = VIOLATION_NAMES.map(name => [name, violationOf(name).make(true, 1).close] as const)
  assert.deepEqual(Object.fromEntries(closes.filter(([, code]) => code !== undefined)), {
    'long-close': 1000,
    'fragmented-close': 1000,
    'close-1-octet': 1005,
    'close-0': 0,
    'close-999': 999,
    'close-1004': 1004,
    'close-1005': 1005,
    'close-1006': 1006,
    'close-1015': 1015,
    'close-2999': 2999,
    'close-5000': 5000,
    'close-65535': 65535,
    'close-bad-utf8': 1000,
    'text-after-close': 1000,
    'close-twice': 1000,
  })
})

test('a bomb inflates to exactly its size, of zeros', () => {
  for (const size of [1, 1000, 2 ** 20, 2 ** 20 + 1, 5_000_000]) {
    const { octets, message } = violationOf('bomb').make(true, size)
    const [frame] = serverFrames(octets)
    assert.equal(frame.rsv, 4)
    const whole = Buffer.concat([frame.payload, Buffer.from([0, 0, 0xff, 0xff])])
    const inflated = inflateRawSync(whole, { finishFlush: zlib.Z_SYNC_FLUSH })
    assert.equal(inflated.length, size)
    // All of it is used up: another block may follow.
    const more = inflateRawSync(Buffer.concat([whole, deflateRawSync('more')]))
    assert.equal(String(more.subarray(size)), 'more')
    assert.ok(inflated.every(octet => octet === 0))
    assert.deepEqual(message, [2, size])
  }
  assert.ok(violationOf('bomb').make(true, 2 ** 30).octets.length < 2 ** 21)
})

const OPEN = { open: true, closeReceived: null, error: null, droppedBy: null } as const
const CLOSED = { ...OPEN, open: false } as const

test('a client is judged by what the RFC has it do', () => {
  const verdict = (duty: Duty, outcome: Partial<typeof OPEN> | object): [string, boolean | null] => {
    const { client, right } = judge({ duty, codes: [1002], source: '' }, { ...CLOSED, ...outcome })
    return [client, right]
  }
  const failed = { closeReceived: 1002 }
  const otherwise = { closeReceived: 1008 }
  const goodbye = { closeReceived: 1000 }
  const dropped = { droppedBy: 'client' }
  const nothing = { droppedBy: 'server' }
  assert.deepEqual(verdict('must', failed), ['failed with 1002', true])
  assert.deepEqual(verdict('should', failed), ['failed with 1002', true])
  assert.deepEqual(verdict('none', failed), ['failed with 1002', null])
  assert.deepEqual(verdict('go-on', failed), ['failed with 1002', false])
  assert.deepEqual(verdict('must', otherwise), ['failed with 1008', true])
  assert.deepEqual(verdict('go-on', otherwise), ['failed with 1008', false])
  for (const closeReceived of [1000, 1001, 1005]) {
    assert.deepEqual(verdict('must', { closeReceived }), [`went on, and closed with ${closeReceived}`, false])
    assert.deepEqual(verdict('go-on', { closeReceived }), [`went on, and closed with ${closeReceived}`, true])
  }
  assert.deepEqual(verdict('none', goodbye), ['went on, and closed with 1000', null])
  assert.deepEqual(verdict('must', dropped), ['ended TCP without a Close', true])
  assert.deepEqual(verdict('go-on', dropped), ['ended TCP without a Close', false])
  assert.deepEqual(verdict('must', nothing), ['did nothing until the server ended TCP', false])
  assert.deepEqual(verdict('go-on', nothing), ['did nothing until the server ended TCP', true])
  const broken = { error: 'ECHOBAHN_CLOSE_CODE', droppedBy: 'server' }
  assert.deepEqual(verdict('must', broken), ['broke the protocol in turn (ECHOBAHN_CLOSE_CODE)', false])
  assert.deepEqual(verdict('none', broken), ['broke the protocol in turn (ECHOBAHN_CLOSE_CODE)', null])
  assert.deepEqual(verdict('must', OPEN), ['has done nothing yet', null])
  assert.deepEqual(verdict('go-on', OPEN), ['has done nothing yet', true])
})

const AGREED = { accept: 'ACCEPT=', extensions: 'permessage-deflate', subprotocol: 'chat' }

test('an answer tells the controls, and has the fields that were asked for', () => {
  const { octets, behind } = answerOf(
    {
      cookie: 'a=b',
      header: [
        ['X-One', '1'],
        ['X-Two', '2'],
      ],
    },
    'cookie=a%3Db',
    AGREED,
  )
  assert.equal(behind, 'upgraded')
  assert.equal(
    octets,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT=\r\n' +
      'Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\nEchobahn-Controls: cookie=a%3Db\r\n' +
      'X-One: 1\r\nX-Two: 2\r\nSet-Cookie: a=b\r\n\r\n',
  )
})

test('a status is answered with what belongs to it', () => {
  const { octets, behind } = answerOf({ status: 302, location: '/x', 'retry-after': 1500 }, 'status=302', AGREED)
  assert.equal(behind, 'fin')
  const [head, body] = octets.split('\r\n\r\n')
  assert.deepEqual(head.split('\r\n'), [
    'HTTP/1.1 302 Found',
    'Echobahn-Controls: status=302',
    'Location: /x',
    'Retry-After: 2',
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
  ])
  assert.match(answerOf({ status: 599 }, '', AGREED).octets, /^HTTP\/1.1 599 \r\n/)
})

const FAULTS: Record<string, (lines: string[], behind: string) => void> = {
  hang: (lines, behind) => assert.deepEqual([lines, behind], [[''], 'hang']),
  close: (lines, behind) => assert.deepEqual([lines, behind], [[''], 'fin']),
  reset: (lines, behind) => assert.deepEqual([lines, behind], [[''], 'reset']),
  garbage: (lines, behind) => assert.deepEqual([lines[0].startsWith('HTTP'), behind], [false, 'fin']),
  'bad-accept': lines => assert.ok(lines.some(line => /^Sec-WebSocket-Accept: A{27}=$/.test(line))),
  'no-accept': lines => assert.ok(!lines.some(line => line.startsWith('Sec-WebSocket-Accept'))),
  'no-upgrade': lines => assert.ok(!lines.some(line => line.startsWith('Upgrade'))),
  'no-connection': lines => assert.ok(!lines.some(line => line.startsWith('Connection'))),
  'wrong-upgrade': lines => assert.ok(lines.includes('Upgrade: echo') && !lines.includes('Upgrade: websocket')),
  'unasked-extension': lines =>
    assert.deepEqual(
      lines.filter(line => line.startsWith('Sec-WebSocket-Ext')),
      ['Sec-WebSocket-Extensions: x-echobahn-unasked'],
    ),
  'wrong-subprotocol': lines =>
    assert.deepEqual(
      lines.filter(line => line.startsWith('Sec-WebSocket-Pro')),
      ['Sec-WebSocket-Protocol: x-echobahn-unasked'],
    ),
  'bad-window-bits': lines =>
    assert.deepEqual(
      lines.filter(line => line.startsWith('Sec-WebSocket-Ext')),
      ['Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7'],
    ),
  'huge-header': lines => assert.equal(lines.find(line => line.startsWith('X-Huge'))?.length, 8 + 256 * 1024),
}

for (const handshake of HANDSHAKE_FAULT_NAMES)
  test(`handshake=${handshake} is what it is called`, () => {
    for (const agreed of [AGREED, { accept: 'x', extensions: null, subprotocol: null }]) {
      const { octets, behind } = answerOf({ handshake }, `handshake=${handshake}`, agreed)
      FAULTS[handshake](octets.split('\r\n'), behind)
      if (behind !== 'upgraded') continue
      assert.ok(octets.startsWith('HTTP/1.1 101 ') && octets.endsWith('\r\n\r\n'))
      assert.equal(octets.indexOf('\r\n\r\n'), octets.length - 4)
    }
  })

test('the catalogue has everything, under the prefix', () => {
  const { controls, violations, prefix } = catalogue('x-')
  assert.equal(prefix, 'x-')
  assert.ok(controls.every(({ name }) => name.startsWith('x-')))
  assert.deepEqual(controls.find(({ name }) => name === 'x-reason')?.of, ['x-close'])
  assert.equal(violations.length, VIOLATION_NAMES.length + HANDSHAKE_FAULT_NAMES.length)
  for (const line of renderViolationsTable().split('\n')) assert.equal(line.match(/(?<!\\)\|/g)?.length, 6, line)
})
