// Unmasking against the definition in RFC 6455 section 5.3, with native code and without it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as masking from '../../../src/protocol/masking.js'

type Unmask = typeof masking.unmask

const KEY = Buffer.from([0x80, 0x01, 0xfe, 0x37])
const LARGE = [1000, 4096, 65_535, 65_536, 1_000_003]
const GUARD = 0xaa

/** The module as it is where bufferutil is not installed. */
async function withoutBufferutil(): Promise<typeof masking> {
  const require = createRequire(import.meta.url)
  const path = require.resolve('bufferutil')
  const installed = require.cache[path]
  require.cache[path] = {
    get exports() {
      throw new Error('not installed')
    },
  } as NodeJS.Module
  const url = new URL('../../../src/protocol/masking.js?without-bufferutil', import.meta.url)
  const module = (await import(url.href)) as typeof masking
  if (installed === undefined) delete require.cache[path]
  else require.cache[path] = installed
  return module
}

/** Unmasks a stretch of `masked` and compares all of the target, guards included, with the definition. */
function check(unmask: Unmask, masked: Buffer, start: number, length: number, offset: number, phase: number): void {
  const target = Buffer.alloc(offset + length + 9, GUARD)
  const expected = Buffer.from(target)
  let union = 0
  for (let i = 0; i < length; i++) {
    expected[offset + i] = masked[start + i] ^ KEY[(phase + i) % 4]
    union |= expected[offset + i]
  }
  const before = Buffer.from(masked)
  const bits = unmask(masked, start, length, target, offset, KEY.readInt32BE(), phase)
  const place = `length ${length}, start ${start}, offset ${offset}, phase ${phase}`
  assert.ok(target.equals(expected), place)
  assert.ok(masked.equals(before), `the source is left alone: ${place}`)
  assert.ok(bits === union || bits === 255, place)
  if (length <= 192) assert.equal(bits, union, place)
}

for (const [name, load] of [
  ['with bufferutil', async () => masking],
  ['without bufferutil', withoutBufferutil],
] as const) {
  test(`${name}, every length to 300 unmasks at every phase and alignment`, async () => {
    const { unmask } = await load()
    for (let length = 0; length <= 300; length++) {
      const masked = randomBytes(length + 12)
      for (let start = 0; start < 8; start++)
        for (let phase = 0; phase < 4; phase++) check(unmask, masked, start, length, (start * 3 + phase) % 8, phase)
    }
  })

  test(`${name}, large payloads unmask, also far into a frame`, async () => {
    const { unmask } = await load()
    for (const length of LARGE) {
      const masked = randomBytes(length + 3)
      for (const phase of [0, 3, 65_537, 2 ** 31 + 2, 2 ** 40 + 1]) check(unmask, masked, 3, length, 10, phase)
    }
  })

  test(`${name}, a payload in ASCII says so if it is short`, async () => {
    const { unmask } = await load()
    const ascii = Buffer.from('x~\n'.repeat(64)).map((octet, i) => octet ^ KEY[i % 4])
    const target = Buffer.alloc(192)
    for (let length = 0; length <= 192; length++)
      assert.ok(unmask(ascii, 0, length, target, 0, KEY.readInt32BE(), 0) < 0x80)
  })
}

test('without bufferutil the loop does all the work, and so knows ASCII of any length', async () => {
  const { unmask } = await withoutBufferutil()
  const ascii = Buffer.alloc(1000, 'a')
  assert.equal(unmask(ascii, 0, 1000, Buffer.alloc(1000), 0, 0, 0), 0x61)
  assert.equal(masking.unmask(ascii, 0, 1000, Buffer.alloc(1000), 0, 0, 0), 255)
})
