// Deflater: what it makes is smaller, inflates to what went in, and refers back no further than was agreed.

import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import zlib, { constants } from 'node:zlib'
import fc from 'fast-check'
import { Deflater, type DeflateTuning } from '../../../src/codec/deflater.js'
import { Scratch } from '../../../src/codec/scratch.js'
import { largestDistance } from '../../support/deflate-distances.js'
import { deflateMessage, inflateMessage } from '../../support/deflate-message.js'
import { noise, prose, repeated } from '../../support/plain-texts.js'
import { WsDeflate } from '../../support/ws-deflate.js'

const NOTHING = Buffer.alloc(0)
const WINDOW_BITS = [8, 9, 10, 11, 12, 13, 14, 15]
const LEVELS = ['auto', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const

/** Noise that repeats within a window's reach, just at its end and just beyond. */
function farRepeats(windowBits: number): Buffer[] {
  const size = 2 ** windowBits
  const periods = [size - 263, size - 262, size - 261, size - 6, size, size + 1, size + 100].filter(
    period => period > 0,
  )
  return periods.map(period => repeated(noise(period), 2 * period + 300))
}

const SYLLABLES = 'a ab abc abcd bcd cd dabc bca cab aab bb ca dd ada'.split(' ')

/** Octets that every level of zlib compresses in a way of its own. */
function syllables(length: number): Buffer {
  return Buffer.from(Array.from(noise(length), octet => SYLLABLES[octet % SYLLABLES.length]).join('')).subarray(
    0,
    length,
  )
}

function deflaterFor(tuning: Partial<DeflateTuning> = {}): Deflater {
  return new Deflater({ deflateLevel: 'auto', memLevel: 8, ...tuning })
}

/** The payload, or undefined where the plain text is better sent as it is. */
function deflate(deflater: Deflater, plain: Buffer, windowBits = 15, dictionary: Buffer = NOTHING): Buffer | undefined {
  const target = deflater.begin()
  const smaller = deflater.deflate(plain, 0, plain.length, windowBits, dictionary, target, 0)
  return smaller ? Buffer.from(target.buffer.subarray(0, deflater.length)) : undefined
}

for (const handles of ['with', 'without']) {
  describe(`Deflater ${handles} zlib handles`, () => {
    before(() => {
      if (handles === 'without') mock.method(zlib, 'createDeflateRaw', () => ({}))
    })
    after(() => mock.restoreAll())

    it('makes at every level and memory level what zlib inflates to the same', () => {
      for (const deflateLevel of LEVELS)
        for (const memLevel of [1, 5, 8, 9]) {
          const deflater = deflaterFor({ deflateLevel, memLevel })
          for (const plain of [prose(300), prose(5000), prose(200_000), Buffer.alloc(70_000)]) {
            const payload = deflate(deflater, plain)
            if (deflateLevel === 0) assert.equal(payload, undefined)
            else assert.deepEqual(inflateMessage(payload ?? NOTHING), plain, `${deflateLevel}, ${memLevel}`)
          }
        }
    })

    it('never makes a message larger: noise, short ones and empty ones stay plain', () => {
      const deflater = deflaterFor()
      for (const plain of [noise(16), noise(4096), noise(70_000), Buffer.from('ab'), NOTHING])
        assert.equal(deflate(deflater, plain), undefined, `${plain.length} octets`)
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 8, max: 15 }), (octets, windowBits) => {
          const plain = Buffer.from(octets)
          const payload = deflate(deflater, plain, windowBits)
          if (payload === undefined) return
          assert.ok(payload.length < plain.length)
          assert.deepEqual(inflateMessage(payload), plain)
        }),
      )
    })

    it('keeps every distance within the agreed window, and makes use of it', () => {
      for (const deflateLevel of [1, 6, 9] as const)
        for (const windowBits of WINDOW_BITS) {
          const deflater = deflaterFor({ deflateLevel })
          const payloads = farRepeats(Math.max(windowBits, 9)).map(plain => deflate(deflater, plain, windowBits))
          const largest = Math.max(...payloads.map(payload => (payload === undefined ? 0 : largestDistance(payload))))
          assert.ok(largest <= 2 ** windowBits, `${largest} with ${windowBits} bits at level ${deflateLevel}`)
          // All of it but zlib's look-ahead.
          assert.ok(largest >= 2 ** Math.max(windowBits, 9) - 263, `${largest} with ${windowBits} bits`)
        }
    })

    it('keeps distances into the dictionary within the agreed window', () => {
      const deflater = deflaterFor()
      for (const windowBits of WINDOW_BITS) {
        const dictionary = noise(2 ** windowBits)
        for (let at = 0; at < dictionary.length; at += dictionary.length / 16) {
          const plain = Buffer.concat([
            dictionary.subarray(at, at + 40),
            noise(100, 2),
            dictionary.subarray(at, at + 40),
          ])
          const payload = deflate(deflater, plain, windowBits, dictionary)
          if (payload === undefined) continue
          assert.ok(largestDistance(payload) <= 2 ** windowBits)
          assert.deepEqual(inflateMessage(payload, { dictionary }), plain)
        }
      }
    })

    it('gains by the dictionary', () => {
      const deflater = deflaterFor()
      const dictionary = prose(3000)
      const alone = deflate(deflater, dictionary.subarray(0, 500))
      const behind = deflate(deflater, dictionary.subarray(0, 500), 15, dictionary)
      assert.ok(alone !== undefined && behind !== undefined && behind.length * 3 < alone.length)
    })

    it('writes behind what is in its target, which grows and keeps it', () => {
      const deflater = deflaterFor()
      const before = noise(100)
      const target = new Scratch()
      target.buffer = Buffer.from(before)
      for (const plain of [prose(300), prose(1_500_000)]) {
        assert.ok(deflater.deflate(plain, 0, plain.length, 15, NOTHING, target, 100))
        assert.deepEqual(inflateMessage(target.buffer.subarray(100, 100 + deflater.length)), plain)
        assert.deepEqual(target.buffer.subarray(0, 100), before)
      }
      assert.ok(!deflater.deflate(noise(500), 0, 500, 15, NOTHING, target, 100))
      assert.deepEqual(target.buffer.subarray(0, 100), before)
    })

    it('forgets a message before the next one', () => {
      const deflater = deflaterFor()
      const plain = prose(500)
      const first = deflate(deflater, plain)
      deflate(deflater, noise(70_000))
      assert.deepEqual(deflate(deflater, plain), first)
    })
  })
}

