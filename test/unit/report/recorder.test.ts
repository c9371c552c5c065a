import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chops } from '../../../src/report/chops.js'
import { LogBlocks } from '../../../src/report/log-blocks.js'
import { type OctetSource, Recorder } from '../../../src/report/recorder.js'
import type { ConnectionReport } from '../../../src/report/report.js'
import { sampleOpened } from '../../support/sample-opened.js'

const OCTETS = { octetsReceived: 100, octetsSent: 90, unsent: 0 }

function recorder(id = 1, userAgent: string | null = 'tester', octets: OctetSource = OCTETS): Recorder {
  return new Recorder(sampleOpened({ id, key: `key ${id}`, userAgent }), 2, octets, new LogBlocks())
}

/** What the report says of a connection that ended after `script`. */
function closingOf(script: (recorder: Recorder) => void): ConnectionReport['closing'] & { clean: boolean | null } {
  const subject = recorder()
  script(subject)
  subject.closed()
  const { closing, clean } = subject.report()
  return { ...closing, clean }
}

test('a closing handshake in either direction is clean', () => {
  const byClient = closingOf(r => {
    r.closeReceived(1000, 'bye')
    r.closeSent(1000, 'bye')
    r.ended('server')
  })
  assert.deepEqual(byClient, {
    initiator: 'client',
    received: { code: 1000, reason: 'bye' },
    sent: { code: 1000, reason: 'bye' },
    droppedBy: 'server',
    uncleanReason: null,
    errorMeaning: null,
    clean: true,
  })
  const byServer = closingOf(r => {
    r.closeSent(1001, '')
    r.closeReceived(1001, '')
  })
  assert.equal(byServer.initiator, 'server')
  assert.equal(byServer.clean, true)
})

const UNCLEAN: [string, (recorder: Recorder) => void][] = [
  ['the client ended TCP without a Close', () => {}],
  ['the client ended TCP without answering the Close', r => r.closeSent(1001, '')],
  [
    'the server failed the connection',
    r => {
      r.failed('ECHOBAHN_INVALID_UTF8')
      r.closeSent(1007, '')
      r.ended('server')
    },
  ],
  ['the client did not answer a ping', r => r.dropped('the client did not answer a ping')],
]
for (const [reason, script] of UNCLEAN)
  test(`unclean: ${reason}`, () => {
    const closing = closingOf(script)
    assert.equal(closing.clean, false)
    assert.equal(closing.uncleanReason, reason)
  })

test('the error is told with its meaning, the first one only', () => {
  const subject = recorder()
  subject.failed('ECHOBAHN_UNMASKED_FRAME')
  subject.failed('ECHOBAHN_INTERNAL')
  assert.equal(subject.summary().error, 'ECHOBAHN_UNMASKED_FRAME')
  assert.equal(subject.report().closing.errorMeaning, 'a frame from the client is not masked')
})

test('counts stand under their direction and opcode', () => {
  const subject = recorder()
  const { tally } = subject
  tally.payloadReceived(1, 20)
  tally.frameReceived(1)
  tally.frameSent(10, 7)
  tally.frameSent(2, 30)
  tally.messageReceived(1, 40)
  tally.messageSent(2, 60)
  const { received, sent } = subject.report()
  assert.equal(received.octets, 100)
  assert.equal(sent.octets, 90)
  assert.deepEqual(received.frames, { continuation: 0, text: 1, binary: 0, close: 0, ping: 0, pong: 0 })
  assert.deepEqual(received.payload, { continuation: 0, text: 20, binary: 0, close: 0, ping: 0, pong: 0 })
  assert.deepEqual(sent.frames, { continuation: 0, text: 0, binary: 1, close: 0, ping: 0, pong: 1 })
  assert.deepEqual(sent.messageOctets, { text: 0, binary: 60 })
  assert.equal(received.compressionRatio, 0.5)
  assert.equal(sent.compressionRatio, 0.5)
})

test('a whole echo counts as a frame and a message each way', () => {
  const subject = recorder()
  const [text, binary] = [0, 1]
  for (const size of [3, 4]) subject.tally.wholeEcho(text, size)
  subject.tally.wholeEcho(binary, 10)
  const { received, sent } = subject.report()
  for (const told of [received, sent]) {
    assert.deepEqual(told.frames, { continuation: 0, text: 2, binary: 1, close: 0, ping: 0, pong: 0 })
    assert.deepEqual(told.payload, { continuation: 0, text: 7, binary: 10, close: 0, ping: 0, pong: 0 })
    assert.deepEqual(told.messages, { text: 2, binary: 1 })
    assert.deepEqual(told.messageOctets, { text: 7, binary: 10 })
    assert.equal(told.compressionRatio, 1)
  }
})

