// One WebSocket connection of a load, from its opening to its end: sends what is due, checks what comes back, counts.

import { closePayload } from '../protocol/frame-encoder.js'
import { BINARY, CLOSE, CONTINUATION, isControl, PING, PONG, TEXT } from '../protocol/opcodes.js'
import { EchoCheck } from './echo-check.js'
import { FrameReader } from './frame-reader.js'
import { type FrameWriter, firstOctet } from './frame-writer.js'
import { InFlight } from './in-flight.js'
import { MessageDeflate } from './message-deflate.js'
import type { MessageSource } from './message-source.js'
import type { Agreed } from './opening-handshake.js'
import type { Fault, Orders } from './orders.js'
import { Pings } from './pings.js'
import { countFrame, countMessage, countUnder, countWire, type Tally } from './tally.js'
import { makeTraffic, RECEIVED, SENT } from './traffic.js'
import type { Violation } from './violation.js'
import type { Wire, WireHandler } from './wire.js'

/** Octets that a socket has not taken above which messages wait here, without taking memory. */
const HIGH_WATER_MARK = 1024 * 1024
/** Largest message that is accepted from the server beyond the largest that is sent: it may answer with its own words. */
const ROOM_FOR_OTHERS = 16 * 1024 * 1024

/** What all connections of a thread share. */
export interface Shared {
  readonly source: MessageSource
  readonly writer: FrameWriter
  readonly tally: Tally
  /** Largest message in octets. */
  readonly largest: number
  /** Largest frame; 0 does not cut. */
  readonly fragment: number
  /** Milliseconds for a handshake, an echo and a closing handshake each. */
  readonly timeout: number
  readonly keepsBooks: boolean
  /** Milliseconds, monotonic. */
  now(): number
  /** So many messages of a connection came back or were given up: the closed loop may send as many. */
  onRoom(connection: Connection, count: number): void
  /** A chunk is dealt with: time may have come for others. */
  onRead(now: number): void
  onOpened(connection: Connection): void
  onEnded(connection: Connection): void
}

export type Stage = 'opening' | 'open' | 'leaving' | 'ended'

export class Connection implements WireHandler {
  stage: Stage = 'opening'
  /** When the stage began, milliseconds. */
  since: number
  /** Its place among those that are open, which is the fleet's to keep. */
  index = -1
  readonly id: number
  readonly key: string
  readonly orders: Orders
  readonly flight = new InFlight()
  readonly #shared: Shared
  readonly #books: Float64Array | undefined
  readonly #check: EchoCheck
  #wire: Wire | undefined
  #reader: FrameReader | undefined
  #deflate: MessageDeflate | undefined
  /** Payload of a compressed message so far. */
  #compressed: Buffer[] = []
  /** Octets of a message that comes in pieces, so far. */
  #received = 0
  #pings: Pings | undefined
  #closeSent = false
  #closeReceived = false
  #failed = false

  constructor(shared: Shared, id: number, key: string, orders: Orders) {
    this.#shared = shared
    this.id = id
    this.key = key
    this.orders = orders
    this.since = shared.now()
    this.#check = new EchoCheck(shared.source, this.flight, id)
    if (shared.keepsBooks) this.#books = makeTraffic()
    shared.tally.counts.connections.attempted++
  }

  /** Gives the connection its wire, which may be silent yet. */
  attach(wire: Wire): void {
    this.#wire = wire
  }

  /** One message is due at `due`, and goes with the next `send`. */
  add(due: number): void {
    this.#shared.tally.counts.messages.due++
    this.flight.add(due)
  }

  /** Sends what is due, as far as the socket takes it. */
  send(now: number): void {
    if (this.stage !== 'open') return
    const { flight } = this
    const { writer } = this.#shared
    // What the socket takes at once makes no `drain`, so only what it has not taken may end the loop.
    while (flight.waiting > 0 && this.#pending < HIGH_WATER_MARK) {
      const size = this.#shared.source.sizeOf(this.id, flight.sent)
      // Frames of one connection lie together: what does not fit goes in a write of its own.
      if (writer.pending > 0 && !writer.hasRoom(size)) this.#flush()
      this.#writeMessage(flight.sent, size)
      this.#shared.tally.latencies.waiting.record(now - flight.dueAt(flight.sent))
      flight.send(now)
    }
    this.#flush()
  }

  ping(now: number): void {
    if (this.stage !== 'open') return
    this.#pings ??= new Pings()
    this.#shared.tally.counts.pings.sent++
    this.#writeControl(PING, this.#pings.next(now))
    this.#flush()
  }

