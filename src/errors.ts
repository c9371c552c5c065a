// Every coded error of echobahn: what it means, and the close code or exit code that goes with it.

/** Errors that end one connection with a Close frame (RFC 6455 section 7.4.1). */
export const PROTOCOL_ERRORS = {
  ECHOBAHN_RESERVED_BITS: { close: 1002, meaning: 'a reserved bit is set that no negotiated extension defines' },
  ECHOBAHN_RESERVED_OPCODE: { close: 1002, meaning: 'the opcode is reserved' },
  ECHOBAHN_UNMASKED_FRAME: { close: 1002, meaning: 'a frame from the client is not masked' },
  ECHOBAHN_CONTROL_FRAGMENTED: { close: 1002, meaning: 'a control frame is fragmented' },
  ECHOBAHN_CONTROL_TOO_LONG: { close: 1002, meaning: 'a control frame carries more than 125 octets' },
  ECHOBAHN_LENGTH_NOT_MINIMAL: { close: 1002, meaning: 'the payload length is not in its shortest form' },
  ECHOBAHN_LENGTH_INVALID: { close: 1002, meaning: 'the most significant bit of the 64-bit payload length is set' },
  ECHOBAHN_UNEXPECTED_CONTINUATION: { close: 1002, meaning: 'a continuation frame has no message to continue' },
  ECHOBAHN_EXPECTED_CONTINUATION: { close: 1002, meaning: 'a new message begins inside a fragmented one' },
  ECHOBAHN_CLOSE_PAYLOAD: { close: 1002, meaning: 'a Close frame carries one octet' },
  ECHOBAHN_CLOSE_CODE: { close: 1002, meaning: 'a Close frame carries a code that must not be sent' },
  ECHOBAHN_CLOSE_REASON: { close: 1007, meaning: 'the reason of a Close frame is not valid UTF-8' },
  ECHOBAHN_INVALID_UTF8: { close: 1007, meaning: 'a text message is not valid UTF-8' },
  ECHOBAHN_INVALID_DEFLATE: { close: 1007, meaning: 'a compressed message is not valid deflate data' },
  ECHOBAHN_DEFLATE_EARLIER_MESSAGE: {
    close: 1007,
    meaning: 'a compressed message refers to an earlier message although client_no_context_takeover was agreed',
  },
  ECHOBAHN_DEFLATE_DISTANCE: { close: 1007, meaning: 'a compressed message refers back beyond its window' },
  ECHOBAHN_DEFLATE_TAIL: {
    close: 1007,
    meaning: 'a compressed message still has the 00 00 ff ff that RFC 7692 section 7.2.1 takes off',
  },
  ECHOBAHN_DEFLATE_TRUNCATED: { close: 1007, meaning: 'a compressed message ends inside a block' },
  ECHOBAHN_TOO_MANY_FINAL_BLOCKS: { close: 1008, meaning: 'a compressed message has more than 1000 final blocks' },
  ECHOBAHN_TOO_MANY_FRAGMENTS: { close: 1008, meaning: 'a message has more frames than max-fragments' },
  ECHOBAHN_INFLATE_RATIO: { close: 1009, meaning: 'a message inflates by more than max-inflate-ratio' },
  ECHOBAHN_MESSAGE_TOO_BIG: { close: 1009, meaning: 'a message is longer than max-message' },
  ECHOBAHN_INTERNAL: { close: 1011, meaning: 'the server failed on this message' },
} as const

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS

/** A violation by the peer. Thrown and returned inside one connection only; never reaches another. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode
  /** Status code for the Close frame that answers the violation. */
  readonly closeCode: number

  constructor(code: ProtocolErrorCode) {
    super(PROTOCOL_ERRORS[code].meaning)
    this.name = 'ProtocolError'
    this.code = code
    this.closeCode = PROTOCOL_ERRORS[code].close
  }
}

/** Errors that end the process, with the exit code that a shell sees. */
export const EXIT_ERRORS = {
  ECHOBAHN_BAD_OPTION: { exit: 2, meaning: 'a flag or environment variable has a value that is not allowed' },
  ECHOBAHN_LOAD_FAILED: { exit: 1, meaning: 'a load cannot be made, or its results not be read or written' },
  ECHOBAHN_LISTEN_FAILED: { exit: 1, meaning: 'a port cannot be listened on' },
  ECHOBAHN_TLS_FAILED: { exit: 2, meaning: 'the certificate or its key cannot be used' },
  ECHOBAHN_UNHEALTHY: { exit: 1, meaning: 'the running service is not ready, or does not echo' },
  ECHOBAHN_WORKERS_FAILED: { exit: 1, meaning: 'workers died at start again and again' },
} as const

export type ExitErrorCode = keyof typeof EXIT_ERRORS

/** A failure that ends the process. `message` is one line that a user can act on. */
export class ExitError extends Error {
  readonly code: ExitErrorCode
  readonly exitCode: number

  constructor(code: ExitErrorCode, message: string) {
    super(message)
    this.name = 'ExitError'
    this.code = code
    this.exitCode = EXIT_ERRORS[code].exit
  }
}
