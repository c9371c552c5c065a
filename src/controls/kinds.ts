// The kinds of value that a control may have: each reads its text, says what is allowed, and writes a value back as people
// would. No zod here: workers read controls, and do not load it.

import { isValidCloseCode } from '../protocol/close-codes.js'
import { isToken } from '../protocol/header-grammar.js'
import { formatDuration, formatSize, parseDuration, parseSize } from '../units.js'

export interface Kind<T> {
  /** Completes "allowed are …". */
  readonly allowed: string
  /** Undefined for a text that is not allowed. */
  read(text: string): T | undefined
  write(value: T): string
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}

function readWholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export function wholeNumber(least: number, most: number): Kind<number> {
  return {
    allowed: `whole numbers ${least}–${most}`,
    read: text => within(readWholeNumber(text), least, most),
    write: String,
  }
}

/** Bounds in milliseconds. */
export function duration(least: number, most: number): Kind<number> {
  return {
    allowed: `durations ${formatDuration(least)}–${formatDuration(most)}, such as 200ms or 2s`,
    read: text => within(parseDuration(text), least, most),
    write: formatDuration,
  }
}

/** Bounds in octets. */
export function size(least: number, most: number): Kind<number> {
  return {
    allowed: `sizes ${formatSize(least)}–${formatSize(most)}, such as 64kB`,
    read: text => within(parseSize(text), least, most),
    write: formatSize,
  }
}

/** A share of messages, 0 to 1. */
export const percent: Kind<number> = {
  allowed: 'percentages 0%–100%, such as 5% or 0.1%',
  read: text => (/^\d{1,3}(?:\.\d{1,4})?%$/.test(text) ? within(Number(text.slice(0, -1)) / 100, 0, 1) : undefined),
  write: share => `${Number((share * 100).toFixed(4))}%`,
}

export function oneOf<const T extends string>(...choices: readonly T[]): Kind<T> {
  const allowed = choices.length === 1 ? choices[0] : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
  return { allowed, read: text => choices.find(choice => choice === text), write: choice => choice }
}

/** A control that stands alone. */
export const alone: Kind<true> = {
  allowed: 'the name alone, or the value on',
  read: text => (text === '' || text === 'on' ? true : undefined),
  write: () => '',
}

/** `off`, or milliseconds of lateness. */
export function offOrLate(most: number): Kind<'off' | number> {
  const late = duration(1, most)
  return {
    allowed: `off, or ${late.allowed}`,
    read: text => (text === 'off' ? text : late.read(text)),
    write: value => (value === 'off' ? value : late.write(value)),
  }
}

export const closeCode: Kind<number> = {
  allowed: '1000–1003, 1007–1014 and 3000–4999, or 1005 for a Close without a code; for others there is send',
  read: text => {
    const code = readWholeNumber(text)
    return code !== undefined && (code === 1005 || isValidCloseCode(code)) ? code : undefined
  },
  write: String,
}

/** Any text of so many octets in UTF-8. */
export function text(most: number): Kind<string> {
  return {
    allowed: `texts of up to ${most} octets`,
    read: given => (Buffer.byteLength(given) <= most ? given : undefined),
    write: encodeURIComponent,
  }
}

/** RFC 6455 section 4.1: a subprotocol is a token. */
export const token: Kind<string> = {
  allowed: 'tokens of RFC 9110 (letters, digits and some punctuation, no space)',
  read: given => (given.length <= 256 && isToken(given) ? given : undefined),
  write: given => given,
}

/** A field value of RFC 9110 section 5.5 in visible ASCII: no CR, LF or NUL gets into an answer. */
const FIELD_VALUE = /^[!-~](?:[ -~]*[!-~])?$/
const MOST_FIELD_OCTETS = 1024

export const fieldValue: Kind<string> = {
  allowed: `visible ASCII and spaces, up to ${MOST_FIELD_OCTETS} octets`,
  read: given => (given.length <= MOST_FIELD_OCTETS && FIELD_VALUE.test(given) ? given : undefined),
  write: encodeURIComponent,
}

/** Fields that make the handshake, or frame the answer: those are not a control's to set. */
const OWN_FIELD = /^(?:upgrade|connection|sec-websocket-.*|content-.*|transfer-encoding|trailer|echobahn-controls)$/i

export const field: Kind<readonly [name: string, value: string]> = {
  allowed: `Name:value with ${fieldValue.allowed}, and not a field of the handshake itself`,
  read: given => {
    const colon = given.indexOf(':')
    const name = given.slice(0, Math.max(colon, 0))
    const value = fieldValue.read(given.slice(colon + 1).trim())
    return name.length <= 256 && isToken(name) && !OWN_FIELD.test(name) && value !== undefined
      ? [name, value]
      : undefined
  },
  write: ([name, value]) => encodeURIComponent(`${name}:${value}`),
}

/** `name=value` of a Set-Cookie field, with attributes if any (RFC 6265 section 4.1). */
export const cookie: Kind<string> = {
  allowed: `name=value in ${fieldValue.allowed}`,
  read: given => (/^[^=;\s]+=/.test(given) ? fieldValue.read(given) : undefined),
  write: encodeURIComponent,
}

/** When something happens: after so many messages, octets of them, or milliseconds; at random between two bounds. */
export interface After {
  readonly unit: 'messages' | 'octets' | 'milliseconds'
  readonly least: number
  readonly most: number
}

const MOST_AFTER = { messages: 1e9, octets: 2 ** 40, milliseconds: 60 * 60_000 } as const

export const after: Kind<After> = {
  allowed:
    'a number of messages such as 3, a duration such as 5s, a size such as 64kB, or a range of one such as 1s..10s',
  read: given => {
    const [first, second, ...rest] = given.split('..').map(readBound)
    if (rest.length > 0 || first === undefined) return undefined
    if (second === undefined) return given.includes('..') ? undefined : { ...first, most: first.least }
    if (first.unit !== second.unit || second.least < first.least) return undefined
    return { ...first, most: second.least }
  },
  write: ({ unit, least, most }) => [...new Set([least, most])].map(bound => writeBound(unit, bound)).join('..'),
}

function readBound(given: string): Omit<After, 'most'> | undefined {
  const [unit, least] = /^\d+$/.test(given)
    ? (['messages', readWholeNumber(given)] as const)
    : /m?s$|\dm$/.test(given)
      ? (['milliseconds', parseDuration(given)] as const)
      : (['octets', parseSize(given)] as const)
  return least !== undefined && least <= MOST_AFTER[unit] ? { unit, least } : undefined
}

function writeBound(unit: After['unit'], bound: number): string {
  if (unit === 'messages') return String(bound)
  if (bound === 0) return unit === 'octets' ? '0B' : '0ms'
  return unit === 'octets' ? formatSize(bound) : formatDuration(bound)
}
