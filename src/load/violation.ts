// What a server did that RFC 6455 forbids, under the same codes as the service's own errors where the rule is the same.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'

/** Rules that only a server can break. */
const SERVER_ERRORS = {
  ECHOBAHN_MASKED_FRAME: { close: 1002, meaning: 'a frame from the server is masked' },
  ECHOBAHN_BAD_RESPONSE: { close: 1002, meaning: 'the answer to the opening handshake is no HTTP response' },
  ECHOBAHN_BAD_UPGRADE: { close: 1002, meaning: 'the 101 lacks "Upgrade: websocket" or "Connection: Upgrade"' },
  ECHOBAHN_BAD_ACCEPT: { close: 1002, meaning: 'Sec-WebSocket-Accept does not belong to the key that was sent' },
  ECHOBAHN_BAD_SUBPROTOCOL: { close: 1002, meaning: 'the server chose a subprotocol that was not offered' },
  ECHOBAHN_BAD_EXTENSION: { close: 1010, meaning: 'the server agreed to an extension that was not offered so' },
} as const

export type ViolationCode = ProtocolErrorCode | keyof typeof SERVER_ERRORS

/** A violation by the server: ends one connection, and is counted under its code. */
export class Violation extends Error {
  readonly code: ViolationCode
  /** Status code for the Close frame that answers it. */
  readonly closeCode: number

  constructor(code: ViolationCode) {
    const { close, meaning } = { ...PROTOCOL_ERRORS, ...SERVER_ERRORS }[code]
    super(meaning)
    this.name = 'Violation'
    this.code = code
    this.closeCode = close
  }
}
