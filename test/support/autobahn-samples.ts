// A case of the Autobahn Testsuite as both ends report it, to be changed by tests of the runner.

import type { ConnectionReport, DirectionReport } from '../../src/report/report.js'
import type { CaseReport } from '../autobahn/case-report.js'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

const RESPONSE = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  .padEnd(125, 'x')
  .concat('\r\n\r\n')

/** Octets of the opening handshake that the suite sends in these samples. */
export const REQUEST_OCTETS = REQUEST.length

/** A frame in the suite's wire log; `repeatedTo` is the length of a payload that is a repetition. */
export function logged(
  opcode: number,
  length: number,
  { fin = true, rsv = 0, repeatedTo }: { fin?: boolean; rsv?: number; repeatedTo?: number } = {},
): unknown[] {
  return ['TF', [length, 'text'], opcode, fin, rsv, 'a978f9f2', repeatedTo ?? null, null, false]
}

/** The suite sends `Hello`, gets it back, and closes with 1000. */
export function sampleCase(changes: Partial<CaseReport> = {}): CaseReport {
  return {
    id: '1.1.1',
    behavior: 'OK',
    behaviorClose: 'OK',
    result: 'Actual events match at least one expected.',
    resultClose: 'Connection was properly closed',
    duration: 12,
    started: '2026-01-01T00:00:00.000Z',
    httpRequest: REQUEST,
    httpResponse: RESPONSE,
    wasNotCleanReason: null,
    localCloseCode: 1000,
    remoteCloseCode: 1000,
    txOctetStats: { [REQUEST_OCTETS]: 1, 11: 1, 8: 1 },
    rxOctetStats: { 129: 1, 7: 1, 4: 1 },
    txFrameStats: { 1: 1, 8: 1 },
    rxFrameStats: { 1: 1, 8: 1 },
    wirelog: [logged(1, 5), logged(8, 2)],
    ...changes,
  }
}

/** The service's report of `sampleCase()`. */
export function sampleConnection(changes: Partial<ConnectionReport> = {}): ConnectionReport {
  const close = { code: 1000, reason: '' }
  return {
    id: 1,
    worker: 1,
    state: 'closed',
    openedAt: '2026-01-01T00:00:00.000Z',
    duration: 12,
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
    userAgent: null,
    clean: true,
    error: null,
    code: 1000,
    peer: '127.0.0.1:50000',
    addressSource: 'socket',
    proxy: null,
    transport: 'tcp',
    httpVersion: '1.1',
    path: '/',
    query: '',
    controls: null,
    handshake: { request: REQUEST, requestCut: false, response: '', extensions: null, subprotocol: null },
    closing: {
      ...{ initiator: 'client', received: close, sent: close },
      ...{ droppedBy: 'server', uncleanReason: null, errorMeaning: null },
    },
    received: sampleDirection(REQUEST_OCTETS + 19, { text: 1, close: 1 }),
    sent: sampleDirection(140, { text: 1, close: 1 }),
    unsentOctets: 0,
    time: {
      ...{ server: 2, worked: 1, client: 10, unread: 0 },
      paused: { memory: 0, codec: 0, high_water: 0, closing: 0, turn: 0 },
    },
    slowestEcho: { at: 5, duration: 1 },
    pings: null,
    log: [],
    logCut: false,
    ...changes,
  }
}

export function sampleDirection(octets: number, frames: Partial<DirectionReport['frames']>): DirectionReport {
  const none = { continuation: 0, text: 0, binary: 0, close: 0, ping: 0, pong: 0 }
  return {
    octets,
    chops: [],
    otherChops: { count: 0, octets: 0 },
    frames: { ...none, ...frames },
    payload: none,
    messages: { text: frames.text ?? 0, binary: frames.binary ?? 0 },
    messageOctets: { text: 0, binary: 0 },
    compressionRatio: null,
  }
}
