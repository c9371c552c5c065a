// Our reader of request heads beside Node's own parser, over real sockets: both accept the same heads and see the same
// in them, but for the differences listed here.

import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import type { UpgradeRequest } from '../../../src/protocol/upgrade-request.js'
import { broken, legalHead, textOf } from '../../support/generated-heads.js'
import { startNodeParser } from '../../support/node-parser.js'
import { latin1, readHead } from '../../support/read-head.js'

const LINE = 'GET / HTTP/1.1\r\n'

/** Heads that both take, or both refuse, or both find incomplete. */
const SAME: readonly string[] = [
  `${LINE}\r\n`,
  'GET / HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT a:80 HTTP/1.1\r\n\r\n',
  'GET ws://me@[::1]:80/a?b?c#d HTTP/1.1\r\n\r\n',
  'GET /"<>\\^`{|}[]#? HTTP/1.1\r\n\r\n',
  `\r\n${LINE}Host: a\r\n\r\n`,
  `${LINE}!#$%&'*+-.^_\`|~09Az: a\r\n\r\n`,
  `${LINE}A:\r\nB: \r\nC:\t \t\r\nD: e \t f\r\nG:h\r\n\r\n`,
  `${LINE}A: \x80\xe4\xff\r\nA:: :\r\na: b\r\n\r\n`,
  `${LINE}Host: a\r\nHost: b\r\nOrigin: c\r\nOrigin: d\r\n\r\n`,
  `${LINE}Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n\x81\x80\x01\x02\x03\x04`,
  `${LINE}Upgrade: websocket\r\nConnection: Upgrade\t\r\n\r\n`,
  `${LINE}Upgrade: websocket\r\n\r\n`,
  `${LINE}Expect: 100-continue\r\n\r\n`,
  `${LINE}Expect: the-unexpected\r\n\r\n`,
  'POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody',
  'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  `${LINE}\r\n${LINE}\r\n`,
  `${LINE}${'A: b\r\n'.repeat(100)}\r\n`,
  `${LINE}A: ${'x'.repeat(16_200)}\r\n\r\n`,

  `${LINE}A: ${'x'.repeat(16_400)}\r\n\r\n`,
  ' GET / HTTP/1.1\r\n\r\n',
  'GET\t/ HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1 \r\n\r\n',
  'GET / http/1.1\r\n\r\n',
  'GET / HTTP/1.10\r\n\r\n',
  'GET /a\tb HTTP/1.1\r\n\r\n',
  'GET /a\fb HTTP/1.1\r\n\r\n',
  'GET /\xe4 HTTP/1.1\r\n\r\n',
  'GET /\x7f HTTP/1.1\r\n\r\n',
  'GET /\0 HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\r\n\r\n',
  'GET / HTTP/1.1\nHost: a\r\n\r\n',
  `${LINE}Host: a\n\r\n`,
  `${LINE}Host: a\r\n\n`,
  `${LINE}\r\r\n`,
  `${LINE}A: b\rc\r\n\r\n`,
  `${LINE}A: b\nC: d\r\n\r\n`,
  `${LINE}A: b\r\r\n\r\n`,
  `${LINE}A: b\r\n c\r\n\r\n`,
  `${LINE}A: b\r\n\tc\r\n\r\n`,
  `${LINE} A: b\r\n\r\n`,
  `${LINE}A : b\r\n\r\n`,
  `${LINE}A\t: b\r\n\r\n`,
  `${LINE}A b: c\r\n\r\n`,
  `${LINE}: a\r\n\r\n`,
  `${LINE}A\r\n\r\n`,
  `${LINE}"A": b\r\n\r\n`,
  `${LINE}\xe4: a\r\n\r\n`,
  ...['\0', '\x01', '\v', '\f', '\x1b', '\x7f'].map(octet => `${LINE}A: b${octet}c\r\n\r\n`),
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n',
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c',
  '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',

  '',
  'GET / HT',
  LINE,
  `${LINE}A: b\r\n`,
  `${LINE}A: b\r\n\r`,
]

interface Difference {
  readonly what: string
  readonly takenBy: 'us' | 'Node'
  /** Section of RFC 9112 unless it says otherwise, and what is behind it. */
  readonly rule: string
  readonly examples: readonly string[]
  /** Whether a head is of this kind. */
  readonly isOne: (text: string) => boolean
}

const NODE_METHODS = new Set(METHODS)

