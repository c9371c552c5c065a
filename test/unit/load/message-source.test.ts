// Messages that nobody keeps: what is written is what is compared, and no other octet passes.

import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { MessageSource } from '../../../src/load/message-source.js'
import { POOL } from '../../../src/load/payload-pool.js'
import { Sizes } from '../../../src/load/sizes.js'
import { unmask } from '../../../src/protocol/masking.js'

const PAYLOADS = ['text', 'json', 'binary', 'random'] as const

function sourceOf(payload: (typeof PAYLOADS)[number], size: number): MessageSource {
  return new MessageSource(payload, new Sizes([{ least: size, most: size, weight: 1 }]))
}

function messageOf(source: MessageSource, connection: number, place: number): Buffer {
  const message = Buffer.alloc(source.sizeOf(connection, place))
  source.write(message, 0, connection, place, 0)
  return message
}

const anySize = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(POOL - 1, POOL, POOL + 1, 3 * POOL + 17))
const anyNumber = fc.oneof(fc.nat(1000), fc.constantFrom(2 ** 24 - 1, 2 ** 30, 2 ** 31 + 5, 2 ** 32 - 1))

test('a message is what it was written as, in whatever pieces it is compared', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PAYLOADS),
      anySize,
      fc.nat(2 ** 24 - 1),
      anyNumber,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (payload, size, connection, place, cut) => {
        const source = sourceOf(payload, size)
        const message = messageOf(source, connection, place)
        const at = Math.floor(size * cut)
        assert.ok(source.matches(message, 0, at, 0, connection, place))
        assert.ok(source.matches(message, at, size - at, at, connection, place))
      },
    ),
    { numRuns: 60 },
  )
})

test('one octet that is wrong is found, wherever it is', () => {
  for (const payload of PAYLOADS)
    for (const size of [1, 11, 12, 19, 20, 64, 200]) {
      const source = sourceOf(payload, size)
      const message = messageOf(source, 7, 3)
      for (let i = 0; i < size; i++) {
        message[i] ^= 1
        assert.ok(!source.matches(message, 0, size, 0, 7, 3), `${payload} ${size} at ${i}`)
        message[i] ^= 1
      }
    }
})

test('an octet that is wrong far inside a large message is found', () => {
  const source = sourceOf('random', 3 * POOL)
  const message = messageOf(source, 1, 1)
  for (const i of [POOL - 1, POOL, 2 * POOL + 5, 3 * POOL - 1]) {
    message[i] ^= 0x80
    assert.ok(!source.matches(message, 0, message.length, 0, 1, 1), `at ${i}`)
    message[i] ^= 0x80
  }
})

test('masked as it is written, it is the same message once unmasked', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAYLOADS), anySize, fc.integer(), (payload, size, key) => {
      const source = sourceOf(payload, size)
      const masked = Buffer.alloc(size + 3)
      source.write(masked, 3, 5, 9, key)
      const plain = Buffer.alloc(size)
      unmask(masked, 3, size, plain, 0, key, 0)
      assert.deepEqual(plain, messageOf(source, 5, 9))
    }),
    { numRuns: 40 },
  )
})

test('a message tells its place, to its own connection alone', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAYLOADS), fc.nat(2 ** 24 - 1), anyNumber, (payload, connection, place) => {
      const source = sourceOf(payload, 64)
      const message = messageOf(source, connection, place)
      assert.equal(source.placeIn(message, 0, connection), place)
      assert.equal(source.placeIn(message, 0, connection ^ 1), -1)
    }),
  )
})

test('a damaged number is hardly ever believed', () => {
  const source = sourceOf('random', 64)
  const message = messageOf(source, 3, 1000)
  let believed = 0
  for (let i = 0; i < source.headLength; i++)
    for (let bit = 0; bit < 8; bit++) {
      message[i] ^= 1 << bit
      if (source.placeIn(message, 0, 3) >= 0) believed++
      message[i] ^= 1 << bit
    }
  assert.ok(believed <= 1, `${believed}`)
})

test('messages of one connection differ, and so do those of two', () => {
  for (const payload of PAYLOADS) {
    const source = sourceOf(payload, 40)
    const messages = [messageOf(source, 1, 1), messageOf(source, 1, 2), messageOf(source, 2, 1)]
    assert.equal(new Set(messages.map(message => message.toString('hex'))).size, 3)
  }
})

test('text and JSON are valid UTF-8 at any size, and JSON is whole records where the size allows', () => {
  for (const payload of ['text', 'json'] as const)
    for (const size of [0, 5, 63, 1000, POOL + 1]) assert.ok(isUtf8(messageOf(sourceOf(payload, size), 1, 1)))
  const lines = messageOf(sourceOf('json', 5 * 128), 4, 2)
    .toString()
    .trimEnd()
    .split('\n')
  assert.equal(lines.length, 5)
  for (const line of lines) assert.equal(typeof JSON.parse(line).customer, 'number')
})

test('sizes come with their shares', () => {
  const sizes = new Sizes([
    { least: 64, most: 64, weight: 70 },
    { least: 100, most: 199, weight: 25 },
    { least: 4096, most: 4096, weight: 5 },
  ])
  const source = new MessageSource('random', sizes)
  const all = Array.from({ length: 20_000 }, (_, place) => source.sizeOf(1, place))
  const share = (is: (size: number) => boolean) => all.filter(is).length / all.length
  assert.ok(Math.abs(share(size => size === 64) - 0.7) < 0.02)
  assert.ok(Math.abs(share(size => size >= 100 && size <= 199) - 0.25) < 0.02)
  assert.ok(Math.abs(share(size => size === 4096) - 0.05) < 0.01)
  assert.equal(new Set(all.filter(size => size >= 100 && size <= 199)).size, 100)
  assert.equal(sizes.largest, 4096)
})
