// What the codec counts: each operation by where it was done, batches by how long they waited and ran.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outgoing } from '../../../src/codec/transcoder.js'
import { Counters } from '../../../src/metrics/counters.js'
import { type CounterName, histogramAt, offsetOf } from '../../../src/metrics/layout.js'
import { CodecMetrics } from '../../../src/worker/codec-metrics.js'
import { messageOf } from '../../support/codec-client.js'
import { LogKeeper } from '../../support/log-keeper.js'

function bench() {
  const counters = new Counters()
  const log = new LogKeeper()
  const metrics = new CodecMetrics(counters, log.logger)
  const count = (name: CounterName, labels: object): number => counters.values[offsetOf(name, labels as never)]
  const messages = () =>
    ['inflate', 'deflate'].flatMap(operation =>
      ['inline', 'pool'].map(where => count('codec_messages_total', { operation, where })),
    )
  const octets = () =>
    ['inflate', 'deflate'].flatMap(operation =>
      ['in', 'out'].map(side => count('codec_bytes_total', { operation, side })),
    )
  return { counters, log, metrics, messages, octets }
}

function result(deflated: boolean): Outgoing {
  return { violation: undefined, deflated, payloadLength: 7, plainLength: 30 } as Outgoing
}

const COMPRESSED = messageOf('octets', { compressed: true })

test('a message that is inflated and deflated is both, where it was done', () => {
  for (const [where, messages] of [
    ['inline', [1, 0, 1, 0]],
    ['pool', [0, 1, 0, 1]],
  ] as const) {
    const all = bench()
    all.metrics.transcoded(COMPRESSED, result(true), where)
    assert.deepEqual([all.messages(), all.octets()], [messages, [6, 30, 30, 7]])
  }
})

test('what came plain, or goes back plain, is only the other', () => {
  const plainIn = bench()
  plainIn.metrics.transcoded(messageOf('octets'), result(true), 'inline')
  assert.deepEqual(
    [plainIn.messages(), plainIn.octets()],
    [
      [0, 0, 1, 0],
      [0, 0, 30, 7],
    ],
  )
  const plainOut = bench()
  plainOut.metrics.transcoded(COMPRESSED, result(false), 'inline')
  assert.deepEqual(
    [plainOut.messages(), plainOut.octets()],
    [
      [1, 0, 0, 0],
      [6, 30, 0, 0],
    ],
  )
})

test('a violation counts for nothing here', () => {
  const { metrics, messages } = bench()
  metrics.transcoded(COMPRESSED, { ...result(true), violation: 'ECHOBAHN_INVALID_DEFLATE' } as Outgoing, 'inline')
  assert.deepEqual(messages(), [0, 0, 0, 0])
})

test('a batch counts its messages, its wait, and its run', () => {
  const { counters, metrics } = bench()
  metrics.batchDone(3, 0.25, 4)
  const sums = (['codec_batch_messages', 'codec_wait_seconds', 'codec_run_seconds'] as const).map(name => {
    const { offset, buckets } = histogramAt(name)
    return counters.values[offset + buckets.length + 1]
  })
  assert.deepEqual(sums, [3, 0.25, 4])
})

test('a thread that fails is a line of the log', () => {
  const { log, metrics } = bench()
  metrics.poolFailed(new Error('lost'))
  assert.deepEqual(
    log.lines.map(({ level, msg }) => [level, msg]),
    [[40, 'a codec thread failed; its messages are done on the event loop']],
  )
})
