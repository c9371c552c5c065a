// permessage-deflate on the wire (RFC 7692): violations, final blocks, control frames between fragments, and what gets a
// compressed reply. The client sends exactly the octets it is told to; all of it inline and on codec threads.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { ProtocolErrorCode } from '../../src/errors.js'
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from '../../src/protocol/opcodes.js'
import { converse, describeFrame, failure, octetsOf, openRaw } from '../support/conversation.js'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { closePayload, type FrameParts, type ServerFrame } from '../support/raw-client.js'
import { startService } from '../support/transport-under-test.js'

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate'
const RSV1 = 4
const LONG = 'a text long enough to be worth compressing, compressing, compressing'

function compressed(plain: Buffer | string, opcode = TEXT): FrameParts {
  return { rsv: RSV1, opcode, payload: deflateMessage(plain) }
}

/** The plain text of a message in one frame. */
function plainOf({ rsv, payload }: ServerFrame): Buffer {
  return rsv === RSV1 ? inflateMessage(payload) : payload
}

/** A compressed message in as many fragments as it is given lengths, the last taking the rest. */
function fragments(plain: Buffer | string, ...lengths: number[]): FrameParts[] {
  const payload = deflateMessage(plain)
  const cuts = [0, ...lengths, payload.length - lengths.reduce((sum, length) => sum + length, 0)]
  let position = 0
  return cuts.slice(1).map((length, i) => {
    const part = payload.subarray(position, position + length)
    position += length
    const first = i === 0
    return { fin: i === lengths.length, rsv: first ? RSV1 : 0, opcode: first ? TEXT : CONTINUATION, payload: part }
  })
}

