// How one opening handshake is answered, over a transport and a clock that the test moves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActiveControls } from '../../../src/controls/active.js'
import type { Answer } from '../../../src/controls/answer.js'
import { readControls } from '../../../src/controls/parse.js'
import { ControlledAnswer } from '../../../src/worker/opening/controlled-answer.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeTransport } from '../../support/fake-transport.js'

const HOLD_TIMEOUT = 60_000

function begin(query: string, behind: Answer['behind'] = 'upgraded', early = '') {
  const { controls } = readControls(query, { prefix: '', restricted: true, maxMessage: 1e6 }) as { controls?: object }
  const clock = new FakeClock()
  const active = new ActiveControls(controls ?? {}, 'url', () => {}, clock)
  const transport = new FakeTransport()
  const events: string[] = []
  const answer = { octets: behind === 'hang' ? '' : 'answer', behind }
  new ControlledAnswer(transport, answer, active, HOLD_TIMEOUT, Buffer.from(early), {
    onAnswered: octets => void events.push(`answered ${octets}`),
    onGone: () => void events.push('gone'),
  }).begin()
  const send = (text: string): void => transport.handler.onChunk(Buffer.from(text), Buffer.byteLength(text))
  const written = (): string[] => transport.written.map(String)
  return { clock, active, transport, events, send, written }
}

test('a late answer is late by as much, and what came meanwhile goes on with it', () => {
  const { clock, active, events, send, written } = begin('handshake-delay=2s', 'upgraded', 'early ')
  send('meanwhile')
  clock.pass(1999)
  assert.deepEqual([written(), events], [[], []])
  clock.pass(1)
  assert.deepEqual([written(), events], [['answer'], ['answered early meanwhile']])
  assert.deepEqual(active.book.uses, { 'handshake-delay': 1 })
})

test('a trickled answer goes octet by octet, and only its last makes a connection', () => {
  const { clock, active, events, written } = begin('trickle=5ms')
  clock.pass(29)
  assert.deepEqual([written(), events], [[...'answer'], []])
  clock.pass(1)
  assert.deepEqual([written(), events], [[...'answer'], ['answered ']])
  assert.deepEqual(active.book.uses, { trickle: 1 })
})

test('where nothing is ever said the connection is dropped after controls-hold-timeout', () => {
  const { clock, transport, events, written } = begin('handshake=hang', 'hang')
  clock.pass(HOLD_TIMEOUT - 1)
  assert.deepEqual([written(), events, transport.ended, transport.destroyed], [[], [], false, false])
  clock.pass(1)
  assert.ok(transport.destroyed)
})

test('a refused client has a second to go', () => {
  const { clock, transport, written, events, send } = begin('status=503', 'fin')
  assert.deepEqual([written(), transport.ended], [['answer'], true])
  send('more')
  clock.pass(999)
  assert.equal(transport.destroyed, false)
  clock.pass(1)
  assert.deepEqual([transport.destroyed, events], [true, []])
})

test('a client that ends the connection first is let go, and nothing waits any more', () => {
  const { clock, transport, events } = begin('handshake-delay=2s')
  transport.handler.onEnd()
  assert.ok(transport.destroyed)
  transport.handler.onClosed()
  assert.deepEqual([events, clock.timers], [['gone'], 0])
})
