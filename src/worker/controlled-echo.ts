// The echo of a connection with controls: takes whole messages, has them altered, and sends what is due when it is due.
//
// A compressed message goes through the codec as any does, which inflates and deflates in one step; what controls change
// is sent without compression, or with compress=always in stored blocks, so that no deflating is done here.

import type { BatchMessage } from '../codec/batch.js'
import type { Codec, GroupResult, MessageGroup } from '../codec/codec.js'
import { CostEstimate } from '../codec/cost-estimate.js'
import type { ActiveControls } from '../controls/active.js'
import type { Message } from '../controls/alter.js'
import { Replies, type Reply } from '../controls/replies.js'
import { storedBlocks } from '../controls/stored-blocks.js'
import { ProtocolError } from '../errors.js'
import type { DeflateAgreement } from '../protocol/deflate-negotiation.js'
import { FIN, MAX_HEADER, RSV1 } from '../protocol/frame-encoder.js'
import { CONTINUATION, TEXT } from '../protocol/opcodes.js'
import type { Echo, EchoHost } from './echo.js'

/** A message that was read whole and waits for the codec. */
interface Waiting {
  readonly source: Buffer
  readonly length: number
  readonly opcode: number
  readonly compressed: boolean
}

/** A message that is going out in frames. */
interface Going {
  readonly reply: Reply
  readonly message: Message
  /** What goes into the frames, and whether that is deflate data. */
  readonly payload: Buffer
  readonly deflated: boolean
  /** Octets of it that are out. */
  sent: number
}

const NOTHING = Buffer.alloc(0)
const FIRST_ASSEMBLY = 16 * 1024
/** Frames of one turn. */
const MOST_FRAMES = 256
/** Milliseconds until further ones. */
const NEXT_FRAMES = 1
/** More than any message has: of what is inflated on a codec thread all is wanted back. */
const ALL_OF_IT = 2 ** 31 - 1

export class ControlledEcho implements Echo, MessageGroup {
  readonly midFrame = false
  readonly estimate = new CostEstimate()
  /** The message that is with the codec threads. */
  messages: readonly BatchMessage[] = []
  readonly #host: EchoHost
  readonly #codec: Codec
  readonly #agreement: DeflateAgreement | undefined
  readonly #controls: ActiveControls
  readonly #replies: Replies
  readonly #waiting: Waiting[] = []
  #waitingOctets = 0
  #assembly: Buffer = NOTHING
  #assembled = 0
  #going: Going | undefined
  /** Takes the next look at the replies back. */
  #cancelWake: (() => void) | undefined
  /** A chunk is being worked on, so that its end will flush and count. */
  #inChunk = false
  #pumping = false

  constructor(host: EchoHost, codec: Codec, agreement: DeflateAgreement | undefined, controls: ActiveControls) {
    this.#host = host
    this.#codec = codec
    this.#agreement = agreement
    this.#controls = controls
    const { values, dice, book } = controls
    this.#replies = new Replies(values, dice, book, () => controls.describe())
    controls.outbox = this
  }

  get held(): number {
    return this.queued + this.#assembled
  }

  get queued(): number {
    const { payload, sent } = this.#going ?? { payload: NOTHING, sent: 0 }
    return this.#waitingOctets + this.#replies.held + payload.length - sent
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#replies.empty && this.#going === undefined
  }

  get room(): number {
    return this.#host.replyRoom
  }

  get gone(): boolean {
    return !this.#host.open
  }

  takeWhole(): boolean {
    this.#assemble()
    return false
  }

  takePiece(): void {
    this.#assemble()
  }

