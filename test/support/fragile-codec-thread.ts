// A codec thread that fails when a message asks for it, or at its start when ECHOBAHN_TEST_THREADS is `broken`. When it has
// rested it says so on the channel `codec-rests`, with how often it has collected garbage.
//
// Its clock goes by ECHOBAHN_TEST_TICK milliseconds each time it is looked at, which is once a message, and hardly at
// all by default: a machine under load is not to decide how far a turn goes.

import { threadId } from 'node:worker_threads'
import './counted-collections.js'
import type { Batch } from '../../src/codec/batch.js'
import runBatch from '../../src/codec/codec-thread.js'
import { collector } from './counted-collections.js'
import { POISON } from './poison.js'

if (process.env.ECHOBAHN_TEST_THREADS === 'broken') process.exit(1)

export interface Rest {
  readonly threadId: number
  /** Since the thread started. */
  readonly collections: number
}

const rests = new BroadcastChannel('codec-rests')
rests.unref()

const tick = Number(process.env.ECHOBAHN_TEST_TICK ?? 0.001)
let now = 0
performance.now = () => {
  now += tick
  return now
}

export default (batch: Batch | undefined) => {
  if (batch === undefined) {
    const result = runBatch(batch)
    rests.postMessage({ threadId, collections: collector.collections } satisfies Rest)
    return result
  }
  const octets = Buffer.from(batch.bytes)
  if (octets.includes(POISON.exit)) process.exit(1)
  if (octets.includes(POISON.throw)) throw new Error('poisoned')
  if (octets.includes(POISON.hang)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  return runBatch(batch)
}
