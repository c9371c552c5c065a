// Header grammar: each rule by example, then generated headers, legal ones and mutated ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type ExtensionOffer,
  isToken,
  listElements,
  parseExtensions,
  parseSubprotocols,
  trimWhitespace,
} from '../../../src/protocol/header-grammar.js'

/** RFC 9110 section 5.6.2, spelled out apart from the code under test. */
const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

test('a token is one or more of the 77 token characters', () => {
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code)
    assert.equal(isToken(character), TOKEN_CHARACTERS.includes(character), JSON.stringify(character))
  }
  assert.equal(isToken(''), false)
  assert.equal(isToken(TOKEN_CHARACTERS), true)
  assert.equal(isToken('a\n'), false)
})

test('white space is space and tab, nothing else', () => {
  assert.equal(trimWhitespace(' \t a b\t '), 'a b')
  assert.equal(trimWhitespace(' \t '), '')
  assert.equal(trimWhitespace('\u00a0a\r\n'), '\u00a0a\r\n')
})

test('a comma list drops empty elements and the white space around elements', () => {
  assert.deepEqual(listElements(', a,b ,,\tc d ,'), ['a', 'b', 'c d'])
  assert.deepEqual(listElements(' , ,'), [])
  assert.deepEqual(listElements(''), [])
})

const LEGAL_SUBPROTOCOLS: readonly [string, string[]][] = [
  ['chat', ['chat']],
  ['chat, superchat', ['chat', 'superchat']],
  ['\tchat ,superchat ', ['chat', 'superchat']],
  [',chat,, superchat,', ['chat', 'superchat']],
  ['chat, Chat', ['chat', 'Chat']],
  ['v1.echo+json', ['v1.echo+json']],
]

for (const [value, subprotocols] of LEGAL_SUBPROTOCOLS) {
  test(`Sec-WebSocket-Protocol ${JSON.stringify(value)} is legal`, () => {
    assert.deepEqual(parseSubprotocols(value), { ok: true, value: subprotocols })
  })
}

const MALFORMED_SUBPROTOCOLS: readonly [string, RegExp][] = [
  ['', /names no subprotocol/],
  [' , ,', /names no subprotocol/],
  ['a b', /must be a token/],
  ['"chat"', /must be a token/],
  ['chat;v=1', /must be a token/],
  ['chat, b@d', /must be a token/],
  ['ch\u00e4t', /must be a token/],
  ['chat, superchat, chat', /only once/],
]

for (const [value, problem] of MALFORMED_SUBPROTOCOLS) {
  test(`Sec-WebSocket-Protocol ${JSON.stringify(value)} is malformed`, () => {
    const parsed = parseSubprotocols(value)
    assert.ok(!parsed.ok)
    assert.match(parsed.problem, problem)
  })
}

const LEGAL_EXTENSIONS: readonly [string, ExtensionOffer[]][] = [
  ['foo', [{ name: 'foo', params: [] }]],
  ['foo; bar', [{ name: 'foo', params: [{ name: 'bar', value: undefined }] }]],
  ['foo;bar=1', [{ name: 'foo', params: [{ name: 'bar', value: '1' }] }]],
  ['foo; bar="1"', [{ name: 'foo', params: [{ name: 'bar', value: '1' }] }]],
  ['foo; bar="\\1\\0"', [{ name: 'foo', params: [{ name: 'bar', value: '10' }] }]],
  ['foo ;\tbar = 1 ', [{ name: 'foo', params: [{ name: 'bar', value: '1' }] }]],
  ['foo; bar = "1" ; baz', [{ name: 'foo', params: [param('bar', '1'), param('baz', undefined)] }]],
  ['foo; bar; bar=2', [{ name: 'foo', params: [param('bar', undefined), param('bar', '2')] }]],
  ['foo, foo; a, bar', [offer('foo'), offer('foo', param('a', undefined)), offer('bar')]],
  [', foo,,bar ,', [offer('foo'), offer('bar')]],
  ['Foo; BAR=Baz', [offer('Foo', param('BAR', 'Baz'))]],
]

for (const [value, offers] of LEGAL_EXTENSIONS) {
  test(`Sec-WebSocket-Extensions ${JSON.stringify(value)} is legal`, () => {
    assert.deepEqual(parseExtensions(value), { ok: true, value: offers })
  })
}

const MALFORMED_EXTENSIONS: readonly [string, RegExp][] = [
  ['', /names no extension/],
  [' ,\t, ', /names no extension/],
  ['; bar', /name of an extension/],
  ['foo, ; bar', /name of an extension/],
  ['foo bar', /name of an extension/],
  ['foo=1', /name of an extension/],
  ['"foo"', /name of an extension/],
  ['foo\u00a0', /name of an extension/],
  ['foo;', /parameter/],
  ['foo;;bar', /parameter/],
  ['foo; bar=', /parameter/],
  ['foo; =1', /parameter/],
  ['foo; bar==1', /parameter/],
  ['foo; bar=1 2', /parameter/],
  ['foo; bar=""', /parameter/],
  ['foo; bar="1', /parameter/],
  ['foo; bar=1"', /parameter/],
  ['foo; bar="1"2', /parameter/],
  ['foo; bar=" 1"', /parameter/],
  ['foo; bar="1\\"', /parameter/],
  ['foo; bar="\\"1"', /parameter/],
  ['foo; bar="\\\\"', /parameter/],
  ['foo; bar="1,2"', /parameter/],
  ['foo; bar="1;2"', /parameter/],
  ['foo; bar="1\\,2"', /parameter/],
  ["foo; bar='1'2\"", /parameter/],
  ['foo; "bar"=1', /parameter/],
]

