// One opening handshake with controls: who decides, how it is answered, and what becomes of it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UpgradeRules } from '../../../src/protocol/upgrade-request.js'
import type { ConnectionTerms } from '../../../src/worker/connection-terms.js'
import { Opening } from '../../../src/worker/opening/opening.js'
import { OpeningControls } from '../../../src/worker/opening/opening-controls.js'
import { FakeTransport, settingsFor } from '../../support/fake-transport.js'
import { requestHead, UPGRADE_HEADERS } from '../../support/raw-client.js'

const RULES: UpgradeRules = { path: undefined, origins: [], subprotocols: [], compression: undefined }
const TIMEOUT = 5000

function bench(t: TestContext, ...flags: string[]) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  const transport = new FakeTransport()
  const events: string[] = []
  const upgraded: { terms: ConnectionTerms; behind: string }[] = []
  const refused: { response: string; head: string }[] = []
  const asked: number[] = []
  const controls = new OpeningControls(
    settingsFor('--controls', 'on', ...flags),
    3,
    () => {},
    opening => void asked.push(opening),
    decide => decide(),
  )
  const opening = new Opening(
    7,
    0,
    handler => {
      transport.handler = handler
      return transport
    },
    RULES,
    TIMEOUT,
    {
      onUpgraded: (_opening, terms, behind) => {
        events.push('upgraded')
        upgraded.push({ terms, behind: String(behind) })
      },
      onRefused: (_opening, reason, response, head) => {
        events.push(`refused ${reason}`)
        refused.push({ response, head })
      },
      onGone: ({ id }) => void events.push(`gone ${id}`),
      onInternalError: error => void events.push(String(error)),
      onHttp2: () => false,
    },
    controls,
  )
  // Ends the timers of controls.
  t.after(() => {
    transport.handler.onClosed()
    for (const { terms } of upgraded) terms.controls?.end()
  })
  const send = (octets: string): void => transport.handler.onChunk(Buffer.from(octets), Buffer.byteLength(octets))
  const sweep = (now: number): void => {
    clock.now = now
    opening.sweep(now)
  }
  return {
    opening,
    transport,
    events,
    upgraded,
    refused,
    asked,
    controls,
    send,
    sweep,
    output: () => String(transport.output),
  }
}

function asking(query: string): string {
  return requestHead(UPGRADE_HEADERS, `GET /?${query} HTTP/1.1`)
}

test('a query that may name controls and does not is a handshake as any other', t => {
  const { events, upgraded, send } = bench(t)
  send(`${asking('note=web-')}behind`)
  assert.deepEqual(events, ['upgraded'])
  assert.deepEqual([upgraded[0].terms.controls, upgraded[0].behind], [undefined, 'behind'])
})

test('controls that are wrong are refused', t => {
  const { events, transport, send, output } = bench(t)
  send(asking('eb-delay=never'))
  assert.match(output(), /^HTTP\/1\.1 400 /)
  assert.deepEqual([events, transport.ended], [['refused bad_control'], true])
})

test('those that need what is not agreed are refused', t => {
  const { events, send, output } = bench(t)
  send(asking('eb-compress=always'))
  assert.match(output(), /^HTTP\/1\.1 400 .*needs permessage-deflate/s)
  assert.deepEqual(events, ['refused bad_control'])
})

test('a handshake that breaks the rules with its controls is refused', t => {
  const { events, send } = bench(t)
  send(requestHead(['Host: a', ...UPGRADE_HEADERS.slice(1, 3)], 'GET /?eb-delay=1s HTTP/1.1'))
  assert.equal(events.length, 1)
  assert.match(events[0], /^refused (?!control)/)
})

test('with controls it is answered so, goes on with them, and its deadline is over', t => {
  const { events, transport, upgraded, send, sweep, output } = bench(t)
  send(`${asking('eb-delay=1s')}behind`)
  assert.match(output(), /^HTTP\/1\.1 101 .*\r\nEchobahn-Controls: delay=1s\r\n/s)
  assert.deepEqual(events, ['upgraded'])
  const [{ terms, behind }] = upgraded
  assert.deepEqual([terms.controls?.values, behind], [{ delay: 1000 }, 'behind'])
  assert.equal(terms.controls?.response, output())
  const description = JSON.parse(terms.controls?.describe() ?? '') as { query: string }
  assert.match(JSON.stringify(description), /eb-delay=1s/)
  sweep(100_000)
  assert.deepEqual([events, transport.ended, transport.destroyed], [['upgraded'], false, false])
})

test('an answer that is no 101 is told as refused by control, with what was sent and what came', t => {
  const { opening, events, refused, send, output } = bench(t)
  send(asking('eb-status=503'))
  assert.match(output(), /^HTTP\/1\.1 503 /)
  assert.deepEqual([events[0], opening.refused], ['refused control', true])
  assert.deepEqual(refused, [{ response: output(), head: asking('eb-status=503') }])
})

test('while the primary is asked nothing is read; its word goes on with what came before', t => {
  const { controls, transport, events, asked, upgraded, send } = bench(t)
  controls.setDefault('delay=1s', true)
  send(`${requestHead()}behind`)
  assert.deepEqual([asked, events, transport.paused], [[7], [], true])
  controls.granted(7, 'delay=2s')
  assert.deepEqual([events, transport.paused], [['upgraded'], false])
  assert.deepEqual([upgraded[0].terms.controls?.values, upgraded[0].behind], [{ delay: 2000 }, 'behind'])
})

test('its word that there are none makes it one as any other', t => {
  const { controls, events, upgraded, send } = bench(t)
  controls.setDefault('delay=1s', true)
  send(`${requestHead()}behind`)
  controls.granted(7, null)
  assert.deepEqual([events, upgraded[0].terms.controls, upgraded[0].behind], [['upgraded'], undefined, 'behind'])
})

test('a word that comes too late is nothing: the peer is refused, or gone', t => {
  const late = bench(t)
  late.controls.setDefault('delay=1s', true)
  late.send(requestHead())
  late.sweep(TIMEOUT)
  late.controls.granted(7, 'delay=2s')
  assert.deepEqual(late.events, ['refused timeout'])
  const gone = bench(t)
  gone.controls.setDefault('delay=1s', true)
  gone.send(requestHead())
  gone.opening.onClosed()
  gone.controls.granted(7, 'delay=2s')
  assert.deepEqual([gone.events, gone.transport.paused], [['gone 7'], true])
})

test('an error of our own behind the word ends the connection, and nothing else', t => {
  const { controls, transport, events, send } = bench(t)
  controls.setDefault('delay=1s', true)
  send(requestHead())
  Object.defineProperty(transport, 'write', {
    value: () => {
      throw new Error('broken')
    },
  })
  controls.granted(7, null)
  assert.deepEqual([events, transport.destroyed], [['Error: broken'], true])
})

test('a plain GET is described where that is wanted, and refused where not', t => {
  const described = bench(t, '--plain-http', 'describe')
  described.send(requestHead(['Host: a'], 'GET /a HTTP/1.1'))
  assert.match(described.output(), /^HTTP\/1\.1 200 .*\r\n\r\n\{/s)
  assert.deepEqual(described.events, ['refused plain_http'])
  const other = bench(t, '--plain-http', 'describe')
  other.send(requestHead(['Host: a'], 'POST /a HTTP/1.1'))
  assert.match(other.output(), /^HTTP\/1\.1 4/)
  const off = bench(t)
  off.send(requestHead(['Host: a'], 'GET /a HTTP/1.1'))
  assert.match(off.output(), /^HTTP\/1\.1 426 /)
})
