// Writes server frames (RFC 6455 section 5.2): unmasked, with the shortest length there is.

export const FIN = 0x80
/** Marks the first frame of a compressed message (RFC 7692 section 6). */
export const RSV1 = 0x40

/** Longest header of a server frame in octets. */
export const MAX_HEADER = 10

/** Octets of the header of a frame with `length` octets of payload. */
export function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65536 ? 4 : 10
}

/**
 * Writes a frame header into `buffer` at `offset`.
 *
 * @param first the header's first octet: FIN, RSV1 and the opcode
 * @param length payload octets, at most 2^53 − 1
 * @returns the offset behind the header
 */
export function writeHeader(buffer: Uint8Array, offset: number, first: number, length: number): number {
  buffer[offset] = first
  if (length < 126) {
    buffer[offset + 1] = length
    return offset + 2
  }
  if (length < 65536) {
    buffer[offset + 1] = 126
    buffer[offset + 2] = length >>> 8
    buffer[offset + 3] = length
    return offset + 4
  }
  buffer[offset + 1] = 127
  writeUint32(buffer, offset + 2, Math.floor(length / 2 ** 32))
  writeUint32(buffer, offset + 6, length)
  return offset + 10
}

function writeUint32(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 24
  buffer[offset + 1] = value >>> 16
  buffer[offset + 2] = value >>> 8
  buffer[offset + 3] = value
}

/** Payload of a Close frame (section 5.5.1). `reason` is at most 123 octets of UTF-8; code 1005 makes it empty. */
export function closePayload(code: number, reason = ''): Buffer {
  if (code === 1005) return Buffer.alloc(0)
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code, 0)
  payload.write(reason, 2)
  return payload
}
