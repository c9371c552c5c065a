// Answers over HTTP/2 as controls want them, and which controls cannot be had there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from '../../../src/controls/catalogue.js'
import { http2Problem, streamAnswerOf } from '../../../src/controls/http2-answer.js'
import { readControls } from '../../../src/controls/parse.js'
import type { Controls } from '../../../src/controls/schema.js'

const AGREED = { accept: null, extensions: 'e', subprotocol: null }

function controlsOf(query: string): Controls {
  const { controls } = readControls(query, { prefix: '', restricted: true, maxMessage: 1e6 }) as { controls?: Controls }
  return controls ?? assert.fail(query)
}

test('what is about octets of HTTP/1.1 and TCP is not to be had, as the catalogue says', () => {
  const { controls } = catalogue('')
  assert.ok(controls.every(({ http1 }) => http1))
  const http1Only = controls.filter(({ http2 }) => !http2)
  assert.deepEqual(
    http1Only.map(({ name }) => name),
    ['handshake', 'trickle', 'chop', 'chop-delay'],
  )
  for (const query of ['handshake=hang', 'trickle=1ms', 'chop=1', 'delay=1s&chop=1'])
    assert.match(http2Problem(controlsOf(query)) ?? '', /^The control (handshake|trickle|chop) .*HTTP\/2\.$/)
  for (const query of ['status=503', 'handshake-delay=1s', 'end=reset', 'header=X:1', 'delay=1s'])
    assert.equal(http2Problem(controlsOf(query)), undefined)
  assert.match(http2Problem(controlsOf('header=TE:x')) ?? '', /header=TE/)
})

test('fields and cookies of an accepted handshake', () => {
  const { behind, response } = streamAnswerOf(controlsOf('header=X-A:1&header=X-B:2&cookie=c=d'), 'text', AGREED)
  assert.equal(behind, 'upgraded')
  assert.deepEqual(response, {
    status: 200,
    fields: [
      ['sec-websocket-extensions', 'e'],
      ['echobahn-controls', 'text'],
      ['x-a', '1'],
      ['x-b', '2'],
      ['set-cookie', 'c=d'],
    ],
    body: '',
  })
})

test('a status with what belongs to it', () => {
  const { behind, response } = streamAnswerOf(controlsOf('status=301&location=/b&retry-after=1s'), 'text', AGREED)
  assert.equal(behind, 'fin')
  assert.deepEqual(response, {
    status: 301,
    fields: [
      ['echobahn-controls', 'text'],
      ['location', '/b'],
      ['retry-after', '1'],
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-length', '34'],
    ],
    body: 'The control status asked for 301.\n',
  })
  assert.equal(streamAnswerOf(controlsOf('status=304'), '', AGREED).response.body, '')
})