  /** Whether anything that was asked of the server is not back. */
  get isBusy(): boolean {
    return this.stage === 'open' && (this.flight.waiting + this.flight.flying > 0 || (this.#pings?.waiting ?? 0) > 0)
  }

  /** Begins the closing handshake; what is still under way is given up. */
  leave(now: number): void {
    if (this.stage !== 'open') return
    this.#enter('leaving', now)
    this.#sendClose(closePayload(1000))
  }

  /** Ends the connection without any handshake. */
  abandon(): void {
    this.#wire?.destroy()
  }

  /** Looks for what took too long: to be called now and then. */
  sweep(now: number): void {
    const { timeout } = this.#shared
    const bound = timeout + this.orders.delay
    if (this.stage === 'open') return this.#giveUpBefore(now - bound)
    if (now - this.since < bound || this.#failed) return
    this.#failed = true
    this.#fault('timeOuts')
    if (this.stage === 'opening') countUnder(this.#shared.tally.counts.handshakes, 'time-out')
    this.abandon()
  }

  onUpgraded({ deflate }: Agreed, head: { readonly sent: number; readonly received: number }): void {
    const { tally, largest } = this.#shared
    const now = this.#shared.now()
    tally.latencies.handshake.record(now - this.since)
    tally.counts.connections.opened++
    this.#wireOctets(SENT, head.sent)
    this.#wireOctets(RECEIVED, head.received)
    this.#reader = new FrameReader(deflate !== undefined, largest + ROOM_FOR_OTHERS)
    if (deflate !== undefined) this.#deflate = new MessageDeflate(deflate)
    this.#enter('open', now)
    this.#shared.onOpened(this)
  }

  onRefused(reason: string): void {
    if (this.#failed) return
    this.#failed = true
    countUnder(this.#shared.tally.counts.handshakes, reason)
    this.#fault('handshakes')
    this.abandon()
  }

  onChunk(chunk: Buffer, length: number): void {
    this.#wireOctets(RECEIVED, length)
    const reader = this.#reader
    if (reader === undefined || this.#failed) return
    const now = this.#shared.now()
    const before = this.flight.first
    reader.feed(chunk, length)
    // What comes behind a Close is nobody's (RFC 6455 section 5.5.1).
    while (!this.#closeReceived && reader.next()) {
      if (reader.startsFrame) this.#frame(RECEIVED, reader.opcode, reader.length + reader.remaining)
      if (isControl(reader.opcode)) this.#onControl(reader, now)
      else this.#onPiece(reader, now)
    }
    if (reader.error !== undefined) this.#violated(reader.error)
    if (this.flight.first > before && this.stage === 'open') this.#shared.onRoom(this, this.flight.first - before)
    if (this.#shared.writer.pending > 0) this.#flush()
    this.#shared.onRead(now)
  }

  onDrain(): void {
    this.send(this.#shared.now())
  }

  onClosed(error: string | undefined): void {
    const { stage } = this
    if (stage === 'ended') return
    const { tally } = this.#shared
    this.#enter('ended', this.#shared.now())
    tally.counts.connections.ended++
    this.#deflate?.close()
    if (stage === 'opening') this.#onNotOpened(error)
    else this.#onEnd(error)
    if (this.#books !== undefined && this.#reader !== undefined) tally.keepBooks(this.key, this.#books)
    this.#shared.onEnded(this)
  }

  get #pending(): number {
    return this.#wire?.pending ?? 0
  }

  #enter(stage: Stage, now: number): void {
    this.stage = stage
    this.since = now
  }

  #onNotOpened(error: string | undefined): void {
    if (this.#failed) return
    countUnder(this.#shared.tally.counts.handshakes, error ?? 'ended')
    this.#fault('handshakes')
  }

  /** What had been sent and did not come is lost, whoever ended the connection. */
  #onEnd(error: string | undefined): void {
    const { tally } = this.#shared
    const { flight } = this
    const lost = flight.flying + flight.missing + flight.waiting
    if (lost > 0) this.#fault('lost', lost)
    if (this.#pings !== undefined && this.#pings.waiting > 0) this.#fault('lostPings', this.#pings.waiting)
    if (this.#closeReceived) return
    countUnder(tally.counts.closes, `1006 ${this.#closeSent ? 'client' : 'server'}`)
    if (this.#failed) return
    this.#fault(error === 'ECONNRESET' || error === 'EPIPE' ? 'resets' : 'closes')
  }

  #onControl(reader: FrameReader, now: number): void {
    const payload = reader.source.subarray(reader.offset, reader.offset + reader.length)
    if (reader.opcode === CLOSE) this.#onClose(reader)
    else if (reader.opcode === PONG) this.#onPong(payload, now)
    else if (!this.#closeSent) this.#writeControl(PONG, payload)
  }

  #onPong(payload: Buffer, now: number): void {
    const answered = this.#pings?.answer(payload)
    if (answered === undefined) return
    const { tally } = this.#shared
    tally.latencies.ping.record(now - answered.sent)
    tally.counts.pings.answered += answered.count
  }

  #onClose(reader: FrameReader): void {
    const close = reader.close()
    if (close === undefined) return
    this.#closeReceived = true
    countUnder(this.#shared.tally.counts.closes, `${close.code} ${this.#closeSent ? 'client' : 'server'}`)
    if (this.#closeSent) return
    this.#fault('closes')
    this.#enter('leaving', this.#shared.now())
    this.#sendClose(closePayload(close.code))
  }

  #onPiece(reader: FrameReader, now: number): void {
    if (reader.compressed) {
      this.#compressed.push(Buffer.from(reader.source.subarray(reader.offset, reader.offset + reader.length)))
      if (reader.endsMessage) this.#onCompressed(reader, now)
      return
    }
    const isWhole = reader.startsFrame && reader.endsMessage && reader.opcode === reader.messageOpcode
    if (isWhole) return this.#onMessage(reader, now, reader.source, reader.offset, reader.length)
    this.#received += reader.length
    this.#check.piece(reader.source, reader.offset, reader.length)
    if (!reader.endsMessage) return
    const length = this.#received
    this.#received = 0
    this.#judge(this.#check.end(this.#sameKind(reader)), now, reader.messageOpcode, length)
  }

  #onCompressed(reader: FrameReader, now: number): void {
    const payload = Buffer.concat(this.#compressed)
    this.#compressed = []
    const plain = this.#deflate?.inflate(payload, this.#shared.largest + ROOM_FOR_OTHERS)
    if (plain === undefined) return reader.fail('ECHOBAHN_INVALID_DEFLATE')
    this.#onMessage(reader, now, plain, 0, plain.length)
  }

  #onMessage(reader: FrameReader, now: number, input: Buffer, offset: number, length: number): void {
    this.#judge(this.#check.whole(input, offset, length, this.#sameKind(reader)), now, reader.messageOpcode, length)
  }

  #sameKind({ messageOpcode }: FrameReader): boolean {
    return messageOpcode === (this.#shared.source.text ? TEXT : BINARY)
  }

  #judge(verdict: ReturnType<EchoCheck['end']>, now: number, opcode: number, length: number): void {
    const { tally } = this.#shared
    countMessage(tally.traffic, RECEIVED, opcode, length)
    if (this.#books !== undefined) countMessage(this.#books, RECEIVED, opcode, length)
    if (verdict.echo) tally.echoed(verdict.due, verdict.sent, now, this.key)
    if (verdict.fault !== undefined) this.#fault(verdict.fault)
  }

  #violated(violation: Violation): void {
    if (this.#failed) return
    this.#failed = true
    countUnder(this.#shared.tally.counts.violations, violation.code)
    this.#fault('violations')
    this.#enter('leaving', this.#shared.now())
    this.#sendClose(closePayload(violation.closeCode))
    this.#wire?.end()
  }

  /** Messages that were sent before `then` are given up, though they may come after all. */
  #giveUpBefore(then: number): void {
    const { flight } = this
    const lost = flight.loseBefore(then)
    if (lost > 0) this.#fault('lost', lost)
    let count = 0
    while (flight.flying > 0 && flight.sentAt(flight.first) < then) {
      flight.timeOut()
      count++
    }
    if (count > 0) {
      this.#fault('timeOuts', count)
      this.#shared.onRoom(this, count)
    }
  }

  #writeMessage(place: number, size: number): void {
    const { source, writer, fragment } = this.#shared
    const opcode = source.text ? TEXT : BINARY
    this.#countSent(opcode, size)
    if (this.#deflate === undefined && (fragment === 0 || size <= fragment)) {
      const at = writer.frame(firstOctet(opcode, false), size)
      source.write(writer.output, at, this.id, place, writer.key)
      this.#frame(SENT, opcode, size)
      return
    }
    const plain = source.scratch(this.id, place)
    const deflated = size > 0 ? this.#deflate?.deflate(plain, size) : undefined
    const lengths = writer.message(firstOctet(opcode, deflated !== undefined), deflated ?? plain, fragment)
    for (const [i, length] of lengths.entries()) this.#frame(SENT, i === 0 ? opcode : CONTINUATION, length)
  }

  #writeControl(opcode: number, payload: Buffer): void {
    this.#frame(SENT, opcode, payload.length)
    this.#shared.writer.control(firstOctet(opcode, false), payload)
  }

  /** @param unmasked a server's Close frame: its payload is what counts */
  #sendClose(payload: Buffer): void {
    if (this.#closeSent) return
    this.#closeSent = true
    this.#writeControl(CLOSE, payload)
    this.#flush()
  }

  #flush(): void {
    const { writer } = this.#shared
    if (writer.pending === 0 || this.#wire === undefined) return
    const octets = writer.take()
    this.#wireOctets(SENT, octets.length)
    this.#wire.write(octets)
    if (this.#wire.pending === 0) writer.reuse()
    else writer.renewIfFull()
  }

  #countSent(opcode: number, size: number): void {
    const { tally } = this.#shared
    tally.counts.messages.sent++
    countMessage(tally.traffic, SENT, opcode, size)
    if (this.#books !== undefined) countMessage(this.#books, SENT, opcode, size)
  }

  #frame(direction: number, opcode: number, payload: number): void {
    countFrame(this.#shared.tally.traffic, direction, opcode, payload)
    if (this.#books !== undefined) countFrame(this.#books, direction, opcode, payload)
  }

  #wireOctets(direction: number, octets: number): void {
    countWire(this.#shared.tally.traffic, direction, octets)
    if (this.#books !== undefined) countWire(this.#books, direction, octets)
  }

  #fault(kind: Fault, count = 1): void {
    this.#shared.tally.fault(kind, this.orders, count)
  }
}
