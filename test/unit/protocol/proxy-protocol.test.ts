// Headers of the PROXY protocol, versions 1 and 2: the same whatever way they are cut, and refusals that say what is wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalAddress } from '../../../src/ip-address.js'
import { MAX_LINE, type ProxyHeader, ProxyHeaderReader } from '../../../src/protocol/proxy-protocol.js'
import { cutAt, octetByOctet } from '../../support/decode.js'
import { LOCAL, PROXY, proxyBlock, proxyBlock4, proxyLine } from '../../support/proxy-headers.js'

interface Outcome {
  readonly header: ProxyHeader | undefined
  readonly refusal: string | undefined
  /** Octets of the header. */
  readonly length: number
}

function read(...chunks: readonly Uint8Array[]): Outcome {
  const reader = new ProxyHeaderReader()
  let length = 0
  for (const chunk of chunks) {
    // Chunks are lent, and begin anywhere.
    const lent = Buffer.concat([Buffer.from('xyz'), chunk])
    length += reader.push(lent, 3, lent.length) - 3
    lent.fill(0)
    if (reader.refusal !== undefined) {
      const { status, reason, sentence } = reader.refusal
      assert.deepEqual([status, reason], [400, 'bad_proxy_header'])
      return { header: undefined, refusal: sentence, length }
    }
  }
  return { header: reader.header, refusal: undefined, length }
}

const V6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
const HOST_6 = [...new Array(15).fill(0), 1]
const PORTS = [0x12, 0x34, 1, 187]
const TLVS = Buffer.concat([
  Buffer.from([0x02, 0, 5]),
  Buffer.from('a.com'),
  Buffer.from([0x20, 1, 0]),
  Buffer.alloc(256),
])

