// One WebSocket connection: takes chunks from its transport, frame by frame to its echo, and the echoes back. What else
// there is to a connection has a file of its own: closing-handshake, flow-control, deadlines, turns, outgoing.

import type { Codec } from '../codec/codec.js'
import { ProtocolError } from '../errors.js'
import { type DecoderRules, FrameDecoder } from '../protocol/frame-decoder.js'
import { closePayload, FIN } from '../protocol/frame-encoder.js'
import { CLOSE, isControl, PING, PONG } from '../protocol/opcodes.js'
import type { Recorder } from '../report/recorder.js'
import type { Settings } from '../settings.js'
import type { Transport, TransportHandler } from '../transport/transport.js'
import { ClosingHandshake, type ClosingPort, ENDING, type Initiator, OPEN } from './closing-handshake.js'
import type { ConnectionTerms } from './connection-terms.js'
import { createEcho } from './create-echo.js'
import { Deadlines, END_OVERDUE, PING_DUE, SILENT, SLOW_READER, type Watched } from './deadlines.js'
import type { Echo, EchoHost } from './echo.js'
import { CLOSE_WAITS, CODEC_FULL, FlowControl, HIGH_WATER, MEMORY, NEXT_TURN, type Reader } from './flow-control.js'
import type { Holder, MemoryBudget } from './memory-budget.js'
import type { MessageBlocks } from './message-blocks.js'
import type { Outbox } from './outbox.js'
import { Outgoing } from './outgoing.js'
import { type Pauses, pausePlace } from './pauses.js'
import type { PingTimes } from './ping-times.js'
import { ECHO_OVERHEAD } from './plain-echo.js'
import type { Traffic } from './traffic.js'
import type { Share, Turns, TurnTaker } from './turns.js'

/** What all connections of a worker share. */
export interface ConnectionContext {
  readonly settings: Settings
  readonly traffic: Traffic
  readonly outbox: Outbox
  readonly codec: Codec
  readonly blocks: MessageBlocks
  readonly turns: Turns
  readonly share: Share
  readonly budget: MemoryBudget
  readonly pauses: Pauses
  readonly pings: PingTimes
  readonly plainRules: DecoderRules
  readonly compressedRules: DecoderRules
  onGone(connection: Connection): void
  onInternalError(error: unknown): void
  onProtocolError(connection: Connection, error: ProtocolError): void
  /** A connection was closed since the memory budget is used up. */
  onClosedForMemory(): void
}

/** Rules that all connections with, or all without, compression share. */
export function decoderRules({ maxMessage, maxFragments }: Settings, compression: boolean): DecoderRules {
  return { maxMessage, maxFragments, compression }
}

/** A control frame with its header, held back from an earlier chunk. */
const CONTROL_OVERHEAD = 127
const CHUNK_OVERHEAD = ECHO_OVERHEAD + CONTROL_OVERHEAD

/** Why this end dropped a connection, for its report. */
const DROP_REASONS = {
  [SILENT]: 'the client sent nothing until ping-timeout',
  [SLOW_READER]: 'the client read next to nothing until slow-reader-timeout',
  [END_OVERDUE]: 'the client did not end the connection until handshake-timeout',
} as const

export class Connection implements TransportHandler, EchoHost, ClosingPort, Reader, Watched, TurnTaker, Holder {
  readonly id: number
  readonly decoder: FrameDecoder
  readonly out: Outgoing
  /** Writes the connection's report; undefined when reports are off. */
  readonly recorder: Recorder | undefined
  /** This end has dropped the connection without ceremony. */
  dropped = false

  readonly #context: ConnectionContext
  readonly #transport: Transport
  readonly #traffic: Traffic
  readonly #echo: Echo
  readonly #closing: ClosingHandshake
  readonly #flow: FlowControl
  readonly #deadlines: Deadlines
  readonly #compressed: boolean
  /** Monotonic milliseconds. */
  readonly #openedAt = performance.now()
  /** What a turn left of a chunk, from `#restAt` on, and when that chunk was read. */
  #rest: Buffer | undefined
  #restAt = 0
  #restReadAt = 0
  /** Octets held, as the budget knows them. */
  #accounted = 0
  /** Nothing that is held from now on counts: what was held is let go of. */
  #letsGo = false

