// How a batch of messages crosses to a codec thread and back: one transferred buffer, one row of numbers a message.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import type { Target } from './scratch.js'
import type { Incoming, Outgoing, Transcoder } from './transcoder.js'
import { Turns } from './turns.js'

/** To the thread. For each message, `bytes` holds inflate window, deflate window and payload. */
export interface Batch {
  readonly bytes: Uint8Array
  /**
   * Rows of `ROW` numbers: flags, server window bits; octets of both windows, the payload, the plain text's end, and of
   * replies that the group may make.
   */
  readonly rows: Int32Array
}

/** From the thread. For each message, `bytes` holds the payload and, if asked for, the end of the plain text. */
export interface BatchResult {
  readonly bytes: Uint8Array
  /** Rows of `RESULT_ROW` numbers: status, octets of the payload, of the plain text, of the plain text's end; µs taken. */
  readonly rows: Int32Array
  /** Milliseconds that the thread worked on the batch. */
  readonly runTime: number
}

const ROW = 7
const COMPRESSED = 1
const TEXT = 2
const REFERS_BACK = 4
const BEGINS_GROUP = 8

/** Octets that a row can say. */
const MOST_ROOM = 2 ** 31 - 1

const RESULT_ROW = 5
const PLAIN = -1
const DEFLATED = -2
const NOT_DONE = -3
/** A status of 0 or more is a violation: its place in this list. */
const VIOLATIONS = Object.keys(PROTOCOL_ERRORS) as ProtocolErrorCode[]

/** A message whose connection may keep windows for the next one. */
export interface BatchMessage extends Incoming {
  /** The payload if it is in pieces; it is not in `source` then. */
  readonly pieces?: readonly Buffer[] | undefined
  /** Octets of the end of the plain text that those windows can need; 0 without context takeover. */
  readonly plainEndLength: number
}

const NOTHING = Buffer.alloc(0)

/** Messages that are done one after another by one thread, and how far it may go with them. */
export interface BatchPart {
  readonly messages: readonly BatchMessage[]
  /** Octets of replies after which no more of the messages are begun; the first one always is. */
  readonly room: number
}

/** Copies the messages into one batch. The messages stay whole: a thread that dies loses nothing. */
export function pack(parts: readonly BatchPart[]): Batch {
  let size = 0
  let count = 0
  for (const { messages } of parts) {
    count += messages.length
    for (const m of messages) size += m.inflateWindow.length + m.deflateWindow.length + m.length
  }
  const bytes = Buffer.allocUnsafeSlow(size)
  const rows = new Int32Array(count * ROW)
  let at = 0
  let row = 0
  for (const { messages, room } of parts)
    for (const [i, m] of messages.entries()) {
      rows[row] = flagsOf(m) | (i === 0 ? BEGINS_GROUP : 0)
      rows[row + 1] = m.windowBits
      rows[row + 2] = m.inflateWindow.length
      rows[row + 3] = m.deflateWindow.length
      rows[row + 4] = m.length
      rows[row + 5] = m.plainEndLength
      rows[row + 6] = Math.min(room, MOST_ROOM)
      row += ROW
      bytes.set(m.inflateWindow, at)
      at += m.inflateWindow.length
      bytes.set(m.deflateWindow, at)
      at += m.deflateWindow.length
      for (const piece of m.pieces ?? [m.source.subarray(m.offset, m.offset + m.length)]) {
        bytes.set(piece, at)
        at += piece.length
      }
    }
  return { bytes, rows }
}

/** The message in one piece. */
export function inOnePiece(message: BatchMessage): BatchMessage {
  const { pieces } = message
  return pieces === undefined ? message : { ...message, source: Buffer.concat(pieces), pieces: undefined }
}

function flagsOf({ compressed, text, refersBack }: BatchMessage): number {
  return (compressed ? COMPRESSED : 0) | (text ? TEXT : 0) | (refersBack ? REFERS_BACK : 0)
}

/**
 * Runs on the thread: does the messages of the batch as far as the turns go.
 *
 * @param clock gives milliseconds
 */
export function runBatch(batch: Batch, transcoder: Transcoder, clock = () => performance.now()): BatchResult {
  const started = clock()
  const turns = new Turns(started)
  const writer = new ResultWriter(batch.rows.length / ROW, batch.bytes.length)
  let now = started
  for (const message of unpack(batch)) {
    if (message.beginsGroup) turns.begin(now, writer.octets, message.room)
    if (turns.isOver(now, writer.octets)) {
      writer.skip()
      continue
    }
    const begun = now
    const result = transcoder.transcodeInto(message, writer, writer.octets)
    now = clock()
    writer.add(result, message.plainEndLength, now - begun)
  }
  return writer.finish(now - started)
}

interface UnpackedMessage extends BatchMessage {
  readonly beginsGroup: boolean
  readonly room: number
}

