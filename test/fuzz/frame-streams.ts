// Streams of client frames, most of them nearly legal, made fast: a few frames, then some damage, then cuts.

import { CLOSE, CONTINUATION, isControl, PING, PONG, TEXT } from '../../src/protocol/opcodes.js'
import { MOST_FRAMES } from '../support/decoder-oracle.js'
import { mutate } from './mutate.js'
import type { Random } from './random.js'

export interface FuzzedStream {
  readonly octets: Buffer
  /** Where it is cut into chunks. */
  readonly cuts: readonly number[]
  readonly compression: boolean
}

const LONGEST_FRAME = 14 + 66_000
const scratch = Buffer.alloc(16 * 1024 + LONGEST_FRAME)
const TEXTS = ['Hello', 'é', '€uro', '😀', 'größer als 握手', 'x'.repeat(200)].map(text => Buffer.from(text))
const CLOSE_CODES = [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 2999, 3000, 4999, 5000]

export function fuzzedStream(random: Random): FuzzedStream {
  const compression = random.once(2)
  let end = 0
  let inMessage = false
  const frames = 1 + random.below(random.once(4) ? MOST_FRAMES + 3 : 4)
  for (let i = 0; i < frames && end < 16 * 1024; i++) {
    const isData = !random.once(4)
    // One in 30 comes out of turn.
    const continues = isData && inMessage !== random.once(30)
    const opcode = isData ? (continues ? CONTINUATION : TEXT + random.below(2)) : random.pick([PING, PONG, PING, CLOSE])
    const fin = !isData || random.once(2)
    if (isData) inMessage = !fin
    const rsv1 = compression && isData && !continues && random.once(3)
    end = writeFrame(random, end, (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode)
  }
  const whole = Buffer.from(scratch.subarray(0, end))
  const octets = random.once(3) ? whole : mutate(whole, random, 1 + random.below(3))
  const cuts = Array.from({ length: random.below(4) }, () => random.below(octets.length + 1))
  return { octets, cuts, compression }
}

function writeFrame(random: Random, begin: number, first: number): number {
  const opcode = first & 0x0f
  const length = payloadLength(random, opcode)
  let at = begin
  scratch[at++] = first
  if (length < 126) scratch[at++] = 0x80 | length
  else if (length < 65_536) {
    scratch[at++] = 0x80 | 126
    at = scratch.writeUInt16BE(length, at)
  } else {
    scratch[at++] = 0x80 | 127
    at = scratch.writeBigUInt64BE(BigInt(length), at)
  }
  const key = at
  at = scratch.writeInt32BE(random.once(8) ? 0 : random.next(), at)
  fillPayload(random, opcode, at, at + length)
  for (let i = 0; i < length; i++) scratch[at + i] ^= scratch[key + (i & 3)]
  return at + length
}

function payloadLength(random: Random, opcode: number): number {
  if (isControl(opcode)) return opcode === CLOSE ? random.pick([0, 2, 5]) : random.below(random.once(8) ? 126 : 12)
  if (random.once(400)) return 65_530 + random.below(12)
  return random.once(20) ? 120 + random.below(12) : random.below(40)
}

/** Text more often than not, since most messages may be text. */
function fillPayload(random: Random, opcode: number, begin: number, end: number): void {
  if (opcode === CLOSE && end > begin) {
    scratch.writeUInt16BE(random.pick(CLOSE_CODES), begin)
    scratch.fill('ok.', begin + 2, end)
  } else if (random.once(4)) for (let i = begin; i < end; i++) scratch[i] = random.next()
  else if (end > begin) scratch.fill(random.pick(TEXTS), begin, end)
}
