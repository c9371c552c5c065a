// What one connection can do in one turn of the event loop, whatever it sends: others get theirs in between, and what is
// held for it meanwhile is no more than what one read brought.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offsetOf } from '../../../src/metrics/layout.js'
import { BINARY, CONTINUATION, type OpcodeName, PING, TEXT } from '../../../src/protocol/opcodes.js'
import { READ_BUFFER } from '../../../src/transport/bare-transport.js'
import { SHARE } from '../../../src/worker/turns.js'
import { deflateMessage } from '../../support/deflate-message.js'
import { feed, NO_TAKEOVER, openSharing } from '../../support/fake-transport.js'
import { clientFrame, type FrameParts } from '../../support/raw-client.js'

/** As many of these frames as one read can bring, behind `first`. */
function read(frame: FrameParts, ...first: FrameParts[]): Buffer {
  const octets = clientFrame(frame)
  const head = Buffer.concat(first.map(clientFrame))
  return Buffer.concat([head, Buffer.alloc(READ_BUFFER - head.length, octets).subarray(0, -(octets.length - 1))])
}

const mask = Buffer.from([1, 2, 3, 4])
const begun: FrameParts = { opcode: TEXT, fin: false, mask }

const KINDS: Record<string, { readonly octets: Buffer; readonly opcode: OpcodeName; readonly compressed?: boolean }> = {
  pings: { octets: read({ opcode: PING, mask }), opcode: 'ping' },
  'empty fragments': { octets: read({ opcode: CONTINUATION, fin: false, mask }, begun), opcode: 'continuation' },
  'small messages': { octets: read({ opcode: BINARY, payload: 'x', mask }), opcode: 'binary' },
  'compressed messages of one octet': {
    octets: read({ opcode: BINARY, rsv: 4, payload: deflateMessage('x'), mask }),
    opcode: 'binary',
    compressed: true,
  },
}

for (const [name, { octets, opcode, compressed }] of Object.entries(KINDS)) {
  test(`${name}: a share in each turn, at most one read held, nothing read meanwhile`, async () => {
    const bench = openSharing(SHARE, compressed ? NO_TAKEOVER : undefined, '--offload', 'never')
    const { connection, transport, traffic, counters } = bench
    const frames = (): number => {
      traffic.addWholeEchoes()
      return counters.values[offsetOf('frames_total', { direction: 'received', opcode })]
    }
    let before = 0
    feed(bench, octets)
    while (connection.held > 0) {
      const done = frames() - before
      assert.ok(done > 0 && done <= SHARE, `${done} frames in one turn`)
      assert.ok(connection.held <= READ_BUFFER)
      assert.equal(transport.paused, true)
      before += done
      await new Promise(setImmediate)
    }
    assert.ok(before > 10 * SHARE)
    assert.equal(transport.paused, false)
  })
}

test('a text whose last octet is no UTF-8 costs its connection one share, not one for each octet', () => {
  const bench = openSharing(SHARE)
  const payload = Buffer.alloc(READ_BUFFER - 100, 'x')
  payload[payload.length - 1] = 0xff
  feed(bench, clientFrame({ opcode: TEXT, payload }))
  assert.equal(bench.connection.held, 0)
  assert.ok(bench.transport.ended)
})

test('two that send all they can take turns', async () => {
  const log: string[] = []
  const benches = [openSharing(SHARE), openSharing(SHARE)]
  for (const [i, bench] of benches.entries()) {
    const { write } = bench.transport
    bench.transport.write = function (octets) {
      log.push(`connection ${i}`)
      return write.call(this, octets)
    }
    feed(bench, KINDS.pings.octets)
  }
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  assert.deepEqual(
    log.slice(0, 6),
    Array.from({ length: 6 }, (_, i) => `connection ${i % 2}`),
  )
})
