// A WebSocket client that sends exactly the octets it is told to, legal or not, and keeps every octet that comes back.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { certificate } from './certificate.js'

export interface ServerFrame {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly payload: Buffer
}

export interface FrameParts {
  readonly fin?: boolean
  readonly rsv?: number
  readonly opcode: number
  readonly payload?: Buffer | string
  readonly mask?: Buffer
}

/** A masked client frame with the shortest length. `rsv` is the three bits as a number, 4 being RSV1. */
export function clientFrame({ fin = true, rsv = 0, opcode, payload = '', mask = randomBytes(4) }: FrameParts): Buffer {
  const data = Buffer.from(payload as Buffer)
  const size = data.length < 126 ? 2 : data.length < 65536 ? 4 : 10
  const header = Buffer.alloc(size)
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  header[1] = 0x80 | (size === 2 ? data.length : size === 4 ? 126 : 127)
  if (size === 4) header.writeUInt16BE(data.length, 2)
  if (size === 10) header.writeBigUInt64BE(BigInt(data.length), 2)
  for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3]
  return Buffer.concat([header, mask, data])
}

/** Payload of a Close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return payload
}

export const UPGRADE_HEADERS = [
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]

/** A request head; `headers` are whole lines. */
export function requestHead(headers: readonly string[] = UPGRADE_HEADERS, line = 'GET / HTTP/1.1'): string {
  return `${[line, ...headers].join('\r\n')}\r\n\r\n`
}

export class RawClient {
  readonly socket: Socket
  /** Everything received that has not been taken by a read below, as it came: put together once it is looked into. */
  #pieces: Buffer[] = []
  #unread = 0
  #ended = false
  #wake: (() => void) | undefined
  received = 0
  sent = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.received += chunk.length
      this.#unread += chunk.length
      this.#pieces.push(chunk)
      this.#wake?.()
    })
    socket.on('end', () => this.#end())
    socket.on('close', () => this.#end())
    socket.on('error', () => {})
  }

  /** Over TLS if `secure`, with the first certificate of the fixtures. */
  static async connect(port: number, secure = false): Promise<RawClient> {
    const options = { port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = secure ? connectTls({ ...options, ca: certificate('first') }) : connect(options)
    await once(socket, secure ? 'secureConnect' : 'connect')
    return new RawClient(socket)
  }

  /** Connects and upgrades; `extra` header lines may offer extensions or subprotocols. */
  static async open(port: number, extra: readonly string[] = [], secure = false): Promise<RawClient> {
    const client = await RawClient.connect(port, secure)
    client.write(requestHead([...UPGRADE_HEADERS, ...extra]))
    const head = await client.readHead()
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head)
    return client
  }

  write(octets: Buffer | string): void {
    this.sent += Buffer.byteLength(octets)
    this.socket.write(octets)
  }

  send(...frames: FrameParts[]): void {
    this.write(Buffer.concat(frames.map(clientFrame)))
  }

  /** The response head, without the empty line. */
  async readHead(): Promise<string> {
    let end = -1
    await this.#until(() => {
      end = this.#input.indexOf('\r\n\r\n')
      return end >= 0
    })
    return this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
  }

  async read(length: number): Promise<Buffer> {
    await this.#until(() => this.#unread >= length)
    return this.#take(length)
  }

  /** All that comes until the server ends its side. */
  async readToEnd(): Promise<Buffer> {
    while (!this.#ended) await this.#more()
    return this.#take(this.#unread)
  }

  /** What has come: one octet at least, or none once the server has ended its side. */
  async readSome(): Promise<Buffer> {
    while (this.#unread === 0 && !this.#ended) await this.#more()
    return this.#take(this.#unread)
  }

  async readFrame(): Promise<ServerFrame> {
    const [first, second] = await this.read(2)
    const length7 = second & 0x7f
    let length = length7
    if (length7 === 126) length = (await this.read(2)).readUInt16BE()
    if (length7 === 127) length = Number((await this.read(8)).readBigUInt64BE())
    if ((second & 0x80) !== 0) throw new Error('a frame from the server is masked')
    const payload = await this.read(length)
    return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 0x0f, payload }
  }

  /** Every frame until the server ends its side. */
  async readFramesToEnd(): Promise<ServerFrame[]> {
    const frames: ServerFrame[] = []
    for (;;) {
      while (this.#unread === 0 && !this.#ended) await this.#more()
      if (this.#unread === 0) return frames
      frames.push(await this.readFrame())
    }
  }

  destroy(): void {
    this.socket.destroy()
  }

  #take(length: number): Buffer {
    const input = this.#input
    this.#pieces = [input.subarray(length)]
    this.#unread -= length
    return input.subarray(0, length)
  }

  get #input(): Buffer {
    const [first, second] = this.#pieces
    const input = second === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces)
    this.#pieces = [input]
    return input
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#ended) throw new Error(`the server ended after ${this.received} octets: ${this.#input.toString('hex')}`)
      await this.#more()
    }
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #end(): void {
    this.#ended = true
    this.#wake?.()
  }
}
