// Compression of one connection as real clients have it (RFC 7692 section 7.2): with context takeover a zlib stream of
// its own for each direction, which remembers what went before; without, the thread's, reset after each message.

import zlib from 'node:zlib'
import { openHandle, type ZlibHandle } from '../codec/zlib-handle.js'
import { ExitError } from '../errors.js'
import type { DeflateAgreement } from './deflate-agreement.js'

/** What a sender takes off a message and a receiver puts back (section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
/** zlib takes no smaller window; with it no distance exceeds 250, so it serves 8 bits truthfully too. */
const LEAST_WINDOW_BITS = 9
const FIRST_OUTPUT = 64 * 1024

/** Of all connections of the thread, since one message is done before the next begins. */
let output = Buffer.alloc(0)
const sharedDeflaters = new Map<number, ZlibHandle>()
let sharedInflater: ZlibHandle | undefined

export class MessageDeflate {
  readonly #deflater: ZlibHandle
  readonly #inflater: ZlibHandle
  readonly #agreement: DeflateAgreement

  constructor(agreement: DeflateAgreement) {
    const { clientContextTakeover, serverContextTakeover, clientWindowBits } = agreement
    const windowBits = Math.max(clientWindowBits, LEAST_WINDOW_BITS)
    this.#agreement = agreement
    this.#deflater = clientContextTakeover ? openDeflater(windowBits) : sharedDeflater(windowBits)
    if (!serverContextTakeover) sharedInflater ??= openInflater()
    this.#inflater = serverContextTakeover ? openInflater() : (sharedInflater as ZlibHandle)
  }

  /** The message deflated, valid until the next call for any connection. */
  deflate(plain: Buffer, length: number): Buffer {
    // Never more than this: stored blocks, and the end of a flush.
    reserve(length + Math.ceil(length / 1024) * 8 + 64)
    this.#deflater.write(plain, 0, length, output, 0, output.length)
    const deflated = output.length - this.#deflater.roomLeft - TAIL.length
    if (!this.#agreement.clientContextTakeover) this.#deflater.reset()
    return output.subarray(0, deflated)
  }

  /**
   * The message inflated, valid until the next call for any connection; undefined when it is no deflate data, or longer
   * than `most` octets.
   */
  inflate(payload: Buffer, most: number): Buffer | undefined {
    reserve(Math.min(FIRST_OUTPUT, most + 1))
    const input = Buffer.concat([payload, TAIL])
    let left = input.length
    let written = 0
    while (left > 0) {
      const before = left
      if (!this.#inflater.write(input, input.length - left, left, output, written, output.length)) return undefined
      left = this.#inflater.inputLeft
      written = output.length - this.#inflater.roomLeft
      if (written > most) return undefined
      if (this.#inflater.roomLeft === 0) grow(written, most + 1)
      // zlib stops behind a final block, which may stand inside a message (section 7.2.3.4).
      else if (left > 0) this.#inflater.reset()
      if (left === before && this.#inflater.roomLeft > 0) return undefined
    }
    written = this.#flush(written, most)
    if (!this.#agreement.serverContextTakeover) this.#inflater.reset()
    return written > most ? undefined : output.subarray(0, written)
  }

  /** Frees what zlib has, now. */
  close(): void {
    if (this.#agreement.clientContextTakeover) this.#deflater.close()
    if (this.#agreement.serverContextTakeover) this.#inflater.close()
  }

  /** Output that had no room when the input ended. */
  #flush(before: number, most: number): number {
    let written = before
    while (this.#inflater.roomLeft === 0 && written <= most) {
      grow(written, most + 1)
      this.#inflater.write(TAIL, 0, 0, output, written, output.length)
      if (this.#inflater.roomLeft === output.length - written) break
      written = output.length - this.#inflater.roomLeft
    }
    return written
  }
}

function reserve(length: number): void {
  if (output.length < length) output = Buffer.allocUnsafeSlow(length)
}

function grow(used: number, most: number): void {
  if (used < output.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(used + 1, Math.min(4 * output.length, most)))
  output.copy(larger, 0, 0, used)
  output = larger
}

function sharedDeflater(windowBits: number): ZlibHandle {
  const shared = sharedDeflaters.get(windowBits) ?? openDeflater(windowBits)
  sharedDeflaters.set(windowBits, shared)
  return shared
}

function openDeflater(windowBits: number): ZlibHandle {
  return opened(openHandle(zlib.createDeflateRaw({ windowBits })))
}

function openInflater(): ZlibHandle {
  return opened(openHandle(zlib.createInflateRaw()))
}

function opened(handle: ZlibHandle | undefined): ZlibHandle {
  if (handle !== undefined) return handle
  throw new ExitError('ECHOBAHN_LOAD_FAILED', `compression does not work with Node ${process.version}`)
}
