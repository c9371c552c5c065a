// Keeps the books of a raw client in the names of the metrics, so that they can be compared to the octet.
// Directions are the service's: what a client sends is received.

import { BINARY, CONTINUATION, isControl, OPCODE_INDEX, OPCODE_NAMES, TEXT } from '../../src/protocol/opcodes.js'
import { inflateMessage } from './deflate-message.js'
import type { FrameParts, RawClient, ServerFrame } from './raw-client.js'

type Direction = 'received' | 'sent'

/** Counts by series, named as in the exposition. */
export class Ledger {
  readonly counts = new Map<string, number>()

  /** Adds to a series; labels in the order of the metric's catalogue. */
  add(name: string, labels: Record<string, string | number> = {}, amount = 1): void {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    const series = `echobahn_${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`
    this.counts.set(series, (this.counts.get(series) ?? 0) + amount)
  }

  /** What the metrics say for the same families: all their series, those that are still 0 left out. */
  sameFamilies(metrics: ReadonlyMap<string, number>): Map<string, number> {
    const families = new Set([...this.counts.keys()].map(familyOf))
    return new Map([...metrics].filter(([series, value]) => value !== 0 && families.has(familyOf(series))))
  }
}

function familyOf(series: string): string {
  return series.split('{', 1)[0]
}

/** A connection whose every octet, frame and message goes into a ledger. */
export class CountedClient {
  readonly raw: RawClient
  readonly #ledger: Ledger
  readonly #received: MessageCounter
  readonly #sent: MessageCounter
  #octetsReceived = 0
  #octetsSent = 0

  constructor(raw: RawClient, ledger: Ledger) {
    this.raw = raw
    this.#ledger = ledger
    this.#received = new MessageCounter(ledger, 'received')
    this.#sent = new MessageCounter(ledger, 'sent')
  }

  /** Sends frames, which are to be taken by the service as they are. */
  send(...frames: FrameParts[]): void {
    for (const frame of frames) this.#received.take(frame.opcode, Buffer.from((frame.payload ?? '') as Buffer), frame)
    this.raw.send(...frames)
  }

  /** Reads frames up to the end of the next data message or the next control frame. */
  async receive(): Promise<ServerFrame> {
    for (;;) {
      const frame = await this.raw.readFrame()
      this.#sent.take(frame.opcode, frame.payload, frame)
      if (frame.fin) return frame
    }
  }

  /** Reads to the end of the connection, closes it and counts its octets. */
  async finish(): Promise<void> {
    for (const frame of await this.raw.readFramesToEnd()) this.#sent.take(frame.opcode, frame.payload, frame)
    this.raw.socket.end()
    this.countOctets()
  }

  /** Brings the ledger up to date with what went over the wire, the handshake included. */
  countOctets(): void {
    const { raw } = this
    this.#ledger.add('wire_bytes_total', { direction: 'received' }, raw.sent - this.#octetsSent)
    this.#ledger.add('wire_bytes_total', { direction: 'sent' }, raw.received - this.#octetsReceived)
    this.#octetsSent = raw.sent
    this.#octetsReceived = raw.received
  }
}

/** Puts the frames of one direction together to messages, and counts both. */
class MessageCounter {
  readonly #ledger: Ledger
  readonly #direction: Direction
  #opcode = CONTINUATION
  #compressed = false
  #parts: Buffer[] = []

  constructor(ledger: Ledger, direction: Direction) {
    this.#ledger = ledger
    this.#direction = direction
  }

  take(opcode: number, payload: Buffer, { fin = true, rsv = 0 }: { fin?: boolean; rsv?: number }): void {
    const labels = { direction: this.#direction, opcode: OPCODE_NAMES[OPCODE_INDEX[opcode]] }
    this.#ledger.add('frames_total', labels)
    this.#ledger.add('frame_payload_bytes_total', labels, payload.length)
    if (isControl(opcode)) return
    if (opcode === TEXT || opcode === BINARY) {
      this.#opcode = opcode
      this.#compressed = rsv === 4
      this.#parts = []
    }
    this.#parts.push(payload)
    if (fin) this.#countMessage(Buffer.concat(this.#parts))
  }

  #countMessage(payload: Buffer): void {
    const plain = this.#compressed ? inflateMessage(payload) : payload
    const labels = { direction: this.#direction, opcode: OPCODE_NAMES[OPCODE_INDEX[this.#opcode]] }
    this.#ledger.add('messages_total', labels)
    this.#ledger.add('message_bytes_total', labels, plain.length)
    if (!this.#compressed) return
    const operation = this.#direction === 'received' ? 'inflate' : 'deflate'
    const [into, out] = operation === 'inflate' ? [payload, plain] : [plain, payload]
    this.#ledger.add('codec_bytes_total', { operation, side: 'in' }, into.length)
    this.#ledger.add('codec_bytes_total', { operation, side: 'out' }, out.length)
  }
}
