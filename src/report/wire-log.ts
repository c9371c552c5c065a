// The first events of a connection as they were on the wire, frame by frame; and the last ones, once there are more.

import { FrameScanner, type HeaderSink, payloadLength } from './frame-scanner.js'
import { type LogBlocks, NONE } from './log-blocks.js'
import type { CloseReport, WireEvent } from './report.js'
import { type LastEvent, TailLog } from './tail-log.js'

const MOST_EVENTS = 64
/** Octets of a read or write that are shown. */
const MOST_SHOWN = 64

// Kinds of events: what it was, and added to that the direction.
const OCTETS = 0
const FRAME = 2
const CLOSE = 4
const RECEIVED = 0
const SENT = 1

// An event in a block: its kind; its time; how many octets of content follow. The content of a frame is its header; that of
// octets is their number and the first of them; a Close has none here.
const TIME = 1
const TIME_SIZE = 6
const SIZE = TIME + TIME_SIZE
const CONTENT = SIZE + 1
const NUMBER_SIZE = 4
/** Stands for a kind where a block holds no more events. */
const END = 255

export class WireLog implements HeaderSink {
  /** Whether there were more events. */
  cut = false
  /** Reads and writes after the first events that were of the size of the one before, and were not told to the log. */
  repeats = 0
  /** What the Close frames said; they are in the log as well. */
  closeReceived: CloseReport | null = null
  closeSent: CloseReport | null = null
  readonly #blocks: LogBlocks
  readonly #received = new FrameScanner()
  readonly #sent = new FrameScanner()
  /** Microseconds since the connection was opened, of the event at hand. */
  #now = 0
  #count = 0
  #first = NONE
  #last = NONE
  /** Where the next event goes in the slab of the last block. */
  #position = 0
  /** What came after the first events. */
  #tail: TailLog | undefined

  constructor(blocks: LogBlocks) {
    this.#blocks = blocks
  }

  /** Whether the first events are all there. */
  get full(): boolean {
    return this.#tail !== undefined
  }

