// One connection of a load: opens, keeps messages in flight, and checks what comes back.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { inflateRawSync, constants as zlib } from 'node:zlib'
import { CIPHER, TLS_VERSION } from './certificate.js'
import type { LoadArguments } from './load-arguments.js'
import type { LoadLedger } from './load-ledger.js'
import { FIN, FLUSH_TAIL, type FrameRun, type LoadMessage, maskedFrame, OPCODES } from './load-message.js'
import { LoadSessions } from './load-sessions.js'
import { ReplyReader } from './reply-reader.js'
import { upgradeRequest } from './upgrade-request.js'

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TLS_TERMS = { ciphers: CIPHER, minVersion: TLS_VERSION, maxVersion: TLS_VERSION } as const
const NORMAL_CLOSURE = Buffer.from([0x03, 0xe8])

export class LoadConnection {
  readonly #options: LoadArguments
  readonly #message: LoadMessage
  readonly #ledger: LoadLedger
  readonly #sessions: LoadSessions
  readonly #reader: ReplyReader
  /** Milliseconds at which messages in flight were sent, oldest at `#received % depth`. */
  readonly #sentAt: Float64Array
  /** A socket, or a stream of HTTP/2. */
  #socket: Duplex | undefined
  #run: FrameRun
  #sent = 0
  #received = 0
  /** Messages to send in all. */
  #quota = 0
  #leaving = false
  #onDone: () => void = () => {}

  constructor(options: LoadArguments, message: LoadMessage, ledger: LoadLedger, sessions = new LoadSessions(options)) {
    this.#options = options
    this.#message = message
    this.#ledger = ledger
    this.#sessions = sessions
    this.#run = message.plain
    this.#sentAt = new Float64Array(options.depth)
    this.#reader = new ReplyReader({
      onMessage: (opcode, compressed, octets, payload) => this.#onMessage(opcode, compressed, octets, payload),
      onControl: (opcode, payload) => this.#onControl(opcode, payload),
    })
  }

  /** Octets of each frame that this connection sends. */
  get frameOctets(): number {
    return this.#run.frameOctets
  }

  /** @throws Error when the server does not accept the opening handshake. */
  async open(): Promise<void> {
    const { sessions } = this.#options
    if (sessions > 0) this.#take(await this.#sessions.open())
    else await this.#upgrade()
  }

  async #upgrade(): Promise<void> {
    const { host, port, path, deflate, ca } = this.#options
    const socket = ca === undefined ? connect({ host, port }) : connectTls({ host, port, ca, ...TLS_TERMS })
    this.#socket = socket
    socket.setNoDelay(true)
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    const request = upgradeRequest(path, `${host}:${port}`, deflate)
    socket.write(request.head)
    const { head, rest } = await readHead(socket)
    checkHead(head, request.key)
    if (/^sec-websocket-extensions: *permessage-deflate/im.test(head)) this.#run = this.#message.compressed
    this.#take(socket)
    if (rest.length > 0) this.#onData(rest)
  }

  #take(socket: Duplex): void {
    this.#socket = socket
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('error', error => this.#failed(error.message))
    socket.on('close', () => this.#onClose())
  }

  /** Keeps messages in flight until `quota` of them have been sent; resolves when all have come back, or it failed. */
  start(quota: number): Promise<void> {
    const done = new Promise<void>(resolve => {
      this.#onDone = resolve
    })
    this.#quota = quota
    this.#refill()
    return done
  }

  /** Sends nothing more; what is in flight may still come back. */
  stop(): void {
    this.#quota = this.#sent
  }

  /** Resolves once the server has ended the connection. */
  async leave(): Promise<void> {
    this.#leaving = true
    if (this.#socket === undefined || this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.write(maskedFrame(FIN | OPCODES.close, NORMAL_CLOSURE))
    await closed
  }

  destroy(): void {
    this.#leaving = true
    this.#socket?.destroy()
  }

  /** With a rate: one message, whatever is in flight. */
  sendOne(): void {
    if (this.#sent - this.#received < this.#options.depth) this.#send(1)
    else this.#failed(`${this.#options.depth} messages in flight: --rate needs a greater DEPTH`)
  }

  #refill(): void {
    if (this.#options.rate !== undefined) return
    const count = Math.min(this.#options.depth - (this.#sent - this.#received), this.#quota - this.#sent)
    if (count > 0) this.#send(count)
  }

  #send(count: number): void {
    const now = performance.now()
    for (let index = 0; index < count; index++) this.#sentAt[(this.#sent + index) % this.#options.depth] = now
    this.#sent += count
    this.#socket?.write(this.#run.frames.subarray(0, count * this.#run.frameOctets))
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#failed((error as Error).message)
      this.destroy()
      return
    }
    if (this.#received === this.#quota) this.#onDone()
    this.#refill()
  }

  #onMessage(opcode: number, compressed: boolean, octets: number, payload: Buffer | undefined): void {
    if (this.#received === this.#sent) this.#failed('an echo that was never asked for')
    this.#ledger.replied(compressed, performance.now() - this.#sentAt[this.#received % this.#options.depth])
    this.#received++
    if (opcode !== OPCODES[this.#options.opcode]) this.#failed(`an echo has opcode ${opcode}`)
    if (payload !== undefined) this.#verify(compressed, payload)
    else if (!compressed && octets !== this.#options.octets) this.#failed(`an echo has ${octets} octets`)
  }

  #verify(compressed: boolean, payload: Buffer): void {
    this.#ledger.firstReplyOctets ||= payload.length
    if (plainOf(compressed, payload)?.equals(this.#message.payload)) this.#ledger.verified++
    else this.#failed('the first echo is not what was sent')
  }

  #onControl(opcode: number, payload: Buffer): void {
    if (opcode === OPCODES.ping) this.#socket?.write(maskedFrame(FIN | OPCODES.pong, payload))
    if (opcode === OPCODES.close && !this.#leaving) this.#failed(`the server closed: ${payload.subarray(2)}`)
  }

  #onClose(): void {
    if (!this.#leaving) this.#failed('the server ended the connection')
    this.#onDone()
  }

  #failed(reason: string): void {
    if (!this.#leaving) this.#ledger.failed(reason)
  }
}

/** The response's head without its empty line, and what came behind it. */
async function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  let octets = Buffer.alloc(0)
  for (;;) {
    const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'end').then(() => [undefined])])
    if (chunk === undefined) throw new Error('the server ended the connection in the opening handshake')
    octets = Buffer.concat([octets, chunk])
    const end = octets.indexOf('\r\n\r\n')
    if (end !== -1) return { head: octets.toString('latin1', 0, end), rest: octets.subarray(end + 4) }
  }
}

/** @throws Error unless the server has switched to the WebSocket protocol with this key. */
function checkHead(head: string, key: string): void {
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(`opening handshake: ${head.split('\r\n', 1)[0]}`)
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  if (/^sec-websocket-accept: *(\S+)/im.exec(head)?.[1] !== accept) throw new Error('wrong Sec-WebSocket-Accept')
}

function plainOf(compressed: boolean, payload: Buffer): Buffer | undefined {
  if (!compressed) return payload
  try {
    return inflateRawSync(Buffer.concat([payload, FLUSH_TAIL]), { finishFlush: zlib.Z_SYNC_FLUSH })
  } catch {
    return undefined
  }
}
