// Inflater: whatever a legal sender can make is inflated whole, and whatever is cut or broken is refused.

import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import zlib, { constants, deflateRawSync, type ZlibOptions } from 'node:zlib'
import fc from 'fast-check'
import { GIVEN_UP, Inflater } from '../../../src/codec/inflater.js'
import { deflateMessage } from '../../support/deflate-message.js'
import { noise, prose, repeated } from '../../support/plain-texts.js'

const NOTHING = Buffer.alloc(0)
/** Noise short enough for one stored block: what ends with the header of a second one is a whole message. */
const PLAIN_TEXTS = [Buffer.from('Hello'), prose(700), noise(100), repeated(Buffer.from('ab'), 2000), Buffer.alloc(1)]
const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
]

function inflaterFor(maxMessage = 2 ** 20, maxRatio = 0): Inflater {
  return new Inflater({ maxMessage, maxRatio })
}

/** The plain text, or the violation. */
function inflate(inflater: Inflater, payload: Buffer, dictionary: Buffer = NOTHING): Buffer | string {
  const violation = inflater.inflate(payload, 0, payload.length, dictionary)
  return violation ?? Buffer.from(inflater.output.subarray(0, inflater.length))
}

/** A payload whose blocks all end with a final one (RFC 7692 section 7.2.3.4), without the octet that may pad it. */
function finalMessage(plain: Buffer | string): Buffer {
  return deflateRawSync(plain)
}

/** Every way to compress that zlib knows, one option at a time. */
function* everyOption(): Generator<ZlibOptions> {
  for (let level = 0; level <= 9; level++) yield { level }
  for (let memLevel = 1; memLevel <= 9; memLevel++) yield { memLevel }
  for (let windowBits = 9; windowBits <= 15; windowBits++) yield { windowBits }
  for (const strategy of STRATEGIES) yield { strategy }
}

