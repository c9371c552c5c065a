// What each event of a connection counts, for the worker and in the connection's own tally.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { type CounterName, histogramAt, offsetOf } from '../../../src/metrics/layout.js'
import { BINARY, CLOSE, CONTINUATION, TEXT } from '../../../src/protocol/opcodes.js'
import { Tally } from '../../../src/report/tally.js'
import { Traffic } from '../../../src/worker/traffic.js'

function bench() {
  const counters = new Counters()
  const calls: [string, ...unknown[]][] = []
  const tally = new Proxy(new Tally(), {
    get:
      (_, name) =>
      (...given: unknown[]) =>
        calls.push([String(name), ...given]),
  })
  const worker = new Traffic(counters)
  return { counters, calls, worker, traffic: worker.alsoFor(tally) }
}

/** The series that are not 0, by their places. */
function counted({ values }: Counters): [number, number][] {
  return [...values.entries()].filter(([, value]) => value !== 0)
}

function series(name: CounterName, labels: object = {}): number {
  return offsetOf(name, labels as never)
}

function sorted(entries: [number, number][]): [number, number][] {
  return entries.sort(([a], [b]) => a - b)
}

test('frames, payload and messages count in their direction, and in the tally', () => {
  for (const [event, given, expected] of [
    ['frameReceived', [CLOSE], [['frames_total', { direction: 'received', opcode: 'close' }, 1]]],
    ['payloadReceived', [TEXT, 5], [['frame_payload_bytes_total', { direction: 'received', opcode: 'text' }, 5]]],
    [
      'frameSent',
      [CONTINUATION, 7],
      [
        ['frames_total', { direction: 'sent', opcode: 'continuation' }, 1],
        ['frame_payload_bytes_total', { direction: 'sent', opcode: 'continuation' }, 7],
      ],
    ],
    [
      'messageReceived',
      [TEXT, 9],
      [
        ['messages_total', { direction: 'received', opcode: 'text' }, 1],
        ['message_bytes_total', { direction: 'received', opcode: 'text' }, 9],
      ],
    ],
    [
      'messageSent',
      [BINARY, 11],
      [
        ['messages_total', { direction: 'sent', opcode: 'binary' }, 1],
        ['message_bytes_total', { direction: 'sent', opcode: 'binary' }, 11],
      ],
    ],
  ] as const) {
    const { counters, calls, traffic } = bench()
    ;(traffic[event] as (...given: readonly number[]) => void)(...given)
    const places = expected.map(([name, labels, n]): [number, number] => [series(name, labels), n])
    assert.deepEqual(counted(counters), sorted(places), event)
    assert.deepEqual(calls, [[event, ...given]])
  }
})

test('whole echoes count once they are added, as frames and messages of both directions', () => {
  const { counters, calls, worker, traffic } = bench()
  traffic.wholeEcho(TEXT, 5)
  traffic.wholeEcho(BINARY, 7)
  worker.wholeEcho(BINARY, 8)
  assert.deepEqual(counted(counters), [])
  assert.deepEqual(calls, [
    ['wholeEcho', 0, 5],
    ['wholeEcho', 1, 7],
  ])
  worker.addWholeEchoes()
  worker.addWholeEchoes()
  const expected = ['received', 'sent'].flatMap(direction =>
    [
      { opcode: 'text', count: 1, octets: 5 },
      { opcode: 'binary', count: 2, octets: 15 },
    ].flatMap(({ opcode, count, octets }): [number, number][] => [
      [series('frames_total', { direction, opcode }), count],
      [series('messages_total', { direction, opcode }), count],
      [series('frame_payload_bytes_total', { direction, opcode }), octets],
      [series('message_bytes_total', { direction, opcode }), octets],
    ]),
  )
  assert.deepEqual(counted(counters), sorted(expected))
})

test('a handshake counts by its result, and by the version as accepted or refused', () => {
  for (const version of ['1', '2'] as const)
    for (const [result, kind] of [
      ['accepted', 'accepted'],
      ['timeout', 'refused'],
    ] as const) {
      const { counters, traffic } = bench()
      traffic.handshake(result, Number(version) as never)
      const expected: [number, number][] = [
        [series('handshakes_total', { result }), 1],
        [series('handshakes_by_version_total', { http_version: version, result: kind }), 1],
      ]
      assert.deepEqual(counted(counters), sorted(expected))
    }
})

