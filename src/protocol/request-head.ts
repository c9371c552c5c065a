// Reads the head of an HTTP/1.1 request without I/O (RFC 9112 sections 2.2, 3 and 5): octets in, however they are cut;
// the request out once its head is whole, or a refusal as soon as one octet cannot be right.
//
//   position = reader.push(chunk, 0, chunk.length)
//   if (reader.head) …
//   else if (reader.refusal) …
//
// Octets are kept only where a chunk ends inside the head. What stands behind the head is never looked at.

import { isToken, trimmedSlice } from './header-grammar.js'
import { quote, type Refusal, refusal, type UpgradeRequest } from './upgrade-request.js'

/** Most octets of a head, a leading empty line and the empty line at the end included. */
export const MAX_HEAD_OCTETS = 16 * 1024

/** Most field lines of a head. A browser sends some 15. */
export const MAX_FIELD_LINES = 100

/** Octets that the first copy of an unfinished head has room for: most heads are shorter. */
const FIRST_HELD_OCTETS = 512

// What may come next: first the states of the request line.
const FIRST_OCTETS = 0
const START = 1
const EMPTY_LINE = 2
const SECOND_START = 3
const METHOD = 4
const TARGET_START = 5
const TARGET = 6
/** The first of five states, one for each octet of `HTTP/`. */
const VERSION = 7
const MAJOR = 12
const DOT = 13
const MINOR = 14
const VERSION_END = 15
const LINE_END = 16
// Then those of the field lines.
const LINE_START = 17
const NAME = 18
const VALUE = 19
const HEAD_END = 20
// Then those in which there is more to do than to go on.
const NAME_START = 21
const WHOLE = 22
const REFUSED = 23
const STATES = 24

const CR = '\r'
const LF = '\n'
const TCHAR = charactersWhere(isToken)
const VCHAR = charactersWhere(character => /[!-~]/.test(character))
/** SP, HTAB, VCHAR and obs-text: all that a value may have (RFC 9110 section 5.5). */
const VALUE_CHARACTERS = charactersWhere(character => /[\t -~\x80-\xff]/.test(character))
const DIGITS = '0123456789'

/**
 * The grammar of a head: in this state these octets lead to that state, all others are refused. So there is no line
 * folding (section 5.2), no white space before a colon (5.1), and CR stands before LF only (2.2). A server may take LF
 * alone for the end of a line (2.2) and need not: a proxy in front that sees one line where we see two is how requests
 * are smuggled, and no WebSocket client sends it. Of the empty lines before a request, one is ignored (2.2).
 */
const GRAMMAR: readonly (readonly [state: number, octets: string, next: number])[] = [
  [START, CR, EMPTY_LINE],
  [EMPTY_LINE, LF, SECOND_START],
  [START, TCHAR, METHOD],
  [SECOND_START, TCHAR, METHOD],
  [METHOD, TCHAR, METHOD],
  [METHOD, ' ', TARGET_START],
  [TARGET_START, VCHAR, TARGET],
  [TARGET, VCHAR, TARGET],
  [TARGET, ' ', VERSION],
  [VERSION, 'H', VERSION + 1],
  [VERSION + 1, 'T', VERSION + 2],
  [VERSION + 2, 'T', VERSION + 3],
  [VERSION + 3, 'P', VERSION + 4],
  [VERSION + 4, '/', MAJOR],
  [MAJOR, '1', DOT],
  [DOT, '.', MINOR],
  [MINOR, DIGITS, VERSION_END],
  [VERSION_END, CR, LINE_END],
  [LINE_END, LF, LINE_START],
  [LINE_START, TCHAR, NAME_START],
  [NAME_START, TCHAR, NAME],
  [NAME_START, ':', VALUE],
  [NAME, TCHAR, NAME],
  [NAME, ':', VALUE],
  [VALUE, VALUE_CHARACTERS, VALUE],
  [VALUE, CR, LINE_END],
  [LINE_START, CR, HEAD_END],
  [HEAD_END, LF, WHOLE],
]

/** The grammar by state × 256 + octet. */
const NEXT = new Uint8Array(STATES * 256).fill(REFUSED)
for (const [state, octets, next] of GRAMMAR) {
  for (const octet of Buffer.from(octets, 'latin1')) NEXT[state * 256 + octet] = next
}

const HTTP2_REFUSAL = badHead(
  400,
  'This is the preface of HTTP/2; a WebSocket connection must begin with an HTTP/1.1 request here.',
)

