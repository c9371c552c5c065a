// RFC 6455 on the wire: violations and their Close frames, the closing handshake, and what is answered before a frame
// or message is complete. The client sends exactly the octets it is told to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../../src/errors.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/protocol/opcodes.js'
import { converse, describeFrame, failure, openRaw } from '../support/conversation.js'
import { clientFrame, closePayload, type FrameParts } from '../support/raw-client.js'
import { startService } from '../support/transport-under-test.js'

/** A frame header with the length in a form of one's choice, and the masking key 0. */
function header(first: number, ...length: number[]): Buffer {
  return Buffer.from([first, ...length, 0, 0, 0, 0])
}

test('a violation is answered with its Close, behind the echoes of what came before it', async t => {
  const service = await startService(t, '--workers', '1', '--max-message', '1MiB', '--max-fragments', '4')
  const first: FrameParts = { fin: false, opcode: TEXT, payload: 'a' }
  const more: FrameParts = { fin: false, opcode: CONTINUATION, payload: 'b' }

  const violations: [string, ProtocolErrorCode, (FrameParts | Buffer)[], echoes?: string[]][] = [
    ...[1, 2, 4, 7].map((rsv): [string, ProtocolErrorCode, FrameParts[]] => [
      `reserved bits ${rsv}`,
      'ECHOBAHN_RESERVED_BITS',
      [{ rsv, opcode: TEXT, payload: 'x' }],
    ]),
    ['a reserved bit of a ping', 'ECHOBAHN_RESERVED_BITS', [{ rsv: 1, opcode: PING }]],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, ProtocolErrorCode, FrameParts[]] => [
      `reserved opcode ${opcode}`,
      'ECHOBAHN_RESERVED_OPCODE',
      [{ opcode }],
    ]),
    ['a frame without mask', 'ECHOBAHN_UNMASKED_FRAME', [Buffer.from([0x81, 1, 0x78])]],
    ['a ping without FIN', 'ECHOBAHN_CONTROL_FRAGMENTED', [{ fin: false, opcode: PING }]],
    ['a Close without FIN', 'ECHOBAHN_CONTROL_FRAGMENTED', [{ fin: false, opcode: CLOSE }]],
    ['a ping of 126 octets', 'ECHOBAHN_CONTROL_TOO_LONG', [{ opcode: PING, payload: 'x'.repeat(126) }]],
    [
      'a Close of 126 octets',
      'ECHOBAHN_CONTROL_TOO_LONG',
      [{ opcode: CLOSE, payload: closePayload(1000, 'x'.repeat(124)) }],
    ],
    ['125 octets as 16-bit length', 'ECHOBAHN_LENGTH_NOT_MINIMAL', [header(0x82, 0xfe, 0, 125), Buffer.alloc(125)]],
    ['65,535 as 64-bit length', 'ECHOBAHN_LENGTH_NOT_MINIMAL', [header(0x82, 0xff, 0, 0, 0, 0, 0, 0, 255, 255)]],
    ['a negative length', 'ECHOBAHN_LENGTH_INVALID', [header(0x82, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0)]],
    ['a continuation of nothing', 'ECHOBAHN_UNEXPECTED_CONTINUATION', [{ opcode: CONTINUATION, payload: 'x' }]],
    [
      'a continuation of a message that has ended',
      'ECHOBAHN_UNEXPECTED_CONTINUATION',
      [first, { opcode: CONTINUATION }, more],
      ['text... "a"', 'continuation ""'],
    ],
    ['a message inside a message', 'ECHOBAHN_EXPECTED_CONTINUATION', [first, { opcode: TEXT }], ['text... "a"']],
    ['a Close of one octet', 'ECHOBAHN_CLOSE_PAYLOAD', [{ opcode: CLOSE, payload: 'x' }]],
    ['a reason that is not UTF-8', 'ECHOBAHN_CLOSE_REASON', [{ opcode: CLOSE, payload: Buffer.from([3, 232, 0xc0]) }]],
    [
      'a reason cut inside a code point',
      'ECHOBAHN_CLOSE_REASON',
      [{ opcode: CLOSE, payload: Buffer.from([3, 232, 0xe2, 0x82]) }],
    ],
    ['text that is not UTF-8', 'ECHOBAHN_INVALID_UTF8', [{ opcode: TEXT, payload: Buffer.from([0x61, 0xff]) }]],
    [
      'text that ends inside a code point',
      'ECHOBAHN_INVALID_UTF8',
      [{ opcode: TEXT, payload: Buffer.from([0xe2, 0x82]) }],
    ],
    ['a surrogate in text', 'ECHOBAHN_INVALID_UTF8', [{ opcode: TEXT, payload: Buffer.from([0xed, 0xa0, 0x80]) }]],
    ['a frame above max-message', 'ECHOBAHN_MESSAGE_TOO_BIG', [header(0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1)]],
    ['a frame of 2^63 − 1 octets', 'ECHOBAHN_MESSAGE_TOO_BIG', [header(0x82, 0xff, 0x7f, ...Array(7).fill(0xff))]],
    [
      'fragments that are together above max-message',
      'ECHOBAHN_MESSAGE_TOO_BIG',
      [first, header(0x80, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0)],
      ['text... "a"'],
    ],
    [
      'more frames than max-fragments',
      'ECHOBAHN_TOO_MANY_FRAGMENTS',
      [first, more, more, more, more],
      ['text... "a"', ...Array(3).fill('continuation... "b"')],
    ],
  ]
  for (const [name, code, octets, echoes = []] of violations) {
    await t.test(`${name}: ${PROTOCOL_ERRORS[code].close}`, async t => {
      const before: FrameParts[] = [
        { opcode: TEXT, payload: 'before' },
        { opcode: PING, payload: 'ping' },
      ]
      const answers = await converse(await openRaw(t, service), ...before, ...octets, {
        opcode: TEXT,
        payload: 'after',
      })
      assert.deepEqual(answers, ['text "before"', 'pong "ping"', ...echoes, failure(code)])
    })
  }
})

