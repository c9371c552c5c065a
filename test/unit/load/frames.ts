// Server frames for tests, and what a client's frames say.

import { writeHeader } from '../../../src/protocol/frame-encoder.js'

export function serverFrame(first: number, payload: Buffer | string = ''): Buffer {
  const octets = Buffer.from(payload as string)
  const header = Buffer.alloc(10)
  return Buffer.concat([header.subarray(0, writeHeader(header, 0, first, octets.length)), octets])
}

export interface ClientFrame {
  readonly first: number
  readonly payload: Buffer
  readonly key: number
}

/** Whole masked frames. @throws when one is not masked */
export function clientFrames(octets: Buffer): ClientFrame[] {
  const frames: ClientFrame[] = []
  for (let at = 0; at < octets.length; ) {
    const second = octets[at + 1]
    if (second < 0x80) throw new Error('not masked')
    const short = second & 0x7f
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      short < 126 ? short : short === 126 ? octets.readUInt16BE(at + 2) : Number(octets.readBigUInt64BE(at + 2))
    const key = octets.readUInt32BE(at + header)
    const mask = octets.subarray(at + header, at + header + 4)
    const start = at + header + 4
    const payload = Buffer.from(octets.subarray(start, start + length).map((octet, i) => octet ^ mask[i & 3]))
    frames.push({ first: octets[at], payload, key })
    at = start + length
  }
  return frames
}
