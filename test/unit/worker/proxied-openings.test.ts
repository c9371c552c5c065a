// Openings where proxies are trusted: whom they are from, who is refused, and what waits for the primary's word.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Admission, AdmitClients } from '../../../src/messages.js'
import { Counters } from '../../../src/metrics/counters.js'
import { type CounterName, offsetOf } from '../../../src/metrics/layout.js'
import type { RefusedRequest } from '../../../src/report/refused-handshake.js'
import type { ConnectionTerms } from '../../../src/worker/connection-terms.js'
import { Openings } from '../../../src/worker/opening/openings.js'
import { Traffic } from '../../../src/worker/traffic.js'
import { FakeHandle } from '../../support/fake-handle.js'
import { settingsFor } from '../../support/fake-transport.js'
import { LOCAL, proxyBlock, proxyBlock4, proxyLine } from '../../support/proxy-headers.js'
import { requestHead, UPGRADE_HEADERS } from '../../support/raw-client.js'

/** The peer of a fake handle is 192.0.2.7:4711. */
const TRUSTING = ['--trusted-proxies', '192.0.2.7', '--trusted-proxies', '10.0.0.0/8']
const PROXY = [...TRUSTING, '--proxy-protocol', 'required']
const FORWARDED = [...TRUSTING, '--forwarded-header', 'forwarded']
const PER_IP = ['--max-connections-per-ip', '2']
const UNTRUSTED = ['--trusted-proxies', '192.0.2.8', '--proxy-protocol', 'required', '--forwarded-header', 'forwarded']

function bench(t: TestContext, ...flags: string[]) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  const counters = new Counters()
  const events: string[] = []
  const upgraded: ConnectionTerms[] = []
  const refused: RefusedRequest[] = []
  const asked: AdmitClients[] = []
  const openings = new Openings(settingsFor(...flags), undefined, new Traffic(counters), {
    onUpgraded: (_transport, terms, behind) => {
      upgraded.push(terms)
      events.push(`upgraded ${terms.id} ${behind}`)
    },
    onGone: id => void events.push(`gone ${id}`),
    onRefused: request => {
      refused.push(request)
      events.push(`refused ${request.id} ${request.response.slice(9, 12)} ${request.reason}`)
    },
    ask: message => void asked.push(message as AdmitClients),
    onFallback: () => void events.push('fallback'),
    onInternalError: error => void events.push(String(error)),
  })
  const take = (id: number, admission: Admission = 0): FakeHandle => {
    const handle = new FakeHandle()
    openings.take(id, handle, admission)
    return handle
  }
  const counted = (name: CounterName, labels: Record<string, string>): number => counters.values[offsetOf(name, labels)]
  const sweep = (now: number): void => {
    clock.now = now
    openings.sweep(now)
  }
  return { openings, events, upgraded, refused, asked, take, counted, sweep }
}

function request(...extra: string[]): string {
  return requestHead([...UPGRADE_HEADERS, ...extra])
}

const written = (handle: FakeHandle): string => handle.writes.map(({ bytes }) => String(bytes)).join('')

/** Where a connection is from, as its report tells. */
function from({ peer, proxied }: Pick<ConnectionTerms, 'peer' | 'proxied'>): string {
  return proxied === undefined ? peer : `${peer} ${proxied.source} ${proxied.proxy}`
}

test('a PROXY header names the client, in one piece with the request or octet by octet', t => {
  const { events, upgraded, take } = bench(t, ...PROXY)
  take(1).receive(`${proxyLine('198.51.100.1', 5)}${request()}behind`)
  const slow = take(2)
  for (const octet of Buffer.concat([proxyBlock4('198.51.100.2', 6), Buffer.from(request())])) {
    slow.receive(Buffer.of(octet))
  }
  take(3).receive(Buffer.concat([proxyBlock(LOCAL, 0), Buffer.from(request())]))
  assert.deepEqual(upgraded.map(from), [
    '198.51.100.1:5 proxy-protocol 192.0.2.7:4711',
    '198.51.100.2:6 proxy-protocol 192.0.2.7:4711',
    '192.0.2.7:4711',
  ])
  assert.deepEqual(events, ['upgraded 1 behind', 'upgraded 2 ', 'upgraded 3 '])
})