function* unpack({ bytes, rows }: Batch): Generator<UnpackedMessage> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let row = 0; row < rows.length; row += ROW) {
    const flags = rows[row]
    const inflateWindow = source.subarray(at, at + rows[row + 2])
    at += inflateWindow.length
    const deflateWindow = source.subarray(at, at + rows[row + 3])
    at += deflateWindow.length
    const length = rows[row + 4]
    yield {
      source,
      offset: at,
      length,
      compressed: (flags & COMPRESSED) !== 0,
      text: (flags & TEXT) !== 0,
      refersBack: (flags & REFERS_BACK) !== 0,
      beginsGroup: (flags & BEGINS_GROUP) !== 0,
      windowBits: rows[row + 1],
      plainEndLength: rows[row + 5],
      room: rows[row + 6],
      inflateWindow,
      deflateWindow,
    }
    at += length
  }
}

/** What replies are likely to take more than their messages did: the client may have deflated them at a higher level. */
const LIKELY_GROWTH = 1.25
/** Octets that a reply may take in any case. */
const LIKELY_OVERHEAD = 64

/** Collects results in one growing buffer. */
class ResultWriter implements Target {
  /** Octets of results so far. */
  octets = 0
  buffer: Buffer
  readonly #rows: Int32Array
  #row = 0

  constructor(messages: number, sizeHint: number) {
    this.#rows = new Int32Array(messages * RESULT_ROW)
    this.buffer = Buffer.allocUnsafeSlow(Math.ceil(sizeHint * LIKELY_GROWTH) + messages * LIKELY_OVERHEAD)
  }

  /** @param elapsed milliseconds that the message took */
  add(result: Outgoing, plainEndLength: number, elapsed: number): void {
    const micros = Math.round(elapsed * 1000)
    if (result.violation !== undefined) {
      this.#push(VIOLATIONS.indexOf(result.violation), 0, 0, 0, micros)
      return
    }
    const { payload, payloadOffset, payloadLength, plain, plainOffset, plainLength } = result
    const tail = Math.min(plainLength, plainEndLength)
    const end = this.octets + payloadLength + tail
    const isInPlace = payload === this.buffer
    if (end > this.buffer.length) this.grow(this.octets + (isInPlace ? payloadLength : 0), end, end)
    // A deflated payload is there already.
    if (!isInPlace) payload.copy(this.buffer, this.octets, payloadOffset, payloadOffset + payloadLength)
    this.octets += payloadLength
    plain.copy(this.buffer, this.octets, plainOffset + plainLength - tail, plainOffset + plainLength)
    this.octets += tail
    this.#push(result.deflated ? DEFLATED : PLAIN, payloadLength, plainLength, tail, micros)
  }

  skip(): void {
    this.#push(NOT_DONE, 0, 0, 0, 0)
  }

  finish(runTime: number): BatchResult {
    // Without a copy the whole buffer would be moved, however little of it is used.
    const bytes =
      this.buffer.length > 2 * this.octets ? new Uint8Array(this.buffer.subarray(0, this.octets)) : this.buffer
    return { bytes, rows: this.#rows, runTime }
  }

  #push(status: number, payloadLength: number, plainLength: number, tail: number, micros: number): void {
    const rows = this.#rows
    const row = this.#row
    rows[row] = status
    rows[row + 1] = payloadLength
    rows[row + 2] = plainLength
    rows[row + 3] = tail
    rows[row + 4] = micros
    this.#row += RESULT_ROW
  }

  /** Beyond `most` too: other messages follow. */
  grow(used: number, _most: number, least = 0): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, least))
    this.buffer.copy(larger, 0, 0, used)
    this.buffer = larger
  }
}

/** A reply from a thread. Of the plain text only its end is there; `plainLength` is its full length all the same. */
export interface ThreadResult extends Outgoing {
  readonly plainEnd: Buffer
  /** Milliseconds that the message took. */
  readonly elapsed: number
}

/** The replies of a batch in its order; undefined for messages that were not done. */
export function* unpackResult({ bytes, rows }: BatchResult): Generator<ThreadResult | undefined> {
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let row = 0; row < rows.length; row += RESULT_ROW) {
    const status = rows[row]
    const payloadLength = rows[row + 1]
    const end = at + payloadLength + rows[row + 3]
    if (status === NOT_DONE) yield undefined
    else
      yield {
        violation: status >= 0 ? VIOLATIONS[status] : undefined,
        deflated: status === DEFLATED,
        payload,
        payloadOffset: at,
        payloadLength,
        plain: NOTHING,
        plainOffset: 0,
        plainLength: rows[row + 2],
        plainEnd: payload.subarray(at + payloadLength, end),
        elapsed: rows[row + 4] / 1000,
      }
    at = end
  }
}
