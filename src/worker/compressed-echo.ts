// Echo with permessage-deflate: each message is one step of the codec, inline or on a codec thread.
//
// At most one group of messages of a connection is with the codec threads; what comes meanwhile waits for it, so that
// data never overtakes data whichever thread is faster. Only context takeover ties a message to the one before it.

import type { BatchMessage } from '../codec/batch.js'
import type { Codec, GroupResult, MessageGroup } from '../codec/codec.js'
import { CostEstimate } from '../codec/cost-estimate.js'
import { appendToWindow } from '../codec/window.js'
import { ProtocolError } from '../errors.js'
import type { DeflateAgreement } from '../protocol/deflate-negotiation.js'
import { FIN, MAX_HEADER, RSV1 } from '../protocol/frame-encoder.js'
import { TEXT } from '../protocol/opcodes.js'
import { Assembly } from './assembly.js'
import type { Echo, EchoHost } from './echo.js'
import type { MessageBlocks } from './message-blocks.js'

/** A message that was read whole and waits for the codec. */
interface Waiting {
  readonly source: Buffer
  /** Where the message is if it came in pieces; then it is not in `source`. */
  readonly assembly?: Assembly | undefined
  readonly length: number
  readonly opcode: number
  readonly compressed: boolean
  readonly receivedAt: number
}

const NOTHING = Buffer.alloc(0)
/** Shared by all connections of which nothing is with the codec threads, which is most of them. */
const NONE: readonly never[] = []
/** Messages that are submitted together at most. */
const GROUP_MESSAGES = 256
/** Larger buffers for the whole messages of one chunk are not kept. */
const KEPT_INPUT = 1024 * 1024

/** Where a message that is done inline is unmasked: one for the worker, used by one message at a time. */
let input = Buffer.allocUnsafeSlow(64 * 1024)

function inputFor(length: number): Buffer {
  if (input.length < length || input.length > KEPT_INPUT) input = Buffer.allocUnsafeSlow(Math.max(length, 64 * 1024))
  return input
}

export class CompressedEcho implements Echo, MessageGroup {
  readonly midFrame = false
  /** What is with the codec threads now, made of `#sent`. */
  messages: readonly BatchMessage[] = NONE
  readonly estimate = new CostEstimate()
  readonly #host: EchoHost
  readonly #codec: Codec
  readonly #blocks: MessageBlocks
  readonly #agreement: DeflateAgreement
  readonly #inflateWindowSize: number
  readonly #deflateWindowSize: number
  #sent: readonly Waiting[] = NONE
  #waiting: Waiting[] | undefined
  /** The message that is still coming. */
  #assembly: Assembly | undefined
  #inflateWindow: Buffer = NOTHING
  #deflateWindow: Buffer = NOTHING
  /** Octets of messages received whole. */
  queued = 0
  /** Messages of the group that are answered. */
  #answered = 0

  constructor(host: EchoHost, codec: Codec, blocks: MessageBlocks, agreement: DeflateAgreement) {
    this.#host = host
    this.#codec = codec
    this.#blocks = blocks
    this.#agreement = agreement
    this.#inflateWindowSize = windowSize(agreement.clientContextTakeover, agreement.clientWindowBits)
    this.#deflateWindowSize = windowSize(agreement.serverContextTakeover, agreement.serverWindowBits)
  }