/** What else is sent to a port of HTTP/1.1, by the octets that it begins with. */
const OTHER_PROTOCOLS: readonly (readonly [beginning: Buffer, refusal: Refusal])[] = [
  [
    Buffer.from('PROXY '),
    badHead(
      400,
      'This is a header of the PROXY protocol, version 1; a connection must begin with an HTTP/1.1 request here: ' +
        'turn the PROXY protocol off at the proxy.',
    ),
  ],
  [
    Buffer.from('\r\n\r\n\0\r\nQUIT\n'),
    badHead(
      400,
      'This is a header of the PROXY protocol, version 2; a connection must begin with an HTTP/1.1 request here: ' +
        'turn the PROXY protocol off at the proxy.',
    ),
  ],
  [Buffer.from('PRI * HTTP/2.0'), HTTP2_REFUSAL],
  [
    // A record of the kind handshake, of any version (RFC 8446 section 5.1).
    Buffer.from([0x16, 0x03]),
    badHead(
      400,
      'This is a TLS ClientHello; a connection must begin with an HTTP/1.1 request here: ' +
        'connect with ws:// or http:// instead of wss:// or https://.',
    ),
  ],
]

const TOO_LONG = badHead(431, `The request head must not be longer than ${MAX_HEAD_OCTETS / 1024} KiB.`)
export const TOO_MANY_FIELD_LINES = badHead(431, `The request must not have more than ${MAX_FIELD_LINES} header lines.`)

export class RequestHeadReader {
  /** The request, once its head is whole; OWS is off its values. */
  head: UpgradeRequest | undefined
  /** Why there will be no request. */
  refusal: Refusal | undefined
  /**
   * The octets of the whole head, one character each, or of one that is refused up to the first that cannot be; empty
   * before. The strings of `head` may share its memory.
   */
  text = ''

  #state = FIRST_OCTETS
  /** Octets of the head so far. */
  #length = 0
  #fieldLines = 0
  /** The octets so far of a head that is not whole. */
  #held: Buffer | undefined

  /** The octets so far, one character each. */
  get received(): string {
    return this.#held?.toString('latin1', 0, this.#length) ?? this.text
  }

  /** What is refused begins as the preface of HTTP/2 does (RFC 9113 section 3.4). */
  get isHttp2(): boolean {
    return this.refusal === HTTP2_REFUSAL
  }

  /** Whether any octet has come. */
  get begun(): boolean {
    return this.#length > 0
  }

  /**
   * Reads the octets of `chunk` from `start` to `end`; the chunk may be overwritten afterwards. Returns the position
   * behind the head, or `end` as long as it is not whole. What follows a refusal is nobody's, but for what follows the
   * beginning of HTTP/2's preface: its position is returned.
   */
  push(chunk: Buffer, start: number, end: number): number {
    if (this.head !== undefined) return start
    if (this.refusal !== undefined) return end
    const before = this.#length
    const count = Math.min(end - start, MAX_HEAD_OCTETS - before)
    if (before > 0) {
      this.#held = append(this.#held, before, chunk, start, count)
      this.#take(this.#held, 0, before + count)
    } else this.#take(chunk, start, start + count)
    if (this.#isDone()) this.#held = undefined
    else if (before === 0) this.#held = append(undefined, 0, chunk, start, count)
    return this.head === undefined && !this.isHttp2 ? end : start + this.#length - before
  }

  #isDone(): boolean {
    return this.head !== undefined || this.refusal !== undefined
  }

  /** The head stands in `octets` from `start` to `end` so far. */
  #take(octets: Buffer, start: number, end: number): void {
    this.#read(octets, start, end)
    if (this.refusal !== undefined) this.text = octets.toString('latin1', start, start + this.#length)
  }

