// What connections count: the worker's counters under the names of their events. Nothing here allocates.

import { CONTROL_NAMES, type ControlName } from '../control-names.js'
import type { ProtocolErrorCode } from '../errors.js'
import type { MajorVersion, SessionEnd } from '../metrics/catalogue.js'
import type { Counters } from '../metrics/counters.js'
import { histogramAt, offsetOf } from '../metrics/layout.js'
import { CLOSE_CODE_LABELS, closeCodeLabel } from '../protocol/close-codes.js'
import { OPCODE_INDEX, TEXT } from '../protocol/opcodes.js'
import { REFUSAL_REASONS, type RefusalReason } from '../protocol/upgrade-request.js'
import type { Tally } from '../report/tally.js'
import type { OctetObserver } from '../transport/transport.js'
import type { Initiator } from './closing-handshake.js'

/** Offsets of one direction's series. */
interface Direction {
  readonly frames: number
  readonly payload: number
  readonly messages: number
  readonly octets: number
  readonly wire: number
  readonly overhead: number
}

function directionOf(direction: 'received' | 'sent'): Direction {
  return {
    frames: offsetOf('frames_total', { direction, opcode: 'continuation' }),
    payload: offsetOf('frame_payload_bytes_total', { direction, opcode: 'continuation' }),
    messages: offsetOf('messages_total', { direction, opcode: 'text' }),
    octets: offsetOf('message_bytes_total', { direction, opcode: 'text' }),
    wire: offsetOf('wire_bytes_total', { direction }),
    overhead: offsetOf('http2_overhead_bytes_total', { direction }),
  }
}

const RECEIVED = directionOf('received')
const SENT = directionOf('sent')
const READ_SIZE = histogramAt('read_size_bytes')
const WRITE_SIZE = histogramAt('write_size_bytes')
const DURATION = histogramAt('connection_duration_seconds')
const ECHO_PLAIN = histogramAt('echo_duration_seconds', { compressed: 'false' })
const ECHO_COMPRESSED = histogramAt('echo_duration_seconds', { compressed: 'true' })
const RESULTS: readonly string[] = ['accepted', ...REFUSAL_REASONS]
const HANDSHAKES = offsetOf('handshakes_total', { result: 'accepted' })
const VERSIONS: Readonly<Record<MajorVersion, number>> = {
  1: offsetOf('handshakes_by_version_total', { http_version: '1', result: 'accepted' }),
  2: offsetOf('handshakes_by_version_total', { http_version: '2', result: 'accepted' }),
}
const CLOSES = {
  client: offsetOf('closes_total', { initiator: 'client', code: CLOSE_CODE_LABELS[0] }),
  server: offsetOf('closes_total', { initiator: 'server', code: CLOSE_CODE_LABELS[0] }),
}
const CONTROLS = offsetOf('controls_total', { control: CONTROL_NAMES[0] })
const WRITE_WAIT = histogramAt('write_wait_seconds')
const PING_ROUND_TRIP = histogramAt('ping_round_trip_seconds')
const TURNS_CUT = offsetOf('turns_cut_total')
const SLOW_READERS = offsetOf('slow_reader_closes_total')
const MEMORY_PAUSES = offsetOf('memory_budget_pauses_total')
const MEMORY_CLOSES = offsetOf('memory_budget_closes_total')

/**
 * Messages of one frame that came and went in one piece, text then binary, not yet in the counters. They are nearly all
 * there are on a busy connection without compression, and each would be eight counts of its own: as many frames, octets
 * and messages sent as received. So they are counted here, and come into the counters with `addWholeEchoes`.
 */
class WholeEchoes {
  readonly messages = new Float64Array(2)
  readonly octets = new Float64Array(2)
}

/**
 * The one owner of what is counted: told of events, it counts them for the worker and, if it is reported on, for one
 * connection. Sizes are octets, durations seconds.
 */
export class Traffic implements OctetObserver {
  readonly counters: Counters
  readonly #values: Float64Array
  readonly #whole: WholeEchoes
  readonly #tally: Tally | undefined

  constructor(counters: Counters, whole = new WholeEchoes(), tally?: Tally) {
    this.counters = counters
    this.#values = counters.values
    this.#whole = whole
    this.#tally = tally
  }

