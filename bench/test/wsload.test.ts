// wsload against the real service, and against servers that do one thing wrong.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { echobahnCommand, peerCommand } from '../src/peers.js'
import { Server } from '../src/server.js'
import { acceptance, type Fault, frame, type Message, startFaultyServer } from './support/faulty-server.js'
import { runWsload, spawnWsload } from './support/run-wsload.js'

const CLOSE = 0x88
const PING = 0x89
const PONG = 0x8a
const FIN = 0x80
const TEXT = 0x81

let service: Server
before(async () => {
  service = await Server.start(peerCommand('echobahn', 1), [])
})
after(() => service.stop())

// What deflate does not make smaller, the service sends as it is.
for (const [octets, compressedShare, ...options] of [
  [5, 0, '--text'],
  [125, 0, '--binary'],
  [126, 0, '--text', '--payload', 'utf8'],
  [65_535, 0, '--binary'],
  [65_536, 0, '--binary'],
  [70_000, 0, '--binary'],
  [2 ** 20, 0, '--binary'],
  [0, 0, '--text'],
  [0, 0, '--text', '--deflate'],
  [256, 1, '--text', '--deflate'],
  [16_384, 0, '--binary', '--deflate', '--payload', 'random'],
] as const)
  test(`${octets} octets, ${options.join(' ')}: all echoes of the service are right`, async () => {
    const args = ['127.0.0.1', service.port, '/', 3, octets, 4, 30, '--count', 25, '--verify-all', ...options]
    const { code, line } = await runWsload([...args, '--pid', service.pid])
    assert.deepEqual([code, line.errors, line.error], [0, 0, ''])
    assert.deepEqual([line.messages, line.verified_first_echoes], [75, 75])
    assert.equal(line.rsv1_share, compressedShare)
    // The primary and its worker.
    assert.equal(line.server_procs, 2)
    assert.ok(line.server_cpu_us_per_msg > 0)
    assert.ok(line.hs_server_cpu_s > 0)
    assert.ok(line.server_rss_MB_before > 50 && line.server_rss_MB_after > 50)
  })

test('large echoes behind the first are dropped unread, and still counted', async () => {
  const args = ['127.0.0.1', service.port, '/', 2, 2 ** 20, 2, 30, '--count', 20, '--binary']
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.error, line.messages], [0, '', 40])
})

test('a message larger than the kernel takes at once', async () => {
  const args = ['127.0.0.1', service.port, '/', 1, 2 ** 24, 1, 30, '--count', 2, '--binary', '--verify-all']
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.error, line.verified_first_echoes], [0, '', 2])
})

test('a window of many in flight, and percentiles in order', async () => {
  const args = ['127.0.0.1', service.port, '/', 10, 64, 32, 1, '--binary', '--warmup', 0, '--label', 'here']
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.label], [0, 'here'])
  const { p50, p90, p99, p999, max, mean } = line.lat_us
  assert.ok(mean > 0 && p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max)
  assert.ok(line.messages > 320)
})

test('a server that keeps its context between messages is understood', async t => {
  const keeping = await Server.start(echobahnCommand(1, '--context-takeover', 'on'), [])
  t.after(() => keeping.stop())
  const args = ['127.0.0.1', keeping.port, '/', 1, 500, 1, 30, '--count', 10, '--deflate', '--takeover', '--verify-all']
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.error, line.verified_first_echoes], [0, '', 10])
})

test('idle: one echo each, then all connections are still there', async () => {
  const { code, line } = await runWsload(['127.0.0.1', service.port, '/', 100, 64, 1, 30, '--idle', 0.2])
  assert.deepEqual([code, line.messages, line.verified_first_echoes], [0, 100, 100])
})

/** Arguments for 5 messages of 20 octets on one connection, one in flight. */
const counted = (port: number, ...options: readonly (string | number)[]) => {
  return ['127.0.0.1', port, '/', 1, 20, 1, 1, '--count', 5, ...options]
}
const flipped = (payload: Buffer): Buffer => {
  payload[7] ^= 1
  return payload
}
const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover'
const only = (index: number, wrong: (message: Message) => Buffer): Fault => ({
  echo: (message, at) => (at === index ? wrong(message) : frame(message.first, message.payload)),
})

