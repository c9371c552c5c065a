// Messages that refer to ones before them, in the directions that were agreed, and in no other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { TEXT } from '../../../src/protocol/opcodes.js'
import { feed, NO_TAKEOVER, openConnection, serverFrames } from '../../support/fake-transport.js'
import { noise } from '../../support/plain-texts.js'
import { clientFrame } from '../../support/raw-client.js'

/** Does not get smaller by itself, and next to nothing behind itself. */
const PLAIN = noise(600).toString('base64')

/** The message, deflated; with a `dictionary`, referring to that. */
function deflated(dictionary: string | undefined): Buffer {
  const options = dictionary === undefined ? {} : { dictionary: Buffer.from(dictionary) }
  const payload = deflateRawSync(PLAIN, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4)
  return clientFrame({ opcode: TEXT, rsv: 4, payload })
}

function inflated(payload: Buffer, dictionary: string | undefined): string {
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])])
  const options = dictionary === undefined ? {} : { dictionary: Buffer.from(dictionary) }
  return String(inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, ...options }))
}

for (const [client, server] of [
  [true, false],
  [false, true],
  [true, true],
] as const)
  for (const flags of [
    ['--offload', 'never'],
    ['--offload', 'always', '--codec-threads', '1'],
  ])
    test(`takeover by ${client ? 'the client ' : ''}${server ? 'the server' : ''}, ${flags[1]} on a thread`, async t => {
      const agreement = { ...NO_TAKEOVER, clientContextTakeover: client, serverContextTakeover: server }
      const bench = openConnection(agreement, ...flags)
      t.after(() => bench.codec.close())
      const second = deflated(client ? PLAIN : undefined)
      feed(bench, deflated(undefined), second, second)
      while (serverFrames(bench.transport.output).length < 3) await new Promise(setImmediate)
      const frames = serverFrames(bench.transport.output)
      assert.deepEqual(
        frames.map(({ opcode }) => opcode),
        [TEXT, TEXT, TEXT],
      )
      const [first, ...others] = frames
      assert.equal(inflated(first.payload, undefined), PLAIN)
      for (const { payload } of others) {
        assert.equal(inflated(payload, server ? PLAIN : undefined), PLAIN)
        assert.equal(payload.length < 100, server)
      }
    })
