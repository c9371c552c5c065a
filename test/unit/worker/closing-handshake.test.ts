import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSING, ClosingHandshake, ENDING, OPEN } from '../../../src/worker/closing-handshake.js'

class Port {
  echoIdle = true
  midFrame = false
  inMessage = false
  readonly calls: string[] = []

  sendClose(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`.trim())
  }

  endSending(): void {
    this.calls.push('end')
  }
}

function handshake(state: Partial<Pick<Port, 'echoIdle' | 'midFrame' | 'inMessage'>> = {}) {
  const port = Object.assign(new Port(), state)
  return { port, closing: new ClosingHandshake(port) }
}

test("the peer's Close is echoed, and FIN follows", () => {
  const { port, closing } = handshake()
  closing.onPeerClose(4711, 'bye')
  assert.deepEqual(port.calls, ['close 4711 bye', 'end'])
  assert.deepEqual([closing.state, closing.initiator, closing.code], [ENDING, 'client', 4711])
  assert.ok(closing.ignoresInput)
})

test("the peer's Close waits for echoes, also inside a fragmented message", () => {
  const { port, closing } = handshake({ echoIdle: false, inMessage: true })
  closing.onPeerClose(1000, '')
  assert.ok(closing.waits)
  assert.ok(closing.ignoresInput)
  assert.equal(closing.waitsToLeave, false)
  closing.proceed()
  assert.deepEqual(port.calls, [])
  port.echoIdle = true
  closing.proceed()
  assert.deepEqual(port.calls, ['close 1000', 'end'])
  closing.proceed()
  assert.equal(port.calls.length, 2)
})

test('our Close comes first, then theirs, then FIN', () => {
  const { port, closing } = handshake()
  closing.goAway(1001)
  assert.deepEqual([closing.state, closing.initiator, closing.code], [CLOSING, 'server', 1001])
  assert.equal(closing.ignoresInput, false)
  closing.onPeerClose(1001, '')
  assert.deepEqual(port.calls, ['close 1001', 'end'])
  assert.deepEqual([closing.state, closing.initiator, closing.code], [ENDING, 'server', 1001])
})

test('our Close waits for the message at hand and for echoes', () => {
  const { port, closing } = handshake({ inMessage: true })
  closing.goAway(1001)
  assert.ok(closing.waitsToLeave)
  port.inMessage = false
  port.echoIdle = false
  closing.proceed()
  assert.deepEqual(port.calls, [])
  port.echoIdle = true
  closing.proceed()
  assert.deepEqual(port.calls, ['close 1001'])
  assert.equal(closing.waitsToLeave, false)
})

test("the peer's Close, FIN or violation takes the place of our Close that waits", () => {
  const ways: [(closing: ClosingHandshake) => void, string[], string, number][] = [
    [closing => closing.onPeerClose(1000, ''), ['close 1000', 'end'], 'client', 1000],
    [closing => closing.onPeerEnd(), ['end'], 'client', 1006],
    [closing => closing.fail(1002, 'bad'), ['close 1002 bad', 'end'], 'server', 1002],
  ]
  for (const [way, calls, initiator, code] of ways) {
    const { port, closing } = handshake({ echoIdle: false })
    closing.goAway(1001)
    way(closing)
    port.echoIdle = true
    closing.proceed()
    assert.deepEqual(port.calls, calls)
    assert.deepEqual([closing.state, closing.initiator, closing.code], [ENDING, initiator, code])
  }
})

test('a second goAway does nothing', () => {
  const { port, closing } = handshake({ echoIdle: false })
  closing.goAway(1012)
  closing.goAway(1001)
  port.echoIdle = true
  closing.proceed()
  closing.goAway(1001)
  assert.deepEqual(port.calls, ['close 1012'])
})

test('a FIN behind a Close leaves the Close to be answered', () => {
  const { port, closing } = handshake({ echoIdle: false })
  closing.onPeerClose(1000, 'x')
  closing.onPeerEnd()
  port.echoIdle = true
  closing.proceed()
  assert.deepEqual(port.calls, ['close 1000 x', 'end'])
})

test('a FIN without a Close ends the connection behind its echoes', () => {
  const { port, closing } = handshake({ echoIdle: false })
  closing.onPeerEnd()
  assert.deepEqual(port.calls, [])
  port.echoIdle = true
  closing.proceed()
  assert.deepEqual(port.calls, ['end'])
  assert.deepEqual([closing.state, closing.initiator, closing.code], [ENDING, 'client', 1006])
})

test('a Close waits for the end of a frame that is half written; a FIN without one does not', () => {
  const leaving = handshake({ midFrame: true })
  leaving.closing.goAway(1001)
  assert.deepEqual(leaving.port.calls, [])
  leaving.port.midFrame = false
  leaving.closing.proceed()
  assert.deepEqual(leaving.port.calls, ['close 1001'])
  const ended = handshake({ midFrame: true })
  ended.closing.onPeerEnd()
  assert.deepEqual(ended.port.calls, ['end'])
})

test('with our Close sent, a FIN or a violation ends the connection at once', () => {
  for (const way of [(c: ClosingHandshake) => c.onPeerEnd(), (c: ClosingHandshake) => c.fail(1002, 'bad')]) {
    const { port, closing } = handshake()
    closing.goAway(1001)
    way(closing)
    assert.deepEqual(port.calls, ['close 1001', 'end'])
    assert.equal(closing.code, 1001)
    way(closing)
    assert.equal(port.calls.length, 2)
  }
})

test('failNow does not wait for echoes; fail does', () => {
  const now = handshake({ echoIdle: false })
  now.closing.failNow(1007, 'bad text')
  assert.deepEqual(now.port.calls, ['close 1007 bad text', 'end'])
  const later = handshake({ echoIdle: false })
  later.closing.fail(1007, 'bad text')
  assert.deepEqual(later.port.calls, [])
  later.closing.failNow(1011, 'worse')
  assert.deepEqual(later.port.calls, ['close 1011 worse', 'end'])
  assert.equal(later.closing.waits, false)
})

test('goAwayNow waits for nothing, and is too late once a Close was sent', () => {
  const { port, closing } = handshake({ echoIdle: false, inMessage: true })
  assert.equal(closing.goAwayNow(1001), true)
  assert.deepEqual(port.calls, ['close 1001'])
  assert.equal(closing.state, CLOSING)
  assert.equal(closing.goAwayNow(1001), false)
})

test('who drops a connection without a Close has begun its end', () => {
  const { closing } = handshake()
  assert.deepEqual([closing.state, closing.initiator, closing.code], [OPEN, 'client', 1006])
  closing.onDropped()
  assert.equal(closing.initiator, 'server')
  const closed = handshake()
  closed.closing.onPeerClose(1000, '')
  closed.closing.onDropped()
  assert.equal(closed.closing.initiator, 'client')
})

test('after a Close, a FIN or a violation of the peer nothing that comes is heeded', () => {
  const ways: ((closing: ClosingHandshake) => void)[] = [
    closing => closing.onPeerClose(1000, ''),
    closing => closing.onPeerEnd(),
    closing => closing.fail(1002, 'bad'),
    closing => closing.failNow(1007, 'bad'),
  ]
  for (const way of ways) {
    const { closing } = handshake({ echoIdle: false })
    assert.equal(closing.ignoresInput, false)
    way(closing)
    assert.equal(closing.ignoresInput, true)
  }
})
