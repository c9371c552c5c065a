// The rules of RFC 6455 section 5 one by one: which octets break them, with which error, and as of which octet.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProtocolErrorCode } from '../../../src/errors.js'
import { type DecoderRules, FrameDecoder } from '../../../src/protocol/frame-decoder.js'
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../../src/protocol/opcodes.js'
import { decodeAll, LAX, octetByOctet } from '../../support/decode.js'
import { closePayload, type FrameFields, frameOctets, framesOctets } from '../../support/frame-octets.js'

const COMPRESSION: DecoderRules = { ...LAX, compression: true }
const SMALL: DecoderRules = { ...LAX, maxMessage: 1000 }
const SMALL_COMPRESSION: DecoderRules = { ...SMALL, compression: true }
const THREE_FRAGMENTS: DecoderRules = { ...LAX, maxFragments: 3 }

/** Octets of a frame up to the end of its length; nothing behind them is needed to judge them. */
const SHORT_LENGTH = 2
const LENGTH_16 = 4
const LENGTH_64 = 10
/** Octets of a frame with a short length up to the `count`th of its payload. */
const payloadTo = (count: number) => 6 + count

/**
 * What it is, the frames, of which the last breaks the rule, and the octets of that one after which the error is known;
 * by default those that say opcode and short length.
 */
type Case = readonly [name: string, frames: readonly FrameFields[], after?: number, rules?: DecoderRules]

interface Rule {
  readonly error: ProtocolErrorCode
  readonly closeCode: number
  readonly cases: readonly Case[]
}

const CONTROL = [CLOSE, PING, PONG]
const begin = (opcode: number, payload: Uint8Array | string = 'ab'): FrameFields => ({ fin: false, opcode, payload })

const MALFORMED_TEXTS: readonly (readonly [name: string, octets: readonly number[], refusedAfter: number])[] = [
  ['a stray continuation octet', [0x61, 0x80, 0x62], 2],
  ['an overlong form of two octets', [0xc0, 0x80, 0x62], 1],
  ['an overlong form of three octets', [0xe0, 0x9f, 0xbf], 2],
  ['an overlong form of four octets', [0xf0, 0x8f, 0xbf, 0xbf], 2],
  ['a surrogate', [0xed, 0xa0, 0x80], 2],
  ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], 2],
  ['an octet above F4', [0xf5, 0x80, 0x80, 0x80], 1],
  ['a code point broken off by ASCII', [0xe2, 0x82, 0x61], 3],
  ['a code point that it ends in', [0x61, 0xe2, 0x82], 3],
]

const HEADER_RULES: readonly Rule[] = [
  {
    error: 'ECHOBAHN_RESERVED_BITS',
    closeCode: 1002,
    cases: [
      ...[1, 2, 3, 4, 5, 6, 7].map((rsv): Case => [`bits ${rsv} without an extension`, [{ rsv, opcode: TEXT }]]),
      ...[1, 2, 3, 5, 6, 7].map(
        (rsv): Case => [`bits ${rsv} with permessage-deflate`, [{ rsv, opcode: BINARY }], SHORT_LENGTH, COMPRESSION],
      ),
      ...CONTROL.map(
        (opcode): Case => [`RSV1 on control frame ${opcode}`, [{ rsv: 4, opcode }], SHORT_LENGTH, COMPRESSION],
      ),
      [
        'RSV1 on the continuation of a compressed message',
        [
          { ...begin(TEXT), rsv: 4 },
          { rsv: 4, opcode: CONTINUATION },
        ],
        SHORT_LENGTH,
        COMPRESSION,
      ],
    ],
  },
  {
    error: 'ECHOBAHN_RESERVED_OPCODE',
    closeCode: 1002,
    cases: [
      ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): Case => [`opcode ${opcode}`, [{ opcode }]]),
      ['opcode 3 inside a message', [begin(TEXT), { opcode: 3 }]],
    ],
  },
  {
    error: 'ECHOBAHN_UNMASKED_FRAME',
    closeCode: 1002,
    cases: [
      ...[TEXT, BINARY, ...CONTROL].map((opcode): Case => [`opcode ${opcode}`, [{ opcode, mask: null }]]),
      ['a continuation', [begin(TEXT), { opcode: CONTINUATION, mask: null }]],
    ],
  },
  {
    error: 'ECHOBAHN_CONTROL_FRAGMENTED',
    closeCode: 1002,
    cases: CONTROL.map((opcode): Case => [`opcode ${opcode}`, [{ fin: false, opcode }]]),
  },
  {
    error: 'ECHOBAHN_CONTROL_TOO_LONG',
    closeCode: 1002,
    cases: CONTROL.flatMap((opcode): Case[] => [
      [`opcode ${opcode} with 126 octets`, [{ opcode, payload: Buffer.alloc(126) }]],
      [`opcode ${opcode} with a 64-bit length`, [{ opcode, extended: 8, payload: 'ab' }]],
    ]),
  },
  {
    error: 'ECHOBAHN_LENGTH_NOT_MINIMAL',
    closeCode: 1002,
    cases: [
      ...[0n, 1n, 125n].map(
        (length): Case => [`${length} in 16 bits`, [{ opcode: BINARY, extended: 2, length }], LENGTH_16],
      ),
      ...[0n, 125n, 126n, 65_535n].map(
        (length): Case => [`${length} in 64 bits`, [{ opcode: TEXT, extended: 8, length }], LENGTH_64],
      ),
    ],
  },
  {
    error: 'ECHOBAHN_LENGTH_INVALID',
    closeCode: 1002,
    // They are too big as well, but that comes second.
    cases: [2n ** 63n, 2n ** 63n + 5n, 2n ** 64n - 1n].map(
      (length): Case => [`${length}`, [{ opcode: BINARY, length }], LENGTH_64],
    ),
  },
]