test('the closing handshake that the client begins', async t => {
  const service = await startService(t, '--workers', '1', '--handshake-timeout', '2s')

  await t.test('its Close is echoed, and the server ends the connection', async t => {
    assert.deepEqual(await converse(await openRaw(t, service), { opcode: CLOSE }), ['close'])
    assert.deepEqual(await converse(await openRaw(t, service), { opcode: CLOSE, payload: closePayload(1000, 'bye') }), [
      'close 1000 "bye"',
    ])
    const reason = 'ä'.repeat(61)
    const longest: FrameParts = { opcode: CLOSE, payload: closePayload(4999, `${reason}.`) }
    assert.deepEqual(await converse(await openRaw(t, service), longest), [`close 4999 "${reason}."`])
  })

  const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
  await t.test(`codes that are echoed: ${valid.join(' ')}`, async t => {
    for (const code of valid) {
      const answers = await converse(await openRaw(t, service), { opcode: CLOSE, payload: closePayload(code) })
      assert.deepEqual(answers, [`close ${code} ""`])
    }
  })

  const invalid = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535]
  await t.test(`codes that are violations: ${invalid.join(' ')}`, async t => {
    for (const code of invalid) {
      const answers = await converse(await openRaw(t, service), { opcode: CLOSE, payload: closePayload(code) })
      assert.deepEqual(answers, [failure('ECHOBAHN_CLOSE_CODE')], String(code))
    }
  })

  await t.test('nothing behind the Close is answered, not even nonsense', async t => {
    const after: (FrameParts | Buffer)[] = [
      { opcode: PING, payload: 'p' },
      { opcode: TEXT, payload: 't' },
      { opcode: CLOSE, payload: closePayload(4000) },
      Buffer.alloc(1000, 0xff),
    ]
    const close: FrameParts = { opcode: CLOSE, payload: closePayload(1000) }
    const answers = await converse(await openRaw(t, service), { opcode: TEXT, payload: 'before' }, close, ...after)
    assert.deepEqual(answers, ['text "before"', 'close 1000 ""'])
  })

  await t.test('a Close inside a fragmented message is answered at once', async t => {
    const answers = await converse(
      await openRaw(t, service),
      { fin: false, opcode: TEXT, payload: 'begun' },
      { opcode: CLOSE },
    )
    assert.deepEqual(answers, ['text... "begun"', 'close'])
  })

  const noConnection = () =>
    service.until(
      () => service.workers(),
      workers => workers[0].connections === 0,
    )

  await t.test('a client that keeps its side open is dropped', async t => {
    const client = await openRaw(t, service)
    client.send({ opcode: CLOSE })
    await client.readFramesToEnd()
    await noConnection()
    assert.equal(client.socket.writableEnded, false)
  })

  await t.test('so is one that keeps sending behind its Close', async t => {
    const client = await openRaw(t, service)
    client.send({ opcode: CLOSE })
    const sending = setInterval(() => client.write(Buffer.alloc(1000)), 10)
    t.after(() => clearInterval(sending))
    await noConnection()
  })

  await t.test('a client that ends the connection without a Close leaves nothing behind', async t => {
    const client = await openRaw(t, service)
    client.send({ opcode: TEXT, payload: 'last words' })
    client.socket.end()
    assert.deepEqual((await client.readFramesToEnd()).map(describeFrame), ['text "last words"'])
    await noConnection()
  })

  await t.test('nor does one that ends it inside a frame', async t => {
    const client = await openRaw(t, service)
    client.socket.end(clientFrame({ opcode: BINARY, payload: 'cut off' }).subarray(0, 9))
    await client.readToEnd()
    await noConnection()
  })
})