test('each other event has a series of its own', () => {
  const events: [(traffic: Traffic) => void, CounterName, object, number][] = [
    [traffic => traffic.wireReceived(3), 'wire_bytes_total', { direction: 'received' }, 3],
    [traffic => traffic.wireSent(4), 'wire_bytes_total', { direction: 'sent' }, 4],
    [traffic => traffic.overheadReceived(5), 'http2_overhead_bytes_total', { direction: 'received' }, 5],
    [traffic => traffic.overheadSent(6), 'http2_overhead_bytes_total', { direction: 'sent' }, 6],
    [traffic => traffic.tlsHandshake('failed'), 'tls_handshakes_total', { result: 'failed' }, 1],
    [traffic => traffic.sessionEnded('flood'), 'http2_sessions_ended_total', { cause: 'flood' }, 1],
    [traffic => traffic.turnCut(), 'turns_cut_total', {}, 1],
    [traffic => traffic.controlUsed('chop'), 'controls_total', { control: 'chop' }, 1],
    [traffic => traffic.slowReaderClosed(), 'slow_reader_closes_total', {}, 1],
    [traffic => traffic.pausedForMemory(), 'memory_budget_pauses_total', {}, 1],
    [traffic => traffic.closedForMemory(), 'memory_budget_closes_total', {}, 1],
    [
      traffic => traffic.connectionRejected('max_connections_per_ip'),
      'connections_rejected_total',
      { reason: 'max_connections_per_ip' },
      1,
    ],
    [
      traffic => traffic.protocolError('ECHOBAHN_DEFLATE_TAIL'),
      'protocol_errors_total',
      { code: 'ECHOBAHN_DEFLATE_TAIL' },
      1,
    ],
  ]
  for (const [event, name, labels, n] of events) {
    const { counters, traffic } = bench()
    event(traffic)
    assert.deepEqual(counted(counters), [[series(name, labels), n]], name)
  }
})

test('what takes time, or has a size, counts in a histogram, with its sum', () => {
  const events: [(traffic: Traffic) => void, ReturnType<typeof histogramAt>, number, number][] = [
    [traffic => traffic.read(1000), histogramAt('read_size_bytes'), 1, 1000],
    [traffic => traffic.write(1000), histogramAt('write_size_bytes'), 1, 1000],
    [traffic => traffic.taken(0), histogramAt('write_wait_seconds'), 1, 0],
    [traffic => traffic.taken(2), histogramAt('write_wait_seconds'), 1, 2],
    [traffic => traffic.pingAnswered(3), histogramAt('ping_round_trip_seconds'), 1, 3],
    [traffic => traffic.echoed(false, 2, 3), histogramAt('echo_duration_seconds', { compressed: 'false' }), 3, 6],
    [traffic => traffic.echoed(true, 2, 3), histogramAt('echo_duration_seconds', { compressed: 'true' }), 3, 6],
  ]
  for (const [event, { offset, buckets }, times, sum] of events) {
    const { counters, traffic } = bench()
    event(traffic)
    const counts = counters.values.subarray(offset, offset + buckets.length + 1)
    const told = [counts.reduce((a, b) => a + b, 0), counters.values[offset + buckets.length + 1]]
    assert.deepEqual(told, [times, sum])
    assert.equal(counted(counters).length, sum === 0 ? 1 : 2)
  }
})

test('a connection that ends counts by who closed and the code, with its duration', () => {
  for (const [initiator, code, label] of [
    ['client', 1000, '1000'],
    ['server', 1012, '1012'],
  ] as const) {
    const { counters, traffic } = bench()
    traffic.connectionClosed(initiator, code, 5)
    const { offset, buckets } = histogramAt('connection_duration_seconds')
    assert.equal(counters.values[series('closes_total', { initiator, code: label })], 1)
    assert.equal(counters.values[offset + buckets.length + 1], 5)
    assert.equal(counted(counters).length, 3)
  }
})
