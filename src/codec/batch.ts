// How a batch of messages crosses to a codec thread and back: one transferred buffer, one row of numbers a message.

import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../errors.js'
import type { Incoming, Outgoing, Transcoder } from './transcoder.js'

/** To the thread. For each message, `bytes` holds inflate window, deflate window and payload. */
export interface Batch {
  readonly bytes: Uint8Array
  /** Rows of `ROW` numbers: flags, server window bits; octets of both windows, the payload, the plain text's end. */
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

const ROW = 6
const COMPRESSED = 1
const TEXT = 2

const RESULT_ROW = 4
const PLAIN = -1
const DEFLATED = -2
/** A status of 0 or more is a violation: its place in this list. */
const VIOLATIONS = Object.keys(PROTOCOL_ERRORS) as ProtocolErrorCode[]

/** A message whose connection may keep windows for the next one. */
export interface BatchMessage extends Incoming {
  /** Octets of the end of the plain text that those windows can need; 0 without context takeover. */
  readonly plainEndLength: number
}

const NOTHING = Buffer.alloc(0)

/** Copies the messages into one batch. The messages stay whole: a thread that dies loses nothing. */
export function pack(messages: readonly BatchMessage[]): Batch {
  let size = 0
  for (const m of messages) size += m.inflateWindow.length + m.deflateWindow.length + m.length
  const bytes = Buffer.allocUnsafeSlow(size)
  const rows = new Int32Array(messages.length * ROW)
  let at = 0
  for (const [i, m] of messages.entries()) {
    const flags = (m.compressed ? COMPRESSED : 0) | (m.text ? TEXT : 0)
    rows.set([flags, m.windowBits, m.inflateWindow.length, m.deflateWindow.length, m.length, m.plainEndLength], i * ROW)
    bytes.set(m.inflateWindow, at)
    at += m.inflateWindow.length
    bytes.set(m.deflateWindow, at)
    at += m.deflateWindow.length
    bytes.set(m.source.subarray(m.offset, m.offset + m.length), at)
    at += m.length
  }
  return { bytes, rows }
}

/** Runs on the thread: does every message of the batch. */
export function runBatch(batch: Batch, transcoder: Transcoder): BatchResult {
  const started = performance.now()
  const writer = new ResultWriter(batch.rows.length / ROW, batch.bytes.length)
  for (const message of unpack(batch)) writer.add(transcoder.transcode(message), message.plainEndLength)
  return writer.finish(started)
}

function* unpack({ bytes, rows }: Batch): Generator<BatchMessage> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let row = 0; row < rows.length; row += ROW) {
    const [flags, windowBits, inflateLength, deflateLength, length, plainEndLength] = rows.subarray(row, row + ROW)
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
      plainEndLength,
      windowBits,
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
class ResultWriter {
  readonly #rows: Int32Array
  #bytes: Buffer
  #at = 0
  #row = 0

  constructor(messages: number, sizeHint: number) {
    this.#rows = new Int32Array(messages * RESULT_ROW)
    this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(sizeHint * LIKELY_GROWTH) + messages * LIKELY_OVERHEAD)
  }

  add(result: Outgoing, plainEndLength: number): void {
    if (result.violation !== undefined) {
      this.#push(VIOLATIONS.indexOf(result.violation), 0, 0, 0)
      return
    }
    const { payload, payloadOffset, payloadLength, plain, plainOffset, plainLength } = result
    const tail = Math.min(plainLength, plainEndLength)
    this.#makeRoom(payloadLength + tail)
    payload.copy(this.#bytes, this.#at, payloadOffset, payloadOffset + payloadLength)
    this.#at += payloadLength
    plain.copy(this.#bytes, this.#at, plainOffset + plainLength - tail, plainOffset + plainLength)
    this.#at += tail
    this.#push(result.deflated ? DEFLATED : PLAIN, payloadLength, plainLength, tail)
  }

  finish(started: number): BatchResult {
    // Without a copy the whole buffer would be moved, however little of it is used.
    const bytes = this.#bytes.length > 2 * this.#at ? new Uint8Array(this.#bytes.subarray(0, this.#at)) : this.#bytes
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
 * The replies of a batch in its order. Of the plain text only its end is there, as `plainEnd`; `plainLength` is its
 * full length all the same.
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