  endOfChunk(): void {
    this.#inChunk = false
    if (this.#waiting.length === 0 || !this.#codec.full) return
    this.#host.onCodecFull()
    this.#codec.whenRoom(() => this.#host.onCodecRoom())
  }

  onRoom(): void {
    if (!this.#pumping) this.#pump()
  }

  discard(): void {
    this.messages = []
    this.#waiting.length = 0
    this.#waitingOctets = 0
    this.#assembly = NOTHING
    this.#assembled = 0
    this.#going = undefined
    this.#replies.clear()
  }

  // What controls put in.

  push(): void {
    if (this.#host.replyRoom <= 0) return
    this.#replies.push(this.#controls.schedule.now)
    this.#pump()
  }

  send(message: Message): void {
    this.#replies.ownMessage(message, this.#controls.schedule.now)
    this.#pump()
  }

  // What the codec says.

  onMessageDone(message: BatchMessage, result: GroupResult): void {
    const { opcode, length } = this.#waiting.shift() as Waiting
    this.#waitingOctets -= length
    this.messages = []
    this.#received(message, opcode, result)
  }

  onGroupDone(): void {
    this.#submit()
    this.#host.onEchoProgress()
  }

  onGroupFailed(error: unknown): void {
    this.#host.onInternalError(error)
  }

  #assemble(): void {
    const { decoder } = this.#host
    this.#inChunk = true
    const { available, messageOpcode: opcode, compressed } = decoder
    this.#makeRoom(this.#assembled + available)
    if (!decoder.readPayload(this.#assembly, this.#assembled)) return
    this.#assembled += available
    if (decoder.remaining > 0 || !decoder.fin) return
    const length = this.#assembled
    const source = this.#assembly.subarray(0, length)
    this.#assembly = NOTHING
    this.#assembled = 0
    if (this.#agreement === undefined) this.#answer({ opcode, payload: source, deflated: undefined })
    else this.#transcode({ source, length, opcode, compressed })
  }

  #makeRoom(length: number): void {
    if (this.#assembly.length >= length) return
    const { payloadLength, fin } = this.#host.decoder
    const first = fin ? Math.min(payloadLength, FIRST_ASSEMBLY) : 1024
    const larger = Buffer.allocUnsafe(Math.max(length, this.#assembled === 0 ? first : this.#assembly.length * 2))
    this.#assembly.copy(larger, 0, 0, this.#assembled)
    this.#assembly = larger
  }

  /** Inline where that is quicker and nothing is under way: order comes first. */
  #transcode(waiting: Waiting): void {
    const { opcode, length, compressed } = waiting
    if (this.#waiting.length === 0 && this.#codec.prefersInline(this.estimate, length, compressed)) {
      const message = this.#describe(waiting)
      const started = performance.now()
      const result = this.#codec.tryInline(message, this.estimate)
      this.#host.charge(performance.now() - started)
      if (result !== undefined) return this.#received(message, opcode, result)
    }
    this.#waiting.push(waiting)
    this.#waitingOctets += length
    this.#submit()
  }

  #submit(): void {
    if (this.#waiting.length === 0 || this.messages.length > 0) return
    this.messages = [this.#describe(this.#waiting[0])]
    this.#codec.submit(this)
  }

  /** Controlled connections have no context takeover (see opening-controls), so there are no windows. */
  #describe({ source, length, opcode, compressed }: Waiting): BatchMessage {
    return {
      source,
      offset: 0,
      length,
      compressed,
      text: opcode === TEXT,
      refersBack: false,
      windowBits: this.#agreement?.serverWindowBits ?? 15,
      inflateWindow: NOTHING,
      deflateWindow: NOTHING,
      plainEndLength: ALL_OF_IT,
    }
  }

  /** The codec only lends what it gives. */
  #received({ source, compressed }: BatchMessage, opcode: number, result: GroupResult): void {
    if (result.violation !== undefined) {
      this.#host.failNow(new ProtocolError(result.violation))
      return this.discard()
    }
    const { plain, plainOffset, plainLength, payload, payloadOffset, payloadLength } = result
    const inflated = result.plainEnd ?? plain.subarray(plainOffset, plainOffset + plainLength)
    const deflated = result.deflated && Buffer.from(payload.subarray(payloadOffset, payloadOffset + payloadLength))
    this.#answer({ opcode, payload: compressed ? Buffer.from(inflated) : source, deflated: deflated || undefined })
  }

  #answer(message: Message): void {
    const { opcode, payload } = message
    const { schedule, plans } = this.#controls
    const { now } = schedule
    this.#host.messageReceived(opcode, payload.length)
    this.#replies.receive(message, now)
    this.#host.charge(schedule.now - now)
    for (const plan of plans.messageReceived(payload.length)) {
      // What is behind this message in the chunk stays unread at once; the others wait for what answers it.
      if (plan === 'stall') this.#controls.carryOut(plan)
      else this.#replies.planned(plan, now)
    }
    this.#pump()
  }

  /** Sends what is due, as far as there is room, and sees to it that somebody comes back for the rest. */
  #pump(): void {
    const host = this.#host
    const { schedule } = this.#controls
    const { now } = schedule
    this.#cancelWake?.()
    let frames = 0
    while (host.open && frames < MOST_FRAMES && this.#begin(now)) {
      if (host.replyRoom <= 0) break
      frames++
      this.#sendFrame(this.#going as Going, now)
    }
    if (!host.open) return this.#replies.clear()
    if (frames > 0 && !this.#inChunk) this.#onSent()
    if (this.#going === undefined) this.#wakeAt(this.#replies.wakeAt)
    else if (host.replyRoom > 0) this.#wakeAt(now + NEXT_FRAMES)
  }

  /** What is told of progress asks for more at once, and is to wait for its turn. */
  #onSent(): void {
    this.#pumping = true
    this.#host.out.flush()
    this.#host.onEchoProgress()
    this.#pumping = false
  }

  #wakeAt(at: number | undefined): void {
    this.#cancelWake = at === undefined ? undefined : this.#controls.schedule.at(at, () => this.#pump())
  }

  /** Whether a message is going out: one that has begun, or the next that is due. Plans before it are carried out. */
  #begin(now: number): boolean {
    while (this.#going === undefined) {
      const reply = this.#replies.next(now)
      if (reply === undefined) return false
      if (reply.plan !== undefined) {
        this.#controls.carryOut(reply.plan)
        if (!this.#host.open) return false
      } else if (reply.message !== undefined) this.#going = this.#goingOf(reply, reply.message)
    }
    return true
  }

  #goingOf(reply: Reply, message: Message): Going {
    const { compress } = this.#controls.values
    const { payload, deflated } = message
    if (this.#agreement !== undefined && compress !== undefined) this.#controls.book.did('compress', compress)
    if (this.#agreement === undefined || compress === 'never')
      return { reply, message, payload, deflated: false, sent: 0 }
    if (deflated !== undefined) return { reply, message, payload: deflated, deflated: true, sent: 0 }
    if (compress === 'always') return { reply, message, payload: storedBlocks(payload), deflated: true, sent: 0 }
    return { reply, message, payload, deflated: false, sent: 0 }
  }

  #sendFrame(going: Going, now: number): void {
    const { out } = this.#host
    const { payload, deflated, message, sent } = going
    const { fragment = Number.POSITIVE_INFINITY } = this.#controls.values
    const length = Math.min(fragment, payload.length - sent)
    const isFirst = sent === 0
    const isLast = sent + length === payload.length
    const flags = (isLast ? FIN : 0) | (isFirst && deflated ? RSV1 : 0)
    out.reserve(length + MAX_HEADER)
    out.header(flags, isFirst ? message.opcode : CONTINUATION, length)
    out.outbox.append(payload, sent, sent + length)
    going.sent += length
    if (!isLast) return
    if (payload.length > fragment) this.#controls.book.did('fragment', `a message of ${payload.length} octets`)
    this.#going = undefined
    out.messageSent(message.opcode, message.payload.length)
    const { receivedAt } = going.reply
    // Within a chunk the connection counts what it took.
    if (!this.#inChunk && receivedAt !== undefined) this.#host.echoed((now - receivedAt) / 1000)
  }
}
