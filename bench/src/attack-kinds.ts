// What hostile clients do. A further kind is one more entry.

import { compress, FIN, maskedFrame, OPCODES, RSV1 } from './load-message.js'

export interface AttackKind {
  /** As tables name it, and the attackers' program knows it. */
  readonly name: string
  /** The opening handshake, with or without an offer of permessage-deflate; none: the octets are a connection's first. */
  readonly opening: 'none' | 'plain' | 'deflate'
  readonly script: () => AttackScript
}

/** The octets of one connection behind its opening handshake. When the server ends it, the next one begins. */
export interface AttackScript {
  readonly first: Buffer
  /** Sent behind the first again and again; undefined: the connection is ended behind the first. */
  readonly again?: Buffer
}

/** Frames in one write. */
const RUN = 8192
const LONG_TEXT = 1024 * 1024
const REQUESTS = 245_000
const NOTHING = Buffer.alloc(0)

export const ATTACK_KINDS: readonly AttackKind[] = [
  {
    name: 'pings',
    opening: 'plain',
    script: () => ({ first: NOTHING, again: repeated(maskedFrame(FIN | OPCODES.ping, NOTHING), RUN) }),
  },
  {
    name: 'empty fragments',
    opening: 'plain',
    script: () => ({
      first: maskedFrame(OPCODES.text, NOTHING),
      again: repeated(maskedFrame(OPCODES.continuation, NOTHING), RUN),
    }),
  },
  {
    name: 'compressed messages of 1 octet',
    opening: 'deflate',
    script: () => {
      const message = maskedFrame(FIN | RSV1 | OPCODES.text, compress(Buffer.from('a')))
      return { first: NOTHING, again: repeated(message, RUN) }
    },
  },
  {
    // Valid but for the last octet, which no character begins with (RFC 3629 section 4).
    name: 'late bad UTF-8',
    opening: 'plain',
    script: () => {
      const text = Buffer.concat([Buffer.alloc(LONG_TEXT - 1, 'a long text'), Buffer.from([0xff])])
      return { first: maskedFrame(FIN | OPCODES.text, text) }
    },
  },
  {
    name: 'pipelined requests',
    opening: 'none',
    script: () => ({ first: repeated(Buffer.from('GET / HTTP/1.1\r\n\r\n'), REQUESTS) }),
  },
]

function repeated(octets: Buffer, times: number): Buffer {
  return Buffer.alloc(octets.length * times, octets)
}