for (const offload of ['never', 'always']) {
  test(`compressed messages, --offload ${offload}`, async t => {
    const service = await startService(t, '--workers', '1', '--offload', offload, '--max-message', '1MiB')
    const open = (t: { after(hook: () => void): void }) => openRaw(t, service, OFFER)

    await t.test('a compressed message is echoed compressed', async t => {
      const client = await open(t)
      client.send(compressed(LONG), compressed(LONG, BINARY))
      for (const opcode of [TEXT, BINARY]) {
        const reply = await client.readFrame()
        assert.deepEqual([reply.fin, reply.rsv, reply.opcode], [true, RSV1, opcode])
        assert.ok(reply.payload.length < LONG.length)
        assert.equal(plainOf(reply).toString(), LONG)
      }
    })

    await t.test('an uncompressed message too', async t => {
      const client = await open(t)
      client.send({ opcode: TEXT, payload: LONG })
      const reply = await client.readFrame()
      assert.equal(reply.rsv, RSV1)
      assert.equal(plainOf(reply).toString(), LONG)
    })

    await t.test('a tiny, an empty and an incompressible one are echoed plain', async t => {
      const client = await open(t)
      const noise = randomBytes(5000)
      client.send(compressed('tiny'), { opcode: TEXT, payload: 'tiny' }, compressed(''), compressed(noise, BINARY))
      assert.equal(describeFrame(await client.readFrame()), 'text "tiny"')
      assert.equal(describeFrame(await client.readFrame()), 'text "tiny"')
      assert.equal(describeFrame(await client.readFrame()), 'text ""')
      const last = await client.readFrame()
      assert.deepEqual([last.rsv, last.opcode, last.payload], [0, BINARY, noise])
    })

    await t.test('order holds, whatever is compressed and however long', async t => {
      const client = await open(t)
      const messages = Array.from({ length: 200 }, (_, i) => Buffer.alloc((i * 7919) % 30_000, `${i} `))
      client.send(
        ...messages.map((plain, i) => (i % 3 === 0 ? { opcode: BINARY, payload: plain } : compressed(plain, BINARY))),
      )
      for (const plain of messages) assert.deepEqual(plainOf(await client.readFrame()), plain)
    })

    await t.test('in fragments, cut anywhere, empty ones among them', async t => {
      const client = await open(t)
      client.send(...fragments(LONG, 1, 0, 5), ...fragments(LONG, 0, 0), ...fragments(LONG, 20))
      for (let i = 0; i < 3; i++) assert.equal(plainOf(await client.readFrame()).toString(), LONG)
    })

    await t.test('in 65,537 fragments', async t => {
      const client = await open(t)
      const plain = randomBytes(35_000).toString('hex') + randomBytes(40_000).toString('latin1')
      client.send(...fragments(plain, ...Array<number>(65_536).fill(1)))
      assert.equal(plainOf(await client.readFrame()).toString(), plain)
    })

    await t.test('a ping between the fragments is answered before the message ends', async t => {
      const client = await open(t)
      const [first, second] = fragments(LONG, 10)
      client.send(first, { opcode: PING, payload: 'now' })
      assert.equal(describeFrame(await client.readFrame()), 'pong "now"')
      client.send(second)
      assert.equal(plainOf(await client.readFrame()).toString(), LONG)
    })

    await t.test('final blocks (RFC 7692 section 7.2.3.4), and a message behind them', async t => {
      const client = await open(t)
      const final = deflateRawSync(LONG)
      const padded = Buffer.concat([final, Buffer.from([0x00])])
      const several = Buffer.concat([final, final, deflateMessage(LONG)])
      for (const payload of [final, padded, several]) client.send({ rsv: RSV1, opcode: TEXT, payload })
      client.send(compressed(LONG))
      for (const times of [1, 1, 3, 1]) assert.equal(plainOf(await client.readFrame()).toString(), LONG.repeat(times))
    })

    await t.test('exactly max-message is echoed', async t => {
      const client = await open(t)
      client.send(compressed(Buffer.alloc(2 ** 20), BINARY))
      assert.deepEqual(plainOf(await client.readFrame()), Buffer.alloc(2 ** 20))
    })

    await t.test('messages before a Close are echoed before it, and none behind it', async t => {
      const client = await open(t)
      const close: FrameParts = { opcode: CLOSE, payload: closePayload(1000) }
      const many = Array.from({ length: 50 }, () => compressed(LONG))
      client.write(octetsOf(...many, close, compressed('behind')))
      const replies = await client.readFramesToEnd()
      assert.ok(replies.slice(0, -1).every(reply => plainOf(reply).toString() === LONG))
      assert.equal(replies.length, 51)
      assert.equal(describeFrame(replies[50]), 'close 1000 ""')
    })

    const [fragment] = fragments(LONG, 10)
    const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
    const truncated = deflateMessage(LONG).subarray(0, -3)
    const bomb = deflateMessage(Buffer.alloc(2 ** 25))
    const violations: [string, ProtocolErrorCode, FrameParts[]][] = [
      ['data that is not deflate', 'ECHOBAHN_INVALID_DEFLATE', [{ rsv: RSV1, opcode: TEXT, payload: 'not deflate' }]],
      ['deflate data that is cut', 'ECHOBAHN_DEFLATE_TRUNCATED', [{ rsv: RSV1, opcode: BINARY, payload: truncated }]],
      [
        'the tail that a sender takes off',
        'ECHOBAHN_DEFLATE_TAIL',
        [{ rsv: RSV1, opcode: BINARY, payload: Buffer.concat([deflateMessage(LONG), TAIL]) }],
      ],
      [
        '1001 final blocks',
        'ECHOBAHN_TOO_MANY_FINAL_BLOCKS',
        [{ rsv: RSV1, opcode: BINARY, payload: Buffer.alloc(2002, deflateRawSync('')) }],
      ],
      [
        'a reference to what an earlier message said',
        'ECHOBAHN_DEFLATE_EARLIER_MESSAGE',
        [{ rsv: RSV1, opcode: BINARY, payload: deflateMessage(LONG, { dictionary: Buffer.from(LONG) }) }],
      ],
      ['text that does not inflate to UTF-8', 'ECHOBAHN_INVALID_UTF8', [compressed(Buffer.from([0x61, 0xff]))]],
      ['one octet above max-message', 'ECHOBAHN_MESSAGE_TOO_BIG', [compressed(Buffer.alloc(2 ** 20 + 1), BINARY)]],
      ['32 MiB of zeros in 32 KiB', 'ECHOBAHN_MESSAGE_TOO_BIG', [{ rsv: RSV1, opcode: BINARY, payload: bomb }]],
      ['RSV1 on a continuation', 'ECHOBAHN_RESERVED_BITS', [fragment, { rsv: RSV1, opcode: CONTINUATION }]],
      ['RSV1 on a ping', 'ECHOBAHN_RESERVED_BITS', [{ rsv: RSV1, opcode: PING }]],
      ['RSV2', 'ECHOBAHN_RESERVED_BITS', [{ rsv: 2, opcode: TEXT }]],
      [
        'an uncompressed message that is not UTF-8',
        'ECHOBAHN_INVALID_UTF8',
        [{ opcode: TEXT, payload: Buffer.from([0xff]) }],
      ],
    ]
    for (const [name, code, frames] of violations) {
      await t.test(`${name}: ${code}, behind the echoes of what came before`, async t => {
        const client = await open(t)
        const before = ['1', '2', '3'].map(text => compressed(text))
        const answers = await converse(client, ...before, ...frames, compressed('after'))
        assert.deepEqual(answers, ['text "1"', 'text "2"', 'text "3"', failure(code)])
      })
    }
  })
}

test('max-inflate-ratio', async t => {
  const service = await startService(t, '--workers', '1', '--max-inflate-ratio', '20')
  const client = await openRaw(t, service, OFFER)
  const answers = await converse(client, compressed('x'), compressed('x'.repeat(100_000)))
  assert.deepEqual(answers, ['text "x"', failure('ECHOBAHN_INFLATE_RATIO')])
})
