// What many or hostile opening handshakes may cost: nothing behind a head is looked at, every field is, and connections
// that are refused or say nothing are bounded in number and time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFrame, failure } from '../support/conversation.js'
import { assertEchoes, assertRefused, connect, headers, parseResponse, refusal, upgrade } from '../support/handshake.js'
import { RawClient, requestHead, UPGRADE_HEADERS } from '../support/raw-client.js'
import { startService } from '../support/service.js'

const RECEIVED = 'echobahn_wire_bytes_total{direction="received"}'
/** Octets that one read may bring. */
const ONE_READ = 260 * 1024
/** What a refused peer still sends is read up to here. */
const LINGER_OCTETS = 64 * 1024

/** Handshakes counted, by result, those of which there were none left out. */
function handshakes(metrics: ReadonlyMap<string, number>): Record<string, number> {
  const pattern = /^echobahn_handshakes_total\{result="(.*)"\}$/
  const counted = [...metrics].flatMap(([series, count]) => {
    const result = pattern.exec(series)?.[1]
    return result === undefined || count === 0 ? [] : [[result, count]]
  })
  return Object.fromEntries(counted)
}

test('requests behind a head are not parsed', async t => {
  const service = await startService(t, '--workers', '1')
  const pipelined = 'GET / HTTP/1.1\r\n\r\n'.repeat(245_000)

  await t.test('of a request that is refused', async t => {
    const client = await connect(t, service)
    client.write(pipelined)
    const response = parseResponse((await client.readToEnd()).toString('latin1'))
    assertRefused(response, 400, /Host header/)
    const metrics = await service.until(
      () => service.metrics(),
      now => now.get('echobahn_connections{worker="1"}') === 0,
    )
    assert.deepEqual(handshakes(metrics), { bad_request: 1 })
    assert.ok((metrics.get(RECEIVED) ?? 0) <= ONE_READ + LINGER_OCTETS + ONE_READ)
  })

  await t.test('of one that is accepted: they are frames, and no legal ones', async t => {
    const [, client] = await upgrade(t, service, requestHead())
    client.write(pipelined)
    assert.deepEqual((await client.readFramesToEnd()).map(describeFrame), [failure('ECHOBAHN_RESERVED_BITS')])
    assert.deepEqual(handshakes(await service.metrics()), { accepted: 1, bad_request: 1 })
  })
})

test('no field hides behind many others', async t => {
  const service = await startService(t, '--workers', '1', '--origin', 'https://good.example')
  const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: y`)

  await t.test('a foreign origin behind 1,200 fields', async t => {
    const request = requestHead([...UPGRADE_HEADERS, ...fields(1200), 'Origin: https://evil.example'])
    assertRefused(await refusal(t, service, request), 431, /more than 100 header lines/)
  })

  await t.test('a body announced behind 1,200 fields', async t => {
    const request = requestHead([...UPGRADE_HEADERS, ...fields(1200), 'Transfer-Encoding: chunked'])
    assertRefused(await refusal(t, service, request), 431, /more than 100 header lines/)
  })

  await t.test('996 to 1,010 fields are refused in our words, each of them counted', async t => {
    for (let count = 996; count <= 1010; count++)
      assertRefused(
        await refusal(t, service, requestHead([...UPGRADE_HEADERS, ...fields(count)])),
        431,
        /100 header lines/,
      )
    assert.deepEqual(handshakes(await service.metrics()), { bad_http: 17 })
  })

  await t.test('100 fields are fine', async t => {
    await upgrade(t, service, requestHead([...UPGRADE_HEADERS, ...fields(95)]))
  })
})

test('white space around a value is SP or HTAB (RFC 9110 section 5.6.3)', async t => {
  const service = await startService(t, '--workers', '1')
  const spaced = UPGRADE_HEADERS.map(header => `${header.replace(': ', ':\t ')}\t`)
  const [, client] = await upgrade(t, service, requestHead([...spaced, 'X:\t']))
  await assertEchoes(client)
})

test('3,000 connections above the limit get their 503 though they send nothing', async t => {
  const limits = ['--max-connections', '10', '--handshake-timeout', '10m']
  const service = await startService(t, '--workers', '2', ...limits)
  const admitted: RawClient[] = []
  for (let i = 0; i < 10; i++) admitted.push((await upgrade(t, service, requestHead()))[1])
  const above: RawClient[] = []
  t.after(() => {
    for (const client of above) client.destroy()
  })
  while (above.length < 3000)
    above.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(service.port)))))
  for (const client of above)
    assertRefused(parseResponse((await client.readToEnd()).toString()), 503, /max-connections/)
  const metrics = await service.metrics()
  assert.deepEqual(handshakes(metrics), { accepted: 10, max_connections: 3000 })
  assert.equal(metrics.get('echobahn_connections_rejected_total{reason="max_connections"}'), 3000)
  for (const client of admitted) await assertEchoes(client)

  await t.test('and leave no socket behind, though they keep their side open', async () => {
    await service.until(
      () => service.workers(),
      workers => workers.reduce((sum, { connections }) => sum + connections, 0) === 10,
    )
  })
})

test('what a refused peer still sends is dropped unread, and costs it no answer', async t => {
  const service = await startService(t, '--workers', '1', '--max-connections', '1')
  await upgrade(t, service, requestHead())
  const before = (await service.metrics()).get(RECEIVED) ?? 0
  const client = await connect(t, service)
  client.socket.pause()
  client.write(requestHead())
  for (let i = 0; i < 64; i++) client.write(Buffer.alloc(1024 * 1024, 'GET / HTTP/1.1\r\n\r\n'))
  await service.until(
    () => service.workers(),
    ([{ connections }]) => connections === 1,
  )
  const read = ((await service.metrics()).get(RECEIVED) ?? 0) - before
  assert.ok(read <= 2 * ONE_READ + LINGER_OCTETS, `${read} octets were read`)
})

test('openings are bounded: the oldest are dropped first, and counted', async t => {
  const service = await startService(t, '--workers', '1', '--max-openings', '20', '--handshake-timeout', '10m')
  const clients: RawClient[] = []
  for (let i = 0; i < 30; i++) {
    clients.push(await connect(t, service))
    clients[i].write(requestHead().slice(0, -2))
    // The worker must have each before the next, or their order would be anybody's.
    await service.until(
      () => service.metrics(),
      now => now.get(RECEIVED) === (i + 1) * (requestHead().length - 2),
    )
  }
  for (const client of clients.slice(0, 10)) assert.equal((await client.readToEnd()).length, 0)
  for (const client of clients.slice(10)) {
    client.write('\r\n')
    assert.match(await client.readHead(), /^HTTP\/1\.1 101 /)
  }
  assert.deepEqual(handshakes(await service.metrics()), { accepted: 20, max_openings: 10 })

  await t.test('connections that are through do not count', async t => {
    for (let i = 0; i < 20; i++) await upgrade(t, service, requestHead(headers()))
    await assertEchoes(clients[29])
  })
})