test('the head that a report shows begins behind the PROXY header', t => {
  const { upgraded, take } = bench(t, ...PROXY)
  take(1).receive(`${proxyLine('198.51.100.1')}${request()}`)
  assert.equal(upgraded[0].request, request())
})

test('no PROXY header, or a bad one, is 400 that names it, counted, and in the reports', t => {
  const { events, refused, take, counted } = bench(t, ...PROXY)
  const handles = [1, 2].map(id => take(id))
  handles[0].receive(request())
  handles[1].receive('PROXY TCP4 a b 1 2\r\n')
  assert.deepEqual(events, ['refused 1 400 bad_proxy_header', 'refused 2 400 bad_proxy_header'])
  assert.match(written(handles[0]), /^HTTP\/1\.1 400 .*must begin with a header of the PROXY protocol.*"G"\.\n$/s)
  assert.match(written(handles[1]), /has "a" where an IPv4 address must be\.\n$/)
  assert.deepEqual([refused[1].head, from(refused[1])], ['PROXY TCP4 a b 1 2\r\n', '192.0.2.7:4711'])
  assert.equal(counted('handshakes_total', { result: 'bad_proxy_header' }), 2)
  assert.ok(handles[1].calls.includes('shutdown'))
})

test('who is refused behind a PROXY header is named by it', t => {
  const { refused, take } = bench(t, ...PROXY)
  take(1).receive(`${proxyLine('198.51.100.1', 5)}no HTTP at all`)
  assert.deepEqual(refused.map(from), ['198.51.100.1:5 proxy-protocol 192.0.2.7:4711'])
})

test('an untrusted peer is refused, whatever it sends', t => {
  const { events, refused, take, counted } = bench(t, ...UNTRUSTED)
  const handle = take(1)
  handle.receive(`${proxyLine('198.51.100.1')}${request('Forwarded: for=198.51.100.1')}`)
  take(2).receive(request())
  assert.deepEqual(events, ['refused 1 403 untrusted_peer', 'refused 2 403 untrusted_peer'])
  assert.match(written(handle), /this address is not one of those that are trusted \(trusted-proxies\)\.\n$/)
  assert.equal(from(refused[0]), '192.0.2.7:4711')
  assert.equal(counted('handshakes_total', { result: 'untrusted_peer' }), 2)
})

test('whoever sends nothing, or not all of a PROXY header, gets the time of a handshake', t => {
  const { events, openings, take, sweep } = bench(t, ...PROXY, '--handshake-timeout', '5s')
  take(1)
  take(2).receive('PROXY TCP4')
  sweep(4000)
  assert.deepEqual(events, [])
  // What is left of the time is the request's.
  take(3)
  sweep(5000)
  assert.deepEqual(events, ['refused 1 408 timeout', 'refused 2 408 timeout'])
  const late = take(4)
  sweep(8000)
  late.receive(`${proxyLine('198.51.100.1')}GET / HTTP/1.1\r\n`)
  sweep(9500)
  assert.equal(events.at(-1), 'refused 3 408 timeout')
  sweep(10_000)
  assert.equal(events.at(-1), 'refused 4 408 timeout')
  assert.equal(openings.size, 4)
})

test('an end inside a PROXY header is refused; one before it is none of ours', t => {
  const { events, take } = bench(t, ...PROXY)
  const [cut, silent] = [take(1), take(2)]
  cut.receive('PROXY')
  for (const handle of [cut, silent]) handle.tellRead(-4095)
  assert.deepEqual(events, ['refused 1 400 bad_http'])
  silent.tellClosed()
  assert.deepEqual(events.slice(1), ['gone 2'])
})

