// What messages are cut from: 64 KiB of each kind of content, made once, twice in a row so that no cut runs over the end.

import { randomBytes, randomInt } from 'node:crypto'
import type { Payload } from '../load-settings.js'

/** Octets after which a pool repeats; more than the largest LZ77 window, so that repetition does not compress. */
export const POOL = 64 * 1024

/** A JSON record is as long as this, with its line feed. */
const RECORD = 128

export interface PayloadPool {
  /** 2 × POOL octets. */
  readonly octets: Buffer
  /** A message may begin at multiples of this. */
  readonly step: number
  /** Where in a message its number is written. */
  readonly numberAt: number
  /** Whether messages are sent as text. */
  readonly text: boolean
}

/** JSON is a record a line, cut to size; binary is records that compress well; random does not compress at all. */
export function makePool(payload: Payload): PayloadPool {
  const octets = CONTENTS[payload]()
  return {
    octets: Buffer.concat([octets, octets]),
    step: payload === 'json' ? RECORD : 1,
    numberAt: payload === 'json' ? '{"id":"'.length : 0,
    text: payload === 'json' || payload === 'text',
  }
}

const CONTENTS: Readonly<Record<Payload, () => Buffer>> = {
  text: () => Buffer.from(filled(() => pick(WORDS)).join(' ')).subarray(0, POOL),
  json: () => Buffer.concat(Array.from({ length: POOL / RECORD }, jsonRecord)),
  binary: () => Buffer.concat(Array.from({ length: POOL / 16 }, binaryRecord)),
  random: () => randomBytes(POOL),
}

const WORDS =
  'a an and are as at back be been before big but by came can could day did do down even ever far find first for from get give go good great had hand has have he her here him his home how if in into is it just keep know large last left life light line little long look made make man many me men more most much must my name never new no not now of off old on one only or other our out over own part people place right same saw say see she should side small so some still such take tell than that the their them then there these they thing think this three time to too turn two under up us use very want was water way we well went were what when where which while who will with word work world would year you your'.split(
    ' ',
  )
const PRODUCTS = ['desk', 'chair', 'lamp', 'shelf', 'notebook', 'keyboard', 'cable', 'monitor']
const STATES = ['new', 'paid', 'packed', 'sent', 'returned']

/** More than enough words for a pool. */
function filled(word: () => string): string[] {
  return Array.from({ length: POOL / 2 }, word)
}

function jsonRecord(): Buffer {
  const record = [
    '{"id":"------------"',
    `"customer":${randomInt(100_000, 1_000_000)}`,
    `"product":"${pick(PRODUCTS)}"`,
    `"price":${(randomInt(100, 50_000) / 100).toFixed(2)}`,
    `"count":${randomInt(1, 10)}`,
    `"state":"${pick(STATES)}"`,
    '"note":"',
  ].join(',')
  return Buffer.from(`${record.padEnd(RECORD - 3, '.')}"}\n`)
}

/** A counter, a reading that changes little, and flags that are mostly the same. */
function binaryRecord(_: unknown, index: number): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt32BE(index)
  record.writeDoubleBE(20 + randomInt(100) / 10, 4)
  record[12] = randomInt(4)
  return record
}

function pick(choices: readonly string[]): string {
  return choices[randomInt(choices.length)]
}
