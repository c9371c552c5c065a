// Echo server on node:http2 alone (RFC 8441), as one process: what HTTP/2 itself costs. It knows what a load sends, whole frames
// of up to 65,535 octets and a Close, and nothing else of RFC 6455.

import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'

const ANY_PORT = 0
const CLOSE = 8
const MASK = 4

const server = createServer({ settings: { enableConnectProtocol: true } })
server.on('stream', stream => {
  stream.respond({ ':status': 200 })
  // A load that is over may leave by a reset.
  stream.on('error', () => {})
  let rest: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    rest = echo(stream, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
  })
  stream.on('end', () => stream.end())
})
server.listen(ANY_PORT, '127.0.0.1', () => {
  console.log(`listening ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

/** Sends every whole frame in `octets` back, all in one write; returns what is left. */
function echo(stream: ServerHttp2Stream, octets: Buffer): Buffer {
  const frames: Buffer[] = []
  let at = 0
  let closes = false
  while (octets.length - at >= 2 + MASK) {
    const short = octets[at + 1] & 0x7f
    const header = short === 126 ? 4 : 2
    const length = short === 126 ? octets.readUInt16BE(at + 2) : short
    const start = at + header + MASK
    if (octets.length < start + length) break
    const frame = Buffer.allocUnsafe(header + length)
    octets.copy(frame, 0, at, at + header)
    frame[1] &= 0x7f
    for (let i = 0; i < length; i++) frame[header + i] = octets[start + i] ^ octets[start - MASK + (i & 3)]
    frames.push(frame)
    closes ||= (octets[at] & 0x0f) === CLOSE
    at = start + length
  }
  if (frames.length > 0) stream.write(frames.length === 1 ? frames[0] : Buffer.concat(frames))
  if (closes) stream.end()
  return octets.subarray(at)
}
