// appendToWindow: always the last octets, never more than the window holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { appendToWindow } from '../../../src/codec/window.js'

test('a window is the end of all that went into it', () => {
  const texts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 64 }), (parts, size) => {
      let window: Buffer = Buffer.alloc(0)
      for (const part of parts) window = appendToWindow(window, Buffer.from(part), size)
      const all = Buffer.concat(parts)
      assert.deepEqual(window, all.subarray(Math.max(0, all.length - size)))
    }),
  )
})

test('a window shares no memory with what it was made of', () => {
  const plain = Buffer.from('plain text')
  const window = appendToWindow(Buffer.alloc(0), plain, 100)
  const next = appendToWindow(window, Buffer.alloc(0), 100)
  plain.fill(0)
  window.fill(0)
  assert.equal(next.toString(), 'plain text')
})