/** With Node's zlib handle, and on a Node where it looks different. */
for (const handles of ['with', 'without']) {
  describe(`Inflater ${handles} zlib handles`, () => {
    before(() => {
      if (handles === 'without') mock.method(zlib, 'createInflateRaw', () => ({}))
    })
    after(() => mock.restoreAll())

    it('inflates what zlib makes at every level, memory level, window size and strategy', () => {
      const inflater = inflaterFor()
      for (const options of everyOption())
        for (const plain of [...PLAIN_TEXTS, prose(100_000), noise(70_000)])
          assert.deepEqual(inflate(inflater, deflateMessage(plain, options)), plain, JSON.stringify(options))
    })

    it('takes one octet 0x00 and no octet at all for the empty message', () => {
      const inflater = inflaterFor()
      assert.deepEqual(inflate(inflater, Buffer.from([0x00])), NOTHING)
      assert.deepEqual(inflate(inflater, NOTHING), NOTHING)
      assert.deepEqual(inflate(inflater, deflateMessage('after')), Buffer.from('after'))
    })

    it('refuses every message that is cut short, at every octet, and is unharmed by it', () => {
      const inflater = inflaterFor()
      for (const options of [...everyOption()])
        for (const plain of PLAIN_TEXTS) {
          const payload = deflateMessage(plain, options)
          // The header of a stored block by itself is the empty message.
          for (let length = payload[0] === 0x00 ? 2 : 1; length < payload.length; length++)
            assert.equal(
              inflate(inflater, payload.subarray(0, length)),
              'ECHOBAHN_DEFLATE_TRUNCATED',
              `${length} of ${payload.length} octets, ${JSON.stringify(options)}`,
            )
          assert.deepEqual(inflate(inflater, payload), plain)
        }
    })

    it('refuses a stored block that the four octets put back would complete', () => {
      const stored = Buffer.from([0x00, 0x06, 0x00, 0xf9, 0xff, 0x61, 0x62])
      assert.equal(inflate(inflaterFor(), stored), 'ECHOBAHN_DEFLATE_TRUNCATED')
    })

    it('inflates final blocks: one, several, padded or not, in the middle of a message, and the message after', () => {
      const inflater = inflaterFor()
      const pad = Buffer.from([0x00])
      const messages = [
        [finalMessage('Hello'), 'Hello'],
        [Buffer.concat([finalMessage('Hello'), pad]), 'Hello'],
        [Buffer.concat([finalMessage('Hel'), finalMessage('lo')]), 'Hello'],
        [Buffer.concat([finalMessage('Hel'), finalMessage('l'), finalMessage('o'), pad]), 'Hello'],
        [Buffer.concat([finalMessage('Hel'), deflateMessage('lo')]), 'Hello'],
        [Buffer.concat([finalMessage(''), finalMessage('Hello'), finalMessage('')]), 'Hello'],
        [deflateMessage('and then another'), 'and then another'],
      ] as const
      for (const [payload, plain] of messages) assert.equal(inflate(inflater, payload).toString('latin1'), plain)
    })

    it('lets a block behind a final one refer back to what came before it', () => {
      const plain = prose(500)
      const behind = deflateMessage(plain, { dictionary: plain })
      const twice = Buffer.concat([plain, plain])
      assert.deepEqual(inflate(inflaterFor(), Buffer.concat([finalMessage(plain), behind])), twice)
    })

    it('refuses garbage behind a final block, and a final block that is cut', () => {
      const inflater = inflaterFor()
      const payload = finalMessage(prose(300))
      assert.equal(inflate(inflater, Buffer.concat([payload, Buffer.from([0xff])])), 'ECHOBAHN_INVALID_DEFLATE')
      for (let length = 1; length < payload.length; length++)
        assert.equal(inflate(inflater, payload.subarray(0, length)), 'ECHOBAHN_DEFLATE_TRUNCATED', `${length} octets`)
    })

    it('takes a thousand final blocks in a message and not one more, whatever the last of them is followed by', () => {
      const blocks = (count: number) => Buffer.concat(Array(count).fill(finalMessage('')))
      const inflater = inflaterFor()
      for (const behind of [NOTHING, Buffer.from([0x00]), deflateMessage('behind')]) {
        const plain = behind.length > 1 ? Buffer.from('behind') : NOTHING
        assert.deepEqual(inflate(inflater, Buffer.concat([blocks(1000), behind])), plain)
        assert.equal(inflate(inflater, Buffer.concat([blocks(1001), behind])), 'ECHOBAHN_TOO_MANY_FINAL_BLOCKS')
      }
    })

    it('lets what stands behind final blocks refer back over all of them, and over the window before, but no further', () => {
      const window = noise(20_000, 3)
      const inflater = inflaterFor()
      const parts = [noise(7000, 1), noise(7000, 2), noise(7000, 4)]
      const before = Buffer.concat(parts)
      const dictionary = Buffer.concat([window, before]).subarray(-32 * 1024)
      const blocks = parts.map(part => finalMessage(part))
      for (const start of [300, 5000, 15_000, 26_000]) {
        const plain = dictionary.subarray(start, start + 300)
        const behind = deflateMessage(plain, { dictionary })
        assert.ok(behind.length < 50)
        const payload = Buffer.concat([...blocks, behind])
        assert.deepEqual(inflate(inflater, payload, window), Buffer.concat([before, plain]))
        const alone = inflate(inflater, payload)
        if (start < 11_000) assert.equal(alone, 'ECHOBAHN_DEFLATE_DISTANCE')
        else assert.deepEqual(alone, Buffer.concat([before, plain]))
      }
    })

    it('gives a block behind a final one no more than the last 32 KiB, however long the message is already', () => {
      const inflater = inflaterFor()
      for (const length of [32_768, 32_769, 40_000, 70_000]) {
        const before = noise(length, 7)
        const dictionary = before.subarray(-32 * 1024)
        for (const start of [300, 32_000]) {
          const plain = dictionary.subarray(start, start + 300)
          const payload = Buffer.concat([finalMessage(before), deflateMessage(plain, { dictionary })])
          assert.deepEqual(inflate(inflater, payload, noise(100)), Buffer.concat([before, plain]))
        }
      }
    })

    it('knows the tail at the end of a message of any length that is allowed', () => {
      const octets = Buffer.concat([deflateMessage(prose(500)), Buffer.from([0x00, 0x00, 0xff, 0xff])])
      assert.equal(inflate(inflaterFor(prose(500).length), octets), 'ECHOBAHN_DEFLATE_TAIL')
    })

    it('tells apart what is wrong, with final blocks and a window before it and without', () => {
      const wrong = [
        [deflateMessage(noise(100), { dictionary: noise(200) }), 'ECHOBAHN_DEFLATE_DISTANCE'],
        [Buffer.concat([deflateMessage('Hello'), Buffer.from([0x00, 0x00, 0xff, 0xff])]), 'ECHOBAHN_DEFLATE_TAIL'],
        [deflateRawSync('', { finishFlush: constants.Z_SYNC_FLUSH }), 'ECHOBAHN_DEFLATE_TAIL'],
        [deflateMessage('Hello').subarray(0, -1), 'ECHOBAHN_DEFLATE_TRUNCATED'],
        // Stored octets that look like the tail are none: the block has three more to come.
        [Buffer.from([0x00, 0x07, 0x00, 0xf8, 0xff, 0x00, 0x00, 0xff, 0xff]), 'ECHOBAHN_DEFLATE_TRUNCATED'],
        [Buffer.from([0x00, 0x07, 0x00, 0xf8]), 'ECHOBAHN_DEFLATE_TRUNCATED'],
        [Buffer.from([0x07]), 'ECHOBAHN_INVALID_DEFLATE'],
        [Buffer.from([0x00, 0x07, 0x00, 0x07, 0x00]), 'ECHOBAHN_INVALID_DEFLATE'],
        [Buffer.concat([Buffer.from([0x07]), Buffer.from([0x00, 0x00, 0xff, 0xff])]), 'ECHOBAHN_INVALID_DEFLATE'],
      ] as const
      const inflater = inflaterFor()
      for (const [payload, violation] of wrong) {
        assert.equal(inflate(inflater, payload), violation, payload.toString('hex'))
        assert.equal(inflate(inflater, Buffer.concat([finalMessage('a'), payload])), violation)
        assert.equal(inflate(inflater, payload, Buffer.from('a')), violation)
        assert.deepEqual(inflate(inflater, deflateMessage('and on')), Buffer.from('and on'))
      }
    })

    it('takes octets that look like the tail where they are data', () => {
      const inflater = inflaterFor()
      const data = Buffer.from([0x61, 0x00, 0x00, 0xff, 0xff])
      const stored = Buffer.concat([Buffer.from([0x01, 0x05, 0x00, 0xfa, 0xff]), data])
      assert.deepEqual(inflate(inflater, stored), data)
      assert.deepEqual(inflate(inflater, deflateMessage(data, { level: 0 })), data)
    })

    it('gives up at a bound below the limits, and at the limits says which', () => {
      const inflater = inflaterFor(2000)
      const bound = { octets: 1000, finalBlocks: 3 }
      const within = (payload: Buffer) => inflater.inflate(payload, 0, payload.length, NOTHING, bound)
      assert.equal(within(deflateMessage(Buffer.alloc(1000))), undefined)
      assert.equal(inflater.length, 1000)
      assert.equal(within(deflateMessage(Buffer.alloc(1001))), GIVEN_UP)
      assert.ok(inflater.length <= 1001)
      assert.equal(within(Buffer.concat(Array(3).fill(finalMessage('a')))), undefined)
      assert.equal(within(Buffer.concat(Array(4).fill(finalMessage('a')))), GIVEN_UP)
      assert.equal(within(Buffer.from([0x07])), 'ECHOBAHN_INVALID_DEFLATE')
      const narrow = inflaterFor(500)
      const tooBig = deflateMessage(Buffer.alloc(501))
      assert.equal(narrow.inflate(tooBig, 0, tooBig.length, NOTHING, bound), 'ECHOBAHN_MESSAGE_TOO_BIG')
    })

    it('refers back to the dictionary, and to nothing when there is none', () => {
      const inflater = inflaterFor()
      const dictionary = prose(2000)
      const payload = deflateMessage(dictionary.subarray(500, 900), { dictionary })
      assert.ok(payload.length < 20)
      assert.deepEqual(inflate(inflater, payload, dictionary), dictionary.subarray(500, 900))
      assert.deepEqual(inflate(inflater, deflateMessage(dictionary)), dictionary)
      assert.equal(inflate(inflater, payload), 'ECHOBAHN_DEFLATE_DISTANCE')
    })

    it('refuses cut messages that have a dictionary', () => {
      const inflater = inflaterFor()
      const dictionary = prose(2000)
      const payload = deflateMessage(Buffer.concat([dictionary, noise(100)]), { dictionary })
      for (let length = 1; length < payload.length; length++)
        assert.equal(inflate(inflater, payload.subarray(0, length), dictionary), 'ECHOBAHN_DEFLATE_TRUNCATED')
      assert.deepEqual(inflate(inflater, payload, dictionary), Buffer.concat([dictionary, noise(100)]))
    })

    it('accepts exactly the largest message and refuses one octet more', () => {
      for (const maxMessage of [1, 100, 65_535, 65_536, 65_537, 200_000]) {
        const inflater = inflaterFor(maxMessage)
        for (const dictionary of [NOTHING, prose(100)]) {
          assert.deepEqual(
            inflate(inflater, deflateMessage(Buffer.alloc(maxMessage)), dictionary),
            Buffer.alloc(maxMessage),
          )
          const tooBig = deflateMessage(Buffer.alloc(maxMessage + 1))
          assert.equal(inflate(inflater, tooBig, dictionary), 'ECHOBAHN_MESSAGE_TOO_BIG', `${maxMessage}`)
        }
      }
    })

    it('counts the plain text of all final blocks against the limit', () => {
      const inflater = inflaterFor(1000)
      const half = finalMessage(Buffer.alloc(500))
      assert.deepEqual(inflate(inflater, Buffer.concat([half, half])), Buffer.alloc(1000))
      assert.equal(inflate(inflater, Buffer.concat([half, half, finalMessage('x')])), 'ECHOBAHN_MESSAGE_TOO_BIG')
    })

    it('holds messages to the inflate ratio, and calls it by its name only where it is what stops them', () => {
      const inflater = inflaterFor(10_000, 10)
      assert.equal(inflate(inflater, deflateMessage(Buffer.alloc(5000))), 'ECHOBAHN_INFLATE_RATIO')
      assert.deepEqual(inflate(inflater, deflateMessage(prose(300))), prose(300))
      assert.equal(inflate(inflater, deflateMessage(noise(10_001))), 'ECHOBAHN_MESSAGE_TOO_BIG')
    })
  })
}

