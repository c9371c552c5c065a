// Incremental UTF-8 validation against Node's decoders, however the octets are cut.

import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { Utf8Validator } from '../../../src/protocol/utf8.js'
import { cutAt, octetByOctet } from '../../support/decode.js'

/** Long enough for native code to take part. */
const LONG_ASCII = Buffer.alloc(100, 'a')

/** Octets taken before the first refusal, chunk by chunk; undefined if there is none. */
function refusedAt(chunks: Iterable<Uint8Array>): number | undefined {
  const validator = new Utf8Validator()
  let taken = 0
  for (const chunk of chunks) {
    if (!validator.push(chunk, 0, chunk.length)) return taken
    taken += chunk.length
  }
  return undefined
}

/** Whether `chunks` together are valid text. */
function accepts(chunks: Iterable<Uint8Array>): boolean {
  const validator = new Utf8Validator()
  for (const chunk of chunks) if (!validator.push(chunk, 0, chunk.length)) return false
  return validator.atBoundary
}

/** Index of the first octet that no valid text can have there, by Node's streaming decoder. */
function firstOffender(octets: Uint8Array): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let i = 0; i < octets.length; i++) {
    try {
      decoder.decode(octets.subarray(i, i + 1), { stream: true })
    } catch {
      return i
    }
  }
  return undefined
}

/** Octets that are nearly text: whole code points, stray octets, and the octets at the edges of every range. */
const nearlyText = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).map(text => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.constant(LONG_ASCII) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map(octets => Buffer.from(octets)) },
      {
        weight: 1,
        arbitrary: fc
          .subarray([0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0])
          .map(octets => Buffer.from(octets)),
      },
    ),
    { maxLength: 6 },
  )
  .map(parts => Buffer.concat(parts))

test('every sequence of up to three octets that matter is judged as Node judges it', () => {
  const octets = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee]
  octets.push(0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff)
  for (const a of octets)
    for (const b of octets)
      for (const c of octets) {
        const text = Buffer.from([a, b, c])
        assert.equal(accepts([text]), isUtf8(text), text.toString('hex'))
        assert.equal(refusedAt(octetByOctet(text)), firstOffender(text), text.toString('hex'))
      }
})

test('every code point is accepted, and every surrogate refused at its second octet', () => {
  const validator = new Utf8Validator()
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const text = Buffer.from(String.fromCodePoint(code))
    if (!validator.push(text, 0, text.length) || !validator.atBoundary) assert.fail(code.toString(16))
  }
  for (let code = 0xd800; code <= 0xdfff; code++) {
    const surrogate = Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
    assert.equal(refusedAt(octetByOctet(surrogate)), 1, code.toString(16))
  }
})

test('only the given range of the buffer is read', () => {
  for (const length of [10, 200]) {
    const buffer = Buffer.alloc(length, 0xff).fill('a', 3, length - 3)
    const validator = new Utf8Validator()
    assert.ok(validator.push(buffer, 3, length - 3))
    assert.ok(!validator.push(buffer, 3, length - 2))
  }
})

test('a code point of each size may be cut anywhere behind a long text', () => {
  for (const point of ['é', '€', '😀']) {
    const text = Buffer.concat([LONG_ASCII, Buffer.from(point), LONG_ASCII])
    for (let cut = 0; cut <= text.length; cut++) assert.ok(accepts(cutAt(text, [cut])), `${point} cut at ${cut}`)
  }
})

test('a text that ends inside a code point is not at a boundary', () => {
  for (const point of ['é', '€', '😀'].map(text => Buffer.from(text)))
    for (let size = 1; size < point.length; size++)
      for (const before of [Buffer.alloc(0), LONG_ASCII]) {
        const validator = new Utf8Validator()
        const text = Buffer.concat([before, point.subarray(0, size)])
        assert.ok(validator.push(text, 0, text.length))
        assert.equal(validator.atBoundary, false)
      }
})

test('any octets are accepted exactly when they are valid, at every split', () => {
  fc.assert(
    fc.property(nearlyText, octets => {
      const valid = isUtf8(octets)
      for (let cut = 0; cut <= octets.length; cut++) assert.equal(accepts(cutAt(octets, [cut])), valid, `cut at ${cut}`)
    }),
    { numRuns: 500 },
  )
})

test('the first octet that no valid text can have there is refused at once, however much comes with it', () => {
  fc.assert(
    fc.property(nearlyText, octets => {
      const offender = firstOffender(octets)
      assert.equal(refusedAt(octetByOctet(octets)), offender)
      if (offender === undefined) return
      assert.equal(refusedAt([octets.subarray(0, offender), octets.subarray(offender, offender + 1)]), offender)
      assert.equal(refusedAt([octets.subarray(0, offender + 1)]), 0)
    }),
    { numRuns: 500 },
  )
})
