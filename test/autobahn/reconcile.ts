// Compares what the suite counted in one case with what the service counted on that connection.
//
// What the service sends, the suite reads to the end: all counts must be equal. In the other direction there are three rules.
//  whole       The service read everything: all counts must be equal.
//  after Close The suite went on after its Close, which RFC 6455 section 5.5.1 forbids. Frames count up to and including the
//              Close; octets that came behind it may be lost when the service ends the connection.
//  violation   The service fails the connection and reads no more frames (section 7.1.7). Frames count up to the one that
//              breaks the rule of its error code, octets at least up to there, and the Close that answers the service's is
//              never read.
//
// On a stream of HTTP/2 octets are those of its DATA: the heads of the handshake are a proxy's to translate, and do not count.

import type { ConnectionReport } from '../../src/report/report.js'
import {
  type CaseReport,
  closeCodeOf,
  frameSize,
  framesOf,
  loggedFrames,
  octetsOf,
  opcodeName,
  type SentFrame,
} from './case-report.js'
import { isStoppedBy } from './stopping-frame.js'

const CLOSE = 8

/** One line for each count that the two ends do not agree on; none when they do. */
export function reconcileCase(suite: CaseReport, service: ConnectionReport): string[] {
  return [...sentByService(suite, service), ...receivedByService(suite, service)]
}

function sentByService(suite: CaseReport, service: ConnectionReport): string[] {
  return [
    ...unequalFrames('sent', framesOf(suite.rxFrameStats), service.sent.frames),
    ...unequal('octets sent', octetsRead(suite, service), service.sent.octets),
    ...unequal(
      'code of the Close sent',
      closeCodeOf(suite.remoteCloseCode, suite.rxFrameStats),
      service.closing.sent?.code ?? null,
    ),
  ]
}

function receivedByService(suite: CaseReport, service: ConnectionReport): string[] {
  const logged = loggedFrames(suite)
  const close = logged.findIndex(({ opcode }) => opcode === CLOSE)
  if (service.error !== null) return violation(suite, service, logged)
  return close === -1 || close === logged.length - 1 ? whole(suite, service) : afterClose(suite, service, logged, close)
}

function whole(suite: CaseReport, service: ConnectionReport): string[] {
  return [
    ...unequalFrames('received', framesOf(suite.txFrameStats), service.received.frames),
    ...unequal('octets received', octetsWritten(suite, service), service.received.octets),
    ...unequalCloseReceived(suite, service),
  ]
}

function afterClose(suite: CaseReport, service: ConnectionReport, logged: SentFrame[], close: number): string[] {
  const read = logged.slice(0, close + 1)
  return [
    ...incompleteLog(suite, logged),
    ...unequalFrames('received', countByOpcode(read), service.received.frames),
    ...outsideOctets(suite, service, read),
    ...unequalCloseReceived(suite, service),
  ]
}

function violation(suite: CaseReport, service: ConnectionReport, logged: SentFrame[]): string[] {
  const count = Object.values(service.received.frames).reduce((sum, frames) => sum + frames, 0)
  const read = logged.slice(0, count)
  const streamed = octetsOf(suite.txOctetStats) > handshakeOctets(suite) + sizeOf(logged)
  return [
    ...incompleteLog(suite, logged),
    ...unequalFrames('received', countByOpcode(read), service.received.frames),
    ...outsideOctets(suite, service, read),
    ...unequal('code of the Close received', null, service.closing.received?.code ?? null),
    ...(isStoppedBy(service.error, logged, count, streamed)
      ? []
      : [`frame ${count + 1} of the suite is no reason for ${service.error}`]),
  ]
}

/** The counts of frames alone do not tell where the service stopped; the wire log does, if it is complete. */
function incompleteLog(suite: CaseReport, logged: SentFrame[]): string[] {
  return unequalFrames('in the wire log', framesOf(suite.txFrameStats), countByOpcode(logged))
}

/** Octets received must reach the end of the last frame that counts, and cannot be more than what was written. */
function outsideOctets(suite: CaseReport, service: ConnectionReport, read: SentFrame[]): string[] {
  const least = (isStream(service) ? 0 : handshakeOctets(suite)) + sizeOf(read)
  const most = octetsWritten(suite, service)
  const { octets } = service.received
  if (octets >= least && octets <= most) return []
  return [`octets received: ${least}–${most} for the suite, ${octets} for the service`]
}

function unequalCloseReceived(suite: CaseReport, service: ConnectionReport): string[] {
  const code = closeCodeOf(suite.localCloseCode, suite.txFrameStats)
  return unequal('code of the Close received', code, service.closing.received?.code ?? null)
}

function unequalFrames(
  direction: string,
  suite: Readonly<Record<string, number>>,
  service: Readonly<Record<string, number>>,
): string[] {
  const names = new Set([...Object.keys(suite), ...Object.keys(service)])
  return [...names].flatMap(name => unequal(`${name} frames ${direction}`, suite[name] ?? 0, service[name] ?? 0))
}

function unequal(what: string, suite: number | null, service: number | null): string[] {
  return suite === service ? [] : [`${what}: ${suite ?? 'none'} for the suite, ${service ?? 'none'} for the service`]
}

function countByOpcode(frames: readonly SentFrame[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { opcode } of frames) counts[opcodeName(opcode)] = (counts[opcodeName(opcode)] ?? 0) + 1
  return counts
}

function isStream({ httpVersion }: ConnectionReport): boolean {
  return httpVersion === '2'
}

/** Of the suite, as far as they are to be the service's. */
function octetsWritten(suite: CaseReport, service: ConnectionReport): number {
  return octetsOf(suite.txOctetStats) - (isStream(service) ? handshakeOctets(suite) : 0)
}

function octetsRead(suite: CaseReport, service: ConnectionReport): number {
  return octetsOf(suite.rxOctetStats) - (isStream(service) ? Buffer.byteLength(suite.httpResponse) : 0)
}

function handshakeOctets(suite: CaseReport): number {
  return Buffer.byteLength(suite.httpRequest)
}

function sizeOf(frames: readonly SentFrame[]): number {
  return frames.reduce((sum, frame) => sum + frameSize(frame), 0)
}