test('chops count every size, and sum what comes after the first 100 different ones', () => {
  const chops = new Chops()
  for (const size of [5, 5, 3, 5]) chops.add(size)
  assert.deepEqual(chops.describe().chops, [
    { size: 3, count: 1 },
    { size: 5, count: 3 },
  ])
  for (let size = 1000; size < 1200; size++) chops.add(size)
  const { chops: told, otherChops } = chops.describe()
  assert.equal(told.length, 100)
  assert.equal(otherChops.count, 102)
  assert.equal(
    told.reduce((sum, { size, count }) => sum + size * count, otherChops.octets),
    18 + Array.from({ length: 200 }, (_, i) => 1000 + i).reduce((a, b) => a + b),
  )
})

test('the code is that of the first Close, whoever sent it, and 1006 where none came', () => {
  const codeOf = (script: (recorder: Recorder) => void): number | null => {
    const subject = recorder()
    script(subject)
    return subject.code
  }
  assert.equal(
    codeOf(() => {}),
    null,
  )
  assert.equal(
    codeOf(r => r.closed()),
    1006,
  )
  const byClient = (r: Recorder) => {
    r.closeReceived(4001, '')
    r.closeSent(1000, '')
  }
  assert.equal(codeOf(byClient), 4001)
  const byServer = (r: Recorder) => {
    r.closeSent(1002, '')
    r.closeReceived(1000, '')
    r.closed()
  }
  assert.equal(codeOf(byServer), 1002)
  assert.equal(recorder().summary().code, null)
})

test('a report hides secrets unless it is to show them, and says where the request is cut', () => {
  const request = 'GET /a;sid=1/b?token=2 HTTP/1.1\r\nCookie: 3\r\n\r\n'
  const opened = sampleOpened({
    ...{ path: '/a;sid=1', query: 'token=2', request, userAgent: 'tester ?key=4', subprotocol: 'token.5' },
  })
  const subject = new Recorder(opened, 2, OCTETS, new LogBlocks())
  const hidden = subject.report()
  assert.equal(hidden.path, '/a;sid=***')
  assert.equal(hidden.query, 'token=***')
  assert.equal(hidden.userAgent, 'tester ?key=***')
  assert.equal(hidden.handshake.request, 'GET /a;sid=*** HTTP/1.1\r\nCookie: ***')
  assert.equal(hidden.handshake.subprotocol, 'token.***')
  assert.match(hidden.handshake.response, /\r\nSec-WebSocket-Protocol: token\.\*\*\*$/)
  assert.equal(hidden.handshake.requestCut, false)
  const { path, userAgent } = subject.summary()
  assert.deepEqual([path, userAgent], ['/a;sid=***', 'tester ?key=***'])

  const shown = subject.report('show')
  assert.deepEqual([shown.path, shown.query, shown.userAgent], ['/a;sid=1', 'token=2', 'tester ?key=4'])
  assert.equal(shown.handshake.request, request.trimEnd())
  assert.equal(shown.handshake.subprotocol, 'token.5')
  assert.match(shown.handshake.response, /token\.5$/)

  const cut = new Recorder(sampleOpened({ request: request.slice(0, -3) }), 2, OCTETS, new LogBlocks())
  assert.equal(cut.report().handshake.requestCut, true)
})

test('behind the first events, reads and writes of one size in a row stand for one, and the gap counts them', () => {
  const subject = recorder()
  const ping = Buffer.from([0x89, 0x80, 1, 2, 3, 4])
  // Each is an event, and so is the header of its frame.
  for (let i = 0; i < 32; i++) subject.read(ping, 6, performance.now())
  assert.equal(subject.report().logCut, false)
  for (let i = 0; i < 5; i++) subject.wrote(Buffer.from([0x8a, 0]))
  for (let i = 0; i < 7; i++) subject.read(ping, 6, performance.now())
  subject.read(Buffer.from([0x89, 0x80]), 2, performance.now())
  subject.wrote(Buffer.from([0x8a, 0]))
  const { log } = subject.report()
  const gap = log.findIndex(({ event }) => event === 'gap')
  const behind = log.slice(gap + 1).map(event => ('hex' in event ? `${event.event} ${event.length}` : event.event))
  assert.equal(gap, 64)
  const hidden = log[gap]
  assert.equal(hidden.event === 'gap' && hidden.events, 12)
  assert.deepEqual(behind, ['octets sent 2', 'octets received 2'])
})

test('events have their time from the opening on, in milliseconds', t => {
  const clock = { now: 5000 }
  t.mock.method(performance, 'now', () => clock.now)
  const subject = recorder()
  subject.read(Buffer.from([0x89, 0]), 2, 5001.5)
  clock.now = 5003
  subject.closeSent(1000, '')
  clock.now = 5010
  subject.closed()
  const { log, duration } = subject.report()
  assert.deepEqual([...new Set(log.map(({ at }) => at))], [1.5, 3])
  assert.equal(duration, 10)
})
