// Client's side of the permessage-deflate negotiation: whether the server's answer fits an offer (RFC 7692 section 7.1).

import { type ExtensionOffer, type ExtensionParam, parseExtensions } from '../protocol/header-grammar.js'

/** What both peers are bound to. Window sizes are base-2 logarithms, 8–15. */
export interface DeflateAgreement {
  readonly serverContextTakeover: boolean
  readonly clientContextTakeover: boolean
  /** Bound of every distance in what the client sends. */
  readonly clientWindowBits: number
}

type Values = ReadonlyMap<string, string | undefined>

const SERVER_BITS = 'server_max_window_bits'
const CLIENT_BITS = 'client_max_window_bits'
const FLAGS = ['server_no_context_takeover', 'client_no_context_takeover']
const WINDOW_BITS = /^(?:[89]|1[0-5])$/
const LARGEST = 15

/**
 * @param answer value of the answer's Sec-WebSocket-Extensions
 * @param offers what the client had sent, parsed
 * @returns undefined if the answer is none that a client may accept: it must then fail the connection
 */
export function readAgreement(answer: string, offers: readonly ExtensionOffer[]): DeflateAgreement | undefined {
  const parsed = parseExtensions(answer)
  if (!parsed.ok || parsed.value.length !== 1) return undefined
  const [{ name, params }] = parsed.value
  const values = name === 'permessage-deflate' ? valuesOf(params) : undefined
  if (values === undefined || !isLegal(values)) return undefined
  if (!offers.some(offer => offer.name === name && fits(values, new Map(offer.params.map(p => [p.name, p.value])))))
    return undefined
  return {
    serverContextTakeover: !values.has(FLAGS[0]),
    clientContextTakeover: !values.has(FLAGS[1]),
    clientWindowBits: Number(values.get(CLIENT_BITS) ?? LARGEST),
  }
}

/** Undefined when a parameter is there twice. */
function valuesOf(params: readonly ExtensionParam[]): Values | undefined {
  const values = new Map(params.map(({ name, value }) => [name, value]))
  return values.size === params.length ? values : undefined
}

/** In an answer window bits have a value, and the flags none. */
function isLegal(values: Values): boolean {
  return [...values].every(([name, value]) => {
    if (name === SERVER_BITS || name === CLIENT_BITS) return value !== undefined && WINDOW_BITS.test(value)
    return FLAGS.includes(name) && value === undefined
  })
}

/** Sections 7.1.1.1, 7.1.2.1 and 7.1.2.2: what was asked for is granted, and a smaller window only asked where it was offered. */
function fits(answer: Values, offer: Values): boolean {
  if (offer.has(FLAGS[0]) && !answer.has(FLAGS[0])) return false
  if (answer.has(CLIENT_BITS) && !offer.has(CLIENT_BITS)) return false
  const asked = offer.get(SERVER_BITS)
  return asked === undefined || Number(answer.get(SERVER_BITS) ?? Number.POSITIVE_INFINITY) <= Number(asked)
}