for (const [value, problem] of MALFORMED_EXTENSIONS) {
  test(`Sec-WebSocket-Extensions ${JSON.stringify(value)} is malformed`, () => {
    const parsed = parseExtensions(value)
    assert.ok(!parsed.ok)
    assert.match(parsed.problem, problem)
  })
}

test('a long run of white space takes no longer than linear time', () => {
  const spaces = ' '.repeat(1 << 20)
  assert.equal(parseExtensions(`foo${spaces}x`).ok, false)
  assert.equal(parseExtensions(`foo; a${spaces}=${spaces}x${spaces}y`).ok, false)
})

const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 12 })
const whitespace = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 })
const comma = fc
  .array(fc.tuple(whitespace, whitespace), { minLength: 1, maxLength: 3 })
  .map(gaps => gaps.map(([before, after]) => `${before},${after}`).join(''))
const semicolon = fc.tuple(whitespace, whitespace).map(([before, after]) => `${before};${after}`)
const equals = fc.tuple(whitespace, whitespace).map(([before, after]) => `${before}=${after}`)

/** A legal spelling beside what it means. */
interface Spelled<T> {
  readonly text: string
  readonly meaning: T
}

const quoted = fc
  .array(fc.tuple(fc.constantFrom(...TOKEN_CHARACTERS), fc.boolean()), { minLength: 1, maxLength: 8 })
  .map(characters => ({
    text: `"${characters.map(([character, escaped]) => (escaped ? `\\${character}` : character)).join('')}"`,
    meaning: characters.map(([character]) => character).join(''),
  }))
const plain = token.map(text => ({ text, meaning: text }))
const spelledParam = fc
  .tuple(token, equals, fc.option(fc.oneof(plain, quoted), { nil: undefined }))
  .map(([name, sign, value]) => ({
    text: value === undefined ? name : `${name}${sign}${value.text}`,
    meaning: param(name, value?.meaning),
  }))
const spelledOffer = fc
  .tuple(token, fc.array(fc.tuple(semicolon, spelledParam), { maxLength: 4 }))
  .map(([name, params]) => ({
    text: name + params.map(([separator, { text }]) => separator + text).join(''),
    meaning: offer(name, ...params.map(([, { meaning }]) => meaning)),
  }))

function spelledList<T>(element: fc.Arbitrary<Spelled<T>>): fc.Arbitrary<Spelled<T[]>> {
  return fc.array(fc.tuple(element, comma), { minLength: 1, maxLength: 5 }).map(elements => ({
    text: elements.map(([{ text }, separator]) => text + separator).join(''),
    meaning: elements.map(([{ meaning }]) => meaning),
  }))
}

test('every legal extension list parses to what it was made from', () => {
  fc.assert(
    fc.property(spelledList(spelledOffer), ({ text, meaning }) => {
      assert.deepEqual(parseExtensions(text), { ok: true, value: meaning })
    }),
  )
})

test('every legal subprotocol list parses to what it was made from', () => {
  const distinct = fc.uniqueArray(token, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(distinct, comma, (subprotocols, separator) => {
      assert.deepEqual(parseSubprotocols(subprotocols.join(separator)), { ok: true, value: subprotocols })
    }),
  )
})

/** A legal list with one stretch replaced by anything. */
const mutated = fc
  .tuple(spelledList(spelledOffer), fc.nat(), fc.nat(8), fc.string({ unit: 'binary', maxLength: 4 }))
  .map(([{ text }, position, length, replacement]) => {
    const start = position % text.length
    return text.slice(0, start) + replacement + text.slice(start + length)
  })

test('a mutated list never throws, and what parses is made of tokens only', () => {
  fc.assert(
    fc.property(mutated, text => {
      const subprotocols = parseSubprotocols(text)
      if (subprotocols.ok) assert.ok(subprotocols.value.every(isToken))
      const offers = parseExtensions(text)
      if (!offers.ok) return
      for (const { name, params } of offers.value) {
        assert.ok(isToken(name))
        for (const { name, value } of params) assert.ok(isToken(name) && (value === undefined || isToken(value)))
      }
    }),
    { numRuns: 1000 },
  )
})

function param(name: string, value: string | undefined) {
  return { name, value }
}

function offer(name: string, ...params: ReturnType<typeof param>[]): ExtensionOffer {
  return { name, params }
}
