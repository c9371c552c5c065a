// Targets and authorities: RFC 9112 section 3.2, RFC 9110 sections 4.2 and 7.2.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAuthority, isBareIpv6, parseTarget } from '../../../src/protocol/request-target.js'

const TARGETS: readonly [target: string, path: string, query: string][] = [
  ['/', '/', ''],
  ['/echo', '/echo', ''],
  ['/echo?', '/echo', ''],
  ['/echo?a=b', '/echo', 'a=b'],
  ['/?a?b/c', '/', 'a?b/c'],
  ['//double//slash', '//double//slash', ''],
  ['/a%20b;c?%3F', '/a%20b;c', '%3F'],
  ['/[a]{b}"<>\\^`|?[]', '/[a]{b}"<>\\^`|', '[]'],
  ['http://a.example', '/', ''],
  ['http://a.example/', '/', ''],
  ['http://a.example?', '/', ''],
  ['http://a.example?x=/y', '/', 'x=/y'],
  ['http://a.example/b?c?d', '/b', 'c?d'],
  ['HTTPS://A.example:443/B?C', '/B', 'C'],
  ['ws://[::1]:8888/echo', '/echo', ''],
  ['wss://a.example/?', '/', ''],
]

for (const [target, path, query] of TARGETS) {
  test(`${target} has the path ${path} and the query "${query}"`, () => {
    assert.deepEqual(parseTarget(target), { path, query })
  })
}

const NO_TARGETS = [
  '',
  '*',
  'echo',
  '?a',
  'a.example:80',
  'http:/a',
  'http:///echo',
  'http://?a',
  'http://me@a.example/',
  'http://::1/',
  'ftp://a.example/',
  'xhttp://a.example/',
  '/#top',
  '/?#top',
  'http://a.example/#top',
  '/a b',
  '/\u0000',
  '/\u007f',
  '/\u00e4',
  '/a\n',
]

for (const target of NO_TARGETS) {
  test(`${JSON.stringify(target)} is no path and no absolute URI`, () => assert.equal(parseTarget(target), undefined))
}

const AUTHORITIES = ['a', 'a.example', 'a.example:80', 'a:', '127.0.0.1:1', '[::1]', '[::1]:8888', '[v1.x]', 'a%41_~!$']
const NO_AUTHORITIES = [
  '',
  ':80',
  'a:b',
  'a:80:',
  '[::1',
  '::1]',
  '[]',
  '[::1]x',
  'me@a',
  'a/b',
  'a b',
  'a%4',
  'a%4g',
  'a\n',
]

for (const text of AUTHORITIES) test(`${text} is an authority`, () => assert.ok(isAuthority(text)))
for (const text of NO_AUTHORITIES) {
  test(`${JSON.stringify(text)} is no authority`, () => assert.ok(!isAuthority(text)))
}

const BARE_IPV6 = ['::', '::1', '::1:51951', '1::', 'fe80::1:2', '2001:DB8:0:0:0:0:0:1', '::ffff:127.0.0.1:80']
const NOT_BARE_IPV6 = [
  '',
  'a',
  'a:80',
  'a.example:80',
  '[::1]',
  '[::1]:80',
  '127.0.0.1:80',
  '1.2:3:4',
  'x::1',
  '::x',
  '::1\n',
]

for (const text of BARE_IPV6) {
  test(`${text} is an IPv6 address that lacks its brackets`, () => assert.ok(isBareIpv6(text) && !isAuthority(text)))
}
for (const text of NOT_BARE_IPV6) {
  test(`${JSON.stringify(text)} is no IPv6 address that lacks its brackets`, () => assert.ok(!isBareIpv6(text)))
}

test('a long target or authority takes no longer than linear time', () => {
  const long = '1:'.repeat(1 << 19)
  assert.ok(!isBareIpv6(`${long}x`))
  assert.ok(!isAuthority(long))
  assert.equal(parseTarget(`http://${long}`), undefined)
  assert.equal(parseTarget(`http://a/${long}?${long}`)?.query, long)
})