const DIFFERENCES: readonly Difference[] = [
  {
    what: 'several empty lines before the request, or one that ends with LF alone',
    takenBy: 'Node',
    rule: '2.2: one is to be ignored',
    examples: [`\r\n\r\n${LINE}\r\n`, `\n${LINE}\r\n`],
    isOne: text => /^(?:\r\n[\r\n]|\n|\r\r)/.test(text),
  },
  {
    what: 'a method that Node does not know',
    takenBy: 'us',
    rule: '3.1 and RFC 9110 section 9.1: a method is a token; which are served is judged later, with 405',
    examples: ['get / HTTP/1.1\r\n\r\n', 'BREW / HTTP/1.1\r\n\r\n'],
    isOne: text => !NODE_METHODS.has(/^(?:\r\n)?([^ ]*)/.exec(text)?.[1] ?? ''),
  },
  {
    what: 'more than one space in the request line',
    takenBy: 'Node',
    rule: '3: one SP between its parts',
    examples: ['GET  / HTTP/1.1\r\n\r\n', 'GET /  HTTP/1.1\r\n\r\n'],
    isOne: text => /^(?:\r\n)?[^\r\n]* {2}/.test(text),
  },
  {
    what: 'a target in none of the four forms',
    takenBy: 'us',
    rule: '3.2: its form is judged later, with the method',
    examples: ['GET echo HTTP/1.1\r\n\r\n', 'GET a:80 HTTP/1.1\r\n\r\n'],
    isOne: text => /^(?:\r\n)?[^ ]+ (?![/*]|[a-z]+:\/\/)/i.test(text),
  },
  {
    what: 'a minor version of HTTP/1 from 2 on',
    takenBy: 'us',
    rule: 'RFC 9110 section 2.5: to be taken for the highest minor version that one knows',
    examples: ['GET / HTTP/1.2\r\n\r\n', 'GET / HTTP/1.9\r\n\r\n'],
    isOne: text => /^(?:\r\n)?[^\r\n]* HTTP\/1\.[2-9]\r\n/.test(text),
  },
  {
    what: 'HTTP/0.9 and HTTP/2.0 in the syntax of HTTP/1.1',
    takenBy: 'Node',
    rule: 'RFC 9110 section 15.6.6: 505',
    examples: ['GET / HTTP/0.9\r\n\r\n', 'GET / HTTP/2.0\r\n\r\n'],
    isOne: text => /^(?:\r\n)?[^\r\n]* HTTP\/(?:0\.9|2\.0)\r\n/.test(text),
  },
  {
    what: 'a request line without a version, as in HTTP/0.9',
    takenBy: 'Node',
    rule: '3: the version is a part of the request line',
    examples: ['GET /\r\n\r\n', 'GET /\n\r\n'],
    isOne: text => /^(?:\r\n)?[^ ]+ [^ \r\n]+ *\r?\n/.test(text),
  },
  {
    what: 'protocols that look like HTTP',
    takenBy: 'Node',
    rule: '2.3: the name of the protocol is HTTP',
    examples: ['DESCRIBE / RTSP/1.0\r\n\r\n', 'SOURCE / ICE/1.0\r\n\r\n'],
    isOne: text => /^(?:\r\n)?[^\r\n]* (?:RTSP|ICE)\//.test(text),
  },
  {
    what: 'a Content-Length that is no number, is repeated, or stands beside Transfer-Encoding',
    takenBy: 'us',
    rule: '6.3: judged later, since a handshake has no body',
    examples: [
      `${LINE}Content-Length: x\r\n\r\n`,
      `${LINE}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`,
      `${LINE}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`,
    ],
    isOne: text => /\r\ncontent-length:/i.test(text),
  },
  {
    what: 'more than 100 header lines',
    takenBy: 'Node',
    rule: 'RFC 6585 section 5: 431, the bound is ours',
    examples: [101, 900].map(count => `${LINE}${'A: b\r\n'.repeat(count)}\r\n`),
    isOne: text => text.split('\r\n').length > 103,
  },
  {
    what: 'a head of some octets above 16 KiB, which Node counts without the line ends',
    takenBy: 'Node',
    rule: 'RFC 6585 section 5: 431, the bound is ours',
    examples: [`${LINE}A: ${'x'.repeat(16 * 1024 - LINE.length - 6)}\r\n\r\n`],
    isOne: text => text.length > 16 * 1024,
  },
]

test('heads that both parsers take for the same', async t => {
  const parseWithNode = await startNodeParser(t)
  for (const text of SAME)
    assert.deepEqual(readHead(latin1(text)).head, await parseWithNode(latin1(text)), describe(text))
})

for (const { what, takenBy, rule, examples, isOne } of DIFFERENCES) {
  test(`only ${takenBy} takes: ${what} (${rule})`, async t => {
    const parseWithNode = await startNodeParser(t)
    for (const text of examples) {
      const { head, refusal } = readHead(latin1(text))
      const theirs = await parseWithNode(latin1(text))
      assert.deepEqual(
        [head !== undefined, theirs !== undefined],
        [takenBy === 'us', takenBy === 'Node'],
        describe(text),
      )
      assert.equal(refusal === undefined, takenBy === 'us')
      assert.ok(isOne(text))
    }
  })
}

test('generated heads, legal and broken ones, are the same to both parsers unless a difference is listed', async t => {
  const parseWithNode = await startNodeParser(t)
  // Nearly all random methods and targets are ones that Node does not know.
  const usual = legalHead.map(head => ({ ...head, method: 'GET', target: `/${head.target}`, httpVersion: '1.1' }))
  let compared = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(usual.map(textOf), broken(usual)), async text => {
      const octets = latin1(text)
      const { head } = readHead(octets)
      const theirs = await parseWithNode(octets)
      if (!isSame(head, theirs))
        assert.ok(
          DIFFERENCES.some(({ isOne }) => isOne(text)),
          describe(text),
        )
      else if (head !== undefined) compared++
    }),
    { numRuns: 600 },
  )
  assert.ok(compared > 50, `${compared} heads`)
})

function isSame(ours: UpgradeRequest | undefined, theirs: UpgradeRequest | undefined): boolean {
  return JSON.stringify(ours) === JSON.stringify(theirs)
}

function describe(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
