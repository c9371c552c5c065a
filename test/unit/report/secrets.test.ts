// What is hidden in the heads of requests and in their targets, and what is not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskHead, maskProtocols, maskQuery, maskText } from '../../../src/report/secrets.js'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'

const FIELDS: [line: string, masked: string][] = [
  ['Authorization: Bearer abc', 'Authorization: Bearer ***'],
  ['authorization:abc', 'authorization:***'],
  ['AUTHORIZATION: my words', 'AUTHORIZATION: ***'],
  ['Authorization: Basic YTpi', 'Authorization: Basic ***'],
  ['Proxy-Authorization: Digest username="a", response="b"', 'Proxy-Authorization: Digest ***'],
  ['Cookie: a=b; c=d', 'Cookie: ***'],
  ['Set-Cookie: a=b; Path=/', 'Set-Cookie: ***'],
  ['X-Api-Key: abc', 'X-Api-Key: ***'],
  ['X-Auth-Token: abc', 'X-Auth-Token: ***'],
  ['X-CSRF-Token: abc', 'X-CSRF-Token: ***'],
  ['X-Amz-Security-Token: abc', 'X-Amz-Security-Token: ***'],
  ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
  ['Cookies: a=b', 'Cookies: a=b'],
  ['Referer: https://a.example/b?token=c&d=e', 'Referer: https://a.example/b?token=***&d=e'],
  ['Referer: https://user:pass@a.example/', 'Referer: https://***@a.example/'],
  ['X-Original-URL: /a?x=1;password=b', 'X-Original-URL: /a?x=1;password=***'],
  [`X-Assertion: ${JWT}`, 'X-Assertion: ***'],
  ['User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:141.0)', 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:141.0)'],
  [
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15',
  ],
  ['Sec-WebSocket-Protocol: bearer, abc', 'Sec-WebSocket-Protocol: bearer, ***'],
  // Malformed ones, of a refused head.
  ['Authorization Bearer abc', 'Authorization Bearer ***'],
  ['Cookie : a=b', 'Cookie : ***'],
  ['  Cookie: a=b', '  Cookie: ***'],
  ['Authorization:', 'Authorization:'],
]
for (const [line, masked] of FIELDS)
  test(`"${line}" is shown as "${masked}"`, () => {
    const head = (field: string) => `GET / HTTP/1.1\r\nHost: a\r\n${field}\r\nX: y\r\n\r\n`
    assert.equal(maskHead(head(line)), head(masked))
    // The end may be cut off, and lines may end in LF alone.
    assert.equal(maskHead(`GET / HTTP/1.1\r\n${line}`), `GET / HTTP/1.1\r\n${masked}`)
    assert.equal(maskHead(`GET / HTTP/1.1\n${line}\nX: y`), `GET / HTTP/1.1\n${masked}\nX: y`)
  })

test('lines that go on with a secret are masked, those that go on with something else are not', () => {
  assert.equal(
    maskHead('GET / HTTP/1.1\r\nCookie: a\r\n b=c\r\n\td\r\nX: y\r\n z'),
    'GET / HTTP/1.1\r\nCookie: ***\r\n ***\r\n\t***\r\nX: y\r\n z',
  )
})

test('a subprotocol in a line of its own is still behind the one before', () => {
  const line = 'Sec-WebSocket-Protocol: '
  assert.equal(maskHead(`${line}bearer\r\nX: y\r\n${line}abc, chat`), `${line}bearer\r\nX: y\r\n${line}***, chat`)
})

