// Frames as octets, legal or not: every field of a header can be set by itself (RFC 6455 section 5.2).

export interface FrameFields {
  readonly fin?: boolean
  /** RSV1 to RSV3 as a number, 4 being RSV1. */
  readonly rsv?: number
  readonly opcode: number
  readonly payload?: Uint8Array | string
  /** Masking key; `null` leaves the frame unmasked. */
  readonly mask?: Uint8Array | null
  /** Octets of the extended length: 0, 2 or 8; by default the fewest that hold it. */
  readonly extended?: 0 | 2 | 8
  /** What the length says, if it is not the truth. */
  readonly length?: bigint
}

const MASK = Buffer.from([0x9a, 0x3c, 0x00, 0xe7])

export function frameOctets(fields: FrameFields): Buffer {
  const { fin = true, rsv = 0, opcode, mask = MASK } = fields
  const payload = Buffer.from((fields.payload ?? '') as Uint8Array)
  const length = fields.length ?? BigInt(payload.length)
  const extended = fields.extended ?? (length < 126n ? 0 : length < 65536n ? 2 : 8)
  const header = Buffer.alloc(2 + extended)
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  header[1] = (mask === null ? 0 : 0x80) | (extended === 0 ? Number(length) : extended === 2 ? 126 : 127)
  if (extended === 2) header.writeUInt16BE(Number(length), 2)
  if (extended === 8) header.writeBigUInt64BE(length, 2)
  if (mask === null) return Buffer.concat([header, payload])
  return Buffer.concat([header, mask, payload.map((octet, i) => octet ^ mask[i % 4])])
}

/** Several frames in a row. */
export function framesOctets(...frames: readonly FrameFields[]): Buffer {
  return Buffer.concat(frames.map(frameOctets))
}

/** Payload of a Close frame; `reason` may be any octets. */
export function closePayload(code: number, reason: Uint8Array | string = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as Uint8Array)])
}
