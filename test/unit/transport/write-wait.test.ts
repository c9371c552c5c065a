// How long a write waits for the kernel, by a clock of the test's own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { histogramAt } from '../../../src/metrics/layout.js'
import { connected } from '../../support/accept-transport.js'

const { offset, buckets } = histogramAt('write_wait_seconds')
const SUM = offset + buckets.length + 1

for (const kind of ['tcp', 'stream', 'tls'] as const)
  test(`${kind}: a write that waits for 1.5 s counts as 1.5 s`, async t => {
    let now = 20_000
    t.mock.method(performance, 'now', () => now)
    const { client, transport, listener, counters } = await connected(t, kind)
    client.pause()
    const before = counters.values[SUM]
    transport.write(Buffer.alloc(8 * 2 ** 20))
    now += 1500
    client.resume()
    await listener.heard('progress')
    assert.equal(counters.values[SUM] - before, 1.5)
  })

test('which TLS it is', async t => {
  const version = async (kind: 'stream' | 'tls') =>
    ((await connected(t, kind)).transport as { readonly tlsVersion?: string | undefined }).tlsVersion
  assert.equal(await version('tls'), 'TLSv1.3')
  assert.equal(await version('stream'), undefined)
})
