// What is asked of a load program, and what is read from its answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LoadRequest, loadArguments, loadBound, maskedPayload, parseLoadLine } from '../src/load.js'
import { parseLoadArguments } from '../src/load-arguments.js'

const SHAPE = { connections: 20, octets: 16_384, depth: 4, opcode: 'text', deflate: true } as const

test('the TypeScript client reads the arguments that are written for it', () => {
  const request: LoadRequest = { ...SHAPE, span: { seconds: 2, warmup: 1 } }
  assert.deepEqual(parseLoadArguments(loadArguments(request, 8888, 4711)), {
    ...{ host: '127.0.0.1', port: 8888, path: '/', pid: 4711 },
    ...SHAPE,
    ...{ seconds: 2, warmup: 1, count: undefined, idle: undefined },
    ...{ rate: undefined, ca: undefined, sessions: 0, hold: false },
  })
})

test('a count and a silence are passed on with the seconds that bound them', () => {
  const counted = parseLoadArguments(loadArguments({ ...SHAPE, span: { count: 7, bound: 20 } }, 1, 1))
  assert.deepEqual([counted.count, counted.seconds], [7, 20])
  const silent = parseLoadArguments(loadArguments({ ...SHAPE, span: { idle: 3, bound: 20 } }, 1, 1))
  assert.deepEqual([silent.idle, silent.seconds], [3, 20])
})

test('a rate, and that the load is to hold, are passed on', () => {
  const span = { count: 7, rate: 20, bound: 20 }
  const { count, rate, hold } = parseLoadArguments(loadArguments({ ...SHAPE, span }, 1, 1, true))
  assert.deepEqual([count, rate, hold], [7, 20, true])
})

test('over TLS the certificate is passed on', () => {
  const { ca } = parseLoadArguments(loadArguments({ ...SHAPE, tls: true, span: { count: 7, bound: 20 } }, 1, 1))
  assert.match(ca?.toString() ?? '', /^-----BEGIN CERTIFICATE-----/)
})

test('sessions of HTTP/2 are passed on', () => {
  const { sessions } = parseLoadArguments(loadArguments({ ...SHAPE, sessions: 4, span: { count: 7, bound: 20 } }, 1, 1))
  assert.equal(sessions, 4)
})

test('a load has time to open, to work and to leave', () => {
  assert.equal(loadBound({ ...SHAPE, span: { seconds: 2, warmup: 1 } }), 43_000)
  assert.equal(loadBound({ ...SHAPE, span: { idle: 3, bound: 20 } }), 43_000)
})

test('errors of a load are thrown, the first one named', () => {
  assert.throws(() => parseLoadLine('{"errors":2,"error":"echo differs"}'), /2 errors, the first: echo differs/)
})

test('the payload of a masked frame is known from the length of the frame', () => {
  for (const [payload, header] of [
    [0, 6],
    [125, 6],
    [126, 8],
    [65_535, 8],
    [65_536, 14],
  ])
    assert.equal(maskedPayload(payload + header), payload)
})