const MESSAGE_RULES: readonly Rule[] = [
  {
    error: 'ECHOBAHN_UNEXPECTED_CONTINUATION',
    closeCode: 1002,
    cases: [
      ['first of all', [{ opcode: CONTINUATION }]],
      ['not the last frame', [begin(CONTINUATION)]],
      ['after a whole message', [{ opcode: TEXT, payload: 'ab' }, { opcode: CONTINUATION }]],
      ['after an empty message', [{ opcode: BINARY }, { opcode: CONTINUATION }]],
      ['after a fragmented message', [begin(TEXT), { opcode: CONTINUATION }, { opcode: CONTINUATION }]],
      ['after a control frame', [{ opcode: PING }, { opcode: CONTINUATION }]],
    ],
  },
  {
    error: 'ECHOBAHN_EXPECTED_CONTINUATION',
    closeCode: 1002,
    cases: [
      ['text in text', [begin(TEXT), { opcode: TEXT }]],
      ['binary in text', [begin(TEXT), { opcode: BINARY }]],
      ['fragmented binary in binary', [begin(BINARY), begin(BINARY)]],
      ['after a continuation', [begin(TEXT), begin(CONTINUATION), { opcode: TEXT }]],
      ['after a control frame', [begin(TEXT), { opcode: PING }, { opcode: TEXT }]],
      ['after an empty first frame', [begin(BINARY, ''), { opcode: TEXT }]],
    ],
  },
  {
    error: 'ECHOBAHN_MESSAGE_TOO_BIG',
    closeCode: 1009,
    cases: [
      ['by one octet', [{ opcode: BINARY, length: 1001n }], LENGTH_16, SMALL],
      ['by a later frame', [begin(TEXT, 'x'.repeat(900)), begin(CONTINUATION, 'x'.repeat(101))], SHORT_LENGTH, SMALL],
      [
        'by all its frames together',
        [begin(TEXT, 'x'.repeat(900)), begin(CONTINUATION, 'x'.repeat(50)), begin(CONTINUATION, 'x'.repeat(51))],
        SHORT_LENGTH,
        SMALL,
      ],
      ...[2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n].map(
        (length): Case => [`with ${length} octets`, [{ opcode: BINARY, length }], LENGTH_64],
      ),
      // 1000 octets of plain text may take 16 + 1024 more when they are deflated without gain.
      ['compressed', [{ rsv: 4, opcode: TEXT, length: 2041n }], LENGTH_16, SMALL_COMPRESSION],
      [
        'compressed, by a later frame',
        [{ ...begin(TEXT, 'x'.repeat(2000)), rsv: 4 }, begin(CONTINUATION, 'x'.repeat(41))],
        SHORT_LENGTH,
        SMALL_COMPRESSION,
      ],
      ['not compressed, where it could be', [{ opcode: TEXT, length: 1001n }], LENGTH_16, SMALL_COMPRESSION],
    ],
  },
  {
    error: 'ECHOBAHN_TOO_MANY_FRAGMENTS',
    closeCode: 1008,
    cases: [
      [
        'one more than three',
        [begin(TEXT), begin(CONTINUATION), { opcode: PING }, begin(CONTINUATION), { opcode: CONTINUATION }],
        SHORT_LENGTH,
        THREE_FRAGMENTS,
      ],
    ],
  },
]

