// The answer to a client's key, which proves that a WebSocket server has read it (RFC 6455 section 4.2.2).

import { createHash } from 'node:crypto'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Value of Sec-WebSocket-Accept for this Sec-WebSocket-Key. */
export function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')
}
