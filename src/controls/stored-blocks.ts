// A message as deflate data without deflating: stored blocks (RFC 7692 section 7.2.3.3, RFC 1951 section 3.2.4).

/** Octets that one stored block takes. */
const MOST = 65535
const BLOCK_HEADER = 5

/** Payload of a compressed message that is `plain`. */
export function storedBlocks(plain: Buffer): Buffer {
  const blocks = Math.ceil(plain.length / MOST)
  // The empty block at the end, whose 00 00 ff ff is not sent (RFC 7692 section 7.2.1), leaves one octet.
  const octets = Buffer.alloc(plain.length + blocks * BLOCK_HEADER + 1)
  let at = 0
  for (let start = 0; start < plain.length; start += MOST) {
    const length = Math.min(MOST, plain.length - start)
    octets.writeUInt16LE(length, at + 1)
    octets.writeUInt16LE(length ^ 0xffff, at + 3)
    at += BLOCK_HEADER
    plain.copy(octets, at, start, start + length)
    at += length
  }
  return octets
}
