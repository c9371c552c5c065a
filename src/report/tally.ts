// Frames, messages and octets of one connection, counted beside the worker's totals.

import { OPCODE_INDEX, OPCODE_NAMES, type OpcodeName, TEXT } from '../protocol/opcodes.js'
import type { DirectionReport } from './report.js'

const OPCODES = OPCODE_NAMES.length

// Places in `values`: the groups of the direction received, then the same ones of the direction sent.
const PAYLOAD = OPCODES
const MESSAGES = 2 * OPCODES
const MESSAGE_OCTETS = MESSAGES + 2
const SENT = MESSAGE_OCTETS + 2

export type CountedTraffic = Pick<
  DirectionReport,
  'frames' | 'payload' | 'messages' | 'messageOctets' | 'compressionRatio'
>

const NOTHING: readonly number[] = Array.from({ length: 2 * SENT }, () => 0)

/** Counting allocates nothing, but for the first count of a connection that is not of a whole echo. */
export class Tally {
  // Messages of one frame that came and went in one piece.
  #texts = 0
  #textOctets = 0
  #binaries = 0
  #binaryOctets = 0

  /** All else. A plain array: a typed one of this size takes twice the memory, for every connection. */
  #values: number[] | undefined

  /** A message of one frame that came and went in one piece; `place` is 0 for text and 1 for binary. */
  wholeEcho(place: number, size: number): void {
    if (place === 0) {
      this.#texts++
      this.#textOctets += size
    } else {
      this.#binaries++
      this.#binaryOctets += size
    }
  }

  frameReceived(opcode: number): void {
    this.#add(OPCODE_INDEX[opcode], 1)
  }

  payloadReceived(opcode: number, size: number): void {
    this.#add(PAYLOAD + OPCODE_INDEX[opcode], size)
  }

  frameSent(opcode: number, size: number): void {
    this.#add(SENT + OPCODE_INDEX[opcode], 1)
    this.#add(SENT + PAYLOAD + OPCODE_INDEX[opcode], size)
  }

  messageReceived(opcode: number, size: number): void {
    const place = opcode === TEXT ? 0 : 1
    this.#add(MESSAGES + place, 1)
    this.#add(MESSAGE_OCTETS + place, size)
  }

  messageSent(opcode: number, size: number): void {
    const place = opcode === TEXT ? 0 : 1
    this.#add(SENT + MESSAGES + place, 1)
    this.#add(SENT + MESSAGE_OCTETS + place, size)
  }

  get received(): CountedTraffic {
    return this.#describe(0)
  }

  get sent(): CountedTraffic {
    return this.#describe(SENT)
  }

  #add(place: number, count: number): void {
    this.#values ??= NOTHING.slice()
    this.#values[place] += count
  }

  #describe(from: number): CountedTraffic {
    const values = this.#values ?? NOTHING
    const at = (place: number): number => values[from + place]
    const perOpcode = (group: number, text: number, binary: number): Record<OpcodeName, number> => {
      const counts = OPCODE_NAMES.map((name, i) => [name, at(group + i)])
      const { text: ofText, binary: ofBinary, ...others } = Object.fromEntries(counts)
      return { ...others, text: ofText + text, binary: ofBinary + binary }
    }
    const payload = perOpcode(PAYLOAD, this.#textOctets, this.#binaryOctets)
    const messageOctets = {
      text: at(MESSAGE_OCTETS) + this.#textOctets,
      binary: at(MESSAGE_OCTETS + 1) + this.#binaryOctets,
    }
    const application = messageOctets.text + messageOctets.binary
    const dataPayload = payload.continuation + payload.text + payload.binary
    return {
      frames: perOpcode(0, this.#texts, this.#binaries),
      payload,
      messages: { text: at(MESSAGES) + this.#texts, binary: at(MESSAGES + 1) + this.#binaries },
      messageOctets,
      compressionRatio: application > 0 ? dataPayload / application : null,
    }
  }
}
