// An echo server for load programs that does one thing wrong, whatever it is told.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What a client sent, unmasked. */
export interface Message {
  /** With FIN and reserved bits (RFC 6455 section 5.2). */
  readonly first: number
  readonly payload: Buffer
  readonly key: Buffer
}

export interface Fault {
  /** The whole response to the opening handshake, if it is not the right one. @param accept what would be right */
  readonly response?: (accept: string) => string | Buffer
  /** What goes back for the nth message, from 0, of a connection; undefined leaves that to the connection's end. */
  readonly echo?: (message: Message, index: number, socket: Socket) => Buffer
}

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const MASKED = 0x80
const KEY_OCTETS = 4

/** An unmasked frame of up to 125 octets. */
export function frame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, payload.length]), payload])
}

/** Of Sec-WebSocket-Accept. @param key of the request's Sec-WebSocket-Key */
export function acceptValue(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
}

export function acceptance(accept: string, ...fields: readonly string[]): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return [...lines, `Sec-WebSocket-Accept: ${accept}`, ...fields, '', ''].join('\r\n')
}

/** Resolves with the port on 127.0.0.1. Messages of up to 125 octets are understood. */
export async function startFaultyServer(t: { after(hook: () => void): void }, fault: Fault): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket, fault)
  }).listen(0, '127.0.0.1')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function serve(socket: Socket, { response = acceptance, echo = rightEcho }: Fault): void {
  let octets = Buffer.alloc(0)
  let open = false
  let index = 0
  socket.on('data', chunk => {
    octets = Buffer.concat([octets, chunk])
    if (!open) {
      const end = octets.indexOf('\r\n\r\n')
      if (end === -1) return
      const key = /^Sec-WebSocket-Key: (\S+)/im.exec(octets.toString('latin1', 0, end))?.[1] ?? ''
      socket.write(
        response(
          createHash('sha1')
            .update(key + ACCEPT_SUFFIX)
            .digest('base64'),
        ),
      )
      octets = octets.subarray(end + 4)
      open = true
    }
    for (let message = read(); message !== undefined; message = read()) {
      socket.write(echo(message, index, socket))
      index++
    }
  })

  function read(): Message | undefined {
    const header = 2 + KEY_OCTETS
    if (octets.length < header || octets.length < header + (octets[1] & ~MASKED)) return undefined
    const end = header + (octets[1] & ~MASKED)
    const key = octets.subarray(2, header)
    const payload = Buffer.from(octets.subarray(header, end).map((octet, at) => octet ^ key[at % KEY_OCTETS]))
    const message = { first: octets[0], payload, key }
    octets = octets.subarray(end)
    return message
  }
}

function rightEcho({ first, payload }: Message): Buffer {
  return frame(first, payload)
}
