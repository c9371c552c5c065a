// What a permessage-deflate client does to a message (RFC 7692 sections 7.2.1 and 7.2.2), on zlib's one-shot functions.

import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib'

/** What a sender takes off the end of each message, and its receiver puts back. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])

/** The payload for a message of `plain`, without context takeover; for no octets at all it is one octet 0x00. */
export function deflateMessage(plain: Buffer | string, options: ZlibOptions = {}): Buffer {
  const deflated = deflateRawSync(plain, { ...options, finishFlush: constants.Z_SYNC_FLUSH })
  return Buffer.byteLength(plain) === 0 ? Buffer.from([0x00]) : deflated.subarray(0, -TAIL.length)
}

/** @throws Error if `payload` is not a whole message of deflate data. */
export function inflateMessage(payload: Buffer, options: ZlibOptions = {}): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { ...options, finishFlush: constants.Z_SYNC_FLUSH })
}
