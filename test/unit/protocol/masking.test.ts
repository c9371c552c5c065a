// Unmasking against the definition in RFC 6455 section 5.3, with WebAssembly and without it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import * as masking from '../../../src/protocol/masking.js'
import { makeWideMask, PAGE, ROUND } from '../../../src/protocol/wide-mask.js'

type Unmask = typeof masking.unmask

const KEY = Buffer.from([0x80, 0x01, 0xfe, 0x37])
const LARGE = [513, 1000, 4096, PAGE - 1, PAGE, PAGE + 1, PAGE + ROUND, 2 * PAGE + 31, 1_000_003]
const GUARD = 0xaa

interface Place {
  readonly start: number
  readonly length: number
  readonly offset: number
  readonly phase: number
}

/** The module as it is where the engine refuses the page of WebAssembly. */
async function withoutWebAssembly(): Promise<typeof masking> {
  const engine = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly') as PropertyDescriptor
  Object.defineProperty(globalThis, 'WebAssembly', { ...engine, value: undefined })
  try {
    const url = new URL('../../../src/protocol/masking.js?without-webassembly', import.meta.url)
    return (await import(url.href)) as typeof masking
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', engine)
  }
}

/** Unmasks a stretch of `masked` and compares all of the target, guards included, with a plain loop. */
function check(unmask: Unmask, masked: Uint8Array, target: Uint8Array, key: Buffer, at: Place): void {
  const { start, length, offset, phase } = at
  target.fill(GUARD)
  const expected = Buffer.from(target)
  let union = 0
  for (let i = 0; i < length; i++) {
    expected[offset + i] = masked[start + i] ^ key[((phase % 4) + i) % 4]
    union |= expected[offset + i]
  }
  const before = Buffer.from(masked)
  const ascii = unmask(masked, start, length, target, offset, key.readInt32BE(), phase)
  assert.ok(expected.equals(target), JSON.stringify(at))
  assert.ok(before.equals(masked), `the source is left alone: ${JSON.stringify(at)}`)
  assert.equal(ascii, union < 0x80, JSON.stringify(at))
}

for (const [name, load] of [
  ['with WebAssembly', async () => masking],
  ['without WebAssembly', withoutWebAssembly],
] as const) {
  test(`${name}, every length to 70 unmasks from and to every alignment, at every phase`, async () => {
    const { unmask } = await load()
    const target = Buffer.alloc(100)
    for (let length = 0; length <= 70; length++) {
      const masked = randomBytes(length + 12)
      for (let start = 0; start < 8; start++)
        for (let offset = 0; offset < 8; offset++)
          for (let phase = 0; phase < 4; phase++) check(unmask, masked, target, KEY, { start, length, offset, phase })
    }
  })

  test(`${name}, every length to 600 unmasks, from and to buffers that change each time and that do not`, async () => {
    const { unmask } = await load()
    const kept = { masked: randomBytes(700), target: Buffer.alloc(700) }
    for (let length = 0; length <= 600; length++) {
      const at = { start: length % 8, length, offset: (length >>> 3) % 8, phase: (length >>> 6) % 4 }
      check(unmask, randomBytes(length + 12), Buffer.alloc(length + 20), KEY, at)
      for (let times = 0; times < 2; times++) check(unmask, kept.masked, kept.target, KEY, at)
      check(unmask, kept.masked, Buffer.alloc(length + 20), KEY, at)
      check(unmask, randomBytes(length + 12), kept.target, KEY, at)
    }
  })

  test(`${name}, large payloads unmask, also far into a frame`, async () => {
    const { unmask } = await load()
    for (const length of LARGE) {
      const masked = randomBytes(length + 3)
      const target = Buffer.alloc(length + 20)
      for (const phase of [0, 3, 65_537, 2 ** 31 + 2, 2 ** 40 + 1])
        check(unmask, masked, target, KEY, { start: 3, length, offset: 10, phase })
    }
  })

  test(`${name}, any stretch of a part of a larger memory unmasks with any key`, async () => {
    const { unmask } = await load()
    const small = { min: 0, max: 40 }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.record({ before: fc.integer(small), start: fc.integer(small), offset: fc.integer(small) }),
        fc.maxSafeNat(),
        (octets, key, { before, start, offset }, phase) => {
          const from = new Uint8Array(before + start + octets.length).subarray(before)
          from.set(octets, start)
          const to = new Uint8Array(before + offset + octets.length + 40).subarray(before)
          check(unmask, from, to, Buffer.from(key), { start, length: octets.length, offset, phase })
        },
      ),
      { numRuns: 300 },
    )
  })

  test(`${name}, a payload in ASCII is told from one with a single octet that is not`, async () => {
    const { unmask } = await load()
    for (const length of [1, 3, 4, 5, 15, 16, 17, 47, 192, 512, 513, 544, 559, PAGE + 40]) {
      const ascii = Buffer.alloc(length, 'x~\n\x7f')
      const target = Buffer.alloc(length)
      assert.equal(unmask(ascii, 0, length, target, 0, 0, 0), true, `${length}`)
      for (let at = 0; at < length; at += length > 600 ? 1021 : 1) {
        ascii[at] |= 0x80
        assert.equal(unmask(ascii, 0, length, target, 0, 0, 0), false, `octet ${at} of ${length}`)
        ascii[at] &= 0x7f
      }
      ascii[length - 1] |= 0x80
      assert.equal(unmask(ascii, 0, length, target, 0, 0, 0), false, `the last of ${length}`)
      assert.equal(unmask(ascii, 0, length - 1, target, 0, 0, 0), true, 'what is behind the end says nothing')
    }
  })
}

test('the engine here takes the module: its page is one page, and what the function says is true', () => {
  const mask = makeWideMask()
  assert.ok(mask !== undefined)
  assert.equal(mask.page.length, PAGE)
  mask.page.fill(0x41)
  assert.equal(mask.xor(ROUND, 0x0403_0201), 0)
  assert.deepEqual([...mask.page.subarray(0, 4)], [0x40, 0x43, 0x42, 0x45])
  assert.ok(
    mask.page.subarray(ROUND).every(octet => octet === 0x41),
    'no octet beyond the length is touched',
  )
  assert.notEqual(mask.xor(ROUND, 0x8000_0000 | 0), 0)
})

test('where the engine has no WebAssembly, no module is made', async () => {
  const { unmask } = await withoutWebAssembly()
  assert.notEqual(unmask, masking.unmask)
  const engine = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly') as PropertyDescriptor
  Object.defineProperty(globalThis, 'WebAssembly', { ...engine, value: undefined })
  try {
    assert.equal(makeWideMask(), undefined)
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', engine)
  }
})
