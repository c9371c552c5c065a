// What one connection sends: frames put together in the worker's outbox, counted, written, and noted in its report.

import { FIN, headerLength, writeHeader } from '../protocol/frame-encoder.js'
import type { Recorder } from '../report/recorder.js'
import type { Transport } from '../transport/transport.js'
import type { Outbox } from './outbox.js'
import type { Traffic } from './traffic.js'

export class Outgoing {
  readonly outbox: Outbox
  /** Messages answered since `begin`. */
  messages = 0
  /** Octets of the slab that a waiting write keeps beside its own; 0 if none waits. */
  #pinned = 0
  readonly #transport: Transport
  readonly #traffic: Traffic
  readonly #recorder: Recorder | undefined

  constructor(outbox: Outbox, transport: Transport, traffic: Traffic, recorder: Recorder | undefined) {
    this.outbox = outbox
    this.#transport = transport
    this.#traffic = traffic
    this.#recorder = recorder
  }

  /** Octets that the peer has not got: in the outbox, or written and waiting. */
  get waiting(): number {
    return this.outbox.size + this.#transport.pending
  }

  /** Octets of memory that hold what is written and waiting. */
  get held(): number {
    const { pending } = this.#transport
    if (pending === 0) this.#pinned = 0
    return pending + this.#pinned
  }

  /** Begins to answer; makes room for `size` octets. */
  begin(size: number): void {
    this.messages = 0
    this.outbox.begin(size)
  }

  /** Makes room for `size` octets more. */
  reserve(size: number): void {
    if (this.outbox.room >= size) return
    this.flush()
    this.outbox.begin(size)
  }

  /**
   * Appends the header of a frame and counts the frame; its payload is to be appended behind it.
   *
   * @param flags FIN and RSV1, or 0
   */
  header(flags: number, opcode: number, length: number): void {
    const { outbox } = this
    outbox.position = writeHeader(outbox.buffer, outbox.position, flags | opcode, length)
    this.#traffic.frameSent(opcode, length)
  }

  /** A whole frame, as opcode and payload, behind what is in the outbox. */
  frame(opcode: number, payload: Buffer): void {
    this.reserve(headerLength(payload.length) + payload.length)
    this.header(FIN, opcode, payload.length)
    this.outbox.append(payload, 0, payload.length)
  }

  /** Octets that are frames already, or are to look so, behind what is in the outbox; `frames` are those to be counted. */
  raw(octets: Buffer, frames: readonly (readonly [opcode: number, payloadLength: number])[]): void {
    this.flush()
    this.#write(octets)
    for (const [opcode, payloadLength] of frames) this.#traffic.frameSent(opcode, payloadLength)
  }

  /** The end of a message has been appended: `size` application octets, before deflating. */
  messageSent(opcode: number, size: number): void {
    this.messages++
    this.#traffic.messageSent(opcode, size)
  }

  /** Writes what is in the outbox. */
  flush(): void {
    const { outbox } = this
    if (outbox.size === 0) return
    if (this.#transport.pending > 0) {
      this.#write(Buffer.from(outbox.take()))
      outbox.release(true)
      return
    }
    const octets = outbox.take()
    const free = this.#write(octets)
    this.#pinned = free ? 0 : outbox.buffer.length - octets.length
    outbox.release(free)
  }

  /** A frame with its header, in a buffer that nobody else will touch, behind what is in the outbox. */
  ownedFrame(frame: Buffer, opcode: number, payloadLength: number): void {
    this.flush()
    this.#write(frame)
    this.#traffic.frameSent(opcode, payloadLength)
  }

  #write(bytes: Buffer): boolean {
    const recorder = this.#recorder
    if (recorder === undefined) return this.#transport.write(bytes)
    recorder.wrote(bytes)
    const free = this.#transport.write(bytes)
    if (this.#transport.pending > 0) recorder.time.unread(true, performance.now())
    return free
  }
}
