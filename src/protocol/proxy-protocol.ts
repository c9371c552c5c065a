// Reads the header of the PROXY protocol, version 1 or 2, that a proxy puts before everything else on a connection (its
// specification, sections 2.1 and 2.2), without I/O: octets in, however they are cut; the header out once it is whole, or a
// refusal as soon as it cannot be one.
//
//   position = reader.push(chunk, 0, chunk.length)
//   if (reader.header) …
//   else if (reader.refusal) …
//
// What stands behind the header is never looked at, and of a long one only what is needed is kept.

import { canonicalAddress, spellAddress } from '../ip-address.js'
import { quote, type Refusal, refusal } from './upgrade-request.js'

export interface Endpoint {
  /** In its one spelling, see ip-address. */
  readonly address: string
  /** 0 where it is not known. */
  readonly port: number
}

export interface ProxyHeader {
  readonly version: 1 | 2
  /** Undefined where the proxy speaks for itself (LOCAL), or does not know for whom (UNKNOWN, UNSPEC, a UNIX socket). */
  readonly client: Endpoint | undefined
}

const SIGNATURE_1 = Buffer.from('PROXY ')
const SIGNATURE_2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Longest header of version 1, its CR LF included. */
export const MAX_LINE = 107

/** Octets of version 2 before its addresses. */
const FIXED = 16

const LF = 0x0a

/** By the octet that names family and transport: how many octets its two addresses and ports have. */
const ADDRESSES: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
])
const INET = 1
const INET6 = 2

const LOCAL = 0x20
const PROXY = 0x21

export class ProxyHeaderReader {
  header: ProxyHeader | undefined
  refusal: Refusal | undefined
  /** The first octets: a whole line, or what is needed of a header of version 2. */
  readonly #held = Buffer.allocUnsafe(MAX_LINE)
  /** Octets so far. */
  #length = 0
  /** Octets of the whole header of version 2, once it has told. */
  #total = Number.POSITIVE_INFINITY

  /** Whether any octet has come. */
  get begun(): boolean {
    return this.#length > 0
  }

  /** The first octets so far, one character each. */
  get received(): string {
    return this.#held.toString('latin1', 0, Math.min(this.#length, MAX_LINE))
  }

  /** Reads the octets of `chunk` from `start` to `end`; returns the position behind those that are the header's. */
  push(chunk: Buffer, start: number, end: number): number {
    let position = start
    while (position < end && this.header === undefined && this.refusal === undefined) {
      if (this.#length < MAX_LINE) {
        this.#held[this.#length++] = chunk[position++]
        this.#look()
      } else {
        const skipped = Math.min(end - position, this.#total - this.#length)
        position += skipped
        this.#length += skipped
        this.#finishWhenWhole()
      }
    }
    return position
  }

  /** Judges the header by the octet that was held last. */
  #look(): void {
    const length = this.#length
    if (begins(this.#held, SIGNATURE_1, length)) {
      if (length > SIGNATURE_1.length) this.#lookAtLine()
    } else if (!begins(this.#held, SIGNATURE_2, length)) this.refusal = noHeader(this.received)
    else if (length === FIXED) this.#lookAtFixed()
    else if (length > FIXED) this.#finishWhenWhole()
  }

  #lookAtLine(): void {
    if (this.#held[this.#length - 1] === LF) {
      const client = parseLine(this.received)
      if (client.ok) this.header = { version: 1, client: client.endpoint }
      else this.refusal = badHeader(`The PROXY header ${quote(this.received.trimEnd())} ${client.problem}.`)
    } else if (this.#length === MAX_LINE) {
      this.refusal = badHeader(`A PROXY header of version 1 must end within ${MAX_LINE} octets; this one does not.`)
    }
  }

  #lookAtFixed(): void {
    const [command, family] = this.#held.subarray(SIGNATURE_2.length)
    const rest = this.#held.readUInt16BE(FIXED - 2)
    const problem = command === LOCAL ? undefined : problemOf(command, family, rest)
    if (problem !== undefined) this.refusal = badHeader(`The PROXY header of version 2 ${problem}.`)
    this.#total = FIXED + rest
    this.#finishWhenWhole()
  }

  #finishWhenWhole(): void {
    if (this.#length < this.#total || this.refusal !== undefined) return
    this.header = { version: 2, client: this.#source() }
  }

  #source(): Endpoint | undefined {
    const [command, family] = this.#held.subarray(SIGNATURE_2.length)
    if (command === LOCAL) return undefined
    const size = { [INET]: 4, [INET6]: 16 }[family >> 4]
    if (size === undefined) return undefined
    const address = spellAddress(this.#held.subarray(FIXED, FIXED + size))
    return { address, port: this.#held.readUInt16BE(FIXED + 2 * size) }
  }
}

/** Whether the first `length` octets and `signature` are the same, as far as both go. */
function begins(octets: Buffer, signature: Buffer, length: number): boolean {
  const common = Math.min(length, signature.length)
  return octets.compare(signature, 0, common, 0, common) === 0
}

type Line =
  | { readonly ok: true; readonly endpoint: Endpoint | undefined }
  | { readonly ok: false; readonly problem: string }

const LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\S+) (\S+)\r\n$/
const UNKNOWN = /^PROXY UNKNOWN(?: .*)?\r\n$/s

function parseLine(line: string): Line {
  // The rest of such a line is to be ignored, whatever it is.
  if (UNKNOWN.test(line)) return { ok: true, endpoint: undefined }
  if (!line.endsWith('\r\n')) return bad('ends with LF alone')
  const match = LINE.exec(line)
  if (match === null)
    return bad('is not TCP4, TCP6 or UNKNOWN with two addresses and two ports, one space between each')
  const [, family, source, destination, sourcePort, destinationPort] = match
  const isV6 = family === 'TCP6'
  for (const text of [source, destination]) {
    if (text.includes(':') !== isV6 || text.includes('%') || canonicalAddress(text) === undefined)
      return bad(`has ${quote(text)} where an ${isV6 ? 'IPv6' : 'IPv4'} address must be`)
  }
  for (const text of [sourcePort, destinationPort]) {
    if (!isPort(text)) return bad(`has ${quote(text)} where a port must be`)
  }
  return { ok: true, endpoint: { address: canonicalAddress(source) as string, port: Number(sourcePort) } }
}

/** Without leading zeros, as the specification has it. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff
}

function bad(problem: string): Line {
  return { ok: false, problem }
}

/** What is wrong with the fixed part of a header that is not LOCAL; `rest` octets follow it. */
function problemOf(command: number, family: number, rest: number): string | undefined {
  if (command >> 4 !== 2) return `names version ${command >> 4}, which there is not`
  if (command !== PROXY) return `has command ${command & 0xf}; there are 0 (LOCAL) and 1 (PROXY)`
  const least = ADDRESSES.get(family)
  if (least === undefined) return `names family and transport 0x${hex(family)}, which there is not`
  if (rest < least) return `has ${rest} octets behind its length, and 0x${hex(family)} needs ${least} for its addresses`
  return undefined
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0')
}

function noHeader(received: string): Refusal {
  return badHeader(
    `A connection must begin with a header of the PROXY protocol here (proxy-protocol); this one begins with ${quote(received)}.`,
  )
}

function badHeader(sentence: string): Refusal {
  return refusal(400, 'bad_proxy_header', sentence)
}
