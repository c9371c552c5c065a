// IP addresses and blocks of them: one spelling for one address, so that addresses can be counted, and sets of blocks.

const V4_OCTETS = 4
const V6_OCTETS = 16
/** An IPv6 address that begins so stands for the IPv4 address in its last four octets (RFC 4291 section 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** What `trusted-proxies` takes, in words. */
export const BLOCKS_ALLOWED =
  'IP addresses, and CIDR blocks without bits behind the prefix, such as 10.0.0.0/8 or fd00::/8'

/** Addresses that begin alike. */
export interface AddressBlock {
  readonly octets: readonly number[]
  /** Bits of them that count. */
  readonly prefix: number
}

/**
 * The one spelling of an address: dotted decimal, or RFC 5952. IPv4-mapped IPv6 is spelled as IPv4, and a zone is left off.
 * Undefined for what is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const octets = octetsOf(text)
  return octets && spell(octets)
}

/** Spells the address in the first 4 or 16 octets of `octets`. */
export function spellAddress(octets: Uint8Array): string {
  return spell(unmapped([...octets]))
}

/** Reads an address or a block such as `10.0.0.0/8`; undefined for anything else, and where bits behind the prefix are set. */
export function parseBlock(text: string): AddressBlock | undefined {
  const [, address, length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  if (address === undefined) return undefined
  const written = parse(address)
  if (written === undefined) return undefined
  const bits = written.length * 8
  const prefix = length === undefined ? bits : Number(length)
  if (prefix > bits || !isZeroBehind(written, prefix)) return undefined
  const octets = unmapped(written)
  const mapped = octets.length < written.length
  if (!mapped) return { octets, prefix }
  const cut = 8 * MAPPED.length
  return prefix < cut ? { octets: written, prefix } : { octets, prefix: prefix - cut }
}

/** Addresses by the blocks that they are in. */
export class AddressSet {
  readonly #blocks: readonly AddressBlock[]

  /** @param blocks texts that `parseBlock` reads */
  constructor(blocks: readonly string[]) {
    this.#blocks = blocks.map(parseBlock).filter(block => block !== undefined)
  }

  /** False for what is no address. */
  has(address: string): boolean {
    const octets = octetsOf(address)
    return octets !== undefined && this.#blocks.some(block => isIn(block, octets))
  }
}

function isIn({ octets: beginning, prefix }: AddressBlock, octets: readonly number[]): boolean {
  if (beginning.length !== octets.length) return false
  const whole = prefix >> 3
  for (let i = 0; i < whole; i++) if (beginning[i] !== octets[i]) return false
  const mask = 0xff00 >> (prefix & 7)
  return ((beginning[whole] ^ octets[whole]) & mask & 0xff) === 0
}

function isZeroBehind(octets: readonly number[], prefix: number): boolean {
  return octets.every((octet, i) => (octet & (0xff >> Math.min(8, Math.max(0, prefix - 8 * i)))) === 0)
}

/** Without its zone, which the system adds to addresses of a link. */
function octetsOf(text: string): number[] | undefined {
  const zone = text.indexOf('%')
  const octets = parse(zone < 0 ? text : text.slice(0, zone))
  return octets && unmapped(octets)
}

function unmapped(octets: number[]): number[] {
  const isMapped = octets.length === V6_OCTETS && MAPPED.every((octet, i) => octets[i] === octet)
  return isMapped ? octets.slice(MAPPED.length) : octets
}

function parse(text: string): number[] | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

/** Four numbers without leading zeros, which some read as octal. */
function parseV4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== V4_OCTETS || !parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined
  const octets = parts.map(Number)
  return octets.every(octet => octet <= 0xff) ? octets : undefined
}

/** RFC 4291 section 2.2. */
function parseV6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map(groupsOf)
  if (before === undefined) return undefined
  if (halves.length === 1) return before.length === V6_OCTETS ? before : undefined
  // `::` stands for one group of zeros at least.
  if (after === undefined || before.length + after.length > V6_OCTETS - 2) return undefined
  return [...before, ...new Array(V6_OCTETS - before.length - after.length).fill(0), ...after]
}

/** Octets of groups with colons between them; the last may be an IPv4 address. */
function groupsOf(text: string, half: number, halves: readonly string[]): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  const isLastHalf = half === halves.length - 1
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const v4 = isLastHalf && i === groups.length - 1 ? parseV4(group) : undefined
      if (v4 === undefined) return undefined
      octets.push(...v4)
    } else if (/^[\da-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
    } else return undefined
  }
  return octets
}

function spell(octets: readonly number[]): string {
  return octets.length === V4_OCTETS ? octets.join('.') : spellV6(octets)
}

/** RFC 5952 section 4: lower case, no leading zeros, `::` for the first of the longest runs of two zero groups or more. */
function spellV6(octets: readonly number[]): string {
  const groups: number[] = []
  for (let i = 0; i < V6_OCTETS; i += 2) groups.push((octets[i] << 8) | octets[i + 1])
  let best = { start: 0, length: 1 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':')
  if (best.length === 1) return text(0, groups.length)
  return `${text(0, best.start)}::${text(best.start + best.length, groups.length)}`
}
