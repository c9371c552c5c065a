// Whom a request is from by what proxies wrote into it: Forwarded (RFC 7239) or X-Forwarded-For.
//
// Each proxy appends who spoke to it. So the fields are read from their end, and no further than proxies that are trusted
// have written: what stands before was sent by somebody else, may be anything, and is never looked at.

import { canonicalAddress } from '../ip-address.js'
import { type Parsed, trimWhitespace } from './header-grammar.js'
import type { Endpoint } from './proxy-protocol.js'
import { quote } from './upgrade-request.js'

export type ForwardedHeader = 'forwarded' | 'x-forwarded-for'

/** Undefined where the proxy hides who spoke to it, or does not know. */
type Hop = Endpoint | undefined

/**
 * The address nearest to the server that is not trusted; where all are trusted, the one farthest away that is known; undefined
 * where none is. Behind `unknown` and names in place of addresses (RFC 7239 section 6.3) nothing is known.
 *
 * @param lines values of the field in their order
 */
export function clientOf(
  header: ForwardedHeader,
  lines: readonly string[],
  isTrusted: (address: string) => boolean,
): Parsed<Endpoint | undefined> {
  const read = header === 'forwarded' ? readElement : readAddress
  let client: Hop
  for (const element of elementsFromEnd(lines, header === 'forwarded')) {
    const hop = read(element)
    if (!hop.ok) return hop
    if (hop.value === undefined) break
    client = hop.value
    if (!isTrusted(client.address)) break
  }
  return { ok: true, value: client }
}

/**
 * Elements of a comma list, last first; empty ones are passed over. Quotes are looked for from the end too: one that somebody
 * left open before must not reach into what comes after.
 */
function* elementsFromEnd(lines: readonly string[], quotes: boolean): Generator<string, undefined> {
  for (const line of [...lines].reverse()) {
    let end = line.length
    let quoted = false
    for (let i = line.length - 1; i >= -1; i--) {
      if (i >= 0 && quotes && line[i] === '"' && !(quoted && isEscaped(line, i))) quoted = !quoted
      if (i >= 0 && (quoted || line[i] !== ',')) continue
      const element = trimWhitespace(line.slice(i + 1, end))
      end = i
      if (element !== '') yield element
    }
  }
}

/** Whether an odd number of backslashes stands before the character at `index`. */
function isEscaped(text: string, index: number): boolean {
  let start = index
  while (start > 0 && text[start - 1] === '\\') start--
  return (index - start) % 2 === 1
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const QUOTED = '"((?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*)"'
/** forwarded-pair (section 4) and the semicolon behind it, around which white space is let through; or the semicolon alone. */
const PAIR = new RegExp(`(?:(${TOKEN})=(?:(${TOKEN})|${QUOTED}))?[ \\t]*(?:;[ \\t]*|$)`, 'y')

/** The `for` of a forwarded-element; a proxy that leaves it out tells nothing. */
function readElement(element: string): Parsed<Hop> {
  let node: string | undefined
  const pair = new RegExp(PAIR)
  while (pair.lastIndex < element.length) {
    const [, name, token, quoted] = pair.exec(element) ?? []
    if (pair.lastIndex === 0) return malformed(`${quote(element)} is no list of pairs such as for="192.0.2.1:8080"`)
    if (name?.toLowerCase() !== 'for') continue
    if (node !== undefined) return malformed(`${quote(element)} has more than one "for"`)
    node = token ?? quoted.replace(/\\(.)/gs, '$1')
  }
  return node === undefined ? { ok: true, value: undefined } : readNode(node)
}

/** node (RFC 7239 section 6); an IPv6 address has brackets. */
const NODE = /^(?:(unknown|_[\w.-]+)|\[([^\]]*:[^\]]*)\]|([\d.]+))(?::(?:(\d{1,5})|_[\w.-]+))?$/i

function readNode(node: string): Parsed<Hop> {
  const [, hidden, v6, v4, port = '0'] = NODE.exec(node) ?? []
  if (hidden !== undefined) return { ok: true, value: undefined }
  return endpoint(v6 ?? v4, port, node)
}

/** There is no standard for X-Forwarded-For: addresses, sometimes with ports, then in brackets where they are of IPv6. */
const ADDRESS = /^(?:(unknown)|\[([^\]]*:[^\]]*)\](?::(\d{1,5}))?|([\d.]+)(?::(\d{1,5}))?|([\da-f:.]*:[\da-f:.]*))$/i

function readAddress(element: string): Parsed<Hop> {
  const [, unknown, bracketed, bracketedPort, v4, v4Port, v6] = ADDRESS.exec(element) ?? []
  if (unknown !== undefined) return { ok: true, value: undefined }
  return endpoint(bracketed ?? v4 ?? v6, bracketedPort ?? v4Port ?? '0', element)
}

function endpoint(text: string | undefined, port: string, written: string): Parsed<Endpoint> {
  const address = text === undefined || text.includes('%') ? undefined : canonicalAddress(text)
  if (address === undefined || Number(port) > 0xffff) return malformed(`${quote(written)} is no address`)
  return { ok: true, value: { address, port: Number(port) } }
}

function malformed(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem }
}
