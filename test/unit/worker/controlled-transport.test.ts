// The transport of controls between a connection and its own one: what waits, what goes on with progress, what is not read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActiveControls } from '../../../src/controls/active.js'
import { readControls } from '../../../src/controls/parse.js'
import { ControlledTransport } from '../../../src/worker/controlled-transport.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeTransport } from '../../support/fake-transport.js'

class Inner extends FakeTransport {
  ends = 0

  override end(): void {
    this.ends++
    super.end()
  }
}

function bench(query: string) {
  const read = readControls(query, { prefix: '', restricted: true, maxMessage: 1000 })
  assert.equal(read.problem, undefined)
  const { controls = {} } = read as { controls?: object }
  const clock = new FakeClock()
  const active = new ActiveControls(controls, 'url', () => {}, clock)
  const inner = new Inner()
  const transport = new ControlledTransport(inner, active)
  const events: string[] = []
  transport.handler = {
    onChunk: (_, length) => void events.push(`chunk ${length}`),
    onProgress: () => void events.push('progress'),
    onEnd: () => void events.push('end'),
    onClosed: () => void events.push('closed'),
  }
  transport.begin()
  const written = () => inner.written.splice(0).map(String)
  return { clock, inner, transport, events, written }
}

test('without rate and chop writes go through as they are', () => {
  const { inner, transport, events, written } = bench('')
  inner.taking = false
  assert.equal(transport.write(Buffer.from('hello')), false)
  assert.deepEqual([written(), transport.pending, transport.waitingForPeer], [['hello'], 5, 5])
  inner.take()
  inner.handler.onProgress()
  assert.deepEqual([events, written()], [['progress'], []])
  assert.deepEqual([transport.kind, transport.peer, transport.open], [inner.kind, inner.peer, true])
})

test('what waits for the peer goes on with its progress, and the end behind it once', () => {
  const { inner, transport, events, written } = bench('chop=3')
  inner.taking = false
  assert.equal(transport.write(Buffer.from('abcdefg')), true)
  transport.end()
  assert.deepEqual([written(), inner.ends, transport.writable], [['abc'], 0, false])
  assert.deepEqual([transport.pending, transport.unsent], [3 + 4 + 128, 3 + 4])
  inner.take()
  inner.handler.onProgress()
  assert.deepEqual([written(), events], [['def'], ['progress']])
  inner.taking = true
  inner.take()
  inner.handler.onProgress()
  assert.deepEqual([written(), inner.ends, transport.pending], [['g'], 1, 0])
  inner.handler.onProgress()
  assert.equal(inner.ends, 1)
})

test('with a delay between writes the rest comes when it is due, and what is written meanwhile behind it', () => {
  const { clock, transport, written, events } = bench('chop=5&chop-delay=500ms')
  transport.write(Buffer.from('abcdefghij'))
  transport.write(Buffer.from('xy'))
  assert.deepEqual(written(), ['abcde'])
  clock.pass(499)
  assert.deepEqual([written(), events], [[], []])
  clock.pass(1)
  assert.deepEqual([written(), events], [['fghij'], ['progress']])
  clock.pass(500)
  assert.deepEqual([written(), transport.pending, clock.timers], [['xy'], 0, 0])
})

test('many small writes are spread over turns', () => {
  const { clock, transport, written } = bench('chop=1')
  transport.write(Buffer.alloc(100, 'x'))
  assert.equal(written().length, 1)
  clock.pass(1)
  assert.equal(written().length, 64)
  clock.pass(1)
  assert.equal(written().length, 35)
})

test('stalled, it reads nothing more, but writes', () => {
  const { inner, transport, written } = bench('')
  transport.resume()
  assert.equal(inner.paused, false)
  transport.stall()
  assert.deepEqual([inner.paused, transport.stalled, transport.vanished], [true, true, false])
  transport.resume()
  assert.equal(inner.paused, true)
  transport.write(Buffer.from('hello'))
  assert.deepEqual(written(), ['hello'])
})

test('vanished, it writes nothing more either, and what waited is lost', () => {
  const { clock, inner, transport, written } = bench('chop=5&chop-delay=500ms')
  transport.write(Buffer.from('abcdefg'))
  transport.vanish()
  transport.write(Buffer.from('hello'))
  transport.end()
  clock.pass(5000)
  assert.deepEqual([written(), inner.ended, inner.paused], [['abcde'], false, true])
  assert.deepEqual([transport.unsent, transport.writable, transport.vanished], [2 + 5, false, true])
})

test('dropped, reset or closed, it has lost what waited', () => {
  for (const [drop, isReset] of [
    ['destroy', false],
    ['reset', true],
  ] as const) {
    const { inner, transport } = bench('chop=5&chop-delay=500ms')
    transport.write(Buffer.from('abcdefg'))
    transport[drop]()
    assert.deepEqual([inner.destroyed, inner.wasReset, transport.unsent, transport.pending], [true, isReset, 2, 0])
  }
  const { inner, transport, events } = bench('chop=5&chop-delay=500ms')
  transport.write(Buffer.from('abcdefg'))
  inner.handler.onEnd()
  inner.handler.onClosed()
  assert.deepEqual([transport.unsent, events], [2, ['end', 'closed']])
})

test('at a read-rate it rests after each chunk, and goes on where reading is still wanted', () => {
  const { clock, inner, transport, events } = bench('read-rate=1000B')
  transport.resume()
  inner.handler.onChunk(Buffer.alloc(500), 500)
  assert.deepEqual([events, inner.paused], [['chunk 500'], true])
  transport.resume()
  assert.equal(inner.paused, true)
  clock.pass(499)
  assert.equal(inner.paused, true)
  clock.pass(1)
  assert.equal(inner.paused, false)
  inner.handler.onChunk(Buffer.alloc(500), 500)
  transport.pause()
  clock.pass(1000)
  assert.equal(inner.paused, true)
  transport.resume()
  assert.equal(inner.paused, false)
  inner.handler.onChunk(Buffer.alloc(500), 500)
  transport.stall()
  clock.pass(1000)
  assert.equal(inner.paused, true)
})

test('what lies unread in the transport below is told, and known', () => {
  const { inner, transport, events } = bench('')
  transport.handler.onUnread = () => void events.push(`unread ${transport.unread}`)
  inner.unread = 5
  transport.onUnread()
  assert.deepEqual(events, ['unread 5'])
})