const PAYLOAD_RULES: readonly Rule[] = [
  {
    error: 'ECHOBAHN_CLOSE_PAYLOAD',
    closeCode: 1002,
    cases: [['one octet', [{ opcode: CLOSE, payload: 'a' }]]],
  },
  {
    error: 'ECHOBAHN_CLOSE_CODE',
    closeCode: 1002,
    cases: [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map(
      (code): Case => [`${code}`, [{ opcode: CLOSE, payload: closePayload(code, 'ok') }], payloadTo(4)],
    ),
  },
  {
    error: 'ECHOBAHN_CLOSE_REASON',
    closeCode: 1007,
    cases: MALFORMED_TEXTS.map(([name, octets]): Case => {
      const payload = closePayload(1000, Buffer.from(octets))
      return [name, [{ opcode: CLOSE, payload }], payloadTo(payload.length)]
    }),
  },
  {
    error: 'ECHOBAHN_INVALID_UTF8',
    closeCode: 1007,
    cases: [
      ...MALFORMED_TEXTS.flatMap(([name, octets, refusedAfter]): Case[] => {
        const payload = Buffer.from(octets)
        return [
          [name, [{ opcode: TEXT, payload }], payloadTo(refusedAfter)],
          [`${name}, in a continuation`, [begin(TEXT), { opcode: CONTINUATION, payload }], payloadTo(refusedAfter)],
        ]
      }),
      [
        'a code point broken off at the seam of two frames',
        [begin(TEXT, Buffer.from([0xe2, 0x82])), { opcode: PING, payload: 'seam' }, begin(CONTINUATION)],
        payloadTo(1),
      ],
      [
        'a code point that an empty last frame leaves unfinished',
        [begin(TEXT, Buffer.from([0xe2, 0x82])), { opcode: CONTINUATION }],
        payloadTo(0),
      ],
      [
        'an octet of a frame that is neither the last nor whole',
        [{ ...begin(TEXT, Buffer.from([0x61, 0xff])), length: 1000n }],
        LENGTH_16 + 4 + 2,
      ],
    ],
  },
]

for (const { error, closeCode, cases } of [...HEADER_RULES, ...MESSAGE_RULES, ...PAYLOAD_RULES]) {
  for (const [name, frames, after = SHORT_LENGTH, rules = LAX] of cases) {
    test(`${error}: ${name}`, () => {
      const before = framesOctets(...frames.slice(0, -1))
      const octets = framesOctets(...frames)

      const whole = decodeAll([octets], rules)
      assert.equal(whole.error?.code, error)
      assert.equal(whole.error?.closeCode, closeCode)
      assert.equal(whole.frames.length, frames.length - 1, 'what came before is decoded')

      const cut = decodeAll(octetByOctet(octets), rules)
      assert.equal(cut.error?.code, error)
      assert.equal(cut.chunksFed - before.length, after, 'known as soon as it can be')
      assert.deepEqual(cut.frames, whole.frames)
    })
  }
}

test('after a violation nothing more is decoded', () => {
  const decoder = new FrameDecoder(LAX)
  const octets = framesOctets({ opcode: 3 }, { opcode: TEXT, payload: 'ab' })
  decoder.feed(octets, 0, octets.length)
  assert.equal(decoder.next(), false)
  const { error } = decoder
  const legal = frameOctets({ opcode: TEXT })
  decoder.feed(legal, 0, legal.length)
  assert.equal(decoder.next(), false)
  assert.equal(decoder.error, error)
})