  /** Goes on in the head where it ended before. */
  #read(octets: Buffer, start: number, end: number): void {
    if (this.#state === FIRST_OCTETS && !this.#beginsRequest(octets, start, end)) return
    let state = this.#state
    for (let position = start + this.#length; position < end; position++) {
      const before = state
      state = NEXT[state * 256 + octets[position]]
      if (state < NAME_START) continue
      if (state === NAME_START && ++this.#fieldLines <= MAX_FIELD_LINES) continue
      this.#length = position + 1 - start
      if (state === WHOLE) {
        this.text = octets.toString('latin1', start, position + 1)
        this.head = split(this.text)
      } else if (state === NAME_START) this.refusal = TOO_MANY_FIELD_LINES
      else this.refusal = explain(before, octets, start, position)
      return
    }
    this.#state = state
    this.#length = end - start
    if (this.#length === MAX_HEAD_OCTETS) this.refusal = TOO_LONG
  }

  /** False while it may still be another protocol, and once it is one. */
  #beginsRequest(octets: Buffer, start: number, end: number): boolean {
    for (const [beginning, refusal] of OTHER_PROTOCOLS) {
      const common = Math.min(end - start, beginning.length)
      let same = 0
      while (same < common && octets[start + same] === beginning[same]) same++
      if (same < common) continue
      this.#length = common
      if (common === beginning.length) this.refusal = refusal
      return false
    }
    this.#length = 0
    this.#state = START
    return true
  }
}

/** Copies `count` octets of `chunk` behind the first `length` ones of `held`, or of a larger copy of it. */
function append(held: Buffer | undefined, length: number, chunk: Buffer, start: number, count: number): Buffer {
  let target = held
  if (target === undefined || target.length < length + count) {
    // Twice the size each time, so that a head that comes octet by octet is not copied for each of them.
    const size = Math.max(FIRST_HELD_OCTETS, 2 * (length + count))
    target = Buffer.allocUnsafeSlow(Math.min(size, MAX_HEAD_OCTETS))
    held?.copy(target, 0, 0, length)
  }
  chunk.copy(target, length, start, start + count)
  return target
}

/** Takes a head apart that the grammar allows. */
function split(text: string): UpgradeRequest {
  const start = text.startsWith('\r\n') ? 2 : 0
  const methodEnd = text.indexOf(' ', start)
  const targetEnd = text.indexOf(' ', methodEnd + 1)
  const lineEnd = text.indexOf(CR, targetEnd)
  const rawHeaders: string[] = []
  for (let position = lineEnd + 2; position < text.length - 2; ) {
    const colon = text.indexOf(':', position)
    const end = text.indexOf(CR, colon)
    rawHeaders.push(text.slice(position, colon), trimmedSlice(text, colon + 1, end))
    position = end + 2
  }
  return {
    method: text.slice(start, methodEnd),
    target: text.slice(methodEnd + 1, targetEnd),
    httpVersion: text.slice(targetEnd + 1 + 'HTTP/'.length, lineEnd),
    rawHeaders,
  }
}

/** Why the grammar refuses the octet at `position`, in `state`, of the head that begins at `start`. */
function explain(state: number, octets: Buffer, start: number, position: number): Refusal {
  const octet = octets[position]
  const head = octets.toString('latin1', start, position)
  const line = head.slice(head.lastIndexOf(LF) + 1)
  if (octet === 0x0a) return badHead(400, 'Each line of the request head must end with CR LF; one ends with LF alone.')
  if (line.endsWith(CR)) return badHead(400, `In the request head LF must follow CR; ${nameOf(octet)} follows one.`)
  if (state === MAJOR && DIGITS.includes(String.fromCharCode(octet))) {
    return badHead(505, `The request line asks for HTTP/${octet - 0x30}; this server speaks HTTP/1.1.`)
  }
  if (state < LINE_START) return badHead(400, explainRequestLine(octet, line))
  return badHead(400, state === VALUE ? explainValue(octet, line) : explainName(octet, line))
}

function explainRequestLine(octet: number, line: string): string {
  return (
    'The request line must be a method, a target in visible ASCII and HTTP/1.1, with one space between them and none ' +
    `elsewhere; it has ${nameOf(octet)} ${placeBehind(line)}.`
  )
}

function explainName(octet: number, line: string): string {
  const isWhitespace = octet === 0x20 || octet === 0x09
  if (line === '' && isWhitespace) return 'A header line must not begin with white space: a header is one line only.'
  if (isWhitespace) return `White space must not follow the header name ${quote(line)}: the colon must.`
  if (octet === 0x0d) return `The header line ${quote(line)} has no colon.`
  return `A header line must be a token, a colon and a value; one has ${nameOf(octet)} ${placeBehind(line)}.`
}

function explainValue(octet: number, line: string): string {
  const name = line.slice(0, line.indexOf(':'))
  return `No control character but the tab is allowed in a header; the value of ${quote(name)} has ${nameOf(octet)}.`
}

function placeBehind(line: string): string {
  return line === '' ? 'where it begins' : `behind ${quote(line)}`
}

function nameOf(octet: number): string {
  if (octet === 0x0d) return 'CR'
  if (octet === 0x20) return 'a space'
  return `the octet 0x${octet.toString(16).padStart(2, '0')}`
}

function badHead(status: number, sentence: string): Refusal {
  return refusal(status, 'bad_http', sentence)
}

function charactersWhere(isWanted: (character: string) => boolean): string {
  const all = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet))
  return all.filter(isWanted).join('')
}
