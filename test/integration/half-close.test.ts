// A client that ends its side of TCP right behind its Close, or behind a message, still gets all that is owed to it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BINARY, CLOSE, TEXT } from '../../src/protocol/opcodes.js'
import { describeFrame, octetsOf, openRaw } from '../support/conversation.js'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { closePayload, type FrameParts, type ServerFrame } from '../support/raw-client.js'
import type { Service } from '../support/service.js'
import { connectionReports, runOver, startService, TRANSPORTS } from '../support/transport-under-test.js'

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate'
const RSV1 = 4
const TEXTS = Array.from({ length: 40 }, (_, i) => `message ${i} `.repeat(2000))
const BYE: FrameParts = { opcode: CLOSE, payload: closePayload(1000, 'bye') }

function plainOf({ rsv, payload }: ServerFrame): string {
  return String(rsv === RSV1 ? inflateMessage(payload) : payload)
}

/** Without printing a megabyte when it is something else. */
function assertIsBye(frame: ServerFrame | undefined): void {
  assert.equal(frame?.opcode, CLOSE)
  assert.equal(describeFrame(frame), 'close 1000 "bye"')
}

/** The report of the newest connection, once that is gone. */
async function closedReport(service: Service) {
  const [report] = await service.until(
    () => connectionReports(service, 1),
    ([newest]) => newest?.state === 'closed',
  )
  return report
}

for (const transport of TRANSPORTS) {
  test(`over ${transport}`, async t => {
    runOver(transport)
    const service = await startService(t, '--workers', '1', '--offload', 'always')
    const compressed = TEXTS.map(text => ({ opcode: TEXT, rsv: RSV1, payload: deflateMessage(text) }))

    await t.test('FIN behind a Close, with work at the codec threads', async t => {
      const client = await openRaw(t, service, OFFER)
      client.socket.end(octetsOf(...compressed, BYE))
      const frames = await client.readFramesToEnd()
      assertIsBye(frames.pop())
      assert.deepEqual(frames.map(plainOf), TEXTS)
      const { clean, sent, unsentOctets } = await closedReport(service)
      assert.deepEqual([clean, sent.messages.text, unsentOctets], [true, TEXTS.length, 0])
    })

    await t.test('FIN behind messages, with work at the codec threads', async t => {
      const client = await openRaw(t, service, OFFER)
      client.socket.end(octetsOf(...compressed))
      assert.deepEqual((await client.readFramesToEnd()).map(plainOf), TEXTS)
      const { clean, closing, sent } = await closedReport(service)
      assert.deepEqual([clean, sent.messages.text], [false, TEXTS.length])
      assert.equal(closing.uncleanReason, 'the client ended TCP without a Close')
    })

    await t.test('FIN behind a Close, with more to write than the kernel takes', async t => {
      const client = await openRaw(t, service)
      const messages = Array.from({ length: 12 }, (_, i) => Buffer.alloc(2 ** 20, i))
      client.socket.pause()
      const written = new Promise<void>(resolve =>
        client.socket.end(octetsOf(...messages.map(payload => ({ opcode: BINARY, payload })), BYE), resolve),
      )
      client.socket.resume()
      await written
      const frames = await client.readFramesToEnd()
      assertIsBye(frames.pop())
      assert.ok(Buffer.concat(frames.map(({ payload }) => payload)).equals(Buffer.concat(messages)))
      const { clean, sent, unsentOctets } = await closedReport(service)
      assert.deepEqual([clean, sent.messages.binary, unsentOctets], [true, messages.length, 0])
    })
  })
}
