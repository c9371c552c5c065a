// The kinds of value an option may have: a zod type that reads the text, and what it accepts in words.

import { isIP } from 'node:net'
import { z } from 'zod'
import { BEARER_TOKEN_ALLOWED, isBearerToken } from '../bearer-token.js'
import { BLOCKS_ALLOWED, parseBlock } from '../ip-address.js'
import { formatDuration, formatSize, parseDuration, parseSize } from '../units.js'

export interface Kind<T> {
  readonly type: z.ZodType<T, string>
  /** Completes "allowed are …". */
  readonly allowed: string
}

/** A day. Node's timers wrap to 1 ms above 2^31 − 1 ms, so durations need a bound below that. */
const LONGEST_DURATION = 24 * 60 * 60_000

/** Zod leaves no value where `read` answers undefined. */
export function kind<T>(allowed: string, read: (text: string) => T | undefined): Kind<T> {
  const type = z.string().transform((text, context) => {
    const value = read(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: allowed })
    return z.NEVER
  })
  return { type, allowed }
}

export function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}

function readWholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}

export function wholeNumber(least: number, most: number): Kind<number> {
  return kind(`whole numbers ${least}–${most}`, text => within(readWholeNumber(text), least, most))
}

/** Both bounds in octets. */
export function size(least: number, most: number): Kind<number> {
  const range = `${formatSize(least)}–${formatSize(most)}`
  return kind(`sizes ${range}, such as 64kB or 16MiB`, text => within(parseSize(text), least, most))
}

/** The least in milliseconds. */
export function duration(least: number): Kind<number> {
  const range = `${formatDuration(least)}–${formatDuration(LONGEST_DURATION)}`
  return kind(`durations ${range}, such as 500ms or 30s`, text => within(parseDuration(text), least, LONGEST_DURATION))
}

export function oneOf<const T extends string>(first: T, ...others: T[]): Kind<T> {
  const choices = [first, ...others]
  const allowed = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
  return kind(allowed, text => choices.find(choice => choice === text))
}

const DEFLATE_LEVELS = ['auto', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const

export const deflateLevel = kind('auto or a whole number 0–9', text =>
  DEFLATE_LEVELS.find(level => String(level) === text),
)

export const port = wholeNumber(0, 65535)

/** Labels of RFC 1123 section 2.1. A name that ends in a number is a mistyped IPv4 address. */
const HOST_NAME =
  /^(?!(?:.*\.)?\d+$)(?=.{1,253}$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i

export const host = kind('IP addresses and host names', text =>
  isIP(text) !== 0 || HOST_NAME.test(text) ? text : undefined,
)

export const addressBlock = kind(BLOCKS_ALLOWED, text => (parseBlock(text) === undefined ? undefined : text))

/** RFC 3986 section 3.3. A query never decides what is served, so none is taken. */
const ABSOLUTE_PATH = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2})*$/i

export const path = kind('paths that begin with /, percent-encoded and without query', text =>
  ABSOLUTE_PATH.test(text) ? text : undefined,
)

/** RFC 9110 section 5.6.2; RFC 6455 section 4.1 asks it of subprotocols. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

export const token = kind('tokens of RFC 9110 (letters, digits and some punctuation, no space)', text =>
  TOKEN.test(text) ? text : undefined,
)

export const origin = kind('origins such as https://example.com:8443, without path, or null', readOrigin)

/** The origin as a browser serialises it (RFC 6454 section 6.2): lower case, without a default port. */
function readOrigin(text: string): string | undefined {
  if (text === 'null') return text
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@\\\s,*]+$/i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  // Schemes such as chrome-extension: are opaque to URL, yet browsers send them as scheme://host.
  return url.origin === 'null' ? url.href : url.origin
}

export const pemFile = kind('names of PEM files', readFileName)

export const textFile = kind('names of files', readFileName)

function readFileName(text: string): string | undefined {
  return text !== '' && !text.includes('\0') ? text : undefined
}

export const bearerToken = kind(BEARER_TOKEN_ALLOWED, text => (isBearerToken(text) ? text : undefined))

/** Of parameter names in a query, where these characters stand for themselves. May be empty: all parameters are controls then. */
export const controlsPrefix = kind('letters, digits and -._~, up to 32, or nothing', text =>
  /^[\w.~-]{0,32}$/.test(text) ? text : undefined,
)

/** What they are is judged with max-message at hand, see rules. */
export const defaultControls = kind("controls such as 'delay=50ms&close=1001&after=100', see docs/controls.md", text =>
  text === '' ? undefined : text,
)
