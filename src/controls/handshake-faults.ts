// Ways to answer an opening handshake wrongly, or not at all, each with what a client has to do about it (RFC 6455
// section 4.1: the client must fail the connection in all of them).

import type { Expectation } from './duty.js'

export interface HandshakeFault extends Expectation {
  /** One line: what the server does. */
  readonly help: string
}

const SECTION = 'RFC 6455 section 4.1'

function fault(help: string, source = SECTION): HandshakeFault {
  return { help, duty: 'must', codes: [], source }
}

export const HANDSHAKE_FAULTS = {
  hang: fault('never answers', 'RFC 6455 section 4.1 sets no time; a client needs one of its own'),
  close: fault('sends FIN and no answer'),
  reset: fault('resets TCP (RST)'),
  garbage: fault('answers with octets that are not HTTP, and FIN'),
  'bad-accept': fault('101 with a wrong Sec-WebSocket-Accept'),
  'no-accept': fault('101 without Sec-WebSocket-Accept'),
  'no-upgrade': fault('101 without the Upgrade field'),
  'no-connection': fault('101 without the Connection field'),
  'wrong-upgrade': fault('101 with Upgrade: echo'),
  'unasked-extension': fault('101 with an extension that the client did not offer'),
  'wrong-subprotocol': fault('101 with a subprotocol that the client did not offer'),
  'bad-window-bits': fault('101 with server_max_window_bits=7 for permessage-deflate', 'RFC 7692 section 7.1.2.1'),
  'huge-header': fault('101 with a field of 256 KiB, which most clients refuse', 'RFC 9110 section 5.4'),
} as const satisfies Readonly<Record<string, HandshakeFault>>

export type HandshakeFaultName = keyof typeof HANDSHAKE_FAULTS

export const HANDSHAKE_FAULT_NAMES = Object.keys(HANDSHAKE_FAULTS) as readonly HandshakeFaultName[]
