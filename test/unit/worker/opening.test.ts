// One opening handshake without a socket: answers, deadlines, and what becomes of the transport.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Admission } from '../../../src/messages.js'
import type { UpgradeRules } from '../../../src/protocol/upgrade-request.js'
import type { ConnectionTerms } from '../../../src/worker/connection-terms.js'
import { Opening } from '../../../src/worker/opening/opening.js'
import { FakeTransport } from '../../support/fake-transport.js'
import { requestHead, UPGRADE_HEADERS } from '../../support/raw-client.js'

const RULES: UpgradeRules = {
  path: undefined,
  origins: [],
  subprotocols: ['chat'],
  compression: { windowBits: 15, contextTakeover: false },
}
const TIMEOUT = 5000

/** An opening that began at 0 on a clock of its own. */
function bench(t: TestContext, admission: Admission = 0, timeout = TIMEOUT, speaksHttp2 = false) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  const transport = new FakeTransport()
  const events: string[] = []
  const upgraded: { terms: ConnectionTerms; behind: string }[] = []
  const opening = new Opening(
    7,
    admission,
    handler => {
      transport.handler = handler
      return transport
    },
    RULES,
    timeout,
    {
      onUpgraded: (_opening, terms, behind) => {
        events.push('upgraded')
        upgraded.push({ terms, behind: String(behind) })
      },
      onRefused: (_opening, reason, response) => void events.push(`refused ${response.slice(9, 12)} ${reason}`),
      onGone: ({ id }) => void events.push(`gone ${id}`),
      onInternalError: error => void events.push(String(error)),
      onHttp2: (_opening, octets) => {
        events.push(`http2 ${octets.toString('latin1')}`)
        return speaksHttp2
      },
    },
  )
  const feed = (text: string, ...others: string[]): void => {
    for (const each of [text, ...others]) opening.onChunk(Buffer.from(each), Buffer.byteLength(each))
  }
  const sweep = (now: number): void => {
    clock.now = now
    opening.sweep(now)
  }
  return { opening, transport, events, upgraded, feed, sweep, output: () => String(transport.output) }
}

test('it reads from the start', t => {
  assert.equal(bench(t).transport.paused, false)
})

test('a legal request is answered with 101; terms and what stood behind it go on', t => {
  const { transport, events, upgraded, feed, output } = bench(t)
  const offers = ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Extensions: permessage-deflate', 'User-Agent: me']
  const head = requestHead([...UPGRADE_HEADERS, ...offers], 'GET /a?b HTTP/1.1')
  feed(head.slice(0, 50), `${head.slice(50)}behind`)
  assert.match(output(), /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n.*\r\n\r\n$/s)
  assert.match(output(), /\r\nSec-WebSocket-Protocol: chat\r\n/)
  assert.match(output(), /\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover/)
  assert.deepEqual([events, transport.ended], [['upgraded'], false])
  const [{ terms, behind }] = upgraded
  assert.equal(behind, 'behind')
  const { deflate, request, extensions, ...rest } = terms
  assert.equal(deflate?.serverWindowBits, 15)
  assert.equal(request, head)
  assert.match(extensions ?? '', /^permessage-deflate; /)
  assert.deepEqual(rest, {
    id: 7,
    peer: '192.0.2.1:50000',
    proxied: undefined,
    transport: 'tcp',
    httpVersion: '1.1',
    path: '/a',
    query: 'b',
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
    accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    userAgent: 'me',
    subprotocol: 'chat',
    controls: undefined,
  })
})

test('a refused request gets its answer, then FIN, and is told once', t => {
  const { opening, transport, events, feed, output } = bench(t)
  feed(requestHead(['Host: a']), requestHead())
  opening.onEnd()
  assert.match(output(), /^HTTP\/1\.1 426 /)
  assert.equal(transport.written.length, 1)
  assert.deepEqual([events, transport.ended, opening.refused], [['refused 426 not_upgrade'], true, true])
})

test('a head that cannot be right is refused before it is complete', t => {
  const { events, feed } = bench(t)
  feed('no HTTP at all')
  assert.deepEqual(events, ['refused 400 bad_http'])
})

test('what begins as the preface of HTTP/2 is given up with all its octets, however they are cut', t => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const whole = bench(t, 0, TIMEOUT, true)
  whole.feed(`${preface}behind`)
  assert.deepEqual([whole.events, whole.transport.written], [[`http2 ${preface}behind`], []])
  for (const at of [1, 5, 13, 14]) {
    const cut = bench(t, 0, TIMEOUT, true)
    cut.feed(preface.slice(0, at), ...(at < 14 ? [preface.slice(at)] : []))
    assert.deepEqual(cut.events, [`http2 ${at < 14 ? preface : preface.slice(0, 14)}`])
  }
})

