// Frames, messages and octets of one connection, counted beside the worker's totals.

import { OPCODE_INDEX, OPCODE_NAMES, type OpcodeName, TEXT } from '../protocol/opcodes.js'
import type { DirectionReport } from './report.js'

const OPCODES = OPCODE_NAMES.length

// Places in `values`: the groups of the direction received, then the same ones of the direction sent.
const PAYLOAD = OPCODES
const MESSAGES = 2 * OPCODES
const MESSAGE_OCTETS = MESSAGES + 2
const WIRE = MESSAGE_OCTETS + 2
const SENT = WIRE + 1

const CONTINUATION_PLACE = 0
const BINARY_PLACE = 2

export type CountedTraffic = Pick<
  DirectionReport,
  'octets' | 'frames' | 'payload' | 'messages' | 'messageOctets' | 'compressionRatio'
>

/** Counting allocates nothing. */
export class Tally {
  /** A plain array: a typed one of this size takes twice the memory, for every connection. */
  readonly #values: number[] = Array.from({ length: 2 * SENT }, () => 0)

  wireReceived(size: number): void {
    this.#values[WIRE] += size
  }

  wireSent(size: number): void {
    this.#values[SENT + WIRE] += size
  }

  frameReceived(opcode: number): void {
    this.#values[OPCODE_INDEX[opcode]]++
  }

  payloadReceived(opcode: number, size: number): void {
    this.#values[PAYLOAD + OPCODE_INDEX[opcode]] += size
  }

  frameSent(opcode: number, size: number): void {
    this.#values[SENT + OPCODE_INDEX[opcode]]++
    this.#values[SENT + PAYLOAD + OPCODE_INDEX[opcode]] += size
  }

  messageReceived(opcode: number, size: number): void {
    const place = opcode === TEXT ? 0 : 1
    this.#values[MESSAGES + place]++
    this.#values[MESSAGE_OCTETS + place] += size
  }

  messageSent(opcode: number, size: number): void {
    const place = opcode === TEXT ? 0 : 1
    this.#values[SENT + MESSAGES + place]++
    this.#values[SENT + MESSAGE_OCTETS + place] += size
  }

  get received(): CountedTraffic {
    return this.#describe(0)
  }

  get sent(): CountedTraffic {
    return this.#describe(SENT)
  }

  #describe(from: number): CountedTraffic {
    const at = (place: number): number => this.#values[from + place]
    const perOpcode = (group: number): Record<OpcodeName, number> =>
      Object.fromEntries(OPCODE_NAMES.map((name, i) => [name, at(group + i)])) as Record<OpcodeName, number>
    let dataPayload = 0
    for (let i = CONTINUATION_PLACE; i <= BINARY_PLACE; i++) dataPayload += at(PAYLOAD + i)
    const application = at(MESSAGE_OCTETS) + at(MESSAGE_OCTETS + 1)
    return {
      octets: at(WIRE),
      frames: perOpcode(0),
      payload: perOpcode(PAYLOAD),
      messages: { text: at(MESSAGES), binary: at(MESSAGES + 1) },
      messageOctets: { text: at(MESSAGE_OCTETS), binary: at(MESSAGE_OCTETS + 1) },
      compressionRatio: application > 0 ? dataPayload / application : null,
    }
  }
}
