// A tiny reader of raw deflate data (RFC 1951) that inflates nothing but tells how far its matches reach back.

const LENGTH_EXTRA_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]
/** Order in which the lengths of the code length codes stand in a dynamic block (section 3.2.7). */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

const END_OF_BLOCK = 256

/** A prefix code: symbols by their code's length and value. */
type Code = Map<number, number>

/** The largest distance in a permessage-deflate payload, 0 when nothing in it refers back. */
export function largestDistance(payload: Buffer): number {
  const bits = new BitReader(Buffer.concat([payload, Buffer.from([0x00, 0x00, 0xff, 0xff])]))
  let largest = 0
  while (!bits.atEnd) {
    bits.take(1)
    const type = bits.take(2)
    if (type === 0) bits.skipStored()
    else largest = Math.max(largest, largestInBlock(bits, ...(type === 1 ? fixedCodes() : dynamicCodes(bits))))
  }
  return largest
}

function largestInBlock(bits: BitReader, literals: Code, distances: Code): number {
  let largest = 0
  for (;;) {
    const symbol = bits.symbol(literals)
    if (symbol === END_OF_BLOCK) return largest
    if (symbol < END_OF_BLOCK) continue
    bits.take(LENGTH_EXTRA_BITS[symbol - 257])
    const distance = bits.symbol(distances)
    largest = Math.max(largest, DISTANCE_BASES[distance] + bits.take(Math.max(0, (distance >> 1) - 1)))
  }
}

function fixedCodes(): [Code, Code] {
  const lengths = [...Array(144).fill(8), ...Array(112).fill(9), ...Array(24).fill(7), ...Array(8).fill(8)]
  return [codeOf(lengths), codeOf(Array(30).fill(5))]
}

function dynamicCodes(bits: BitReader): [Code, Code] {
  const literals = 257 + bits.take(5)
  const distances = 1 + bits.take(5)
  const codeLengths: number[] = Array(19).fill(0)
  const given = 4 + bits.take(4)
  for (const symbol of CODE_LENGTH_ORDER.slice(0, given)) codeLengths[symbol] = bits.take(3)
  const code = codeOf(codeLengths)
  const lengths: number[] = []
  while (lengths.length < literals + distances) {
    const symbol = bits.symbol(code)
    if (symbol < 16) lengths.push(symbol)
    else if (symbol === 16) lengths.push(...Array(3 + bits.take(2)).fill(lengths.at(-1)))
    else lengths.push(...Array(symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)).fill(0))
  }
  return [codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals))]
}

/** Canonical codes (section 3.2.2); a leading 1 bit tells codes of different lengths apart. */
function codeOf(lengths: readonly number[]): Code {
  const code: Code = new Map()
  let next = 0
  for (let length = 1; length <= 15; length++) {
    for (const [symbol, own] of lengths.entries()) if (own === length) code.set((1 << length) | next++, symbol)
    next <<= 1
  }
  return code
}

class BitReader {
  readonly #octets: Buffer
  /** In bits. */
  #position = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  get atEnd(): boolean {
    return this.#position === 8 * this.#octets.length
  }

  take(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) value |= this.#bit() << i
    return value
  }

  symbol(code: Code): number {
    for (let prefix = 1; prefix < 1 << 16; ) {
      prefix = (prefix << 1) | this.#bit()
      const symbol = code.get(prefix)
      if (symbol !== undefined) return symbol
    }
    throw new Error('no such code')
  }

  skipStored(): void {
    this.#position = 8 * Math.ceil(this.#position / 8)
    const length = this.take(16)
    this.#position += 16 + 8 * length
  }

  #bit(): number {
    if (this.atEnd) throw new Error('the deflate data ends early')
    return (this.#octets[this.#position >> 3] >> (this.#position++ & 7)) & 1
  }
}
