// The last events of a connection: a ring of small entries, which begins once the log of the first ones is full.
//
// It costs on every read and write, so it has no frames, and of octets only so many as to recognise a header by.

import { type LogBlocks, NONE } from './log-blocks.js'

export const MOST_LAST = 32
/** Octets of a read or write that are shown. */
const SHOWN = 20
/** An entry: its kind, its time, how many octets there were, the first of them. */
const TIME = 1
const TIME_SIZE = 6
const LENGTH = TIME + TIME_SIZE
const OCTETS = LENGTH + 4
const ENTRY = OCTETS + SHOWN
const PER_BLOCK = 4

export interface LastEvent {
  readonly kind: number
  /** Microseconds since the connection was opened. */
  readonly at: number
  readonly length: number
  readonly octets: Buffer
}

const NO_OCTETS = Buffer.alloc(0)

export class TailLog {
  readonly #blocks: LogBlocks
  /** The ring of blocks; it grows up to its size, and then its last block is followed by the first. */
  #first = NONE
  #last = NONE
  #current = NONE
  /** Events there ever were. */
  #count = 0

  constructor(blocks: LogBlocks) {
    this.#blocks = blocks
  }

  /** Events that are no longer here. */
  get missing(): number {
    return Math.max(0, this.#count - MOST_LAST)
  }

  /** @param octets of which `length` count */
  add(kind: number, now: number, octets: Buffer = NO_OCTETS, length = 0): void {
    const place = this.#count % PER_BLOCK
    if (place === 0) this.#current = this.#nextBlock()
    this.#count++
    const slab = this.#blocks.slab(this.#current)
    const at = this.#blocks.start(this.#current) + place * ENTRY
    slab[at] = kind
    writeWord(slab, at + TIME, now)
    slab[at + TIME + 4] = now / 2 ** 32
    slab[at + TIME + 5] = now / 2 ** 40
    writeWord(slab, at + LENGTH, length)
    const shown = Math.min(length, SHOWN)
    for (let i = 0; i < shown; i++) slab[at + OCTETS + i] = octets[i]
  }

  /** Oldest first. */
  get events(): LastEvent[] {
    const places: Buffer[] = []
    for (let block = this.#first; places.length < Math.min(this.#count, MOST_LAST); block = this.#blocks.next(block)) {
      const start = this.#blocks.start(block)
      for (let i = 0; i < PER_BLOCK; i++)
        places.push(this.#blocks.slab(block).subarray(start + i * ENTRY, start + (i + 1) * ENTRY))
    }
    const oldest = this.#count > MOST_LAST ? this.#count % MOST_LAST : 0
    const size = Math.min(this.#count, MOST_LAST)
    return Array.from({ length: size }, (_, i) => describe(places[(oldest + i) % MOST_LAST]))
  }

  /** Gives the memory back. */
  release(): void {
    if (this.#first !== NONE) this.#blocks.giveBack(this.#first, this.#last)
    this.#first = this.#last = this.#current = NONE
    this.#count = 0
  }

  #nextBlock(): number {
    if (this.#count >= MOST_LAST) return this.#blocks.next(this.#current)
    const block = this.#blocks.take()
    if (this.#first === NONE) this.#first = block
    else this.#blocks.chain(this.#last, block)
    this.#last = block
    this.#blocks.chain(block, this.#first)
    return block
  }
}

/** The lowest 32 bits, as `writeUInt32LE` would, but quicker: this is on the path of every read and write. */
function writeWord(slab: Buffer, at: number, value: number): void {
  slab[at] = value
  slab[at + 1] = value >>> 8
  slab[at + 2] = value >>> 16
  slab[at + 3] = value >>> 24
}

function describe(entry: Buffer): LastEvent {
  const length = entry.readUInt32LE(LENGTH)
  const octets = entry.subarray(OCTETS, OCTETS + Math.min(length, SHOWN))
  return { kind: entry[0], at: entry.readUIntLE(TIME, TIME_SIZE), length, octets }
}