test('above a limit the refusal comes behind the PROXY header, and soon without it', t => {
  const { events, refused, asked, take, sweep } = bench(t, ...PROXY, ...PER_IP)
  take(1, 503).receive(`${proxyLine('198.51.100.1', 5)}${request()}`)
  take(2, 503)
  sweep(1000)
  assert.deepEqual(events, ['refused 1 503 max_connections', 'refused 2 408 timeout'])
  assert.equal(from(refused[0]), '198.51.100.1:5 proxy-protocol 192.0.2.7:4711')
  assert.deepEqual(asked, [])
})

test('with a limit by address the primary is asked once the PROXY header is there, and nothing is read until it answers', async t => {
  const { openings, events, asked, take, counted } = bench(t, ...PROXY, ...PER_IP)
  const handles = [1, 2, 3].map(id => take(id))
  for (const [i, handle] of handles.entries()) handle.receive(`${proxyLine(`198.51.100.${i}`)}${request()}`)
  await setImmediate()
  assert.deepEqual(asked, [
    {
      type: 'admit-clients',
      clients: [0, 1, 2].map(i => ({ opening: i + 1, address: `198.51.100.${i}` })),
    },
  ])
  assert.deepEqual(events, [])
  assert.equal(handles[0].calls.at(-1), 'readStop')
  openings.admitted([
    { opening: 1, admission: 0 },
    { opening: 2, admission: 429 },
  ])
  assert.deepEqual(events, ['upgraded 1 ', 'refused 2 429 max_connections_per_ip'])
  assert.equal(counted('connections_rejected_total', { reason: 'max_connections_per_ip' }), 1)
  handles[2].tellRead(-104)
  openings.drop(3)
  handles[2].tellClosed()
  openings.admitted([{ opening: 3, admission: 429 }])
  assert.deepEqual(events.slice(2), ['gone 3'])
  assert.equal(counted('connections_rejected_total', { reason: 'max_connections_per_ip' }), 1)
})

test('one that waits for the primary too long is refused, and what it says then is too late', async t => {
  const { openings, events, take, sweep } = bench(t, ...PROXY, ...PER_IP)
  take(1).receive(`${proxyLine('198.51.100.1')}${request()}`)
  await setImmediate()
  sweep(5000)
  openings.admitted([{ opening: 1, admission: 0 }])
  assert.deepEqual(events, ['refused 1 408 timeout'])
})

test('a field names the client, where who is connected is trusted', t => {
  const { upgraded, take } = bench(t, ...FORWARDED)
  take(1).receive(request('Forwarded: for="198.51.100.1:5"'))
  take(2).receive(
    request('forwarded: for=1.1.1.1', 'X-Forwarded-For: 1.1.1.2', 'FORWARDED: for=198.51.100.2, for=10.1.1.1'),
  )
  take(3).receive(request('X-Forwarded-For: 198.51.100.1'))
  assert.deepEqual(upgraded.map(from), [
    '198.51.100.1:5 forwarded 192.0.2.7:4711',
    '198.51.100.2:0 forwarded 192.0.2.7:4711',
    '192.0.2.7:4711',
  ])
})

test('a field from who is not trusted changes nothing, whatever is in it', t => {
  const flags = ['--trusted-proxies', '192.0.2.8', '--forwarded-header', 'forwarded', ...PER_IP]
  const { upgraded, events, asked, take } = bench(t, ...flags)
  for (const [i, value] of ['for=10.1.1.1', 'for="', '\xff;,', '', 'for=1.1.1.1, for=192.0.2.8'].entries()) {
    take(i + 1).receive(Buffer.from(request(`Forwarded: ${value}`), 'latin1'))
  }
  assert.equal(events.filter(event => event.startsWith('upgraded')).length, 5)
  assert.deepEqual(new Set(upgraded.map(from)), new Set(['192.0.2.7:4711']))
  assert.deepEqual(asked, [])
})

