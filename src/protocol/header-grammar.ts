// Grammar of the header fields that an opening handshake negotiates with: comma lists of tokens (RFC 9110 section 5.6)
// and the extension list (RFC 6455 section 9.1). Every parser is one linear pass and never throws.

/** What a parser makes of a field value: its meaning, or the rule that the value breaks, fit to end a sentence. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }

/** One `extension` of an extension list, names and values as the peer spelled them. */
export interface ExtensionOffer {
  readonly name: string
  /** In the order sent; a name may be repeated. */
  readonly params: readonly ExtensionParam[]
}

export interface ExtensionParam {
  readonly name: string
  /** Unescaped if it was quoted; undefined if the parameter has no value. */
  readonly value: string | undefined
}

const SPACE = 0x20
const TAB = 0x09

const TCHAR = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
const TOKEN = new RegExp(`^${TCHAR}+$`)

/**
 * extension-param = token [ "=" (token | quoted-string) ], where the quoted-string must unescape to a token: any
 * backslash in it therefore escapes a token character. RFC 6455 has RFC 2616's implied *LWS, so `a = b` is legal.
 */
const EXTENSION_PARAM = new RegExp(`^(${TCHAR}+)(?:[ \\t]*=[ \\t]*(?:(${TCHAR}+)|"((?:\\\\?${TCHAR})+)"))?$`)

/** Whether `text` is a token (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Removes optional white space (OWS, RFC 9110 section 5.6.3) at both ends. */
export function trimWhitespace(text: string): string {
  return trimmedSlice(text, 0, text.length)
}

/**
 * The characters of `text` from `from` to `to`, without optional white space at both ends. String.prototype.trim would
 * take more than space and tab, and an end-anchored pattern takes quadratic time on a long run of spaces.
 */
export function trimmedSlice(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isWhitespace(text.charCodeAt(start))) start++
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/**
 * Elements of a comma list, without surrounding white space. Empty elements are dropped, as RFC 9110 section 5.6.1.2
 * asks of recipients; how many there can be is bounded by the HTTP parser's limit on header size.
 * The elements themselves are not checked.
 */
export function listElements(value: string): string[] {
  const elements: string[] = []
  for (let start = 0; start <= value.length; ) {
    const comma = value.indexOf(',', start)
    const end = comma < 0 ? value.length : comma
    const element = trimmedSlice(value, start, end)
    if (element !== '') elements.push(element)
    start = end + 1
  }
  return elements
}

/**
 * Parses Sec-WebSocket-Protocol: 1#token without duplicates (RFC 6455 sections 4.1 and 11.3.4).
 * Several header lines are to be joined with a comma first. Subprotocols come in the client's order of preference.
 */
export function parseSubprotocols(value: string): Parsed<string[]> {
  const subprotocols = listElements(value)
  if (subprotocols.length === 0) return malformed('it names no subprotocol')
  if (!subprotocols.every(isToken)) return malformed('a subprotocol must be a token')
  if (new Set(subprotocols).size < subprotocols.length) return malformed('a subprotocol may be named only once')
  return { ok: true, value: subprotocols }
}

/**
 * Parses Sec-WebSocket-Extensions by the ABNF of RFC 6455 section 9.1, which knows nothing of what an extension means.
 * Several header lines are to be joined with a comma first. Offers come in the client's order of preference.
 */
export function parseExtensions(value: string): Parsed<ExtensionOffer[]> {
  const elements = listElements(value)
  if (elements.length === 0) return malformed('it names no extension')

  const offers: ExtensionOffer[] = []
  for (const element of elements) {
    const offer = parseExtension(element)
    if (!offer.ok) return offer
    offers.push(offer.value)
  }
  return { ok: true, value: offers }
}

/**
 * Parses one element of an extension list. Cutting at every comma and semicolon, quoted or not, is exact: neither may
 * stand in a quoted value, and a value cut in two leaves an unbalanced quote, which no rule matches.
 */
function parseExtension(element: string): Parsed<ExtensionOffer> {
  const [name, ...rest] = element.split(';').map(trimWhitespace)
  if (!isToken(name)) return malformed('the name of an extension must be a token')

  const params: ExtensionParam[] = []
  for (const text of rest) {
    const match = EXTENSION_PARAM.exec(text)
    if (match === null) return malformed('an extension parameter must be a token, alone or with a token as its value')
    params.push({ name: match[1], value: match[2] ?? match[3]?.replaceAll('\\', '') })
  }
  return { ok: true, value: { name, params } }
}

function malformed(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem }
}

function isWhitespace(code: number): boolean {
  return code === SPACE || code === TAB
}