  /** Counts for the same worker and for one connection as well. */
  alsoFor(tally: Tally): Traffic {
    return new Traffic(this.counters, this.#whole, tally)
  }

  /** A message of one frame, TEXT or BINARY, was received and sent back. */
  wholeEcho(opcode: number, size: number): void {
    const place = opcode - TEXT
    this.#whole.messages[place]++
    this.#whole.octets[place] += size
    this.#tally?.wholeEcho(place, size)
  }

  /** Brings the counters up to date; to be called before they are read. */
  addWholeEchoes(): void {
    const { messages, octets } = this.#whole
    for (let place = 0; place < 2; place++) {
      for (const { frames, payload, messages: whole, octets: application } of [RECEIVED, SENT]) {
        const opcode = OPCODE_INDEX[TEXT + place]
        this.#values[frames + opcode] += messages[place]
        this.#values[payload + opcode] += octets[place]
        this.#values[whole + place] += messages[place]
        this.#values[application + place] += octets[place]
      }
      messages[place] = 0
      octets[place] = 0
    }
  }

  /** One read of a socket; `wireReceived` counts its octets. */
  read(size: number): void {
    this.counters.observe(READ_SIZE, size)
  }

  /** One write handed to a socket; what the kernel took of it is counted by `wireSent`. */
  write(size: number): void {
    this.counters.observe(WRITE_SIZE, size)
  }

  /** A write is done; most are at once, and those cost one addition. */
  taken(seconds: number): void {
    if (seconds === 0) this.#values[WRITE_WAIT.offset]++
    else this.counters.observe(WRITE_WAIT, seconds)
  }

  tlsHandshake(result: 'completed' | 'failed'): void {
    this.#values[offsetOf('tls_handshakes_total', { result })]++
  }

  pingAnswered(seconds: number): void {
    this.counters.observe(PING_ROUND_TRIP, seconds)
  }

  turnCut(): void {
    this.#values[TURNS_CUT]++
  }

  wireReceived(size: number): void {
    this.#values[RECEIVED.wire] += size
  }

  wireSent(size: number): void {
    this.#values[SENT.wire] += size
  }

  overheadReceived(size: number): void {
    this.#values[RECEIVED.overhead] += size
  }

  overheadSent(size: number): void {
    this.#values[SENT.overhead] += size
  }

  sessionEnded(cause: SessionEnd): void {
    this.#values[offsetOf('http2_sessions_ended_total', { cause })]++
  }

  frameReceived(opcode: number): void {
    this.#tally?.frameReceived(opcode)
    this.#values[RECEIVED.frames + OPCODE_INDEX[opcode]]++
  }

  payloadReceived(opcode: number, size: number): void {
    this.#tally?.payloadReceived(opcode, size)
    this.#values[RECEIVED.payload + OPCODE_INDEX[opcode]] += size
  }

  frameSent(opcode: number, size: number): void {
    this.#tally?.frameSent(opcode, size)
    this.#values[SENT.frames + OPCODE_INDEX[opcode]]++
    this.#values[SENT.payload + OPCODE_INDEX[opcode]] += size
  }

  messageReceived(opcode: number, size: number): void {
    this.#tally?.messageReceived(opcode, size)
    const place = opcode === TEXT ? 0 : 1
    this.#values[RECEIVED.messages + place]++
    this.#values[RECEIVED.octets + place] += size
  }

  messageSent(opcode: number, size: number): void {
    this.#tally?.messageSent(opcode, size)
    const place = opcode === TEXT ? 0 : 1
    this.#values[SENT.messages + place]++
    this.#values[SENT.octets + place] += size
  }

  echoed(compressed: boolean, duration: number, messages: number): void {
    this.counters.observe(compressed ? ECHO_COMPRESSED : ECHO_PLAIN, duration, messages)
  }

  connectionRejected(reason: 'max_connections' | 'max_connections_per_ip'): void {
    this.#values[offsetOf('connections_rejected_total', { reason })]++
  }

  handshake(result: 'accepted' | RefusalReason, version: MajorVersion): void {
    this.#values[HANDSHAKES + RESULTS.indexOf(result)]++
    this.#values[VERSIONS[version] + (result === 'accepted' ? 0 : 1)]++
  }

  /** A test control did what it is for. */
  controlUsed(control: ControlName): void {
    this.#values[CONTROLS + CONTROL_NAMES.indexOf(control)]++
  }

  protocolError(code: ProtocolErrorCode): void {
    this.#values[offsetOf('protocol_errors_total', { code })]++
  }

  slowReaderClosed(): void {
    this.#values[SLOW_READERS]++
  }

  pausedForMemory(): void {
    this.#values[MEMORY_PAUSES]++
  }

  closedForMemory(): void {
    this.#values[MEMORY_CLOSES]++
  }

  connectionClosed(initiator: Initiator, code: number, duration: number): void {
    this.#values[CLOSES[initiator] + CLOSE_CODE_LABELS.indexOf(closeCodeLabel(code))]++
    this.counters.observe(DURATION, duration)
  }
}
