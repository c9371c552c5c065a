// One WebSocket connection: chunks in, echoes out, the closing handshake, back-pressure and deadlines.

import type { Codec } from '../codec/codec.js'
import { ProtocolError } from '../errors.js'
import type { DeflateAgreement } from '../protocol/deflate-negotiation.js'
import { type DecoderRules, FrameDecoder } from '../protocol/frame-decoder.js'
import { closeFrame, FIN, writeHeader } from '../protocol/frame-encoder.js'
import { CLOSE, isControl, PING, PONG } from '../protocol/opcodes.js'
import type { Recorder } from '../report/recorder.js'
import type { Settings } from '../settings.js'
import { CompressedEcho } from './compressed-echo.js'
import type { Echo, EchoHost } from './echo.js'
import type { Outbox } from './outbox.js'
import { ECHO_OVERHEAD, PlainEcho } from './plain-echo.js'
import type { Initiator, Traffic } from './traffic.js'
import type { Transport, TransportHandler } from './transport.js'

/** What all connections of a worker share. */
export interface ConnectionContext {
  readonly settings: Settings
  readonly traffic: Traffic
  readonly outbox: Outbox
  readonly codec: Codec
  readonly plainRules: DecoderRules
  readonly compressedRules: DecoderRules
  /** A connection's socket is gone. */
  onGone(connection: Connection): void
  onInternalError(error: unknown): void
}

/** Rules that all connections with, or all without, compression share. */
export function decoderRules({ maxMessage, maxFragments }: Settings, compression: boolean): DecoderRules {
  return { maxMessage, maxFragments, compression }
}

/**
 * OPEN echoes. CLOSING has sent the first Close and waits for the peer's (RFC 6455 section 7.1.2). ENDING has nothing
 * left to say: it reads and drops what still comes, since closing a socket with unread octets would reset it and could
 * cost the peer our Close. GONE has no socket.
 */
const OPEN = 0
const CLOSING = 1
const ENDING = 2
const GONE = 3

/** A control frame with its header, held back from an earlier chunk. */
const CONTROL_OVERHEAD = 127
const CHUNK_OVERHEAD = ECHO_OVERHEAD + CONTROL_OVERHEAD
const ABNORMAL_CLOSURE = 1006

export class Connection implements TransportHandler, EchoHost {
  /** The primary's number of the connection. */
  readonly id: number
  readonly decoder: FrameDecoder
  readonly outbox: Outbox
  readonly traffic: Traffic
  /** Writes the connection's report; undefined when reports are off. */
  readonly recorder: Recorder | undefined
  messagesEchoed = 0
  /** This end has dropped the connection without ceremony. */
  dropped = false

  readonly #context: ConnectionContext
  readonly #echo: Echo
  readonly #compressed: boolean
  /** Monotonic milliseconds. */
  readonly #openedAt = performance.now()
  #transport: Transport | undefined
  #state: typeof OPEN | typeof CLOSING | typeof ENDING | typeof GONE = OPEN

  /** Who closed, and with which code, once that is known. */
  #initiator: Initiator = 'client'
  #code = ABNORMAL_CLOSURE
  /** A Close that waits for what is being echoed. */
  #closeAfterEcho: (() => void) | undefined
  /** What still comes is not listened to: the peer has sent its Close or broken the protocol. */
  #deaf = false

  #holds = 0
  #overHighWater = false

  // Kept by `sweep`, monotonic milliseconds; whole ones, which take no memory beside the connection's own.
  #active = true
  #lastActive = 0
  #pingedAt = 0
  #lastSent = 0
  #lastProgress = 0
  /** 0 as long as nothing has ended. */
  #endBy = 0

