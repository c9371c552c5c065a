// The LZ77 window that context takeover carries from message to message (RFC 7692 section 7.1.1), as plain text.

import type { ZlibHandle } from './zlib-handle.js'

/** The last `size` octets of `window` followed by `plain`, in a buffer of its own: neither input is kept. */
export function appendToWindow(window: Buffer, plain: Buffer, size: number): Buffer {
  const fromPlain = Math.min(plain.length, size)
  const fromWindow = Math.min(window.length, size - fromPlain)
  const next = Buffer.allocUnsafe(fromWindow + fromPlain)
  window.copy(next, 0, window.length - fromWindow)
  plain.copy(next, fromWindow, plain.length - fromPlain)
  return next
}

/**
 * Gives an inflate context a window without zlib's dictionary, which Node takes for new contexts only: fed as a stored
 * block (RFC 1951 section 3.2.4) whose plain text is dropped, 32 KiB cost 2 to 5 µs and a new context 9 to 20.
 */
export class WindowPrimer {
  /** Octets of the largest window there is: a client may use it whatever it offered to use. */
  static readonly MOST = 32 * 1024
  /** Block type 00, then the number of octets and its complement, each 16 bits. */
  readonly #header = Buffer.alloc(5)
  #dropped: Buffer | undefined

  /** Makes the last octets of `window`, followed by the first `length` of `plain`, the window of a context that was reset. */
  prime(context: ZlibHandle, window: Buffer, plain: Buffer, length: number): void {
    const fromPlain = Math.min(length, WindowPrimer.MOST)
    const fromWindow = Math.min(window.length, WindowPrimer.MOST - fromPlain)
    const size = fromWindow + fromPlain
    if (size === 0) return
    this.#dropped ??= Buffer.allocUnsafeSlow(WindowPrimer.MOST)
    this.#header.writeUInt16LE(size, 1)
    this.#header.writeUInt16LE(0xffff - size, 3)
    this.#feed(context, this.#header, 0, this.#header.length, this.#dropped)
    this.#feed(context, window, window.length - fromWindow, fromWindow, this.#dropped)
    this.#feed(context, plain, length - fromPlain, fromPlain, this.#dropped)
  }

  #feed(context: ZlibHandle, source: Buffer, offset: number, length: number, dropped: Buffer): void {
    if (length > 0) context.write(source, offset, length, dropped, 0, dropped.length)
  }
}
