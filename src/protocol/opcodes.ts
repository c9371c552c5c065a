// Opcodes of RFC 6455 section 5.2, and their order wherever something is kept per opcode.

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** Names in the order of `OPCODE_INDEX`. */
export const OPCODE_NAMES = ['continuation', 'text', 'binary', 'close', 'ping', 'pong'] as const

export type OpcodeName = (typeof OPCODE_NAMES)[number]

/** Opcode to its place in `OPCODE_NAMES`; reserved opcodes have 255. */
export const OPCODE_INDEX = new Uint8Array(16).fill(255)
for (const [index, opcode] of [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].entries()) OPCODE_INDEX[opcode] = index

/** Control frames have the high bit of the opcode set (RFC 6455 section 5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= CLOSE
}