const FAULTS: readonly (readonly [name: string, fault: Fault, error: RegExp, ...options: string[]])[] = [
  [
    'an octet is flipped',
    only(0, ({ first, payload }) => frame(first, flipped(payload))),
    /^echo differs \(len 20 of 20/,
  ],
  [
    'an octet of a later message is flipped, and all are verified',
    only(3, ({ first, payload }) => frame(first, flipped(payload))),
    /^echo differs/,
    '--verify-all',
  ],
  [
    'an octet of a compressed message is flipped',
    {
      response: accept => acceptance(accept, DEFLATE),
      ...only(0, ({ first, payload }) => frame(first, flipped(payload))),
    },
    /^compressed echo differs/,
    '--deflate',
  ],
  ['a message is dropped', only(2, () => Buffer.alloc(0)), /^count not reached in time$/],
  ['a first message is dropped', only(0, () => Buffer.alloc(0)), /^count not reached in time$/],
  ['a message comes twice', only(4, m => Buffer.concat([echo(m), echo(m)])), /^echo never asked for$/],
  ['a later echo is too short', only(1, m => frame(m.first, m.payload.subarray(1))), /^echo length 19 of 20$/],
  ['the opcode is another', only(1, ({ payload }) => frame(FIN | 2, payload)), /^opcode 2 for 1$/],
  ['a frame is masked', only(1, () => Buffer.from([FIN | 1, 0x80, 0, 0, 0, 0])), /^server frame is masked$/],
  ['a continuation continues nothing', only(1, m => frame(FIN, m.payload)), /^continuation without start$/],
  [
    'a message begins inside a message',
    only(1, m => Buffer.concat([frame(1, m.payload), frame(FIN | 1, m.payload)])),
    /^new message inside a message$/,
  ],
  [
    'a message begins inside a message, where whole ones were usual',
    only(3, m => Buffer.concat([frame(1, m.payload), frame(FIN | 1, m.payload)])),
    /^new message inside a message$/,
  ],
  ['a ping is in two frames', only(1, m => frame(PING & ~FIN, m.payload)), /^bad control frame: 09 14$/],
  ['a first echo never ends', only(0, endless), /^echo too long$/],
  [
    'a Close',
    only(1, () => frame(CLOSE, Buffer.concat([Buffer.from([0x03, 0xf3]), Buffer.from('no more')]))),
    /^server closed: code 1011 no more$/,
  ],
  [
    'the connection ends',
    {
      echo: (m, index, socket) => {
        if (index === 2) socket.end()
        return index === 2 ? Buffer.alloc(0) : echo(m)
      },
    },
    /^server closed the TCP connection$/,
  ],
  [
    'the handshake is refused',
    { response: () => 'HTTP/1.1 403 Forbidden\r\n\r\n' },
    /^handshake: HTTP\/1.1 403 Forbidden/,
  ],
  ['the accept value is another', { response: a => acceptance(a.toLowerCase()) }, /^bad Sec-WebSocket-Accept$/],
  ['the head never ends', { response: () => `HTTP/1.1 101 ${'.'.repeat(5000)}` }, /^handshake reply too long$/],
  ['an extension nobody asked for', { response: a => acceptance(a, DEFLATE) }, /^unasked extension permessage-deflate/],
]

function echo({ first, payload }: Message): Buffer {
  return frame(first, payload)
}

/** More fragments than an echo may be longer than its message. */
function endless({ payload }: Message): Buffer {
  return Buffer.concat([frame(1, payload), ...Array.from({ length: 60 }, () => frame(0, payload))])
}

for (const [name, fault, error, ...options] of FAULTS)
  test(`a wrong server is told: ${name}`, async t => {
    const port = await startFaultyServer(t, fault)
    const { code, line } = await runWsload(counted(port, ...options))
    assert.equal(code, 1)
    assert.match(line.error, error)
  })

test('a server that is not there is told', async () => {
  const { code, line } = await runWsload(counted(1))
  assert.equal(code, 1)
  assert.match(line.error, /^connect: Connection refused$/)
})

test('fragments and pings between them are understood, and pings are answered', async t => {
  const pongs: string[] = []
  let echoes = 0
  const port = await startFaultyServer(t, {
    echo: ({ first, payload }) => {
      if (first === PONG) {
        pongs.push(payload.toString())
        return Buffer.alloc(0)
      }
      echoes++
      const [head, tail] = [payload.subarray(0, 4), payload.subarray(4)]
      return Buffer.concat([frame(1, head), frame(PING, Buffer.from(`ping ${echoes}`)), frame(FIN, tail)])
    },
  })
  const { code, line } = await runWsload(counted(port, '--verify-all'))
  assert.deepEqual([code, line.error, line.messages], [0, '', 5])
  assert.deepEqual(pongs.slice(0, 4), ['ping 1', 'ping 2', 'ping 3', 'ping 4'])
})

test('behind the first echo of a connection, compressed ones are only counted', async t => {
  const port = await startFaultyServer(t, {
    response: accept => acceptance(accept, DEFLATE),
    echo: ({ first, payload }, index) => frame(first, index === 0 ? payload : flipped(payload)),
  })
  const { line } = await runWsload(counted(port, '--deflate'))
  assert.deepEqual([line.error, line.rsv1_share, line.messages], ['', 1, 5])
})

test('frames right behind the response are read', async t => {
  const pongs: string[] = []
  const port = await startFaultyServer(t, {
    response: accept => Buffer.concat([Buffer.from(acceptance(accept)), frame(PING, Buffer.from('at once'))]),
    echo: message => {
      if (message.first !== PONG) return echo(message)
      pongs.push(message.payload.toString())
      return Buffer.alloc(0)
    },
  })
  const { code, line } = await runWsload(counted(port))
  assert.deepEqual([code, line.error, pongs], [0, '', ['at once']])
})

test('what comes back in the warm-up does not count', async t => {
  let echoes = 0
  const port = await startFaultyServer(t, {
    echo: message => {
      if (message.first === TEXT) echoes++
      return echo(message)
    },
  })
  const { line } = await runWsload(['127.0.0.1', port, '/', 1, 20, 1, 0.1, '--warmup', 0.5])
  assert.ok(line.messages > 0 && line.messages < echoes - 1, `${line.messages} of ${echoes}`)
})

test('a window begins once every connection has had an echo', async t => {
  // The first connection's echo waits for the tenth one of the second.
  let held: (() => void) | undefined
  let others = 0
  const port = await startFaultyServer(t, {
    echo: (message, index, socket) => {
      if (held === undefined && index === 0 && message.first === TEXT) {
        held = () => socket.write(echo(message))
        return Buffer.alloc(0)
      }
      others++
      if (others === 10) held?.()
      return echo(message)
    },
  })
  const { code, line } = await runWsload(['127.0.0.1', port, '/', 2, 20, 1, 3, '--warmup', 0])
  assert.deepEqual([code, line.error, line.verified_first_echoes], [0, '', 2])
  assert.ok(line.messages <= others - 9, `${line.messages} of ${others}`)
})

test('no octet of a masking key is 0: unmasking is never cheaper than with real clients', async t => {
  const port = await startFaultyServer(t, {
    echo: message => {
      assert.ok(message.key.every(octet => octet !== 0))
      return echo(message)
    },
  })
  const { code } = await runWsload(counted(port))
  assert.equal(code, 0)
})

test('a window in which nothing comes back is told', async t => {
  const port = await startFaultyServer(t, { echo: () => Buffer.alloc(0) })
  const { code, line } = await runWsload(['127.0.0.1', port, '/', 1, 20, 1, 0.1, '--warmup', 0])
  assert.deepEqual([code, line.error], [1, 'only 0 of 1 first echoes verified'])
})

test('with a rate, messages do not wait for echoes', async t => {
  // Nothing comes back before all five have arrived.
  const patient = (): Fault => {
    const waiting: Buffer[] = []
    return {
      echo: message => {
        waiting.push(frame(message.first, message.payload))
        return waiting.length < 5 ? Buffer.alloc(0) : Buffer.concat(waiting)
      },
    }
  }
  const args = (port: number, depth: number) => ['127.0.0.1', port, '/', 1, 20, depth, 1, '--count', 5]
  const waiting = await runWsload(args(await startFaultyServer(t, patient()), 1))
  assert.equal(waiting.line.error, 'count not reached in time')
  const paced = await runWsload([...args(await startFaultyServer(t, patient()), 5), '--rate', 100])
  assert.deepEqual([paced.code, paced.line.messages, paced.line.error], [0, 5, ''])
  const shallow = await runWsload([...args(await startFaultyServer(t, patient()), 2), '--rate', 100])
  assert.equal(shallow.line.error, '2 messages in flight: --rate needs a greater DEPTH')
})

test('a rate sends no more than the count, however late it is', async t => {
  let messages = 0
  const port = await startFaultyServer(t, {
    echo: message => {
      if (message.first === TEXT) messages++
      return echo(message)
    },
  })
  const { code, line } = await runWsload(['127.0.0.1', port, '/', 1, 20, 5, 30, '--count', 5, '--rate', 1e6])
  assert.deepEqual([code, line.error, line.messages, messages], [0, '', 5, 5])
})

test('a rate is that of each connection', async () => {
  // 100 messages in a second: were it the rate of all together, they would take 50.
  const args = ['127.0.0.1', service.port, '/', 50, 20, 2, 30, '--count', 2, '--rate', 2]
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.error, line.messages], [0, '', 100])
})

