// Why a connection is not read at the moment. It is read again once no reason is left.

/** More waits for the peer, or for the codec, than the high-water mark allows. */
export const HIGH_WATER = 1
/** The codec's queue is full. */
export const CODEC_FULL = 2
/** The rest of a chunk waits for the connection's next turn. */
export const NEXT_TURN = 4
/** A Close of ours waits for echoes, and what comes behind the message at hand would delay it for ever. */
export const CLOSE_WAITS = 8

/** The worker's memory budget is nearly used up, and this connection holds more than most. */
export const MEMORY = 16

export type Reason = typeof HIGH_WATER | typeof CODEC_FULL | typeof NEXT_TURN | typeof CLOSE_WAITS | typeof MEMORY

export interface Reader {
  stopReading(): void
  startReading(): void
  /** The reasons have become others; each of both is a sum of them, 0 for none. */
  reasonsChanged(before: number, after: number): void
  /** Only the rest of a chunk is left to be worked on. */
  queueTurn(): void
}

export interface WaterMarks {
  /** Octets. */
  readonly highWaterMark: number
  readonly lowWaterMark: number
  readonly maxMessage: number
}

export class FlowControl {
  readonly #marks: WaterMarks
  readonly #reader: Reader
  #reasons = 0

  constructor(marks: WaterMarks, reader: Reader) {
    this.#marks = marks
    this.#reader = reader
  }

  get paused(): boolean {
    return this.#reasons !== 0
  }

  has(reason: Reason): boolean {
    return (this.#reasons & reason) !== 0
  }

  /** Whether this is the only reason. */
  hasOnly(reason: Reason): boolean {
    return this.#reasons === reason
  }

  hold(reason: Reason): void {
    if (this.#reasons === 0) this.#reader.stopReading()
    this.#become(this.#reasons | reason)
  }

  release(reason: Reason): void {
    if ((this.#reasons & reason) === 0) return
    this.#become(this.#reasons & ~reason)
    if (this.#reasons === 0) this.#reader.startReading()
    else if (this.#reasons === NEXT_TURN) this.#reader.queueTurn()
  }

  releaseAll(): void {
    if (this.#reasons === 0) return
    this.#become(0)
    this.#reader.startReading()
  }

  /** The connection is gone: nothing is read any more, and nothing held. */
  gone(): void {
    this.#become(0)
  }

  /**
   * Whether so many octets are too many. The message at hand is read to its end all the same: a client that writes a
   * whole message before it reads anything would wait for ever. It can grow by `maxMessage` at most.
   */
  isAbove(outstanding: number, inMessage: boolean): boolean {
    const { highWaterMark, maxMessage } = this.#marks
    return outstanding > (inMessage ? highWaterMark + maxMessage : highWaterMark)
  }

  /** Some of the outstanding octets are gone. */
  onProgress(outstanding: number): void {
    if (outstanding <= this.#marks.lowWaterMark) this.release(HIGH_WATER)
  }

  #become(reasons: number): void {
    const before = this.#reasons
    this.#reasons = reasons
    if (reasons !== before) this.#reader.reasonsChanged(before, reasons)
  }
}