  constructor(context: ConnectionContext, id: number, deflate: DeflateAgreement | undefined, recorder?: Recorder) {
    this.#context = context
    this.id = id
    this.outbox = context.outbox
    this.traffic = recorder === undefined ? context.traffic : context.traffic.alsoFor(recorder.tally)
    this.recorder = recorder
    this.#compressed = deflate !== undefined
    this.decoder = new FrameDecoder(this.#compressed ? context.compressedRules : context.plainRules)
    this.#echo = deflate === undefined ? new PlainEcho(this) : new CompressedEcho(this, context.codec, deflate)
  }

  /** Begins to serve. `head` is what the peer sent right behind its handshake. */
  start(transport: Transport, head: Buffer): void {
    this.#transport = transport
    transport.resume()
    if (head.length > 0) this.onChunk(head, head.length)
  }

  get echoes(): boolean {
    return this.#state === OPEN
  }

  get paused(): boolean {
    return this.#holds > 0
  }

  /** Octets held for this connection. */
  get buffered(): number {
    return this.#echo.held + (this.#transport?.pending ?? 0)
  }

  get replyRoom(): number {
    return Math.max(0, this.#context.settings.highWaterMark - (this.#transport?.pending ?? 0))
  }

  /** Octets that back-pressure goes by: those of a message that is still coming cannot shrink by waiting. */
  get #outstanding(): number {
    return this.#echo.queued + (this.#transport?.pending ?? 0)
  }

  onChunk(chunk: Buffer, length: number): void {
    this.#active = true
    this.recorder?.read(chunk, length)
    if (this.#deaf) return
    try {
      this.#takeChunk(chunk, length)
    } catch (error) {
      this.onInternalError(error)
    }
  }

  #takeChunk(chunk: Buffer, length: number): void {
    const started = performance.now()
    const { decoder, outbox } = this
    this.messagesEchoed = 0
    outbox.begin(length + CHUNK_OVERHEAD)
    decoder.feed(chunk, 0, length)
    while (decoder.next()) {
      this.#piece()
      if (this.#closeAfterEcho !== undefined) this.onEchoProgress()
      if (this.#deaf) break
    }
    if (decoder.error !== undefined) this.fail(decoder.error)
    this.#echo.endOfChunk()
    this.flush()
    if (this.messagesEchoed > 0)
      this.traffic.echoed(this.#compressed, (performance.now() - started) / 1000, this.messagesEchoed)
    this.#checkHighWater()
  }

  onProgress(): void {
    this.#echo.onRoom()
    if (!this.#overHighWater || this.#outstanding > this.#context.settings.lowWaterMark) return
    this.#overHighWater = false
    this.#release()
  }

  onClosed(): void {
    if (this.#state === GONE) return
    this.#state = GONE
    this.#echo.discard()
    this.recorder?.closed()
    this.traffic.connectionClosed(this.#initiator, this.#code, (performance.now() - this.#openedAt) / 1000)
    this.#context.onGone(this)
  }

  reserve(size: number): void {
    if (this.outbox.room >= size) return
    this.flush()
    this.outbox.begin(size)
  }

  flush(): void {
    const { outbox } = this
    if (outbox.isEmpty) return
    outbox.release(this.#write(outbox.take()))
  }

  writeOwned(bytes: Buffer): void {
    this.flush()
    this.#write(bytes)
  }

  #write(bytes: Buffer): boolean {
    this.recorder?.wrote(bytes)
    return (this.#transport as Transport).write(bytes)
  }

  holdUntil(arrange: (resume: () => void) => void): void {
    this.#hold()
    arrange(() => this.#release())
  }

  onEchoProgress(): void {
    this.onProgress()
    if (this.#closeAfterEcho === undefined || !this.#echo.settled || this.#echo.midFrame) return
    const close = this.#closeAfterEcho
    this.#closeAfterEcho = undefined
    close()
  }

  /** Fails the connection (RFC 6455 section 7.1.7), once what came before the violation is echoed. */
  fail(error: ProtocolError): void {
    this.#deaf = true
    if (this.#state >= ENDING) return
    this.#countError(error)
    if (this.#state === CLOSING) return this.#end()
    this.#closeWhenEchoed(() => this.#sayError(error))
  }

  /** The same for a violation that the echo itself found: what came before it is answered, what came after does not matter. */
  failNow(error: ProtocolError): void {
    this.#deaf = true
    if (this.#state >= ENDING) return
    this.#countError(error)
    this.#closeAfterEcho = undefined
    this.#sayError(error)
  }

  /** Something is wrong here, not with the peer: this connection ends, and no other notices. */
  onInternalError(error: unknown): void {
    this.#context.onInternalError(error)
    this.outbox.drop()
    if (this.#state === GONE) return
    this.failNow(new ProtocolError('ECHOBAHN_INTERNAL'))
  }

  /** Starts the closing handshake: 1001 at shutdown, 1012 at a restart. */
  goAway(code: number): void {
    if (this.#state !== OPEN || this.#closeAfterEcho !== undefined) return
    // A compressed echo is never done while messages keep coming, so they are left unread until it is.
    const hold = !this.#echo.settled
    if (hold) this.#hold()
    this.#closeWhenEchoed(() => {
      this.#initiator = 'server'
      this.#code = code
      this.#state = CLOSING
      this.#writeClose(code, '')
      this.#armEnd()
      if (hold) this.#release()
    })
  }

  /** Drops the connection without ceremony; `reason` is for its report. */
  destroy(reason: string): void {
    if (this.#code === ABNORMAL_CLOSURE) this.#initiator = 'server'
    this.dropped = true
    this.recorder?.dropped('server', reason)
    this.#transport?.destroy()
  }

  /** Looks after deadlines; `now` is in whole monotonic milliseconds. */
  sweep(now: number): void {
    if (this.#active) {
      this.#active = false
      this.#lastActive = now
      this.#pingedAt = 0
    }
    if (this.#endBy > 0 && now >= this.#endBy) return this.destroy('the client did not end the connection in time')
    if (this.#isSlow(now)) {
      this.traffic.slowReaderClosed()
      return this.destroy('the client read nothing until slow-reader-timeout')
    }
    if (this.#state === OPEN) this.#sweepPing(now)
  }

  #piece(): void {
    if (isControl(this.decoder.opcode)) return this.#control()
    const { decoder, traffic, outbox } = this
    const { opcode, available } = decoder
    if (this.#state !== OPEN) decoder.readPayload(outbox.buffer, outbox.position)
    else if (this.#echo.piece()) return
    traffic.payloadReceived(opcode, available)
    if (decoder.remaining === 0) traffic.frameReceived(opcode)
  }

  #control(): void {
    const { decoder, outbox, traffic } = this
    const { opcode, payloadLength } = decoder
    this.reserve(CHUNK_OVERHEAD)
    const begin = outbox.position
    const reply = opcode === PING ? PONG : opcode
    const payload = writeHeader(outbox.buffer, begin, FIN | reply, payloadLength)
    const legal = decoder.readPayload(outbox.buffer, payload)
    traffic.payloadReceived(opcode, payloadLength)
    traffic.frameReceived(opcode)
    if (!legal) return
    if (opcode === CLOSE) this.#onClose()
    else if (opcode === PING && this.#state === OPEN) {
      outbox.position = payload + payloadLength
      traffic.frameSent(PONG, payloadLength)
    }
  }

  /** The peer's Close is echoed behind all that is being echoed (section 5.5.1); after it comes nothing. */
  #onClose(): void {
    const { closeCode, closeReason } = this.decoder
    this.#deaf = true
    this.recorder?.closeReceived(closeCode, closeReason)
    if (this.#state === CLOSING) return this.#end()
    this.#initiator = 'client'
    this.#code = closeCode
    this.#closeWhenEchoed(() => this.#sayLast(closeCode, closeReason))
  }

  #closeWhenEchoed(close: () => void): void {
    if (this.#echo.settled && !this.#echo.midFrame) return close()
    this.#closeAfterEcho = close
    this.#armEnd()
  }

  #countError(error: ProtocolError): void {
    this.traffic.protocolError(error.code)
    this.recorder?.failed(error.code)
  }

  #sayError(error: ProtocolError): void {
    this.#initiator = 'server'
    this.#code = error.closeCode
    this.#sayLast(error.closeCode, error.message)
  }

  #sayLast(code: number, reason: string): void {
    this.#writeClose(code, reason)
    this.#end()
  }

  #writeClose(code: number, reason: string): void {
    const frame = closeFrame(code, reason)
    this.recorder?.closeSent(code, reason)
    this.traffic.frameSent(CLOSE, frame.length - 2)
    this.writeOwned(frame)
  }

  /** Nothing more will be said; the peer has until the deadline to see that and go. */
  #end(): void {
    this.flush()
    this.#state = ENDING
    this.recorder?.dropped('server')
    this.#transport?.end()
    this.#armEnd()
    // What still comes must be read for the end to be seen.
    while (this.#holds > 0) this.#release()
  }

  #armEnd(): void {
    this.#endBy = Math.trunc(performance.now()) + this.#context.settings.handshakeTimeout
  }

  #checkHighWater(): void {
    if (this.#overHighWater || this.#state !== OPEN) return
    if (this.#outstanding <= this.#context.settings.highWaterMark) return
    this.#overHighWater = true
    this.#hold()
  }

  #hold(): void {
    if (this.#holds++ === 0) this.#transport?.pause()
  }

  #release(): void {
    if (this.#holds > 0 && --this.#holds === 0) this.#transport?.resume()
  }

  /** Whether the peer has read nothing of what waits for it until the deadline. */
  #isSlow(now: number): boolean {
    const transport = this.#transport as Transport
    if (transport.pending === 0) {
      this.#lastProgress = 0
      return false
    }
    const sent = transport.settle()
    if (this.#lastProgress === 0 || sent !== this.#lastSent) {
      this.#lastProgress = now
      this.#lastSent = sent
    }
    const { slowReaderTimeout } = this.#context.settings
    return slowReaderTimeout > 0 && now - this.#lastProgress >= slowReaderTimeout
  }

  #sweepPing(now: number): void {
    const { pingInterval, pingTimeout } = this.#context.settings
    if (pingInterval === 0 || this.#holds > 0) return
    if (this.#pingedAt > 0) {
      if (pingTimeout > 0 && now - this.#pingedAt >= pingTimeout) this.destroy('the client did not answer a ping')
    } else if (now - this.#lastActive >= pingInterval && !this.#echo.midFrame) {
      this.#pingedAt = now
      this.traffic.frameSent(PING, 0)
      this.writeOwned(Buffer.from([FIN | PING, 0]))
    }
  }
}