test('a rate is kept: the last message is due count / rate after the first', async () => {
  const args = ['127.0.0.1', service.port, '/', 5, 20, 10, 30, '--count', 10, '--rate', 50]
  const { code, line } = await runWsload(args)
  assert.deepEqual([code, line.messages], [0, 50])
  assert.ok(line.seconds >= 0.2, `${line.seconds} s`)
})

for (const [args, complaint] of [
  [[], /^usage: wsload HOST PORT/],
  [['127.0.0.1', 1, '/', 0, 1, 1, 1], /CONNECTIONS must be 1 or more/],
  [['127.0.0.1', 1, '/', 1, 2 ** 30 + 1, 1, 1], /OCTETS must be 1073741824 at most/],
  [['127.0.0.1', 1, '/', 1, 1, 0, 1], /DEPTH must be 1 or more/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 0], /SECONDS must be more than 0/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--fast'], /--fast is unknown, or needs a value/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--fast', 1], /unknown option --fast/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--count'], /--count is unknown, or needs a value/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--ramp', 0], /--ramp must be 1 or more/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--rate', 5], /--rate must be more than 0, and needs --count/],
  [['127.0.0.1', 1, '/', 1, 1, 1, 1, '--payload', 'xml'], /--payload knows ascii, json, random and utf8, not xml/],
  [['127.0.0.1', 1, '/', 2, 1, 1, 1, '--takeover', '--verify-all'], /takes one connection only/],
  [['localhost', 1, '/', 1, 1, 1, 1], /HOST must be an IPv4 address/],
  [['8.8.8.8', 1, '/', 1, 1, 1, 1], /HOST must be in 127.0.0.0\/8/],
  [['127.0.0.1', 1, '/', 2 ** 31 - 100, 1, 1, 1], /open files are needed|out of memory/],
] as const)
  test(`arguments ${args.join(' ') || '(none)'} are refused`, async () => {
    const run = await spawnWsload(args)
    assert.deepEqual([run.code, run.output], [2, ''])
    assert.match(run.complaint, complaint)
  })