test('junk that a trusted proxy wrote is 400 that names it, counted', t => {
  const { events, take, counted } = bench(t, ...TRUSTING, '--forwarded-header', 'x-forwarded-for')
  const handle = take(1)
  handle.receive(request('X-Forwarded-For: 1.1.1.1, client.example'))
  assert.deepEqual(events, ['refused 1 400 bad_forwarded'])
  assert.match(
    written(handle),
    /The X-Forwarded-For header is malformed \(forwarded-header\): "client\.example" is no address\.\n$/,
  )
  assert.equal(counted('handshakes_total', { result: 'bad_forwarded' }), 1)
})

test('with a limit by address the primary is asked once the head is there, with what came behind it kept', async t => {
  const { openings, events, asked, take } = bench(t, ...FORWARDED, ...PER_IP)
  const handles = [1, 2].map(id => take(id))
  handles[0].receive(`${request('Forwarded: for="[2001:DB8::1]"')}behind`)
  handles[1].receive(request())
  await setImmediate()
  const clients = [
    { opening: 1, address: '2001:db8::1' },
    { opening: 2, address: '192.0.2.7' },
  ]
  assert.deepEqual(asked, [{ type: 'admit-clients', clients }])
  assert.deepEqual(events, [])
  openings.admitted([
    { opening: 1, admission: 0 },
    { opening: 2, admission: 429 },
  ])
  assert.deepEqual(events, ['upgraded 1 behind', 'refused 2 429 max_connections_per_ip'])
})

test('a PROXY header may name a proxy that is trusted, whose field counts then; the primary is asked once', async t => {
  const flags = [...PROXY, '--forwarded-header', 'x-forwarded-for', ...PER_IP]
  const { openings, upgraded, asked, take } = bench(t, ...flags)
  take(1).receive(`${proxyLine('10.0.0.1')}${request('X-Forwarded-For: 198.51.100.1')}`)
  take(2).receive(`${proxyLine('198.51.100.2', 5)}${request('X-Forwarded-For: 198.51.100.1')}`)
  await setImmediate()
  const asks = asked.flatMap(({ clients }) => clients)
  assert.deepEqual(
    new Set(asks.map(({ opening, address }) => `${opening} ${address}`)),
    new Set(['1 198.51.100.1', '2 198.51.100.2']),
  )
  openings.admitted(asks.map(({ opening }) => ({ opening, admission: 0 })))
  await setImmediate()
  assert.equal(asked.flatMap(({ clients }) => clients).length, 2)
  assert.deepEqual(upgraded.map(from).sort(), [
    '198.51.100.1:0 x-forwarded-for 192.0.2.7:4711',
    '198.51.100.2:5 proxy-protocol 192.0.2.7:4711',
  ])
})

test('those before their PROXY header are openings: of too many the oldest are dropped, and all at the end', t => {
  const { openings, take, counted } = bench(t, ...PROXY, '--max-openings', '2', '--workers', '1')
  const handles = [1, 2, 3].map(id => take(id))
  const closed = (): boolean[] => handles.map(({ calls }) => calls.includes('close'))
  assert.deepEqual([closed(), openings.size], [[true, false, false], 2])
  assert.equal(counted('handshakes_total', { result: 'max_openings' }), 1)
  openings.drop(2)
  assert.deepEqual(closed(), [true, true, false])
  openings.close()
  assert.deepEqual(closed(), [true, true, true])
})

test('the octets of a PROXY header are counted with the others', t => {
  const { take, counted } = bench(t, ...PROXY)
  const octets = `${proxyLine('198.51.100.1')}${request()}`
  take(1).receive(octets)
  assert.equal(counted('wire_bytes_total', { direction: 'received' }), octets.length)
})

test('one that was dropped while it waited for the primary is no opening any more', async t => {
  const { openings, events, take } = bench(t, ...PROXY, ...PER_IP, '--max-openings', '1', '--workers', '1')
  const handle = take(1)
  handle.receive(`${proxyLine('198.51.100.1')}${request()}`)
  take(2)
  await setImmediate()
  openings.admitted([{ opening: 1, admission: 0 }])
  handle.tellClosed()
  assert.deepEqual([openings.size, events], [1, ['gone 1']])
})
