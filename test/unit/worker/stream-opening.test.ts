// One request on a stream, over a fake stream: numbered, judged, answered, and what becomes of the stream.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Admission } from '../../../src/messages.js'
import type { UpgradeRules } from '../../../src/protocol/upgrade-request.js'
import type { ConnectionTerms } from '../../../src/worker/connection-terms.js'
import { OpeningControls } from '../../../src/worker/opening/opening-controls.js'
import { StreamOpening } from '../../../src/worker/opening/stream-opening.js'
import { fakeStreamTransport } from '../../support/fake-stream.js'
import { settingsFor } from '../../support/fake-transport.js'

const RULES: UpgradeRules = { path: undefined, origins: [], subprotocols: [], compression: undefined }
const LEGAL = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/a?b',
  ':authority': 'a',
  'sec-websocket-version': '13',
  'user-agent': 'me',
}

function bench(
  t: TestContext,
  fields: Record<string, string> = {},
  sessionAdmission: Admission = 0,
  ...flags: string[]
) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  const { stream, transport } = fakeStreamTransport()
  const events: string[] = []
  const upgraded: ConnectionTerms[] = []
  const wasted = { times: 0 }
  const state = { takes: true, onUpgraded: () => {} }
  const session = { admission: sessionAdmission, origin: undefined, waste: () => void wasted.times++ }
  const settings = settingsFor(...flags)
  const claimed: number[] = []
  const controls = new OpeningControls(
    settings,
    1,
    () => {},
    opening => void claimed.push(opening),
    run => run(),
  )
  const opening = new StreamOpening(
    transport,
    Object.entries({ ...LEGAL, ...fields }).flat(),
    session,
    RULES,
    {
      onNumbered: ({ id }, admission) => {
        events.push(`numbered ${id} ${admission}`)
        return state.takes
      },
      onUpgraded: (_opening, terms) => {
        events.push('upgraded')
        upgraded.push(terms)
        state.onUpgraded()
      },
      onRefused: (_opening, reason, response) => void events.push(`refused ${response.slice(9, 12)} ${reason}`),
      onGone: ({ id }) => void events.push(`gone ${id}`),
      onInternalError: error => void events.push(String(error)),
    },
    controls,
  )
  stream.calls.length = 0
  return { stream, transport, opening, events, upgraded, wasted, state, clock, controls, claimed }
}

test('nothing is answered before it has its number; then it is accepted, and its terms go on', t => {
  const { stream, opening, events, upgraded } = bench(t)
  assert.equal(stream.headers, undefined)
  opening.onOpened(7, 0)
  assert.deepEqual(events, ['numbered 7 0', 'upgraded'])
  assert.deepEqual(stream.headers, { ':status': 200 })
  const [{ request, controls, deflate, ...terms }] = upgraded
  assert.match(request, /^:method: CONNECT\r\n:protocol: websocket\r\n.*user-agent: me\r\n\r\n$/s)
  assert.deepEqual([controls, deflate], [undefined, undefined])
  assert.deepEqual(terms, {
    id: 7,
    peer: '192.0.2.1:50000',
    proxied: undefined,
    transport: 'h2c',
    httpVersion: '2',
    path: '/a',
    query: 'b',
    key: null,
    accept: null,
    userAgent: 'me',
    extensions: null,
    subprotocol: null,
  })
})

