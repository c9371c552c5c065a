// However a stream is cut into chunks, the decoder says the same: every split position, and octet by octet.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DecoderRules } from '../../../src/protocol/frame-decoder.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../../src/protocol/opcodes.js'
import { cutAt, type Decoded, decodeAll, LAX, octetByOctet } from '../../support/decode.js'
import { closePayload, frameOctets, framesOctets } from '../../support/frame-octets.js'

const COMPRESSION: DecoderRules = { ...LAX, compression: true }
const TIGHT: DecoderRules = { maxMessage: 300, maxFragments: 3, compression: true }

const EURO = Buffer.from('€')
const MIXED_TEXT = 'aé€😀'.repeat(30)

/** Name, octets and rules of streams of frames, legal ones first. */
const CORPUS: readonly [string, Buffer, DecoderRules][] = [
  [
    'every opcode',
    framesOctets(
      { opcode: TEXT, payload: 'Hello' },
      { opcode: BINARY, payload: Buffer.from([0, 0xff, 0x80]) },
      { opcode: PING, payload: 'ping' },
      { opcode: PONG, payload: 'pong' },
      { opcode: CLOSE, payload: closePayload(1000, 'done') },
    ),
    LAX,
  ],
  [
    'empty frames of every opcode',
    framesOctets(
      { fin: false, opcode: TEXT },
      { fin: false, opcode: CONTINUATION },
      { opcode: PING },
      { opcode: CONTINUATION },
      { opcode: BINARY },
      { opcode: PONG },
      { opcode: CLOSE },
    ),
    LAX,
  ],
  ['the longest 7-bit length', framesOctets({ opcode: TEXT, payload: 'x'.repeat(125) }, { opcode: PING }), LAX],
  ['the shortest 16-bit length', framesOctets({ opcode: BINARY, payload: 'x'.repeat(126) }, { opcode: PING }), LAX],
  ['a text long enough for native code', framesOctets({ opcode: TEXT, payload: MIXED_TEXT }, { opcode: PING }), LAX],
  [
    'control frames of 125 octets inside a fragmented message',
    framesOctets(
      { fin: false, opcode: BINARY, payload: 'one' },
      { opcode: PING, payload: Buffer.alloc(125, 1) },
      { fin: false, opcode: CONTINUATION, payload: 'two' },
      { opcode: PONG, payload: Buffer.alloc(125, 2) },
      { opcode: CONTINUATION, payload: 'three' },
    ),
    LAX,
  ],
  [
    'code points cut by frames, with control frames at the seams',
    framesOctets(
      { fin: false, opcode: TEXT, payload: EURO.subarray(0, 1) },
      { opcode: PING, payload: 'seam' },
      { fin: false, opcode: CONTINUATION, payload: EURO.subarray(1, 2) },
      { fin: false, opcode: CONTINUATION },
      { opcode: CONTINUATION, payload: Buffer.concat([EURO.subarray(2), Buffer.from('😀')]) },
      { opcode: TEXT, payload: '😀' },
    ),
    LAX,
  ],
  [
    'compressed messages, whole and fragmented',
    framesOctets(
      { rsv: 4, opcode: TEXT, payload: Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]) },
      { fin: false, rsv: 4, opcode: TEXT, payload: Buffer.from([0xf2, 0x48]) },
      { opcode: PING },
      { opcode: CONTINUATION, payload: Buffer.from([0xcd, 0xc9, 0xc9, 0x07, 0x00]) },
      { opcode: TEXT, payload: 'plain' },
    ),
    COMPRESSION,
  ],
  ['a stream that ends inside a frame', frameOctets({ opcode: TEXT, payload: 'unfin', length: 9n }), LAX],
  ['a stream that ends inside a header', frameOctets({ opcode: BINARY, length: 70_000n }).subarray(0, 11), LAX],
  ['a stream that ends inside a control frame', frameOctets({ opcode: PING, payload: 'p', length: 5n }), LAX],
  ['invalid UTF-8 after a message', framesOctets({ opcode: TEXT, payload: 'a' }, invalidText(20)), LAX],
  ['invalid UTF-8 after much text', framesOctets(invalidText(150)), LAX],
  [
    'a text that ends inside a code point',
    framesOctets({ opcode: TEXT, payload: Buffer.concat([Buffer.alloc(60, 'a'), EURO.subarray(0, 2)]) }),
    LAX,
  ],
  [
    'a surrogate cut by frames',
    framesOctets(
      { fin: false, opcode: TEXT, payload: Buffer.from([0x61, 0xed]) },
      { opcode: PONG, payload: 'x' },
      { opcode: CONTINUATION, payload: Buffer.from([0xa0, 0x80]) },
    ),
    LAX,
  ],
  ['a Close with a code that is not to be sent', framesOctets({ opcode: CLOSE, payload: closePayload(1005) }), LAX],
  [
    'a Close with an invalid reason',
    framesOctets({ opcode: TEXT, payload: 'a' }, { opcode: CLOSE, payload: closePayload(1001, EURO.subarray(0, 2)) }),
    LAX,
  ],
  ['a Close of one octet', framesOctets({ opcode: PING }, { opcode: CLOSE, payload: 'a' }), LAX],
  ['reserved bits', framesOctets({ opcode: TEXT, payload: 'ab' }, { rsv: 2, opcode: TEXT, payload: 'cd' }), LAX],
  ['a reserved opcode', framesOctets({ opcode: BINARY, payload: 'ab' }, { opcode: 11, payload: 'cd' }), LAX],
  ['an unmasked frame', framesOctets({ opcode: TEXT, payload: 'ab' }, { opcode: TEXT, mask: null }), LAX],
  ['a fragmented control frame', framesOctets({ opcode: PING }, { fin: false, opcode: PING, payload: 'x' }), LAX],
  ['a control frame that is too long', framesOctets({ opcode: PONG, payload: 'x'.repeat(126) }), LAX],
  ['an unexpected continuation', framesOctets({ opcode: TEXT }, { opcode: CONTINUATION, payload: 'ab' }), LAX],
  ['a message inside a message', framesOctets({ fin: false, opcode: TEXT }, { opcode: PING }, { opcode: TEXT }), LAX],
  ['a 16-bit length that is too short for it', framesOctets({ opcode: TEXT, extended: 2, payload: 'ab' }), LAX],
  ['a 64-bit length that is too short for it', framesOctets({ opcode: TEXT, extended: 8, payload: 'ab' }), LAX],
  ['a 64-bit length with the first bit set', framesOctets({ opcode: BINARY, length: 2n ** 63n }), LAX],
  ['a message that is too big', framesOctets({ fin: false, opcode: TEXT }, { opcode: 0, length: 301n }), TIGHT],
  [
    'a message of too many frames',
    framesOctets(
      { fin: false, opcode: TEXT, payload: 'a' },
      { fin: false, opcode: CONTINUATION, payload: 'b' },
      { opcode: PING },
      { fin: false, opcode: CONTINUATION, payload: 'c' },
      { opcode: CONTINUATION, payload: 'd' },
    ),
    TIGHT,
  ],
]

