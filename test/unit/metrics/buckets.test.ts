// The bounds of all histograms: dashboards, alerts and recorded rules name them, so they are part of what is promised.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SUMMED } from '../../../src/metrics/catalogue.js'

const DURATION = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
const SIZE = [64, 256, 1024, 4096, 16384, 65536, 262144, 1048576]

const BOUNDS: Readonly<Record<string, readonly number[]>> = {
  read_size_bytes: SIZE,
  write_size_bytes: SIZE,
  write_wait_seconds: DURATION,
  ping_round_trip_seconds: DURATION,
  event_loop_delay_seconds: [1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  event_loop_turn_seconds: DURATION,
  connection_duration_seconds: [0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400],
  echo_duration_seconds: [1e-6, 2.5e-6, 5e-6, ...DURATION],
  codec_batch_messages: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  codec_wait_seconds: DURATION,
  codec_run_seconds: DURATION,
}

test('each histogram has the bounds that it always had', () => {
  const actual = Object.entries(SUMMED).flatMap(([name, metric]) =>
    'buckets' in metric ? [[name, [...metric.buckets]] as const] : [],
  )
  assert.deepEqual(Object.fromEntries(actual), BOUNDS)
})
