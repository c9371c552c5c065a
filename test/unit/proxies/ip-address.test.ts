// Addresses in one spelling, and sets of blocks, against Node's own.

import assert from 'node:assert/strict'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { AddressSet, canonicalAddress, parseBlock, spellAddress } from '../../../src/ip-address.js'

const SPELLINGS: [string, string | undefined][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['::192.0.2.1', '::c000:201'],
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1::', '1::'],
  ['fe80::1%eth0', 'fe80::1'],
  ['', undefined],
  ['1.2.3', undefined],
  ['1.2.3.256', undefined],
  ['01.2.3.4', undefined],
  ['1.2.3.4 ', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1:2:3:4:5:6:7::8', undefined],
  ['1::2::3', undefined],
  [':1::2', undefined],
  ['1::2:', undefined],
  ['12345::', undefined],
  ['1.2.3.4::', undefined],
  ['::1.2.3.4:5', undefined],
  ['::1.2.3', undefined],
  ['[::1]', undefined],
  ['unknown', undefined],
]
for (const [text, spelling] of SPELLINGS) {
  test(`${JSON.stringify(text)} is spelled ${spelling}`, () => assert.equal(canonicalAddress(text), spelling))
}

/** As a URL has it, which is RFC 5952; IPv4-mapped ones are spelled as IPv4 here. */
function spelledByUrl(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1)
}

test('every address is spelled as RFC 5952 has it', () => {
  const zeros = fc.array(fc.constantFrom('0', '0000', 'abcd', '1', '0A'), { minLength: 8, maxLength: 8 })
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    zeros.map(groups => groups.join(':')),
  )
  fc.assert(
    fc.property(address, text => {
      const canonical = canonicalAddress(text)
      assert.ok(canonical !== undefined)
      const expected = spelledByUrl(text)
      if (expected.startsWith('::ffff:') && isIPv4(canonical)) return
      assert.equal(canonical, expected)
      assert.equal(canonicalAddress(canonical), canonical)
    }),
    { numRuns: 1000 },
  )
})

test('what is no address for Node is none, and what is one is one', () => {
  const piece = fc.constantFrom('0', '1', '255', '256', '01', 'ffff', 'g', ':', '::', '.', '%', '1.2.3.4', ' ')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const text = pieces.join('')
      if (text.includes('%')) return
      assert.equal(canonicalAddress(text) !== undefined, isIP(text) !== 0, text)
    }),
    { numRuns: 3000 },
  )
})

test('octets are spelled the same way', () => {
  assert.equal(spellAddress(Uint8Array.of(192, 0, 2, 1)), '192.0.2.1')
  assert.equal(spellAddress(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)), '2001:db8::1')
  assert.equal(spellAddress(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1)), '10.0.0.1')
})

test('a block is an address, or one with a prefix and nothing behind it', () => {
  for (const text of [
    '10.0.0.0/8',
    '0.0.0.0/0',
    '10.1.2.3',
    '10.1.2.3/32',
    '::/0',
    'fd00::/8',
    '::1/128',
    '10.0.0.128/25',
  ])
    assert.ok(parseBlock(text), text)
  for (const text of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0.64/25',
    '::/129',
    'fe80::1%a',
    '1.2.3.4/8/8',
  ])
    assert.equal(parseBlock(text), undefined, text)
})

test('IPv4-mapped addresses and blocks are those of IPv4', () => {
  const set = new AddressSet(['10.0.0.0/8', '::ffff:192.0.2.0/120', 'fe80::/10'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.255', '::ffff:c000:2ff', 'fe80::1%eth0', 'febf::1'])
    assert.ok(set.has(address), address)
  for (const address of ['11.0.0.1', '192.0.3.0', '::10.0.0.1', 'fec0::1', '', 'a', '::ffff:11.0.0.1'])
    assert.equal(set.has(address), false, address)
  assert.equal(new AddressSet(['::/0']).has('10.0.0.1'), false)
  assert.equal(new AddressSet([]).has('10.0.0.1'), false)
})

test('a set has what a BlockList of Node has', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), fc.nat(32))
  fc.assert(
    fc.property(v4, ([network, prefix, other, keep]) => {
      const block = `${masked(network, prefix)}/${prefix}`
      // Half of the addresses share a beginning with the block.
      const address = mixed(network, other, keep)
      const list = new BlockList()
      list.addSubnet(masked(network, prefix), prefix, 'ipv4')
      assert.equal(new AddressSet([block]).has(address), list.check(address, 'ipv4'), `${address} in ${block}`)
    }),
    { numRuns: 1000 },
  )
})

function number(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
}

function address(value: number): string {
  return [24, 16, 8, 0].map(shift => (value >>> shift) & 0xff).join('.')
}

function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0
}

function masked(network: string, prefix: number): string {
  return address((number(network) & maskOf(prefix)) >>> 0)
}

function mixed(first: string, second: string, bits: number): string {
  return address(((number(first) & maskOf(bits)) | (number(second) & ~maskOf(bits))) >>> 0)
}
