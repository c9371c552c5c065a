// Reads a server's frames from chunks that are cut anywhere, and tells messages and control frames.

import { FIN, OPCODES, RSV1 } from './load-message.js'

export interface ReplyListener {
  /** @param octets of the payload on the wire @param payload of the first message only */
  onMessage(opcode: number, compressed: boolean, octets: number, payload: Buffer | undefined): void
  onControl(opcode: number, payload: Buffer): void
}

/** Octets of the longest header of an unmasked frame (RFC 6455 section 5.2). */
const LONGEST_HEADER = 10

export class ReplyReader {
  readonly #listener: ReplyListener
  readonly #header = Buffer.alloc(LONGEST_HEADER)
  #headerOctets = 0
  #inFrame = false
  /** Payload octets of the frame that are still to come. */
  #remaining = 0
  #message: { opcode: number; compressed: boolean; octets: number } | undefined
  /** Payload of the first message; undefined once it has been told. */
  #first: Buffer[] | undefined = []
  #control: Buffer[] = []

  constructor(listener: ReplyListener) {
    this.#listener = listener
  }

  /** @throws Error when the server breaks the framing. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; )
      at = this.#inFrame ? this.#readPayload(chunk, at) : this.#readHeader(chunk, at)
  }

  #readHeader(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length && this.#headerOctets < this.#headerLength()) {
      this.#header[this.#headerOctets] = chunk[at]
      this.#headerOctets++
      at++
    }
    if (this.#headerOctets === this.#headerLength()) this.#beginFrame()
    return at
  }

  #headerLength(): number {
    if (this.#headerOctets < 2) return 2
    if (this.#header[1] === 126) return 4
    return this.#header[1] === 127 ? LONGEST_HEADER : 2
  }

  #beginFrame(): void {
    const [first, second] = this.#header
    if (second > 127) throw new Error('a frame of the server is masked')
    this.#remaining = this.#payloadLength(second)
    this.#headerOctets = 0
    this.#inFrame = true
    if (!this.#isControl()) this.#beginPart(first)
    if (this.#remaining === 0) this.#endFrame()
  }

  #payloadLength(second: number): number {
    if (second < 126) return second
    return second === 126 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2))
  }

  #beginPart(first: number): void {
    const opcode = first & 0x0f
    if ((opcode === OPCODES.continuation) !== (this.#message !== undefined)) throw new Error('frames out of sequence')
    this.#message ??= { opcode, compressed: (first & RSV1) !== 0, octets: 0 }
    this.#message.octets += this.#remaining
  }

  #readPayload(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#remaining)
    const kept = this.#isControl() ? this.#control : this.#first
    kept?.push(Buffer.from(chunk.subarray(from, end)))
    this.#remaining -= end - from
    if (this.#remaining === 0) this.#endFrame()
    return end
  }

  #endFrame(): void {
    this.#inFrame = false
    if (this.#isControl()) this.#endControl()
    else if (this.#header[0] & FIN) this.#endMessage()
  }

  #endControl(): void {
    const payload = Buffer.concat(this.#control)
    this.#control = []
    this.#listener.onControl(this.#header[0] & 0x0f, payload)
  }

  #endMessage(): void {
    if (this.#message === undefined) return
    const { opcode, compressed, octets } = this.#message
    const payload = this.#first === undefined ? undefined : Buffer.concat(this.#first)
    this.#message = undefined
    this.#first = undefined
    this.#listener.onMessage(opcode, compressed, octets, payload)
  }

  #isControl(): boolean {
    return (this.#header[0] & 0x08) !== 0
  }
}