test('the closing handshake that the server begins', async t => {
  const options = ['--workers', '1', '--handshake-timeout', '2s', '--drain-timeout', '1m']

  await t.test('ends with the answer of the client; messages before it are no longer echoed', async t => {
    const service = await startService(t, ...options)
    const client = await openRaw(t, service)
    service.signal('SIGTERM')
    assert.equal(describeFrame(await client.readFrame()), 'close 1001 ""')
    client.send({ opcode: TEXT, payload: 'crossing' }, { opcode: CLOSE, payload: closePayload(1001) })
    assert.deepEqual(await client.readFramesToEnd(), [])
    client.destroy()
    assert.deepEqual(await service.exited, { code: 0, signal: null })
  })

  await t.test('ends without one after the handshake timeout', async t => {
    const service = await startService(t, ...options)
    const client = await openRaw(t, service)
    service.signal('SIGTERM')
    assert.equal(describeFrame(await client.readFrame()), 'close 1001 ""')
    assert.deepEqual(await client.readFramesToEnd(), [])
    assert.deepEqual(await service.exited, { code: 0, signal: null })
    assert.equal((await service.logged(line => 'cut' in line)).cut, 1)
  })
})

test('what is answered before all of it is there', async t => {
  const service = await startService(t, '--workers', '1')

  await t.test('a ping inside a fragmented message, before the message ends', async t => {
    const client = await openRaw(t, service)
    client.send({ fin: false, opcode: TEXT, payload: 'one ' }, { opcode: PING, payload: 'now' })
    assert.equal(describeFrame(await client.readFrame()), 'text... "one "')
    assert.equal(describeFrame(await client.readFrame()), 'pong "now"')
    client.send({ opcode: PONG, payload: 'unasked' }, { opcode: CONTINUATION, payload: 'message' })
    assert.equal(describeFrame(await client.readFrame()), 'continuation "message"')
  })

  await t.test('a large binary frame, cut through under its own header', async t => {
    const client = await openRaw(t, service)
    const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(300_000, 'cut-through ') })
    client.write(frame.subarray(0, 14 + 1000))
    assert.equal((await client.read(10)).toString('hex'), '827f00000000000493e0')
    assert.deepEqual(await client.read(1000), Buffer.alloc(1000, 'cut-through '))
    client.write(frame.subarray(14 + 1000))
    assert.deepEqual(await client.read(299_000), Buffer.alloc(300_000, 'cut-through ').subarray(1000))
    client.send({ opcode: PING, payload: 'frame done' })
    assert.equal(describeFrame(await client.readFrame()), 'pong "frame done"')
  })

  await t.test('a large text frame, as fragments', async t => {
    const client = await openRaw(t, service)
    const text = 'ä€🚋 '.repeat(20_000)
    const frame = clientFrame({ opcode: TEXT, payload: text })
    client.write(frame.subarray(0, 14 + 1001))
    const pieces = [await client.readFrame()]
    assert.deepEqual([pieces[0].opcode, pieces[0].fin], [TEXT, false])
    client.write(frame.subarray(14 + 1001))
    while (!pieces[pieces.length - 1].fin) pieces.push(await client.readFrame())
    assert.ok(pieces.slice(1).every(({ opcode }) => opcode === CONTINUATION))
    assert.equal(Buffer.concat(pieces.map(({ payload }) => payload)).toString(), text)
  })

  await t.test('a late UTF-8 error in a large text frame, whose beginning is echoed already', async t => {
    const client = await openRaw(t, service)
    const payload = Buffer.alloc(100_000, 'valid ')
    payload[90_000] = 0xff
    const frame = clientFrame({ opcode: TEXT, payload })
    client.write(frame.subarray(0, 14 + 80_000))
    let echoed = 0
    while (echoed < 80_000) {
      const piece = await client.readFrame()
      assert.equal(piece.fin, false)
      echoed += piece.payload.length
    }
    client.write(frame.subarray(14 + 80_000, 14 + 90_001))
    const last = (await client.readFramesToEnd()).map(describeFrame)
    assert.equal(last[last.length - 1], failure('ECHOBAHN_INVALID_UTF8'))
  })

  for (const [name, valid, offending] of [
    ['an octet that no text can have', 'Hello', [0xff]],
    ['a continuation octet out of place', 'Hello', [0x80]],
    ['a code point above U+10FFFF', 'κόσμε', [0xf4, 0x90]],
    ['a surrogate', 'κόσμε', [0xed, 0xa0]],
    ['an overlong form', '', [0xe0, 0x80]],
  ] as const) {
    await t.test(`a UTF-8 error, ${name}, inside a frame that is not complete`, async t => {
      const client = await openRaw(t, service)
      const payload = Buffer.concat([Buffer.from(valid), Buffer.from(offending), Buffer.alloc(50, 'x')])
      const frame = clientFrame({ fin: false, opcode: TEXT, payload })
      client.write(frame.subarray(0, -50))
      assert.deepEqual((await client.readFramesToEnd()).map(describeFrame), [failure('ECHOBAHN_INVALID_UTF8')])
    })
  }

  await t.test('a UTF-8 error in a later fragment, at the seam', async t => {
    const client = await openRaw(t, service)
    client.send(
      { fin: false, opcode: TEXT, payload: Buffer.from([0x61, 0xe2, 0x82]) },
      { fin: false, opcode: CONTINUATION, payload: Buffer.from([0xac, 0xe2]) },
    )
    client.send({ fin: false, opcode: CONTINUATION, payload: 'x' })
    const answers = await client.readFramesToEnd()
    assert.deepEqual(answers.map(({ opcode, payload }) => [opcode, payload.toString('hex')]).slice(0, 2), [
      [TEXT, '61e282'],
      [CONTINUATION, 'ace2'],
    ])
    assert.equal(describeFrame(answers[2]), failure('ECHOBAHN_INVALID_UTF8'))
  })

  await t.test('a header that is illegal in its first two octets', async t => {
    const client = await openRaw(t, service)
    client.write(Buffer.from([0x83, 0xff]))
    assert.deepEqual((await client.readFramesToEnd()).map(describeFrame), [failure('ECHOBAHN_RESERVED_OPCODE')])
  })
})