describe('Deflater', () => {
  it('frees what it needed for one dictionary at once, and keeps what serves all other messages', t => {
    const closed: string[] = []
    const { createDeflateRaw } = zlib
    t.mock.method(zlib, 'createDeflateRaw', (options: zlib.ZlibOptions) => {
      const context = createDeflateRaw(options)
      const handle = (context as unknown as { _handle: { close(): void } })._handle
      const { close } = handle
      handle.close = () => {
        closed.push(options.dictionary === undefined ? 'kept' : 'with a dictionary')
        close.call(handle)
      }
      return context
    })
    const deflater = deflaterFor()
    for (let i = 0; i < 3; i++) deflate(deflater, prose(300))
    assert.equal(closed.length, 0)
    for (let i = 0; i < 2; i++) deflate(deflater, prose(300), 15, prose(100))
    assert.deepEqual(closed, ['with a dictionary', 'with a dictionary'])
  })

  it('makes messages that ws inflates', async () => {
    const receiver = new WsDeflate('permessage-deflate; server_no_context_takeover; client_no_context_takeover')
    const deflater = deflaterFor()
    for (const plain of [prose(100), prose(20_000), Buffer.alloc(100_000)]) {
      const payload = deflate(deflater, plain)
      assert.ok(payload !== undefined)
      assert.deepEqual(await receiver.decompress(payload), plain)
    }
    receiver.close()
  })

  it('is thorough with small messages and fast with large ones by default', () => {
    const automatic = deflaterFor()
    const plain = syllables(4 * 1024 + 1)
    const small = plain.subarray(1)
    for (const other of [5, 7] as const)
      assert.notDeepEqual(
        deflate(deflaterFor({ deflateLevel: 6 }), small),
        deflate(deflaterFor({ deflateLevel: other }), small),
      )
    assert.deepEqual(deflate(automatic, small), deflate(deflaterFor({ deflateLevel: 6 }), small))
    assert.deepEqual(deflate(automatic, plain), deflate(deflaterFor({ deflateLevel: 1 }), plain))
  })

  it('takes no more room than the result needs', () => {
    const deflater = deflaterFor()
    deflate(deflater, Buffer.alloc(2 ** 23))
    assert.equal(deflater.begin().buffer.length, 64 * 1024)
    deflate(deflater, prose(2 ** 20))
    assert.ok(deflater.begin().buffer.length > 64 * 1024)
    assert.ok(deflater.begin().buffer.length <= 2 ** 20)
  })
})

describe('largestDistance', () => {
  it('agrees with zlib on which window a payload needs', () => {
    const plain = repeated(noise(700), 3000)
    for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED]) {
      const payload = deflateMessage(plain, { strategy })
      assert.equal(largestDistance(payload), 700)
      // In small chunks, zlib has nothing but its window to refer back to.
      assert.throws(() => inflateMessage(payload, { windowBits: 9, chunkSize: 64 }))
      assert.deepEqual(inflateMessage(payload, { windowBits: 10, chunkSize: 64 }), plain)
    }
  })

  it('is 0 where nothing refers back', () => {
    assert.equal(largestDistance(deflateMessage(noise(70_000), { level: 0 })), 0)
    assert.equal(largestDistance(deflateMessage(prose(500), { strategy: constants.Z_HUFFMAN_ONLY })), 0)
  })
})
