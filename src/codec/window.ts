// The LZ77 window that context takeover carries from message to message (RFC 7692 section 7.1.1), as plain text.

/** The last `size` octets of `window` followed by `plain`, in a buffer of its own: neither input is kept. */
export function appendToWindow(window: Buffer, plain: Buffer, size: number): Buffer {
  const fromPlain = Math.min(plain.length, size)
  const fromWindow = Math.min(window.length, size - fromPlain)
  const next = Buffer.allocUnsafe(fromWindow + fromPlain)
  window.copy(next, 0, window.length - fromWindow)
  plain.copy(next, fromWindow, plain.length - fromPlain)
  return next
}
