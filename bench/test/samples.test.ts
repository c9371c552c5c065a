// Figures that are made of what a load program measured.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadRequest } from '../src/load.js'
import { cpuSample, echoSample } from '../src/samples.js'
import { SILENT_RESULT } from './support/fake-subject.js'

const request: LoadRequest = {
  ...{ connections: 1, octets: 100, depth: 1, opcode: 'text' },
  span: { seconds: 1, warmup: 0 },
}
const result = {
  ...SILENT_RESULT,
  ...{ cpuPerMessage: 4, messagesPerSecond: 5, megabytesPerSecond: 6 },
  latency: { p50: 1, p99: 2, p999: 3, max: 9 },
  ...{ resident: { before: 10, after: 30 }, proportional: { before: 5, after: 20 } },
  ...{ compressedShare: 0.5, replyOctets: 60, requestOctets: 40 },
}
const ECHOES = {
  ...{ cpuPerMessage: 4, messagesPerCpuSecond: 250_000, messagesPerSecond: 5, megabytesPerSecond: 6 },
  ...{ p50: 1, p99: 2, p999: 3, max: 9, resident: 30, proportional: 20 },
}

test('echoes: cost, rate, latency, and memory at the end', () => {
  assert.deepEqual(echoSample(request, result), ECHOES)
})

test('compressed echoes: what came back, too', () => {
  assert.deepEqual(echoSample({ ...request, deflate: true }, result), {
    ...ECHOES,
    ...{ compressedReplies: 50, replyOctets: 60, replyToRequest: 1.5 },
  })
})

test('CPU time that cannot be read is no figure', () => {
  assert.deepEqual(cpuSample({ ...result, cpuPerMessage: 0 }), {})
})
