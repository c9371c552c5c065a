// A raw exchange with the service: frames and octets go in, and what comes back is compared as lines of text.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../../src/errors.js'
import { CLOSE, OPCODE_INDEX, OPCODE_NAMES } from '../../src/protocol/opcodes.js'
import { clientFrame, type FrameParts, RawClient, type ServerFrame } from './raw-client.js'
import type { Service } from './service.js'

/** What ends with a test. */
interface Lasting {
  after(hook: () => void): void
}

/** Opens a WebSocket connection for as long as the test lasts; `extra` are header lines of its handshake. */
export async function openRaw(t: Lasting, service: Service, ...extra: string[]): Promise<RawClient> {
  const client = await RawClient.open(service.port, extra, service.secure)
  t.after(() => client.destroy())
  return client
}

/** Frames, and octets that are none, behind each other. */
export function octetsOf(...parts: (FrameParts | Buffer)[]): Buffer {
  return Buffer.concat(parts.map(part => (Buffer.isBuffer(part) ? part : clientFrame(part))))
}

/** A frame as one line, such as `text "hello"`, `continuation... "no FIN"`, `close 1000 "reason"` or `rsv4 binary "x"`. */
export function describeFrame({ fin, rsv, opcode, payload }: ServerFrame): string {
  const kind = `${rsv === 0 ? '' : `rsv${rsv} `}${OPCODE_NAMES[OPCODE_INDEX[opcode]]}${fin ? '' : '...'}`
  if (opcode !== CLOSE) return `${kind} "${payload}"`
  return payload.length === 0 ? kind : `${kind} ${payload.readUInt16BE()} "${payload.subarray(2)}"`
}

/** The line for the Close that answers a violation. */
export function failure(code: ProtocolErrorCode): string {
  const { close, meaning } = PROTOCOL_ERRORS[code]
  return `close ${close} "${meaning}"`
}

/** Sends everything in one write, and resolves with what comes back until the server ends the connection by itself. */
export async function converse(client: RawClient, ...parts: (FrameParts | Buffer)[]): Promise<string[]> {
  client.write(octetsOf(...parts))
  const frames = await client.readFramesToEnd()
  client.destroy()
  return frames.map(describeFrame)
}