  get held(): number {
    return this.queued + (this.#assembly?.held ?? 0)
  }

  get room(): number {
    return this.#host.replyRoom
  }

  get gone(): boolean {
    return !this.#host.open
  }

  get idle(): boolean {
    return this.#sent.length === 0 && this.#waiting === undefined
  }

  takeWhole(): boolean {
    if (this.#assembly === undefined) this.#wholeMessage()
    else this.#assemble()
    return false
  }

  takePiece(): void {
    this.#assemble()
  }

  endOfChunk(): void {
    this.onRoom()
    if (this.idle || !this.#codec.full) return
    this.#host.onCodecFull()
    this.#codec.whenRoom(() => this.#host.onCodecRoom())
  }

  onRoom(): void {
    if (this.#sent.length === 0 && this.room > 0) this.#submit()
  }

  discard(): void {
    for (const { assembly } of [...this.#sent, ...(this.#waiting ?? NONE)]) assembly?.release()
    this.#assembly?.release()
    this.#sent = NONE
    this.messages = NONE
    this.#waiting = undefined
    this.#assembly = undefined
    this.queued = 0
  }

  onMessageDone(message: BatchMessage, result: GroupResult): void {
    const waiting = this.#sent[this.#answered++]
    this.#reply(message, waiting.opcode, result)
  }

  onGroupDone(): void {
    const host = this.#host
    const answered = this.#sent.slice(0, this.#answered)
    const left = this.#sent.slice(this.#answered)
    if (left.length > 0) this.#waiting = [...left, ...(this.#waiting ?? NONE)]
    this.#sent = NONE
    this.messages = NONE
    this.#answered = 0
    for (const { length, assembly } of answered) {
      this.queued -= length
      assembly?.release()
    }
    host.out.flush()
    const now = performance.now()
    for (const { receivedAt } of answered) host.echoed((now - receivedAt) / 1000)
    this.onRoom()
    host.onEchoProgress()
  }

  onGroupFailed(error: unknown): void {
    this.#host.onInternalError(error)
  }

  /** A message that lies in one frame in one chunk: unmasked where it is used. */
  #wholeMessage(): void {
    const { decoder } = this.#host
    const { payloadLength: length, messageOpcode: opcode, compressed } = decoder
    if (this.#isInline(length, compressed)) {
      const source = inputFor(length)
      if (decoder.readPayload(source, 0) && !this.#answer(source, length, opcode, compressed))
        this.#wait(Buffer.from(source.subarray(0, length)), length, opcode, compressed)
      return
    }
    const source = Buffer.allocUnsafe(length)
    if (decoder.readPayload(source, 0)) this.#wait(source, length, opcode, compressed)
  }

  #assemble(): void {
    const { decoder } = this.#host
    const { messageOpcode: opcode, compressed } = decoder
    this.#assembly ??= new Assembly(this.#blocks)
    const assembly = this.#assembly
    if (!assembly.read(decoder)) return this.#dropAssembly()
    if (decoder.remaining > 0 || !decoder.fin) return
    const { length, pieces } = assembly
    if (this.#isInline(length, compressed)) {
      const source = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
      if (this.#answer(source, length, opcode, compressed)) return this.#dropAssembly()
    }
    this.#assembly = undefined
    this.#wait(NOTHING, length, opcode, compressed, assembly)
  }

  #dropAssembly(): void {
    this.#assembly?.release()
    this.#assembly = undefined
  }

  /** Inline is for a connection with nothing under way: order comes first. */
  #isInline(length: number, compressed: boolean): boolean {
    return this.idle && this.#codec.prefersInline(this.estimate, length, compressed)
  }

  /** False if the message turned out to be a thread's work. */
  #answer(source: Buffer, length: number, opcode: number, compressed: boolean): boolean {
    const message = this.#describe({ source, length, opcode, compressed, receivedAt: 0 })
    const started = performance.now()
    const result = this.#codec.tryInline(message, this.estimate)
    this.#host.charge(performance.now() - started)
    if (result === undefined) return false
    this.#reply(message, opcode, result)
    return true
  }

  #wait(source: Buffer, length: number, opcode: number, compressed: boolean, assembly?: Assembly): void {
    this.queued += length
    this.#waiting ??= []
    this.#waiting.push({ source, length, opcode, compressed, assembly, receivedAt: performance.now() })
  }

  /** With context takeover a message needs the windows that the one before it leaves, so they go one by one. */
  #submit(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const takesOver = this.#inflateWindowSize > 0 || this.#deflateWindowSize > 0
    this.#sent = waiting.splice(0, takesOver ? 1 : GROUP_MESSAGES)
    if (waiting.length === 0) this.#waiting = undefined
    this.messages = this.#sent.map(message => this.#describe(message))
    this.#codec.submit(this)
  }

  #describe({ source, length, opcode, compressed, assembly }: Waiting): BatchMessage {
    return {
      source,
      pieces: assembly?.pieces,
      offset: 0,
      length,
      compressed,
      text: opcode === TEXT,
      refersBack: this.#agreement.clientContextTakeover,
      windowBits: this.#agreement.serverWindowBits,
      inflateWindow: this.#inflateWindow,
      deflateWindow: this.#deflateWindow,
      plainEndLength: Math.max(this.#inflateWindowSize, this.#deflateWindowSize),
    }
  }

  #reply(message: BatchMessage, opcode: number, result: GroupResult): void {
    const host = this.#host
    if (result.violation !== undefined) {
      host.failNow(new ProtocolError(result.violation))
      return this.discard()
    }
    if (message.plainEndLength > 0) this.#keepWindows(message, result)
    const { out } = host
    const { payload, payloadOffset, payloadLength, plainLength } = result
    host.messageReceived(opcode, plainLength)
    out.reserve(payloadLength + MAX_HEADER)
    out.header(result.deflated ? FIN | RSV1 : FIN, opcode, payloadLength)
    out.outbox.append(payload, payloadOffset, payloadOffset + payloadLength)
    out.messageSent(opcode, plainLength)
  }

  /** Text counts for a window only where it went compressed (RFC 7692 section 7.1.1). */
  #keepWindows({ compressed }: BatchMessage, result: GroupResult): void {
    const { plain, plainOffset, plainLength, deflated } = result
    const end = result.plainEnd ?? plain.subarray(plainOffset, plainOffset + plainLength)
    if (compressed) this.#inflateWindow = appendToWindow(this.#inflateWindow, end, this.#inflateWindowSize)
    if (deflated) this.#deflateWindow = appendToWindow(this.#deflateWindow, end, this.#deflateWindowSize)
  }
}

/** Octets of plain text that a direction's window reaches back; 0 when it ends with each message. */
function windowSize(contextTakeover: boolean, windowBits: number): number {
  return contextTakeover ? 2 ** windowBits : 0
}
