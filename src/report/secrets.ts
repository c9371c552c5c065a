// Hides secrets in what reports show of a request: credentials in header fields, in queries and among subprotocols. What is
// left tells that they were there.

/** Whether reports hide them. */
export type Secrets = 'mask' | 'show'

const MASK = '***'

/** Fields whose value is a secret. Sec-WebSocket-Key is none: it is a nonce (RFC 6455 section 1.3). */
const SECRET_FIELD =
  /^(?:set-)?cookie2?$|authorization|token|secret|passw|credential|signature|api-?key|access-?key|jwt|session|^x-auth$/i

/** Authentication schemes, which may be told: the word before the credentials (RFC 9110 section 11.4). */
const SCHEME = /^(?:basic|bearer|digest|dpop|hoba|mutual|negotiate|ntlm|scram-sha-\d+|aws4-hmac-sha256) /i

/** Names of parameters, in lower case and without punctuation, whose value is a secret. */
const SECRET_PARAMETER =
  /token|secret|passw|passphrase|passcode|credential|signature|session|jwt|hmac|assertion|authoriz|key$|^o?auth(?!or)|^(?:code|codeverifier|authcode|otp|pass|pin|pwd|sig|sid|ticket)$/

/** Parameters that the service itself defines: none is a secret. */
const OWN_PARAMETER = /^eb-/

/** Where a parameter of a query, a fragment or a path segment begins, and its name. */
const PARAMETER = /[?&;#][ \t]*([^=?&;#\s"<>]+)=/g
/** Its value; and that as far as no URL with parameters of its own begins in it. */
const VALUE = /[^&;#\s"<>]*/y
const VALUE_BEGINNING = /[^?&;#\s"<>]*/y

/** The user information of a URL (RFC 3986 section 3.2.1). */
const USER_INFORMATION = /:\/\/[^/?#@\s"<>:]*:?[^/?#@\s"<>]*@/g

/** A JSON Web Token (RFC 7519 section 3.1), wherever it stands. */
const JSON_WEB_TOKEN = /\beyJ[\w-]{8,}\.[\w.-]+/g

/** How often a value may be encoded, and is looked into all the same. */
const DEPTH = 3

/** A subprotocol up to the word that names a secret, and what comes behind that, if anything. */
const TELLING_PROTOCOL =
  /^(.*?(?:bearer|token|authorization|auth|api-?key|access-?key|secret|password|jwt|ticket)(?:[._:~-](?=.)|$))(.*)$/i

/** So long a run of hexadecimal digits, or of letters of both cases and digits, is not the name of a protocol. */
const RANDOM_PROTOCOL = /^[\da-f-]{32,}$|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w=~+/-]{32,}$|^.{64,}$/

/** Text of any kind, such as a path, a User-Agent or a sentence. */
export function maskText(text: string): string {
  return maskPlain(text, hidesSecret)
}

/** @param isDoubtful whether the value of a parameter with a harmless name is to be hidden all the same */
function maskPlain(text: string, isDoubtful: (value: string) => boolean): string {
  return maskParameters(text, isDoubtful).replace(USER_INFORMATION, `://${MASK}@`).replace(JSON_WEB_TOKEN, MASK)
}

function maskParameters(text: string, isDoubtful: (value: string) => boolean): string {
  let masked = ''
  let done = 0
  for (const { index, 0: match, 1: name } of text.matchAll(PARAMETER)) {
    // It stands inside of a value that is masked.
    if (index < done) continue
    const start = index + match.length
    const isSecret = isSecretName(name)
    const value = matchAt(isSecret ? VALUE : VALUE_BEGINNING, text, start)
    if (value === '' || !(isSecret || isDoubtful(value))) continue
    masked += text.slice(done, start) + MASK
    done = start + value.length
  }
  return masked + text.slice(done)
}

function matchAt(pattern: RegExp, text: string, start: number): string {
  pattern.lastIndex = start
  return pattern.exec(text)?.[0] ?? ''
}

/** A query without its `?`. */
export function maskQuery(query: string): string {
  return maskText(`?${query}`).slice(1)
}

/** A list of subprotocols. */
export function maskProtocols(list: string): string {
  return new ProtocolMask().mask(list)
}

/** The head of a request or response, also one that is cut or malformed. */
export function maskHead(head: string): string {
  const protocols = new ProtocolMask()
  let isSecret = false
  const maskLine = (line: string): string => {
    const [, indent, name, separator, value] = /^([ \t]*)([^:\s]*)([:\s]*)(.*)$/s.exec(line) as RegExpExecArray
    // A line that begins with white space goes on with the one before (RFC 9112 section 5.2).
    if (indent !== '' && isSecret) return indent + MASK
    isSecret = SECRET_FIELD.test(name)
    if (isSecret && value !== '') return indent + name + separator + (SCHEME.exec(value)?.[0] ?? '') + MASK
    if (name.toLowerCase() === 'sec-websocket-protocol') return indent + name + separator + protocols.mask(value)
    return maskText(line)
  }
  // With the line ends between them.
  return head
    .split(/(\r\n|\r|\n)/)
    .map((part, i) => (i % 2 === 0 ? maskLine(part) : part))
    .join('')
}

/**
 * Pages cannot set the headers of a WebSocket, so many send a token as a subprotocol: behind one that is called `bearer` or
 * the like, behind such a word in the same one, or alone.
 */
class ProtocolMask {
  /** The element before names a secret. */
  #announced = false

  mask(list: string): string {
    return list
      .split(',')
      .map(element => {
        const name = element.trim()
        return name === '' ? element : element.replace(name, () => this.#maskElement(name))
      })
      .join(',')
  }

  #maskElement(name: string): string {
    const [, telling, behind] = TELLING_PROTOCOL.exec(name) ?? []
    const wasAnnounced = this.#announced
    this.#announced = !wasAnnounced && behind === ''
    if (wasAnnounced || RANDOM_PROTOCOL.test(name)) return MASK
    return behind ? telling + MASK : maskText(name)
  }
}

function isSecretName(name: string): boolean {
  const plain = decoded(name).toLowerCase()
  return !OWN_PARAMETER.test(plain) && SECRET_PARAMETER.test(plain.replace(/[^a-z\d]/g, ''))
}

/** Whether the value, once it is decoded, has secrets in it: it may be a URL itself. */
function hidesSecret(value: string): boolean {
  let text = value
  for (let i = 0; i < DEPTH; i++) {
    const plain = decoded(text)
    if (plain === text) return false
    if (maskPlain(plain, () => false) !== plain) return true
    text = plain
  }
  return false
}

/** Percent-decoded, octet by octet. */
function decoded(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

const same = (text: string): string => text

/** What is done to each kind of text. */
export const MASKS = {
  mask: { text: maskText, query: maskQuery, head: maskHead, protocols: maskProtocols },
  show: { text: same, query: same, head: same, protocols: same },
} as const satisfies Record<Secrets, Record<string, (text: string) => string>>
