// Messages for the codec: valid, damaged, cut short, of many final blocks, bombs; with windows and without.

import { constants, deflateRawSync } from 'node:zlib'
import type { Incoming } from '../../src/codec/transcoder.js'
import { deflateMessage } from '../support/deflate-message.js'
import { noise, prose, repeated } from '../support/plain-texts.js'
import { mutate } from './mutate.js'
import type { Random } from './random.js'

const NOTHING = Buffer.alloc(0)
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
]
/** What plain texts and windows are cut from. */
const SOURCES = [prose(70_000), prose(70_000, 5), noise(70_000), repeated(noise(300), 70_000), Buffer.alloc(70_000)]
const EMPTY_FINAL = deflateRawSync('')
const BOMB = deflateMessage(Buffer.alloc(4 * 1024 * 1024), { level: 9 })

export function fuzzedMessage(random: Random): Incoming {
  const inflateWindow = random.once(3) ? stretch(random, 33_000) : NOTHING
  const source = payload(random, inflateWindow)
  return {
    source,
    offset: 0,
    length: source.length,
    compressed: true,
    text: random.once(2),
    refersBack: inflateWindow.length > 0 || random.once(2),
    windowBits: 8 + random.below(8),
    inflateWindow,
    deflateWindow: random.once(6) ? stretch(random, 33_000) : NOTHING,
  }
}

function payload(random: Random, window: Buffer): Buffer {
  if (random.once(2000)) return Buffer.concat([BOMB, stretch(random, 3)])
  if (random.once(500)) return Buffer.concat([...finalBlocks(random, 995 + random.below(10)), message(random, window)])
  const blocks = random.once(6) ? finalBlocks(random, 1 + random.below(4)) : []
  const whole = Buffer.concat([...blocks, message(random, window)])
  const kind = random.below(10)
  if (kind < 3) return whole
  if (kind === 3) return whole.subarray(0, random.below(whole.length + 1))
  if (kind === 4) return Buffer.concat([whole, TAIL.subarray(0, 1 + random.below(4))])
  return mutate(whole, random, 1 + random.below(3))
}

function message(random: Random, window: Buffer): Buffer {
  const dictionary = random.once(12) ? stretch(random, 2000) : window
  return deflateMessage(stretch(random, random.once(30) ? 70_000 : 900), {
    level: random.below(10),
    memLevel: 1 + random.below(9),
    windowBits: 9 + random.below(7),
    strategy: random.pick(STRATEGIES),
    ...(dictionary.length > 0 && { dictionary }),
  })
}

function finalBlocks(random: Random, count: number): Buffer[] {
  return Array.from({ length: count }, () => (random.once(2) ? EMPTY_FINAL : deflateRawSync(stretch(random, 60))))
}

/** Up to `most` octets of one of the sources. */
function stretch(random: Random, most: number): Buffer {
  const source = random.pick(SOURCES)
  const length = random.below(most + 1)
  const at = random.below(source.length - Math.min(length, source.length) + 1)
  return source.subarray(at, at + length)
}