function invalidText(length: number) {
  const payload = Buffer.alloc(length, 'é')
  payload[length - 5] = 0xff
  return { opcode: TEXT, payload }
}

/** All that may not depend on where the chunks end. */
function essence({ frames, unfinished, error }: Decoded) {
  return { frames, unfinished, error: error?.code }
}

for (const [name, octets, rules] of CORPUS) {
  test(`${name}: the same in two chunks, at every split, and octet by octet`, () => {
    const whole = essence(decodeAll([octets], rules))
    for (let cut = 0; cut <= octets.length; cut++)
      assert.deepEqual(essence(decodeAll(cutAt(octets, [cut]), rules)), whole, `cut at ${cut}`)
    assert.deepEqual(essence(decodeAll(octetByOctet(octets), rules)), whole)
  })
}

test('every pair of splits of a fragmented text with a ping inside', () => {
  const octets = framesOctets(
    { fin: false, opcode: TEXT, payload: EURO.subarray(0, 2) },
    { opcode: PING, payload: 'p' },
    { opcode: CONTINUATION, payload: EURO.subarray(2) },
  )
  const whole = essence(decodeAll([octets]))
  for (let first = 0; first <= octets.length; first++)
    for (let second = first; second <= octets.length; second++)
      assert.deepEqual(essence(decodeAll(cutAt(octets, [first, second]))), whole, `cut at ${first} and ${second}`)
})

test('the shortest 64-bit length: the same at splits of every kind, and octet by octet', () => {
  const payload = Buffer.alloc(65_536, MIXED_TEXT)
  const octets = framesOctets({ fin: false, opcode: TEXT, payload }, { opcode: CONTINUATION, payload: MIXED_TEXT })
  const whole = essence(decodeAll([octets]))
  assert.equal(whole.error, undefined)
  // Every split would take seconds. 97 is prime to the period of the text, so its code points are cut everywhere.
  const behind = 14 + payload.length
  const nearHeaders = Array.from({ length: 40 }, (_, i) => [i, behind - 20 + i, octets.length - i]).flat()
  const anywhere = Array.from({ length: Math.floor(octets.length / 97) }, (_, i) => i * 97)
  for (const cut of [...nearHeaders, ...anywhere])
    assert.deepEqual(essence(decodeAll(cutAt(octets, [cut]))), whole, `cut at ${cut}`)
  assert.deepEqual(essence(decodeAll(octetByOctet(octets))), whole)
})

test('invalid UTF-8 is refused with the chunk that brings it, though its frame goes on', () => {
  const frame = frameOctets({ ...invalidText(300), fin: false, length: 1000n })
  const offender = frame.length - 5
  for (let start = 0; start <= offender; start++) {
    const { error, chunksFed } = decodeAll([frame.subarray(0, start), frame.subarray(start, offender + 1)])
    assert.equal(error?.code, 'ECHOBAHN_INVALID_UTF8')
    assert.equal(chunksFed, 2)
  }
  assert.equal(decodeAll(octetByOctet(frame)).chunksFed, offender + 1)
})
