// Server's side of the permessage-deflate negotiation: the client's offers in, our answer out (RFC 7692 sections 5, 7).

import type { ExtensionOffer, ExtensionParam } from './header-grammar.js'

/** What the server is willing to do. */
export interface DeflateTerms {
  /** Whether LZ77 windows may outlive a message, in either direction. */
  readonly contextTakeover: boolean
  /** Largest LZ77 window of either direction, base-2 logarithm, 9–15. */
  readonly windowBits: number
}

/** What both peers are bound to once `response` is sent. Window sizes are base-2 logarithms, 8–15. */
export interface DeflateAgreement {
  /** The extension's element of the Sec-WebSocket-Extensions header to answer with. */
  readonly response: string
  readonly serverContextTakeover: boolean
  readonly clientContextTakeover: boolean
  /**
   * Bound of every distance in what the server sends. zlib cannot deflate raw with 8; with 9 it keeps distances within
   * 512 - 262 (its MAX_DIST), so a deflater clamped to 9 honours 8 too.
   */
  readonly serverWindowBits: number
  /** Window that the server needs to inflate what the client sends. */
  readonly clientWindowBits: number
}

/** The parameters of a legal offer. */
interface Offer {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number | undefined
  /** 15 when the parameter came without a value; undefined when it did not come. */
  readonly clientMaxWindowBits: number | undefined
}

const LARGEST_WINDOW_BITS = 15

/** A decimal integer from 8 to 15 without leading zeros (RFC 7692 sections 7.1.2.1 and 7.1.2.2). */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/

/** Legal values of each parameter in an offer; `undefined` stands for a parameter without a value. */
const PARAMETERS: ReadonlyMap<string, (value: string | undefined) => boolean> = new Map([
  ['server_no_context_takeover', isAbsent],
  ['client_no_context_takeover', isAbsent],
  ['server_max_window_bits', isWindowBits],
  ['client_max_window_bits', (value: string | undefined) => isAbsent(value) || isWindowBits(value)],
])

/**
 * Answers the first permessage-deflate offer that is legal (RFC 7692 section 5: earlier means preferred), or returns
 * undefined when there is none: the connection then goes without compression.
 *
 * Names are compared octet for octet. RFC 6455 spells out where it compares without regard to case (section 4.2.1:
 * Upgrade and Connection) and does not for extensions (9.1), nor does RFC 7692; and a client must fail a connection
 * that is answered with an extension it did not name (4.1), as it would see `permessage-deflate` for `Permessage-Deflate`.
 */
export function negotiateDeflate(offers: readonly ExtensionOffer[], terms: DeflateTerms): DeflateAgreement | undefined {
  for (const { name, params } of offers) {
    const offer = name === 'permessage-deflate' ? readOffer(params) : undefined
    if (offer !== undefined) return answer(offer, terms)
  }
  return undefined
}

/** Undefined if the offer must be declined: an unknown or repeated parameter, or an illegal value (section 7). */
function readOffer(params: readonly ExtensionParam[]): Offer | undefined {
  const values = new Map<string, string | undefined>()
  for (const { name, value } of params) {
    const isLegal = PARAMETERS.get(name)
    if (isLegal === undefined || values.has(name) || !isLegal(value)) return undefined
    values.set(name, value)
  }

  const windowBits = (name: string) => (values.has(name) ? Number(values.get(name) ?? LARGEST_WINDOW_BITS) : undefined)
  return {
    serverNoContextTakeover: values.has('server_no_context_takeover'),
    clientNoContextTakeover: values.has('client_no_context_takeover'),
    serverMaxWindowBits: windowBits('server_max_window_bits'),
    clientMaxWindowBits: windowBits('client_max_window_bits'),
  }
}

function answer(offer: Offer, terms: DeflateTerms): DeflateAgreement {
  const serverContextTakeover = terms.contextTakeover && !offer.serverNoContextTakeover
  const clientContextTakeover = terms.contextTakeover && !offer.clientNoContextTakeover
  const serverWindowBits = Math.min(offer.serverMaxWindowBits ?? LARGEST_WINDOW_BITS, terms.windowBits)
  // Only a client that offered the parameter can be held to a smaller window (section 7.1.2.2).
  const clientWindowBits =
    offer.clientMaxWindowBits === undefined
      ? LARGEST_WINDOW_BITS
      : Math.min(offer.clientMaxWindowBits, terms.windowBits)

  const response = ['permessage-deflate']
  // Both may be answered without having been offered (sections 7.1.1.1 and 7.1.1.2).
  if (!serverContextTakeover) response.push('server_no_context_takeover')
  if (!clientContextTakeover) response.push('client_no_context_takeover')
  // An offered limit must be confirmed. A limit of our own could be stated unasked (section 7.1.2.1), but nobody needs to
  // know it, since a larger window reads what a smaller one wrote, and some clients refuse a parameter they did not offer.
  if (offer.serverMaxWindowBits !== undefined) response.push(`server_max_window_bits=${serverWindowBits}`)
  if (clientWindowBits < LARGEST_WINDOW_BITS) response.push(`client_max_window_bits=${clientWindowBits}`)

  return {
    response: response.join('; '),
    serverContextTakeover,
    clientContextTakeover,
    serverWindowBits,
    clientWindowBits,
  }
}

function isAbsent(value: string | undefined): boolean {
  return value === undefined
}

function isWindowBits(value: string | undefined): boolean {
  return value !== undefined && WINDOW_BITS.test(value)
}
