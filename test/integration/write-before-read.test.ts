// A client that writes one whole message of max-message before it reads anything gets its echo: blocking clients do so. All
// of it over the kernel's default buffers, which hold less than that.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { BINARY, TEXT } from '../../src/protocol/opcodes.js'
import { octetsOf, openRaw } from '../support/conversation.js'
import { deflateMessage, inflateMessage } from '../support/deflate-message.js'
import { runOver, startService, TRANSPORTS } from '../support/transport-under-test.js'

/** The default of max-message. */
const MOST = 16 * 2 ** 20
const RSV1 = 4
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate'

/** Neither shrinks much when it is deflated, or the kernel could hold it. */
const MESSAGES = Object.entries({
  binary: { opcode: BINARY, payload: randomBytes(MOST) },
  text: { opcode: TEXT, payload: Buffer.from(randomBytes((MOST / 4) * 3).toString('base64')) },
}).flatMap(([name, { opcode, payload }]) => [
  { name: `${name}, plain`, opcode, payload, offer: [], octets: octetsOf({ opcode, payload }) },
  {
    ...{ name: `${name}, compressed`, opcode, payload, offer: [OFFER] },
    octets: octetsOf({ opcode, rsv: RSV1, payload: deflateMessage(payload) }),
  },
])

for (const transport of TRANSPORTS) {
  test(`16,777,216 octets are written before any is read, over ${transport}`, async t => {
    runOver(transport)
    const service = await startService(t, '--workers', '1')
    for (const { name, opcode, payload, offer, octets } of MESSAGES) {
      await t.test(name, async t => {
        assert.equal(payload.length, MOST)
        const client = await openRaw(t, service, ...offer)
        client.socket.pause()
        await new Promise(written => client.socket.write(octets, written))
        client.socket.resume()
        const frames = [await client.readFrame()]
        while (!frames[frames.length - 1].fin) frames.push(await client.readFrame())
        const echo = Buffer.concat(frames.map(frame => frame.payload))
        const plain = frames[0].rsv === RSV1 ? inflateMessage(echo) : echo
        assert.equal(frames[0].opcode, opcode)
        assert.ok(plain.equals(payload), 'the message came back changed')
      })
    }
  })
}
