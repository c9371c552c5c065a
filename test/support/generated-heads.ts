// Request heads made at random for property tests: legal ones, and ones with something wrong.

import fc from 'fast-check'

/** RFC 9110 section 5.6.2, spelled out apart from the code under test. */
export const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

export interface GeneratedHead {
  /** Whether an empty line stands before it (RFC 9112 section 2.2). */
  readonly emptyLine: boolean
  readonly method: string
  readonly target: string
  /** Such as `1.1`. */
  readonly httpVersion: string
  /** Name, white space before the value, value, white space behind it. */
  readonly fields: readonly (readonly [name: string, before: string, value: string, behind: string])[]
}

const VISIBLE = charactersBetween(0x21, 0x7e)
const VALUE = ['\t', ' ', ...VISIBLE, ...charactersBetween(0x80, 0xff)]

const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 12 })
const whitespace = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 })
const value = fc.string({ unit: fc.constantFrom(...VALUE), maxLength: 20 }).filter(text => !/^[ \t]|[ \t]$/.test(text))
const field = fc.tuple(token, whitespace, value, whitespace)

export const legalHead: fc.Arbitrary<GeneratedHead> = fc.record({
  emptyLine: fc.boolean(),
  method: fc.oneof(fc.constantFrom('GET', 'POST', 'PRI', 'PROXYS'), token),
  target: fc.string({ unit: fc.constantFrom(...VISIBLE), minLength: 1, maxLength: 20 }),
  httpVersion: fc.nat(9).map(minor => `1.${minor}`),
  fields: fc.oneof(fc.array(field, { maxLength: 8 }), fc.array(field, { minLength: 90, maxLength: 100 })),
})

/** Octets that mean something in a head, and some that mean nothing anywhere. */
const TELLING = [
  '\0',
  '\t',
  '\n',
  '\r',
  ' ',
  ':',
  '/',
  '.',
  '"',
  '1',
  '2',
  'P',
  'x',
  '\x16',
  '\x7f',
  '\xe4',
  '\r\n',
  '\r\n ',
]

/** The text of a short one of `heads` with a stretch of it left out, or something put into it, or both. */
export function broken(heads: fc.Arbitrary<GeneratedHead>): fc.Arbitrary<string> {
  const put = fc.oneof(fc.constantFrom('', ...TELLING), fc.string({ unit: fc.constantFrom(...TELLING), maxLength: 3 }))
  return fc.tuple(heads, fc.nat(), fc.nat(3), put).map(([head, place, length, instead]) => {
    const text = textOf({ ...head, fields: head.fields.slice(0, 4) })
    const position = place % text.length
    return text.slice(0, position) + instead + text.slice(position + length)
  })
}

/** The octets of `head` as latin1. */
export function textOf({ emptyLine, method, target, httpVersion, fields }: GeneratedHead): string {
  const lines = fields.map(([name, before, value, behind]) => `${name}:${before}${value}${behind}\r\n`)
  return `${emptyLine ? '\r\n' : ''}${method} ${target} HTTP/${httpVersion}\r\n${lines.join('')}\r\n`
}

function charactersBetween(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i))
}
