// A session over a real socket, with a clock of the test's: what it lets pass, and what its octets were.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Counters } from '../../../src/metrics/counters.js'
import { Http2Session } from '../../../src/transport/http2-session.js'
import { Traffic } from '../../../src/worker/traffic.js'

/** Requests in vain that pass at once. */
const MOST = 500

async function bench(t: TestContext) {
  const clock = { now: 0 }
  t.mock.method(performance, 'now', () => clock.now)
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => void server.close())
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', () => {})
  t.after(() => client.destroy())
  const [socket] = (await once(server, 'connection')) as [Socket]
  let onEnd: (end: string) => void = () => {}
  const ended = new Promise<string>(resolve => {
    onEnd = resolve
  })
  const session = new Http2Session({ socket, carrier: socket }, 'peer', Buffer.alloc(0), new Traffic(new Counters()), {
    onStream() {},
    onClosed: end => onEnd(end),
  })
  await once(client, 'remoteSettings')
  return { clock, session, ended }
}

test('requests in vain: so many at once, so many more each second, and then the end', async t => {
  const { clock, session, ended } = await bench(t)
  for (let i = 0; i < MOST; i++) session.waste()
  clock.now += 2000
  for (let i = 0; i < 100; i++) session.waste()
  assert.equal(session.closed, false)
  session.waste()
  assert.equal(session.closed, true)
  assert.equal(await ended, 'flood')
})

test('what was regained in a long time is no more than what passes at once', async t => {
  const { clock, session } = await bench(t)
  clock.now += 3_600_000
  for (let i = 0; i < MOST; i++) session.waste()
  assert.equal(session.closed, false)
  session.waste()
  assert.equal(session.closed, true)
})

test('a PING is answered by a peer that lives, and by no other', async t => {
  const { session, ended } = await bench(t)
  await new Promise<void>(answered => session.ping(answered))
  let late = false
  session.ping(() => {
    late = true
  })
  session.destroy('silent')
  session.ping(() => {
    late = true
  })
  assert.equal(await ended, 'silent')
  assert.equal(late, false)
})

test('the first reason that it ended for is told', async t => {
  const { session, ended } = await bench(t)
  session.close('idle')
  session.close('leaving')
  session.destroy('silent')
  assert.equal(await ended, 'idle')
})