  constructor(
    context: ConnectionContext,
    terms: Pick<ConnectionTerms, 'id' | 'deflate' | 'controls'>,
    transport: Transport,
    recorder?: Recorder,
  ) {
    this.#context = context
    this.#transport = transport
    this.id = terms.id
    this.recorder = recorder
    this.#traffic = recorder === undefined ? context.traffic : context.traffic.alsoFor(recorder.tally)
    this.#compressed = terms.deflate !== undefined
    this.decoder = new FrameDecoder(this.#compressed ? context.compressedRules : context.plainRules)
    this.out = new Outgoing(context.outbox, transport, this.#traffic, recorder)
    this.#closing = new ClosingHandshake(this)
    this.#flow = new FlowControl(context.settings, this)
    this.#deadlines = new Deadlines(context.settings)
    this.#echo = createEcho(terms, this, context.codec, context.blocks)
  }

  /** Takes the transport over. `behind` is what the peer sent right behind its handshake. */
  start(behind: Buffer): void {
    this.#transport.handler = this
    this.#transport.resume()
    if (behind.length > 0) this.onChunk(behind, behind.length)
    this.#account()
  }

  /** Address and port; costs a system call. */
  get peer(): string {
    return this.#transport.peer
  }

  /** Whether it is a stream of an HTTP/2 session. */
  get carriedByStream(): boolean {
    const { kind } = this.#transport
    return kind === 'h2c' || kind === 'h2'
  }

  /** Who closed, the code, and the seconds that it lasted. */
  get ending(): { readonly initiator: Initiator; readonly code: number; readonly seconds: number } {
    const { initiator, code } = this.#closing
    return { initiator, code, seconds: (performance.now() - this.#openedAt) / 1000 }
  }

  /** Octets of memory that are held for this connection. */
  get held(): number {
    return this.#echo.held + this.out.held + (this.#rest?.length ?? 0) + this.#transport.unread
  }

  onChunk(chunk: Buffer, length: number): void {
    this.#deadlines.heard()
    const now = performance.now()
    this.recorder?.read(chunk, length, now)
    if (!this.#closing.ignoresInput) this.#work(chunk, 0, length, now, now)
  }

  onProgress(): void {
    try {
      this.#flow.onProgress(this.#outstanding)
      this.#echo.onRoom()
      this.#account()
      this.#noteProgress()
    } catch (error) {
      this.onInternalError(error)
    }
  }

  onUnread(): void {
    this.#account()
  }

  onEnd(): void {
    this.recorder?.ended('client')
    try {
      this.#closing.onPeerEnd()
    } catch (error) {
      this.onInternalError(error)
    }
  }

  onClosed(): void {
    this.#letGo()
    this.#flow.gone()
    this.#context.pings.forget(this)
    this.recorder?.closed()
    const { initiator, code, seconds } = this.ending
    this.#traffic.connectionClosed(initiator, code, seconds)
    this.#context.onGone(this)
  }

  /** Goes on with the rest of a chunk, unless something else holds the connection meanwhile. */
  takeTurn(): void {
    const rest = this.#rest
    if (rest === undefined || !this.#flow.hasOnly(NEXT_TURN)) return
    this.#rest = undefined
    this.#work(rest, this.#restAt, rest.length, this.#restReadAt, performance.now())
  }

  /** Starts the closing handshake: 1001 at shutdown, 1012 at a restart. What has begun to come still comes, and is echoed. */
  goAway(code: number, reason = ''): void {
    try {
      this.#closing.goAway(code, reason)
      this.#holdBehindMessage()
    } catch (error) {
      this.onInternalError(error)
    }
  }

  /** As `goAway`, without waiting for anything. False where the connection can only be dropped, and is not yet. */
  goAwayNow(code: number, reason = ''): boolean {
    try {
      return !this.#echo.midFrame && this.#closing.goAwayNow(code, reason)
    } catch (error) {
      this.onInternalError(error)
      return true
    }
  }

  /** Sends FIN without a Close. */
  endNow(): void {
    this.#closing.endNow()
  }

  /** Resets TCP; `reason` is for the report. */
  reset(reason: string): void {
    this.#drop(reason)
    this.#transport.reset()
  }

  /** Sends a message or a ping of the server's own. False where no frame, or for a message no message, may begin now. */
  say(opcode: number, payload: Buffer): boolean {
    if (!this.open || this.#echo.midFrame || (!isControl(opcode) && this.decoder.inMessage)) return false
    this.out.frame(opcode, payload)
    if (!isControl(opcode)) this.out.messageSent(opcode, payload.length)
    this.out.flush()
    return true
  }

  /** Who closed, as far as that is known. */
  get closedBy(): Initiator {
    return this.#closing.initiator
  }

  /** Drops the connection without ceremony; `reason` is for its report. */
  destroy(reason: string): void {
    this.#drop(reason)
    this.#transport.destroy()
  }

  #drop(reason: string): void {
    this.#closing.onDropped()
    this.dropped = true
    this.recorder?.dropped(reason)
  }

  /** Looks after deadlines; `now` is in whole monotonic milliseconds. */
  sweep(now: number): void {
    const due = this.#deadlines.sweep(now, this)
    if (due === PING_DUE) this.#ping()
    else if (due === SLOW_READER || due === SILENT || due === END_OVERDUE) {
      if (due === SLOW_READER) this.#traffic.slowReaderClosed()
      this.destroy(DROP_REASONS[due])
    }
  }

  // What the deadlines go by.

  get pending(): number {
    return this.#transport.pending
  }

  get octetsSent(): number {
    return this.#transport.octetsSent
  }

  get reading(): boolean {
    return !this.#flow.paused && !this.#closing.ignoresInput
  }

  get owesEnd(): boolean {
    return this.#closing.state !== OPEN
  }

  get canPing(): boolean {
    return this.#closing.state === OPEN && !this.#echo.midFrame
  }

  // What the memory budget asks for.

  pauseForMemory(): void {
    this.#flow.hold(MEMORY)
    this.#traffic.pausedForMemory()
  }

  resumeAfterMemory(): void {
    this.#flow.release(MEMORY)
  }

  /** A Close would have to wait behind what the peer does not read, and could not stand inside of a frame. */
  closeForMemory(): void {
    this.#traffic.closedForMemory()
    this.#context.onClosedForMemory()
    const canClose = this.pending === 0 && !this.midFrame
    this.#letGo()
    this.#closing.ignoresInput = true
    if (canClose) this.#closing.failNow(TRY_AGAIN_LATER, OUT_OF_MEMORY)
    else {
      this.#closing.onDropped(TRY_AGAIN_LATER)
      this.destroy(OUT_OF_MEMORY)
    }
  }

  /** Tells the budget what is held. */
  #account(): void {
    const { held } = this
    if (held === this.#accounted || this.#letsGo) return
    const before = this.#accounted
    this.#accounted = held
    this.#context.budget.change(this, before, held)
  }

  #letGo(): void {
    this.#rest = undefined
    this.#echo.discard()
    this.#letsGo = true
    const before = this.#accounted
    this.#accounted = 0
    this.#context.budget.forget(this, before)
  }

  // What the closing handshake asks for.

  get echoIdle(): boolean {
    return this.#echo.idle
  }

  get midFrame(): boolean {
    return this.#echo.midFrame
  }

  get inMessage(): boolean {
    return this.decoder.inMessage
  }

  sendClose(code: number, reason: string): void {
    this.#flow.release(CLOSE_WAITS)
    if (!this.#transport.writable) return
    this.recorder?.closeSent(code, reason)
    this.out.frame(CLOSE, closePayload(code, reason))
    this.out.flush()
  }

  endSending(): void {
    this.out.flush()
    this.recorder?.ended('server')
    this.#transport.end()
    // What still comes must be read for the peer's FIN to be seen.
    this.#rest = undefined
    this.#flow.releaseAll()
  }

  // What the flow control asks for.

  stopReading(): void {
    this.#transport.pause()
  }

  startReading(): void {
    this.#transport.resume()
  }

  queueTurn(): void {
    this.#context.turns.add(this)
  }

  reasonsChanged(before: number, after: number): void {
    this.#context.pauses.change(before, after)
    this.recorder?.time.paused(pausePlace(after), performance.now())
  }

  // What the echo asks for.

  get open(): boolean {
    return this.#closing.state === OPEN && this.#transport.writable
  }

  get replyRoom(): number {
    return this.#context.settings.highWaterMark - this.out.waiting
  }

  messageReceived(opcode: number, size: number): void {
    this.#traffic.messageReceived(opcode, size)
  }

  charge(milliseconds: number): void {
    this.#context.share.charge(milliseconds)
  }

  onEchoProgress(): void {
    this.onProgress()
    this.#closing.proceed()
  }

  onCodecFull(): void {
    this.#flow.hold(CODEC_FULL)
  }

  onCodecRoom(): void {
    this.#flow.release(CODEC_FULL)
  }

  echoed(duration: number): void {
    this.#traffic.echoed(this.#compressed, duration, 1)
    this.recorder?.time.echoed(duration * 1000, performance.now())
  }

  failNow(error: ProtocolError): void {
    this.#countError(error)
    this.#closing.failNow(error.closeCode, error.message)
  }

  /** Something is wrong here, not with the peer: this connection ends, and no other notices. */
  onInternalError(error: unknown): void {
    this.#context.onInternalError(error)
    this.out.outbox.drop()
    try {
      this.failNow(new ProtocolError('ECHOBAHN_INTERNAL'))
    } catch (another) {
      this.#context.onInternalError(another)
      this.out.outbox.drop()
      return this.destroy('the server failed, and could not say so')
    }
    // A Close inside of a frame would be read as its payload.
    if (this.#echo.midFrame) this.destroy('the server failed in the middle of a frame')
  }

  /** Octets that back-pressure goes by: those of a message that is still coming cannot shrink by waiting. */
  get #outstanding(): number {
    return this.#echo.queued + this.out.waiting
  }

  /**
   * Whether the server has something to do for the connection that does not wait for the peer: a rest whose turn will
   * come, or messages whose echoes the peer has room for.
   */
  get #owes(): boolean {
    return this.#flow.hasOnly(NEXT_TURN) || (!this.#echo.idle && this.replyRoom > 0)
  }

  /** Something was done, or taken by the peer, outside of a chunk. */
  #noteProgress(): void {
    if (this.recorder === undefined) return
    const now = performance.now()
    this.recorder.time.owes(this.#owes, now)
    this.recorder.time.unread(this.pending > 0, now)
  }

  /**
   * Works on the octets `start`…`end` of `chunk`, as far as this turn's share and the peer's reading allow.
   *
   * @param readAt when they were read, and `begunAt` when this turn began; monotonic milliseconds
   */
  #work(chunk: Buffer, start: number, end: number, readAt: number, begunAt: number): void {
    try {
      this.#takeFrames(chunk, start, end)
      const now = performance.now()
      const { messages } = this.out
      if (messages > 0) {
        this.#traffic.echoed(this.#compressed, (now - readAt) / 1000, messages)
        this.recorder?.time.echoed(now - readAt, now)
      }
      const at = this.decoder.position
      if (at < end && !this.#closing.ignoresInput) this.#keepRest(chunk, at, end, readAt)
      if (this.open && this.#isAboveHighWater) this.#flow.hold(HIGH_WATER)
      this.#holdBehindMessage()
      if (this.#rest === undefined) this.#flow.release(NEXT_TURN)
      else if (this.#flow.hasOnly(NEXT_TURN)) this.queueTurn()
      this.#account()
      this.recorder?.time.worked(begunAt, now, this.#owes)
    } catch (error) {
      this.onInternalError(error)
    }
  }

  #takeFrames(chunk: Buffer, start: number, end: number): void {
    const { decoder, out } = this
    const { share } = this.#context
    share.begin()
    out.begin(end - start + CHUNK_OVERHEAD)
    decoder.feed(chunk, start, end)
    while (decoder.next()) {
      this.#takePiece()
      if (this.#closing.waits) this.onEchoProgress()
      if (this.#closing.ignoresInput || (decoder.remaining === 0 && this.#mustStop())) break
    }
    if (decoder.error !== undefined) this.#fail(decoder.error)
    this.#echo.endOfChunk()
    out.flush()
  }

  /** Whether what is behind the frame at hand has to wait. */
  #mustStop(): boolean {
    if (--this.#context.share.left <= 0 || this.#isAboveHighWater) return true
    return this.#closing.waitsToLeave && !this.decoder.inMessage
  }

  get #isAboveHighWater(): boolean {
    return this.#flow.isAbove(this.#outstanding, this.decoder.inMessage)
  }

  /** A chunk is only lent, so what is left of it is copied; but once only, not in each turn. */
  #keepRest(chunk: Buffer, start: number, end: number, readAt: number): void {
    if (this.#context.share.left <= 0) this.#traffic.turnCut()
    const isCopy = this.#flow.has(NEXT_TURN)
    this.#rest = isCopy ? chunk : Buffer.from(chunk.subarray(start, end))
    this.#restAt = isCopy ? start : 0
    this.#restReadAt = readAt
    this.#flow.hold(NEXT_TURN)
  }

  /** Echoes are never done while messages keep coming, so with a Close of ours waiting they are left unread. */
  #holdBehindMessage(): void {
    if (this.#closing.waitsToLeave && !this.decoder.inMessage) this.#flow.hold(CLOSE_WAITS)
  }

  #takePiece(): void {
    const { decoder } = this
    const { opcode, available } = decoder
    if (isControl(opcode)) return this.#takeControl()
    if (this.#closing.state !== OPEN) decoder.skipPayload()
    else if (!decoder.isWholeMessage) this.#echo.takePiece()
    else if (this.#echo.takeWhole()) return this.#traffic.wholeEcho(opcode, available)
    this.#traffic.payloadReceived(opcode, available)
    if (decoder.remaining === 0) this.#traffic.frameReceived(opcode)
  }

  #takeControl(): void {
    const { decoder, out } = this
    const { opcode, payloadLength } = decoder
    out.reserve(CHUNK_OVERHEAD)
    const { outbox } = out
    // A pong has the ping's payload, so it is read to where that goes; what is not answered is overwritten.
    const payload = outbox.position + 2
    const legal = decoder.readPayload(outbox.buffer, payload)
    this.#traffic.payloadReceived(opcode, payloadLength)
    this.#traffic.frameReceived(opcode)
    if (!legal) return
    if (opcode === CLOSE) this.#onClose()
    else if (
      opcode === PING &&
      this.#closing.state === OPEN &&
      this.answersPing(outbox.buffer, payload, payloadLength)
    ) {
      out.header(FIN, PONG, payloadLength)
      outbox.position = payload + payloadLength
    } else if (opcode === PONG) this.#onPong()
  }

  /** Our pings are empty; a pong that is not was unasked for (RFC 6455 section 5.5.3). */
  #onPong(): void {
    if (this.decoder.payloadLength > 0) return
    const roundTrip = this.#context.pings.answered(this)
    if (roundTrip === undefined) return
    this.#traffic.pingAnswered(roundTrip)
    this.recorder?.time.pingAnswered(roundTrip * 1000)
  }

  /** Whether a pong is to follow at once; the ping's payload, `length` octets from `start`, is only lent. */
  protected answersPing(_source: Buffer, _start: number, _length: number): boolean {
    return true
  }

  #onClose(): void {
    const { closeCode, closeReason } = this.decoder
    this.recorder?.closeReceived(closeCode, closeReason)
    this.#closing.onPeerClose(closeCode, closeReason)
  }

  #fail(error: ProtocolError): void {
    this.#countError(error)
    this.#closing.fail(error.closeCode, error.message)
  }

  #countError(error: ProtocolError): void {
    if (this.#closing.state === ENDING) return
    this.#traffic.protocolError(error.code)
    this.#context.onProtocolError(this, error)
    this.recorder?.failed(error.code)
  }

  #ping(): void {
    try {
      this.#context.pings.sent(this)
      this.out.frame(PING, NOTHING)
      this.out.flush()
    } catch (error) {
      this.onInternalError(error)
    }
  }
}

const NOTHING = Buffer.alloc(0)

/** Close code 1013 of IANA's registry: the server is overloaded. */
const TRY_AGAIN_LATER = 1013
const OUT_OF_MEMORY = 'the server is short of memory, and this connection holds most of it'
