// The request of an opening handshake (RFC 6455 section 4.1).

import { randomBytes } from 'node:crypto'

/** Without context takeover, as Sec-WebSocket-Extensions has it (RFC 7692 section 7.1.1). */
const DEFLATE_OFFER = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover'

export interface UpgradeRequest {
  readonly head: string
  /** Sec-WebSocket-Key. */
  readonly key: string
}

/** @param host with the port */
export function upgradeRequest(path: string, host: string, deflate: boolean): UpgradeRequest {
  const key = randomBytes(16).toString('base64')
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...[`Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade'],
    ...[`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'],
    ...(deflate ? [`Sec-WebSocket-Extensions: ${DEFLATE_OFFER}`] : []),
    ...['', ''],
  ]
  return { head: lines.join('\r\n'), key }
}