test('it is refused where HTTP/2 is not spoken, and under TLS that has not agreed on it', t => {
  const off = bench(t)
  off.feed('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.equal(off.events.at(-1), 'refused 400 bad_http')
  assert.match(off.output(), /preface of HTTP\/2/)
  const tls = bench(t, 0, TIMEOUT, true)
  Object.assign(tls.transport, { kind: 'tls' })
  tls.feed('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.deepEqual(tls.events, ['refused 400 bad_http'])
})

test('where TLS has agreed on HTTP/2 nothing is read here', t => {
  const { transport, events, feed } = bench(t, 0, TIMEOUT, true)
  Object.assign(transport, { kind: 'tls', wantsHttp2: true })
  feed(requestHead())
  assert.deepEqual([events, transport.written], [[`http2 ${requestHead()}`], []])
})

test('the answer to a HEAD has no body', t => {
  const { feed, output } = bench(t)
  feed(requestHead(['Host: a'], 'HEAD / HTTP/1.1'))
  assert.match(output(), /Content-Length: [1-9]\d*\r\n\r\n$/)
  const other = bench(t)
  other.feed(requestHead(['Host: a']))
  assert.match(other.output(), /\.\n$/)
})

test('a request that ends before its head is complete is refused; a connection without one just ends', t => {
  const begun = bench(t)
  begun.feed('GET ')
  begun.opening.onEnd()
  assert.deepEqual(begun.events, ['refused 400 bad_http'])
  assert.match(begun.output(), /ended before its head was complete/)
  const silent = bench(t)
  silent.opening.onEnd()
  assert.deepEqual([silent.events, silent.transport.ended, silent.output()], [[], true, ''])
})

test('a request that is not complete in time is refused with 408', t => {
  const { transport, events, feed, sweep } = bench(t)
  feed('GET ')
  sweep(TIMEOUT - 1)
  assert.deepEqual(events, [])
  sweep(TIMEOUT)
  assert.deepEqual([events, transport.ended], [['refused 408 timeout'], true])
})

test('a refused peer has a second to go', t => {
  const { transport, feed, sweep } = bench(t)
  sweep(3000)
  feed(requestHead(['Host: a']))
  sweep(3999)
  assert.equal(transport.destroyed, false)
  sweep(4000)
  assert.equal(transport.destroyed, true)
})

test('where TLS is not set up in time there is nobody to answer', t => {
  const { transport, events, sweep } = bench(t)
  transport.open = false
  sweep(TIMEOUT)
  assert.deepEqual([events, transport.destroyed, transport.written], [[], true, []])
})

test('above a limit the answer is its status, whatever was asked, and comes after a second at the latest', t => {
  for (const [admission, reason] of [
    [503, 'max_connections'],
    [429, 'max_connections_per_ip'],
  ] as const) {
    const asking = bench(t, admission)
    asking.feed('GET ')
    assert.deepEqual(asking.events, [])
    asking.feed(requestHead().slice(4))
    assert.deepEqual(asking.events, [`refused ${admission} ${reason}`])
    const silent = bench(t, admission)
    silent.sweep(999)
    assert.deepEqual(silent.events, [])
    silent.sweep(1000)
    assert.deepEqual(silent.events, [`refused ${admission} ${reason}`])
    const hurried = bench(t, admission, 300)
    hurried.sweep(300)
    assert.deepEqual(hurried.events, [`refused ${admission} ${reason}`])
  }
})

test('what a refused peer sends is read up to 64 KiB, then left', t => {
  const { opening, transport, feed } = bench(t)
  feed(requestHead(['Host: a']))
  opening.onChunk(Buffer.alloc(40_000), 40_000)
  opening.onChunk(Buffer.alloc(40_000), 25_536)
  assert.equal(transport.paused, false)
  opening.onChunk(Buffer.alloc(1), 1)
  assert.equal(transport.paused, true)
})

test('the end of the connection is told', t => {
  const { opening, events } = bench(t)
  opening.onProgress()
  opening.onClosed()
  assert.deepEqual(events, ['gone 7'])
})

test('an error of our own ends the connection, and nothing else', t => {
  const { transport, events, feed } = bench(t)
  Object.defineProperty(transport, 'write', {
    value: () => {
      throw new Error('broken')
    },
  })
  feed(requestHead())
  assert.deepEqual([events, transport.destroyed], [['Error: broken'], true])
})

test('of a long head a bounded part is kept, in strings of their own', t => {
  const { upgraded, feed } = bench(t)
  const headers = requestHead(
    ['Host: a', ...UPGRADE_HEADERS.slice(1), `User-Agent: ${'u'.repeat(3000)}`],
    `GET /${'p'.repeat(3000)}?${'q'.repeat(3000)} HTTP/1.1`,
  )
  feed(headers)
  const [{ terms }] = upgraded
  assert.equal(terms.request, headers.slice(0, 4096))
  assert.deepEqual([terms.path.length, terms.query.length, terms.userAgent?.length], [1024, 1024, 256])
})

test('a browser that asks for a page gets the 426 as one, others as text', t => {
  const answerTo = (line: string, ...fields: string[]): string => {
    const { feed, output, events } = bench(t)
    feed(requestHead(['Host: service.example', ...fields], line))
    assert.match(events[0], /^refused 426 not_upgrade/)
    return output()
  }
  const accept = 'Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'
  const page = answerTo('GET /a?b HTTP/1.1', accept)
  assert.match(page, /^HTTP\/1\.1 426 /)
  assert.match(page, /\r\nUpgrade: websocket\r\n.*\r\nContent-Type: text\/html; charset=utf-8\r\n/s)
  const [, policy] = /\r\nContent-Security-Policy: ([^\r]*)/.exec(page) ?? []
  const [, style] = /<style>([^<]*)<\/style>/.exec(page) ?? []
  assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`))
  const [, body] = page.split('\r\n\r\n')
  assert.ok(page.includes(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`))
  assert.doesNotMatch(body, /<script|\b888\d|admin/i)
  assert.equal(answerTo('HEAD / HTTP/1.1', accept).split('\r\n\r\n')[1], '')
  for (const other of ['Accept: */*', 'X-Accept: text/html'])
    assert.match(
      answerTo('GET / HTTP/1.1', other),
      /Content-Type: text\/plain.*This is a WebSocket echo service: connect/s,
    )
  assert.match(answerTo('POST / HTTP/1.1', accept), /text\/plain/)
})
