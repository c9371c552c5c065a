// Runs a frame decoder over chunks and collects what comes out, as plain values that tests can compare.

import type { ProtocolError } from '../../src/errors.js'
import { type DecoderRules, FrameDecoder } from '../../src/protocol/frame-decoder.js'
import { CLOSE, isControl } from '../../src/protocol/opcodes.js'

export interface DecodedFrame {
  readonly fin: boolean
  readonly opcode: number
  /** Opcode and RSV1 of the message that a data frame belongs to; for a control frame, its own. */
  readonly messageOpcode: number
  readonly compressed: boolean
  readonly payload: Buffer
}

/** A whole message, or a control frame. */
export interface DecodedEvent {
  readonly opcode: number
  readonly compressed: boolean
  readonly payload: Buffer
}

export interface Decoded {
  /** The frames that came whole and legal. */
  readonly frames: readonly DecodedFrame[]
  /** Payload so far of the frame that the octets end in; undefined between frames, in a header and after an error. */
  readonly unfinished: Buffer | undefined
  readonly error: ProtocolError | undefined
  /** Chunks fed until the error was there, or all of them. */
  readonly chunksFed: number
}

/** Rules under which nothing is too big or too long. */
export const LAX: DecoderRules = { maxMessage: 2 ** 24, maxFragments: 0, compression: false }

/**
 * Decodes `chunks`. Each is fed as a copy in the middle of a larger buffer that is overwritten afterwards, as a shared
 * read buffer is: nothing may be read outside the chunk, or after its turn.
 */
export function decodeAll(chunks: Iterable<Uint8Array>, rules: DecoderRules = LAX): Decoded {
  const decoder = new FrameDecoder(rules)
  const frames: DecodedFrame[] = []
  let payload: Buffer | undefined
  let chunksFed = 0
  for (const chunk of chunks) {
    chunksFed++
    const buffer = Buffer.alloc(chunk.length + 2 * MARGIN, 0xff)
    buffer.set(chunk, MARGIN)
    decoder.feed(buffer, MARGIN, MARGIN + chunk.length)
    while (decoder.next()) {
      if (decoder.startsFrame) payload = Buffer.alloc(decoder.payloadLength)
      const offset = decoder.payloadLength - decoder.remaining
      if (!decoder.readPayload(payload as Buffer, offset)) break
      if (decoder.remaining > 0) continue
      frames.push(frameAtHand(decoder, payload as Buffer))
      payload = undefined
    }
    buffer.fill(0xff)
    if (decoder.error !== undefined) return { frames, unfinished: undefined, error: decoder.error, chunksFed }
  }
  return { frames, unfinished: payload?.subarray(0, payload.length - decoder.remaining), error: undefined, chunksFed }
}

/** The messages that are whole, and the control frames, in the order in which they ended, up to the first Close. */
export function eventsOf(frames: readonly DecodedFrame[]): DecodedEvent[] {
  const events: DecodedEvent[] = []
  let parts: Buffer[] = []
  for (const { fin, opcode, messageOpcode, compressed, payload } of frames) {
    if (isControl(opcode)) events.push({ opcode, compressed, payload })
    else {
      parts.push(payload)
      if (!fin) continue
      events.push({ opcode: messageOpcode, compressed, payload: Buffer.concat(parts) })
      parts = []
    }
    if (opcode === CLOSE) break
  }
  return events
}

/** `octets` in chunks of one octet. */
export function* octetByOctet(octets: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < octets.length; i++) yield octets.subarray(i, i + 1)
}

/** `octets` cut at `positions`, in any order; equal positions make empty chunks. */
export function cutAt(octets: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const cuts = [0, ...[...positions].sort((a, b) => a - b), octets.length]
  return cuts.slice(1).map((end, i) => octets.subarray(cuts[i], end))
}

const MARGIN = 16

function frameAtHand(decoder: FrameDecoder, payload: Buffer): DecodedFrame {
  const { fin, opcode } = decoder
  if (isControl(opcode)) return { fin, opcode, messageOpcode: opcode, compressed: false, payload }
  return { fin, opcode, messageOpcode: decoder.messageOpcode, compressed: decoder.compressed, payload }
}