  /** `length` octets came, the first of `octets`; `now` in microseconds, as below. */
  read(now: number, octets: Buffer, length: number): void {
    if (this.#tail !== undefined) return this.#tail.add(OCTETS + RECEIVED, now, octets, length)
    this.#now = now
    this.#octets(OCTETS + RECEIVED, octets, length)
    this.#received.scan(octets, length, this)
  }

  wrote(now: number, octets: Buffer): void {
    if (this.#tail !== undefined) return this.#tail.add(OCTETS + SENT, now, octets, octets.length)
    this.#now = now
    this.#octets(OCTETS + SENT, octets, octets.length)
    this.#sent.scan(octets, octets.length, this)
  }

  close(now: number, direction: 'received' | 'sent', close: CloseReport): void {
    this.#now = now
    if (direction === 'received') this.closeReceived = close
    else this.closeSent = close
    const kind = CLOSE + (direction === 'received' ? RECEIVED : SENT)
    if (this.#add(kind, 0) === NONE) this.#tail?.add(kind, now)
  }

  header(scanner: FrameScanner, octets: Uint8Array, start: number, size: number): void {
    const at = this.#add(FRAME + (scanner === this.#received ? RECEIVED : SENT), size)
    if (at !== NONE) copy(octets, start, size, this.#blocks.slab(this.#last), at)
  }

  /** Oldest first. */
  get events(): WireEvent[] {
    const events = this.#firstEvents
    if (this.#tail === undefined) return events
    const gap = { at: events[events.length - 1].at, event: 'gap' as const, events: this.#tail.missing + this.repeats }
    return [...events, gap, ...this.#tail.events.map(last => this.#describeLast(last))]
  }

  get #firstEvents(): WireEvent[] {
    const events: WireEvent[] = []
    let block = this.#first
    let at = block === NONE ? 0 : this.#blocks.start(block)
    while (events.length < this.#count) {
      const slab = this.#blocks.slab(block)
      if (at === this.#blocks.end(block) || slab[at] === END) {
        block = this.#blocks.next(block)
        at = this.#blocks.start(block)
      } else {
        const behind = at + CONTENT + slab[at + SIZE]
        events.push(this.#describe(slab.subarray(at, behind)))
        at = behind
      }
    }
    return events
  }

  /** Gives the memory back; the log is empty, and stays so. */
  release(): void {
    if (this.#first !== NONE) this.#blocks.giveBack(this.#first, this.#last)
    this.#tail?.release()
    this.#tail = undefined
    this.#first = this.#last = NONE
    this.#count = 0
    this.cut = true
  }

  #octets(kind: number, octets: Buffer, length: number): void {
    const shown = Math.min(length, MOST_SHOWN)
    const at = this.#add(kind, NUMBER_SIZE + shown)
    if (at === NONE) return this.#tail?.add(kind, this.#now, octets, length)
    const slab = this.#blocks.slab(this.#last)
    slab.writeUInt32LE(length, at)
    copy(octets, 0, shown, slab, at + NUMBER_SIZE)
  }

  /** Adds an event; returns where its content of `size` octets goes, or NONE when the log is full. */
  #add(kind: number, size: number): number {
    if (this.#count === MOST_EVENTS && !this.cut) {
      this.cut = true
      this.#tail = new TailLog(this.#blocks)
    }
    if (this.cut) return NONE
    this.#count++
    const start = this.#reserve(CONTENT + size)
    const slab = this.#blocks.slab(this.#last)
    slab[start] = kind
    slab.writeUIntLE(this.#now, start + TIME, TIME_SIZE)
    slab[start + SIZE] = size
    return start + CONTENT
  }

  /** Returns where the next `size` octets go, which is never in two blocks. */
  #reserve(size: number): number {
    const blocks = this.#blocks
    if (this.#last === NONE || this.#position + size > blocks.end(this.#last)) {
      const block = blocks.take()
      if (this.#last === NONE) this.#first = block
      else {
        if (this.#position < blocks.end(this.#last)) blocks.slab(this.#last)[this.#position] = END
        blocks.chain(this.#last, block)
      }
      this.#last = block
      this.#position = blocks.start(block)
    }
    const start = this.#position
    this.#position += size
    return start
  }

  #describe(event: Buffer): WireEvent {
    const at = event.readUIntLE(TIME, TIME_SIZE) / 1000
    const content = event.subarray(CONTENT)
    const direction = (event[0] & 1) === RECEIVED ? 'received' : 'sent'
    const what = event[0] - (event[0] & 1)
    if (what === FRAME) return { at, event: `frame ${direction}`, ...describeHeader(content) }
    if (what === OCTETS) {
      const hex = content.toString('hex', NUMBER_SIZE)
      return { at, event: `octets ${direction}`, length: content.readUInt32LE(), hex }
    }
    return this.#describeClose(direction, at)
  }

  #describeClose(direction: 'received' | 'sent', at: number): WireEvent {
    const close = direction === 'received' ? this.closeReceived : this.closeSent
    return { at, event: `close ${direction}`, ...(close as CloseReport) }
  }

  #describeLast({ kind, at, length, octets }: LastEvent): WireEvent {
    const direction = (kind & 1) === RECEIVED ? 'received' : 'sent'
    if (kind >= CLOSE) return this.#describeClose(direction, at / 1000)
    return { at: at / 1000, event: `octets ${direction}`, length, hex: octets.toString('hex') }
  }
}

function describeHeader(header: Buffer): Omit<WireEvent & { event: 'frame received' | 'frame sent' }, 'at' | 'event'> {
  const [first, second] = header
  return {
    fin: first >= 0x80,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    length: payloadLength(header, 0),
    mask: second >= 0x80 ? header.toString('hex', header.length - 4) : null,
  }
}

/** For so few octets quicker than `Buffer.copy`. */
function copy(source: Uint8Array, start: number, size: number, target: Uint8Array, at: number): void {
  for (let i = 0; i < size; i++) target[at + i] = source[start + i]
}
