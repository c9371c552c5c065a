import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { ProtocolError } from '../../../src/errors.js'
import { OCCASION_INTERVAL } from '../../../src/occasional.js'
import { ConnectionLog, type LoggedConnection } from '../../../src/worker/connection-log.js'

function openLog(level: 'debug' | 'info') {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const clock = { now: 1000 }
  const log = new ConnectionLog(pino({ level, base: {}, timestamp: false }, destination), () => clock.now)
  return { log, lines, clock }
}

const PEER = '192.0.2.1:50000'
const CONNECTION: LoggedConnection = { id: 7, peer: PEER, ending: { initiator: 'client', code: 1000, seconds: 2 } }
const REFUSED = { id: 8, peer: PEER, reason: 'timeout', response: 'HTTP/1.1 408 Request Timeout\r\n\r\n' } as const

test('at debug each connection has its lines', () => {
  const { log, lines } = openLog('debug')
  log.accepted({ id: 7, peer: PEER, transport: 'tcp', path: '/' })
  log.failed(CONNECTION, new ProtocolError('ECHOBAHN_RESERVED_BITS'))
  log.closed(CONNECTION)
  log.refused(REFUSED)
  const { message: reason } = new ProtocolError('ECHOBAHN_RESERVED_BITS')
  const error = 'ECHOBAHN_RESERVED_BITS'
  assert.deepEqual(
    lines.filter(({ level }) => level === 20),
    [
      { level: 20, connection: 7, peer: PEER, transport: 'tcp', path: '/', msg: 'connection accepted' },
      { level: 20, connection: 7, peer: PEER, error, code: 1002, reason, msg: 'protocol error' },
      { level: 20, connection: 7, initiator: 'client', code: 1000, seconds: 2, msg: 'connection closed' },
      { level: 20, connection: 8, peer: PEER, reason: 'timeout', status: 408, msg: 'opening handshake refused' },
    ],
  )
})

test('at info there are sums, by reason, once in ten seconds, and nothing is left untold', () => {
  const { log, lines, clock } = openLog('info')
  const peerless = {
    ...CONNECTION,
    get peer(): string {
      return assert.fail('the peer was asked for')
    },
  }
  log.accepted({ id: 7, peer: PEER, transport: 'tcp', path: '/' })
  log.closed(peerless)
  log.sweep()
  assert.deepEqual(lines, [])
  const sentence = 'connections were failed for breaking the protocol'
  log.failed(peerless, new ProtocolError('ECHOBAHN_RESERVED_BITS'))
  assert.deepEqual(lines.splice(0), [{ level: 30, times: 1, reasons: { ECHOBAHN_RESERVED_BITS: 1 }, msg: sentence }])
  log.failed(peerless, new ProtocolError('ECHOBAHN_RESERVED_BITS'))
  log.failed(peerless, new ProtocolError('ECHOBAHN_RESERVED_OPCODE'))
  log.failed(peerless, new ProtocolError('ECHOBAHN_RESERVED_OPCODE'))
  clock.now += OCCASION_INTERVAL - 1
  log.sweep()
  assert.deepEqual(lines, [])
  clock.now += 1
  log.sweep()
  log.sweep()
  const reasons = { ECHOBAHN_RESERVED_BITS: 1, ECHOBAHN_RESERVED_OPCODE: 2 }
  assert.deepEqual(lines.splice(0), [{ level: 30, times: 3, reasons, msg: sentence }])
  log.refused(REFUSED)
  assert.deepEqual(lines, [{ level: 30, times: 1, reasons: { timeout: 1 }, msg: 'opening handshakes were refused' }])
})
