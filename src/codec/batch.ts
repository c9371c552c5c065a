// How a batch of messages crosses to a codec thread and back: one transferred buffer each way, one row of numbers a message.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import { TRAILER_ROOM } from './inflater.js'
import type { Incoming, Outgoing, Transcoder } from './transcoder.js'
import { appendToWindow } from './window.js'

/** To the thread. For each message, `bytes` holds inflate window, deflate window, payload and trailer room. */
export interface Batch {
  readonly bytes: Uint8Array
  /** Rows of `ROW` numbers: flags, server window bits, octets of both windows and of the payload. */
  readonly rows: Int32Array
}

/** From the thread. For each message, `bytes` holds the payload and, if asked for, the end of the plain text. */
export interface BatchResult {
  readonly bytes: Uint8Array
  /** Rows of `RESULT_ROW` numbers: status, octets of the payload, of the plain text, of the plain text's end. */
  readonly rows: Int32Array
  /** Milliseconds that the thread worked on the batch. */
  readonly runTime: number
}

const ROW = 5
const COMPRESSED = 1
const TEXT = 2
/** The caller keeps a window: the end of the plain text must come back. */
const KEEPS_WINDOW = 4

const RESULT_ROW = 4
const PLAIN = -1
const DEFLATED = -2
/** A status of 0 or more is a violation: its place in this list. */
const VIOLATIONS = Object.keys(PROTOCOL_ERRORS) as ProtocolErrorCode[]

/** Longest stretch of plain text that a window can need: 2^15 octets. */
const WINDOW = 32 * 1024

/** A message whose connection may keep a window for the next one. */
export interface BatchMessage extends Incoming {
  readonly keepsWindow: boolean
}

const NOTHING = Buffer.alloc(0)

/** Copies the messages into one batch. The messages stay whole: a thread that dies loses nothing. */
export function pack(messages: readonly BatchMessage[]): Batch {
  let size = 0
  for (const m of messages) size += m.inflateWindow.length + m.deflateWindow.length + m.length + TRAILER_ROOM
  const bytes = new Uint8Array(size)
  const rows = new Int32Array(messages.length * ROW)
  let at = 0
  for (const [i, m] of messages.entries()) {
    const flags = (m.compressed ? COMPRESSED : 0) | (m.text ? TEXT : 0) | (m.keepsWindow ? KEEPS_WINDOW : 0)
    rows.set([flags, m.windowBits, m.inflateWindow.length, m.deflateWindow.length, m.length], i * ROW)
    bytes.set(m.inflateWindow, at)
    at += m.inflateWindow.length
    bytes.set(m.deflateWindow, at)
    at += m.deflateWindow.length
    bytes.set(m.source.subarray(m.offset, m.offset + m.length), at)
    at += m.length + TRAILER_ROOM
  }
  return { bytes, rows }
}

/** Runs on the thread: does every message of the batch. */
export function runBatch(batch: Batch, transcoder: Transcoder): BatchResult {
  const started = performance.now()
  const writer = new ResultWriter(batch.rows.length / ROW, batch.bytes.length)
  for (const message of unpack(batch)) writer.add(transcoder.transcode(message), message.keepsWindow)
  return writer.finish(started)
}

function* unpack({ bytes, rows }: Batch): Generator<BatchMessage> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let row = 0; row < rows.length; row += ROW) {
    const [flags, windowBits, inflateLength, deflateLength, length] = rows.subarray(row, row + ROW)
    const inflateWindow = source.subarray(at, at + inflateLength)
    at += inflateLength
    const deflateWindow = source.subarray(at, at + deflateLength)
    at += deflateLength
    yield {
      source,
      offset: at,
      length,
      compressed: (flags & COMPRESSED) !== 0,
      text: (flags & TEXT) !== 0,
      keepsWindow: (flags & KEEPS_WINDOW) !== 0,
      windowBits,
      inflateWindow,
      deflateWindow,
    }
    at += length + TRAILER_ROOM
  }
}

/** Collects results in one growing buffer. */
class ResultWriter {
  readonly #rows: Int32Array
  #bytes: Buffer
  #at = 0
  #row = 0

  constructor(messages: number, sizeHint: number) {
    this.#rows = new Int32Array(messages * RESULT_ROW)
    this.#bytes = Buffer.allocUnsafeSlow(sizeHint * 2)
  }

  add(result: Outgoing, keepsWindow: boolean): void {
    if (result.violation !== undefined) {
      this.#push(VIOLATIONS.indexOf(result.violation), 0, 0, 0)
      return
    }
    const { payload, payloadOffset, payloadLength, plain, plainOffset, plainLength } = result
    const tail = keepsWindow ? Math.min(plainLength, WINDOW) : 0
    this.#makeRoom(payloadLength + tail)
    payload.copy(this.#bytes, this.#at, payloadOffset, payloadOffset + payloadLength)
    this.#at += payloadLength
    plain.copy(this.#bytes, this.#at, plainOffset + plainLength - tail, plainOffset + plainLength)
    this.#at += tail
    this.#push(result.deflated ? DEFLATED : PLAIN, payloadLength, plainLength, tail)
  }

  finish(started: number): BatchResult {
    // Without a copy the whole buffer would be moved, however little of it is used.
    const bytes = this.#bytes.length > 2 * this.#at ? Uint8Array.from(this.#bytes.subarray(0, this.#at)) : this.#bytes
    return { bytes, rows: this.#rows, runTime: performance.now() - started }
  }

  #push(...row: number[]): void {
    this.#rows.set(row, this.#row)
    this.#row += RESULT_ROW
  }

  #makeRoom(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + size))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/**
 * The replies of a batch in its order. `plain` holds only the end of the plain text, and only for messages that keep a
 * window; `plainLength` is its full length all the same.
 */
export function* unpackResult({ bytes, rows }: BatchResult): Generator<Outgoing & { readonly plainEnd: Buffer }> {
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let row = 0; row < rows.length; row += RESULT_ROW) {
    const [status, payloadLength, plainLength, tail] = rows.subarray(row, row + RESULT_ROW)
    yield {
      violation: status >= 0 ? VIOLATIONS[status] : undefined,
      deflated: status === DEFLATED,
      payload,
      payloadOffset: at,
      payloadLength,
      plain: NOTHING,
      plainOffset: 0,
      plainLength,
      plainEnd: payload.subarray(at + payloadLength, at + payloadLength + tail),
    }
    at += payloadLength + tail
  }
}

/** Both windows after a message: text counts for a window only where it went compressed (RFC 7692 section 7.1.1). */
export function windowsAfter(
  message: BatchMessage,
  deflated: boolean,
  plain: Buffer,
  offset: number,
  length: number,
): { inflateWindow: Buffer; deflateWindow: Buffer } {
  const { inflateWindow, deflateWindow, compressed } = message
  return {
    inflateWindow: compressed ? appendToWindow(inflateWindow, plain, offset, length, WINDOW) : inflateWindow,
    deflateWindow: deflated ? appendToWindow(deflateWindow, plain, offset, length, WINDOW) : deflateWindow,
  }
}
