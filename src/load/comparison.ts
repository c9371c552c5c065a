// Client or server? Compares what the load counted with what the service counted, to the message and the octet.

import { type Metrics, type ServiceReport, sumOf } from './admin-client.js'
import { blameOf } from './blame.js'
import type { Comparison, Outcome } from './outcome.js'
import { type DirectionTraffic, type TrafficReport, trafficReport } from './traffic.js'

/** Mismatches that are told of one by one. */
const MOST_LINES = 20

export interface Evidence {
  readonly before: Metrics
  readonly after: Metrics
  readonly reports: readonly ServiceReport[]
  /** What the load counted, by Sec-WebSocket-Key. */
  readonly books: ReadonlyMap<string, Float64Array>
  /** Over HTTP/2 and TLS the wire's octets are not those that the client sees. */
  readonly comparesOctets: boolean
}

export function compare(outcome: Outcome, evidence: Evidence): Comparison {
  const { reports, books, comparesOctets } = evidence
  const mismatches: string[] = []
  let compared = 0
  for (const report of reports) {
    const own = books.get(report.key)
    if (own === undefined) continue
    compared++
    mismatches.push(...differences(`connection ${report.id}`, trafficReport(own), report, comparesOctets))
  }
  const { totals, lines } = compareTotals(outcome, evidence)
  mismatches.push(...lines)
  const more = mismatches.length - MOST_LINES
  return {
    compared,
    missing: books.size - compared,
    totals,
    mismatches: more > 0 ? [...mismatches.slice(0, MOST_LINES), `and ${more} more`] : mismatches,
    blame: blameOf(outcome, evidence),
  }
}

/** The totals are the load's alone when nobody else connected. */
function compareTotals(
  { counts, traffic }: Outcome,
  { before, after, comparesOctets }: Evidence,
): { totals: string; lines: string[] } {
  const grown = (name: string, labels = {}) => sumOf(after, name, labels) - sumOf(before, name, labels)
  const { attempted, opened } = counts.connections
  const others = sumOf(before, 'echobahn_connections') + grown('echobahn_connections_total') - attempted
  if (opened < attempted) return { totals: 'not compared, since handshakes failed', lines: [] }
  if (others !== 0) return { totals: 'not compared, since others were connected too', lines: [] }
  const direction = (name: string): DirectionTraffic => {
    const by = (metric: string, opcodes: readonly string[]) =>
      Object.fromEntries(opcodes.map(opcode => [opcode, grown(metric, { direction: name, opcode })]))
    const all = Object.keys(trafficReport(traffic).sent.frames)
    return {
      octets: grown('echobahn_wire_bytes_total', { direction: name }),
      frames: by('echobahn_frames_total', all),
      payload: by('echobahn_frame_payload_bytes_total', all),
      messages: by('echobahn_messages_total', ['text', 'binary']) as DirectionTraffic['messages'],
      messageOctets: by('echobahn_message_bytes_total', ['text', 'binary']) as DirectionTraffic['messageOctets'],
    }
  }
  const service = { sent: direction('sent'), received: direction('received') }
  return { totals: 'compared', lines: differences('totals', trafficReport(traffic), service, comparesOctets) }
}

/** What the client sent the service received, and the other way round. */
function differences(subject: string, own: TrafficReport, service: TrafficReport, comparesOctets: boolean): string[] {
  return [
    ...directionDifferences(
      own.sent,
      service.received,
      comparesOctets,
      (what, ours, theirs) => `${subject}: ${what}: the client sent ${ours}, the service received ${theirs}`,
    ),
    ...directionDifferences(
      own.received,
      service.sent,
      comparesOctets,
      (what, ours, theirs) => `${subject}: ${what}: the client received ${ours}, the service sent ${theirs}`,
    ),
  ]
}

function directionDifferences(
  own: DirectionTraffic,
  service: DirectionTraffic,
  comparesOctets: boolean,
  tell: (what: string, own: number, service: number) => string,
): string[] {
  const lines: string[] = []
  const look = (what: string, ours: number, theirs: number | undefined) => {
    if (theirs !== ours) lines.push(tell(what, ours, theirs ?? 0))
  }
  if (comparesOctets) look('octets', own.octets, service.octets)
  for (const [opcode, count] of Object.entries(own.frames)) look(`${opcode} frames`, count, service.frames[opcode])
  for (const [opcode, count] of Object.entries(own.payload))
    look(`payload octets of ${opcode} frames`, count, service.payload[opcode])
  for (const kind of ['text', 'binary'] as const) {
    look(`${kind} messages`, own.messages[kind], service.messages[kind])
    look(`octets of ${kind} messages`, own.messageOctets[kind], service.messageOctets[kind])
  }
  return lines
}