test('a key is answered', t => {
  const { stream, opening, upgraded } = bench(t, { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' })
  opening.onOpened(7, 0)
  assert.deepEqual(stream.headers, { ':status': 200, 'sec-websocket-accept': ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='] })
  assert.equal(upgraded[0].key, 'dGhlIHNhbXBsZSBub25jZQ==')
})

test('a refusal: head, sentence, end, and a second to go', t => {
  const { stream, opening, events, wasted, clock } = bench(t, { ':method': 'GET' })
  clock.now = 100
  opening.onOpened(7, 0)
  assert.deepEqual([events, opening.refused, wasted.times], [['numbered 7 0', 'refused 405 not_upgrade'], true, 1])
  assert.equal(stream.headers?.[':status'], 405)
  assert.match(String(stream.takeAll()), /extended CONNECT .*\.\n$/)
  assert.deepEqual(stream.calls, ['resume', 'end', 'close 0'])
  opening.sweep(1099)
  assert.ok(!stream.destroyed)
  opening.sweep(1100)
  assert.ok(stream.destroyed)
})

test('the answer to a HEAD has no body', t => {
  const { stream, opening } = bench(t, { ':method': 'HEAD' })
  opening.onOpened(7, 0)
  assert.equal(stream.writes.length, 0)
})

test('above a limit the answer is its status, whatever was asked; of the session as of the stream', t => {
  for (const [own, session, status] of [
    [503, 0, 503],
    [429, 0, 429],
    [0, 503, 503],
    [429, 503, 503],
  ] as const) {
    const { opening, events } = bench(t, {}, session)
    opening.onOpened(7, own)
    assert.equal(events[0], `numbered 7 ${status}`)
    assert.match(events[1], new RegExp(`^refused ${status} max_connections`))
  }
})

test('one that is gone before it has its number is told to be gone once it has it', t => {
  const { opening, stream, events, wasted } = bench(t)
  opening.onClosed()
  assert.deepEqual([events, wasted.times], [[], 1])
  opening.onOpened(7, 0)
  assert.deepEqual([events, stream.headers], [['gone 7'], undefined])
})

test('where nothing more is begun it may try again elsewhere', t => {
  const { opening, stream, events, state } = bench(t)
  state.takes = false
  opening.onOpened(7, 0)
  assert.deepEqual([events, stream.calls], [['numbered 7 0'], ['close 7', 'destroy']])
  opening.onClosed()
  assert.deepEqual(events, ['numbered 7 0', 'gone 7'])
})

test('without a session there is no connection', t => {
  const { opening, stream, events } = bench(t)
  opening.onOpened(0, 503)
  assert.deepEqual([events, stream.calls], [[], ['close 7', 'destroy']])
  opening.onClosed()
  assert.deepEqual(events, [])
})

test('its end is told', t => {
  const { opening, events } = bench(t, { ':method': 'GET' })
  opening.onOpened(7, 0)
  opening.onClosed()
  assert.equal(events.at(-1), 'gone 7')
})

test('an error of our own ends the stream, and nothing else', t => {
  const { opening, stream, events } = bench(t)
  stream.respond = () => {
    throw new Error('broken')
  }
  opening.onOpened(7, 0)
  assert.deepEqual([events.at(-1), stream.calls], ['Error: broken', ['close 8', 'destroy']])
})

test('controls of HTTP/1.1 are refused by name, also the default ones', t => {
  const asked = bench(t, { ':path': '/?eb-trickle=5ms' })
  asked.opening.onOpened(7, 0)
  assert.equal(asked.events.at(-1), 'refused 400 bad_control')
  assert.match(String(asked.stream.takeAll()), /^The control trickle .*not to be had over HTTP\/2\.\n$/)
  const byDefault = bench(t, {}, 0, '--default-controls', 'chop=7')
  byDefault.opening.onOpened(7, 0)
  assert.equal(byDefault.events.at(-1), 'refused 400 bad_control')
})

test('a connection with controls can describe itself', t => {
  const { opening, upgraded } = bench(t, { ':path': '/a?eb-describe' })
  opening.onOpened(7, 0)
  const [{ controls }] = upgraded
  const { id, path, query, httpVersion, fields } = JSON.parse(controls?.describe() ?? '')
  assert.deepEqual([id, path, query, httpVersion, fields['user-agent']], [7, '/a', 'eb-describe', '2', ['me']])
  controls?.end()
})

test('limited default controls take a word of the primary', t => {
  const { opening, stream, events, controls, claimed, upgraded } = bench(t)
  controls.setDefault('delay=5ms', true)
  opening.onOpened(7, 0)
  assert.deepEqual([claimed, stream.headers], [[7], undefined])
  controls.granted(7, 'delay=5ms')
  assert.deepEqual(stream.headers, { ':status': 200, 'echobahn-controls': ['delay=5ms'] })
  assert.equal(events.at(-1), 'upgraded')
  upgraded[0].controls?.end()
})

test('a status that was asked for is a refusal, and is told as one', t => {
  const { opening, stream, events, wasted } = bench(t, { ':path': '/?eb-status=503' })
  opening.onOpened(7, 0)
  assert.deepEqual([stream.headers?.[':status'], events.at(-1), opening.refused], [503, 'refused 503 control', true])
  assert.equal(String(stream.takeAll()), 'The control status asked for 503.\n')
  assert.ok(stream.calls.includes('end'))
  assert.equal(wasted.times, 0)
  stream.emit('close')
  assert.equal(events.at(-1), 'gone 7')
})

test('a connection with controls that begins by reading nothing is not read', t => {
  const { opening, stream, transport, state, upgraded } = bench(t, { ':path': '/?eb-stall=0' })
  state.onUpgraded = () => transport.pause()
  opening.onOpened(7, 0)
  assert.equal(stream.calls.at(-1), 'pause')
  upgraded[0].controls?.end()
})

test('one that is gone while the primary is asked for its controls gets nothing', t => {
  const { opening, stream, events, controls } = bench(t)
  controls.setDefault('delay=5ms', true)
  opening.onOpened(7, 0)
  opening.onClosed()
  controls.granted(7, 'delay=5ms')
  assert.deepEqual([events, stream.headers], [['numbered 7 0', 'gone 7'], undefined])
})

test('a plain page is no refusal that is wasted, and has no body where HEAD asks', t => {
  for (const [method, has] of [
    ['GET', true],
    ['HEAD', false],
  ] as const) {
    const { opening, stream, events, wasted } = bench(t, { ':method': method }, 0, '--plain-http', 'describe')
    opening.onOpened(7, 0)
    assert.equal(events.at(-1), 'refused 200 plain_http')
    assert.equal(stream.takeAll().length > 0, has)
    assert.equal(wasted.times, 0)
  }
})

test('a control that needs compression is refused where none is agreed', t => {
  const { opening, stream, events } = bench(t, { ':path': '/?eb-compress=always' })
  opening.onOpened(7, 0)
  assert.equal(events.at(-1), 'refused 400 bad_control')
  assert.match(String(stream.takeAll()), /needs permessage-deflate/)
})

test('what controls of the handshake did is told', t => {
  const { opening, upgraded } = bench(t, { ':path': '/?eb-subprotocol=chat', 'sec-websocket-protocol': 'chat' })
  opening.onOpened(7, 0)
  const [{ controls }] = upgraded
  assert.deepEqual(controls?.book.uses, { subprotocol: 1 })
  controls?.end()
})