const QUERIES: [query: string, masked: string][] = [
  ['token=a', 'token=***'],
  ['a=b&access_token=c&d=e', 'a=b&access_token=***&d=e'],
  ['Access-Token=a', 'Access-Token=***'],
  ['api_key=a&key=b&password=c&passwd=d', 'api_key=***&key=***&password=***&passwd=***'],
  ['secret=a&client_secret=b', 'secret=***&client_secret=***'],
  ['signature=a&X-Amz-Signature=b&sig=c', 'signature=***&X-Amz-Signature=***&sig=***'],
  ['code=a&state=b', 'code=***&state=b'],
  ['auth=a&oauth_verifier=b&authorization=c', 'auth=***&oauth_verifier=***&authorization=***'],
  ['sid=a;jwt=b', 'sid=***;jwt=***'],
  ['%74oken=a', '%74oken=***'],
  ['token[]=a&user.token=b', 'token[]=***&user.token=***'],
  ['token=a%26b=c', 'token=***'],
  ['token=&token', 'token=&token'],
  ['next=/b?token=c&x=1', 'next=/b?token=***&x=1'],
  ['password=a?b=c&x=1', 'password=***&x=1'],
  ['next=%2Fb%3Ftoken%3Da&x=1', 'next=***&x=1'],
  ['next=%252Fb%253Ftoken%253Da', 'next=***'],
  ['next=%25252Fb%25253Ftoken%25253Da', 'next=***'],
  ['next=%3Fa%3D%253Ftoken%253Da', 'next=***'],
  // Encoded more often than anybody does: no request is to cost more than a few looks at it.
  ['next=%2525252Fb%2525253Ftoken%2525253Da', 'next=%2525252Fb%2525253Ftoken%2525253Da'],
  ['next=%2Fb%3Fc%3Da', 'next=%2Fb%3Fc%3Da'],
  ['author=a&encoding=b&country_code=c&zip=d', 'author=a&encoding=b&country_code=c&zip=d'],
  ['eb-key=a&eb-close=4001', 'eb-key=a&eb-close=4001'],
  [`x=${JWT}`, 'x=***'],
  ['', ''],
]
for (const [query, masked] of QUERIES)
  test(`?${query} is shown as ?${masked}`, () => {
    assert.equal(maskQuery(query), masked)
    assert.equal(maskHead(`GET /a?${query} HTTP/1.1\r\n`), `GET /a?${masked} HTTP/1.1\r\n`)
    assert.equal(maskHead(`\r\nGET /a?${query} HTTP/1.1\r\n`), `\r\nGET /a?${masked} HTTP/1.1\r\n`)
  })

test('texts are masked where a parameter or a URL stands in them', () => {
  assert.equal(maskText('/a;jsessionid=b/c'), '/a;jsessionid=***')
  assert.equal(maskText('/a/token/b'), '/a/token/b')
  assert.equal(maskText('Nothing is served at "/a;token=b".'), 'Nothing is served at "/a;token=***".')
  assert.equal(maskText('http://user@a'), 'http://***@a')
  assert.equal(maskText('a@b'), 'a@b')
})

const PROTOCOLS: [list: string, masked: string][] = [
  ['chat, superchat', 'chat, superchat'],
  ['graphql-transport-ws', 'graphql-transport-ws'],
  ['v12.stomp,v11.stomp', 'v12.stomp,v11.stomp'],
  ['bearer, abc, chat', 'bearer, ***, chat'],
  ['Bearer,abc', 'Bearer,***'],
  ['bearer, token, chat', 'bearer, ***, chat'],
  ['access_token, , abc', 'access_token, , ***'],
  ['chat, Authorization, abc', 'chat, Authorization, ***'],
  ['base64url.bearer.authorization.k8s.io.YWJj, base64.binary.k8s.io', 'base64url.bearer.***, base64.binary.k8s.io'],
  ['token.abc', 'token.***'],
  ['auth-abc', 'auth-***'],
  ['tokenizer', 'tokenizer'],
  ['author', 'author'],
  [JWT, '***'],
  ['0123456789abcdef0123456789abcdef', '***'],
  ['01234567-89ab-cdef-0123-456789abcdef', '***'],
  ['Abcdefghijklmnopqrstuvwxyz012345', '***'],
  ['com.example.a-rather-long-name.v1', 'com.example.a-rather-long-name.v1'],
  ['x'.repeat(63), 'x'.repeat(63)],
  ['x'.repeat(64), '***'],
  ['', ''],
]
for (const [list, masked] of PROTOCOLS)
  test(`the subprotocols "${list}" are shown as "${masked}"`, () => assert.equal(maskProtocols(list), masked))

test('no value of a secret field or parameter comes through, whatever is around it', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/)
  const separator = fc.constantFrom('\r\n', '\n', '\r')
  const secretLine = fc.constantFrom('Cookie: ', 'authorization:', 'X-Token:\t', 'Referer: /?key=', 'X: http://u:')
  fc.assert(
    fc.property(word, word, secretLine, separator, (before, after, line, end) => {
      const secret = 'SECRET'
      const value = line.endsWith('u:') ? `${secret}@h` : secret
      const head = `GET /${before} HTTP/1.1${end}${before}: ${after}${end}${line}${value}${end}${after}: ${before}`
      const masked = maskHead(head)
      assert.ok(!masked.includes(secret), masked)
      assert.equal(masked.split(end).length, head.split(end).length)
    }),
  )
})

test('any text is masked in time that grows with its length only', () => {
  // 1 MiB; what took the square of its length would take hours.
  for (const octets of ['?', '?a', '://', ';a=%25', 'eyJ', 'token-', ' ', ':', '?a=%3Fb%3D'])
    maskHead(`Sec-WebSocket-Protocol: ${octets.repeat(2 ** 20 / octets.length)}`)
})
