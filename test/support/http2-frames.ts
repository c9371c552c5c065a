// Frames of HTTP/2 (RFC 9113 section 4) as octets, legal or not, for what no client sends.

import type { OutgoingHttpHeaders } from 'node:http2'

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** A header block of literals without indexing (RFC 7541 section 6.2.2). */
export function headerBlock(fields: OutgoingHttpHeaders): Buffer {
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.of(0), text(name), text(String(value))]),
  )
  return Buffer.concat(parts)
}

/** A string literal (RFC 7541 section 5.2): its length with a prefix of 7 bits. */
function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1')
  if (octets.length < 127) return Buffer.concat([Buffer.of(octets.length), octets])
  const length = [127]
  let rest = octets.length - 127
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128)
  length.push(rest)
  return Buffer.concat([Buffer.from(length), octets])
}

export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

/** Types of the frames in `octets`, each with what its payload is. */
export function* framesIn(octets: Buffer): Generator<{ type: number; stream: number; payload: Buffer }, undefined> {
  for (let at = 0; at + 9 <= octets.length; ) {
    const length = octets.readUIntBE(at, 3)
    yield {
      type: octets[at + 3],
      stream: octets.readUInt32BE(at + 5),
      payload: octets.subarray(at + 9, at + 9 + length),
    }
    at += 9 + length
  }
}
