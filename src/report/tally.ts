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

export type CountedTraffic = Pick<
  DirectionReport,
  'octets' | 'frames' | 'payload' | 'messages' | 'messageOctets' | 'compressionRatio'
>

/** Counting allocates nothing. */
export class Tally {
  /** A plain array: a typed one of this size takes twice the memory, for every connection. */
  readonly #values: number[] = Array.from({ length: 2 * SENT }, () => 0)

  /** Messages of one frame that came and went in one piece: messages and octets of text, then of binary. */
  readonly #whole = [0, 0, 0, 0]

  /** Such a message; `place` is 0 for text and 1 for binary. */
  wholeEcho(place: number, size: number): void {
    this.#whole[2 * place]++
    this.#whole[2 * place + 1] += size
  }

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
    const [texts, textOctets, binaries, binaryOctets] = this.#whole
    const at = (place: number): number => this.#values[from + place]
    const perOpcode = (group: number, text: number, binary: number): Record<OpcodeName, number> => {
      const counts = OPCODE_NAMES.map((name, i) => [name, at(group + i)])
      const { text: ofText, binary: ofBinary, ...others } = Object.fromEntries(counts)
      return { ...others, text: ofText + text, binary: ofBinary + binary }
    }
    const payload = perOpcode(PAYLOAD, textOctets, binaryOctets)
    const messageOctets = { text: at(MESSAGE_OCTETS) + textOctets, binary: at(MESSAGE_OCTETS + 1) + binaryOctets }
    const application = messageOctets.text + messageOctets.binary
    const dataPayload = payload.continuation + payload.text + payload.binary
    return {
      octets: at(WIRE),
      frames: perOpcode(0, texts, binaries),
      payload,
      messages: { text: at(MESSAGES) + texts, binary: at(MESSAGES + 1) + binaries },
      messageOctets,
      compressionRatio: application > 0 ? dataPayload / application : null,
    }
  }
}