function line(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

const HEADERS: [string, Buffer, ProxyHeader][] = [
  ['TCP4', line(proxyLine('192.0.2.7', 4711)), { version: 1, client: { address: '192.0.2.7', port: 4711 } }],
  [
    'TCP6',
    line('PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 0 65535\r\n'),
    { version: 1, client: { address: '2001:db8::7', port: 0 } },
  ],
  [
    'TCP6 that is IPv4',
    line(proxyLine('::ffff:10.0.0.1', 1)),
    { version: 1, client: { address: '10.0.0.1', port: 1 } },
  ],
  ['UNKNOWN', line('PROXY UNKNOWN\r\n'), { version: 1, client: undefined }],
  ['UNKNOWN with a rest', line('PROXY UNKNOWN ffff:f  junk 1\r\n'), { version: 1, client: undefined }],
  ['the longest line', line(`PROXY UNKNOWN ${'f'.repeat(MAX_LINE - 16)}\r\n`), { version: 1, client: undefined }],
  ['v2 over IPv4', proxyBlock4('192.0.2.7', 4711), { version: 2, client: { address: '192.0.2.7', port: 4711 } }],
  [
    'v2 over IPv6',
    proxyBlock(PROXY, 0x21, V6, HOST_6, PORTS),
    { version: 2, client: { address: '2001:db8::7', port: 0x1234 } },
  ],
  [
    'v2 of a datagram',
    proxyBlock(PROXY, 0x12, [192, 0, 2, 7, 127, 0, 0, 1], PORTS),
    { version: 2, client: { address: '192.0.2.7', port: 0x1234 } },
  ],
  ['v2 with TLVs', proxyBlock4('192.0.2.7', 4711, TLVS), { version: 2, client: { address: '192.0.2.7', port: 4711 } }],
  ['v2 LOCAL', proxyBlock(LOCAL, 0), { version: 2, client: undefined }],
  [
    'v2 LOCAL with addresses',
    proxyBlock(LOCAL, 0x11, [192, 0, 2, 7, 127, 0, 0, 1], PORTS),
    { version: 2, client: undefined },
  ],
  ['v2 LOCAL of a family that there is not', proxyBlock(LOCAL, 0x77, [1]), { version: 2, client: undefined }],
  ['v2 UNSPEC', proxyBlock(PROXY, 0, TLVS), { version: 2, client: undefined }],
  ['v2 of a UNIX socket', proxyBlock(PROXY, 0x31, Buffer.alloc(216, '/')), { version: 2, client: undefined }],
  [
    'the longest v2',
    proxyBlock4('192.0.2.7', 4711, Buffer.alloc(65523)),
    { version: 2, client: { address: '192.0.2.7', port: 4711 } },
  ],
]

for (const [name, octets, header] of HEADERS) {
  test(`${name}: whole, with something behind it, and at every split position`, () => {
    const expected = { header, refusal: undefined, length: octets.length }
    assert.deepEqual(read(octets), expected)
    const more = Buffer.concat([octets, line('GET / HTTP/1.1\r\nPROXY ')])
    assert.deepEqual(read(more), expected)
    const last = Math.min(more.length, 600)
    for (let position = 0; position <= last; position++) {
      assert.deepEqual(read(...cutAt(more, [position])), expected, `cut at ${position}`)
    }
    assert.deepEqual(read(...octetByOctet(octets)), expected)
    // Without its last octet it is not whole.
    assert.deepEqual(read(octets.subarray(0, -1)), { header: undefined, refusal: undefined, length: octets.length - 1 })
  })
}

const REFUSED: [string, Buffer, RegExp, length: number][] = [
  ['a request', line('GET / HTTP/1.1\r\n'), /^A connection must begin with .* this one begins with "G"\.$/, 1],
  ['nearly a line', line('PROXX'), /begins with "PROXX"\.$/, 5],
  ['lower case', line('proxy TCP4'), /begins with "p"\.$/, 1],
  ['a ClientHello', Buffer.from([0x16, 3, 1]), /begins with "\?"\.$/, 1],
  ['nearly a signature', line('\r\n\r\n\0\r\nQUIX'), /begins with /, 11],
  [
    'LF alone',
    line('PROXY TCP4 1.2.3.4 1.2.3.5 1 2\nx'),
    /^The PROXY header "PROXY TCP4 1\.2\.3\.4 1\.2\.3\.5 1 2" ends with LF alone\.$/,
    31,
  ],
  ['no more than its name', line('PROXY \r\n'), /is not TCP4, TCP6 or UNKNOWN with two addresses and two ports/, 8],
  ['two spaces', line('PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n'), /is not TCP4, TCP6 or UNKNOWN/, 33],
  ['a tail', line('PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n'), /is not TCP4, TCP6 or UNKNOWN/, 34],
  ['UDP4', line('PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n'), /is not TCP4, TCP6 or UNKNOWN/, 32],
  ['UNKNOWNS', line('PROXY UNKNOWNS\r\n'), /is not TCP4, TCP6 or UNKNOWN/, 16],
  ['IPv6 in TCP4', line('PROXY TCP4 ::1 1.2.3.5 1 2\r\n'), /has "::1" where an IPv4 address must be\.$/, 28],
  ['IPv4 in TCP6', line('PROXY TCP6 ::1 1.2.3.5 1 2\r\n'), /has "1\.2\.3\.5" where an IPv6 address must be\.$/, 28],
  ['a zone', line('PROXY TCP6 fe80::1%a ::1 1 2\r\n'), /has "fe80::1%a" where an IPv6 address must be\.$/, 30],
  ['no address', line('PROXY TCP4 1.2.3.256 1.2.3.5 1 2\r\n'), /has "1\.2\.3\.256" where/, 34],
  ['port 65536', line('PROXY TCP4 1.2.3.4 1.2.3.5 65536 2\r\n'), /has "65536" where a port must be\.$/, 36],
  ['a leading zero', line('PROXY TCP4 1.2.3.4 1.2.3.5 1 02\r\n'), /has "02" where a port must be\.$/, 33],
  [
    'a line without end',
    line(`PROXY TCP4 ${'1'.repeat(200)}`),
    /must end within 107 octets; this one does not\.$/,
    MAX_LINE,
  ],
  [
    'version 1 in 2',
    proxyBlock(0x11, 0x11, Buffer.alloc(12)),
    /^The PROXY header of version 2 names version 1, which there is not\.$/,
    16,
  ],
  [
    'command 2',
    proxyBlock(0x22, 0x11, Buffer.alloc(12)),
    /has command 2; there are 0 \(LOCAL\) and 1 \(PROXY\)\.$/,
    16,
  ],
  ['LOCAL of version 1', proxyBlock(0x10, 0), /names version 1/, 16],
  ['family 4', proxyBlock(PROXY, 0x41, Buffer.alloc(12)), /names family and transport 0x41, which there is not\.$/, 16],
  ['transport 0', proxyBlock(PROXY, 0x10, Buffer.alloc(12)), /names family and transport 0x10/, 16],
  ['transport 1 of no family', proxyBlock(PROXY, 0x01), /names family and transport 0x01/, 16],
  [
    '11 octets for IPv4',
    proxyBlock(PROXY, 0x11, Buffer.alloc(11)),
    /has 11 octets behind its length, and 0x11 needs 12 for its addresses\.$/,
    16,
  ],
  ['35 octets for IPv6', proxyBlock(PROXY, 0x21, Buffer.alloc(35)), /needs 36/, 16],
  ['215 octets for UNIX', proxyBlock(PROXY, 0x31, Buffer.alloc(215)), /needs 216/, 16],
]

for (const [name, octets, sentence, length] of REFUSED) {
  test(`refused: ${name}`, () => {
    const whole = read(octets)
    assert.match(whole.refusal ?? '', sentence)
    assert.equal(whole.length, length)
    for (let position = 0; position <= octets.length; position++) {
      assert.deepEqual(read(...cutAt(octets, [position])), whole, `cut at ${position}`)
    }
    assert.deepEqual(read(...octetByOctet(octets)), whole)
  })
}

test('what was received is told, up to what is kept', () => {
  const reader = new ProxyHeaderReader()
  assert.deepEqual([reader.begun, reader.received], [false, ''])
  reader.push(line('PROXY TC'), 0, 8)
  assert.deepEqual([reader.begun, reader.received], [true, 'PROXY TC'])
  const other = new ProxyHeaderReader()
  const long = proxyBlock4('1.2.3.4', 5, Buffer.alloc(1000))
  other.push(long, 0, 900)
  assert.equal(other.received, long.toString('latin1', 0, MAX_LINE))
})

test('every address and port is read as it was written, at any split', () => {
  const cuts = fc.array(fc.nat(120), { maxLength: 5 })
  const port = fc.integer({ min: 0, max: 65535 })
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, cuts, (address, port, positions) => {
      const octets = line(proxyLine(address, port))
      if (octets.length > MAX_LINE) return
      const within = [...new Set(positions.map(position => position % octets.length))].sort((a, b) => a - b)
      const { header } = read(...cutAt(octets, within))
      assert.deepEqual(header?.client, { address: canonicalAddress(address), port })
    }),
    { numRuns: 500 },
  )
})

test('no octets throw, and a refusal is one harmless line', () => {
  const beginning = fc.constantFrom('', 'PROXY ', 'PROXY TCP4 ', '\r\n\r\n\0\r\nQUIT\n', '\r\n\r\n\0\r\nQUIT\n!\x11\0')
  const junk = fc.uint8Array({ maxLength: 150 })
  fc.assert(
    fc.property(beginning, junk, (text, octets) => {
      const all = Buffer.concat([line(text), octets])
      const whole = read(all)
      if (whole.refusal !== undefined) assert.match(whole.refusal, /^[ !-~]{1,300}$/)
      assert.deepEqual(read(...octetByOctet(all)), whole)
    }),
    { numRuns: 2000 },
  )
})