describe('Inflater', () => {
  it('stops a bomb at the limit: its buffer never grows beyond one octet more', () => {
    const maxMessage = 3_000_000
    const inflater = inflaterFor(maxMessage)
    const bomb = deflateMessage(Buffer.alloc(64 * 1024 * 1024), { level: 9 })
    assert.equal(inflate(inflater, bomb), 'ECHOBAHN_MESSAGE_TOO_BIG')
    assert.equal(inflater.output.length, maxMessage + 1)
  })

  it('spends on a bomb that the ratio stops no more than the ratio allows', () => {
    const inflater = inflaterFor(2 ** 24, 10)
    const bomb = deflateMessage(Buffer.alloc(16 * 1024 * 1024), { level: 9 })
    assert.equal(inflate(inflater, bomb), 'ECHOBAHN_INFLATE_RATIO')
    assert.ok(inflater.output.length <= 10 * bomb.length + 1)
  })

  it('keeps a large buffer while it is needed now and then, and lets go of it after 256 messages without', () => {
    const inflater = inflaterFor(2 ** 24)
    const large = deflateMessage(Buffer.alloc(2 ** 23))
    const small = deflateMessage('small')
    inflate(inflater, large)
    const { output } = inflater
    for (let i = 0; i < 255; i++) inflate(inflater, small)
    inflate(inflater, large)
    assert.ok(inflater.output === output)
    for (let i = 0; i < 256; i++) inflate(inflater, small)
    assert.ok(inflater.output === output)
    inflate(inflater, small)
    assert.equal(inflater.output.length, 64 * 1024)
  })

  it('reads its stretch of the source alone, and writes nothing into it', () => {
    const plain = prose(400)
    const payload = deflateMessage(plain)
    for (let offset = 0; offset < 20; offset++) {
      const source = Buffer.concat([noise(offset), payload, noise(20 - offset)])
      const before = Buffer.from(source)
      const inflater = inflaterFor()
      assert.equal(inflater.inflate(source, offset, payload.length, NOTHING), undefined)
      assert.deepEqual(inflater.output.subarray(0, inflater.length), plain)
      assert.deepEqual(source, before)
    }
  })

  it('takes no broken message for anything but what zlib takes it for', () => {
    const inflater = inflaterFor()
    const payloads = [...everyOption()].flatMap(options => PLAIN_TEXTS.map(plain => deflateMessage(plain, options)))
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.constantFrom(...payloads), flips, (payload, changes) => {
        const broken = Buffer.from(payload)
        for (const [at, bit] of changes) broken[at % broken.length] ^= 1 << bit
        const ours = inflate(inflater, broken)
        if (Buffer.isBuffer(ours)) assert.deepEqual(ours, inflatedByZlib(broken))
      }),
      { numRuns: 3000 },
    )
    assert.deepEqual(inflate(inflater, payloads[0]), PLAIN_TEXTS[0])
  })

  it('never crashes on arbitrary octets', () => {
    const inflater = inflaterFor(1000)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 20 }), (octets, dictionary) => {
        const outcome = inflate(inflater, Buffer.from(octets), Buffer.from(dictionary))
        assert.ok(Buffer.isBuffer(outcome) || outcome.startsWith('ECHOBAHN_'))
      }),
      { numRuns: 3000 },
    )
  })
})

/** All streams of a payload by zlib's one-shot function; throws where it does. */
function inflatedByZlib(payload: Buffer): Buffer {
  let rest = Buffer.concat([payload, Buffer.from([0x00, 0x00, 0xff, 0xff])])
  let plain = NOTHING
  while (rest.length > 4) {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, dictionary: plain, info: true }
    const { buffer, engine } = zlib.inflateRawSync(rest, options) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    plain = Buffer.concat([plain, buffer])
    rest = rest.subarray(engine.bytesWritten)
  }
  return plain
}
