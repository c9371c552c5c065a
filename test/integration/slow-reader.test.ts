// Clients that send a lot and read nothing, or little: what the worker holds for them stays bounded.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { deflateMessage } from '../support/deflate-message.js'
import { clientFrame, closePayload, RawClient, requestHead } from '../support/raw-client.js'
import { type Service, startService } from '../support/service.js'
import { connectionReports } from '../support/transport-under-test.js'

const MIB = 1024 * 1024
/** The default. */
const LOW_WATER_MARK = 256 * 1024
const BINARY = 2
const CLOSE = 8
const RSV1 = 4
const FLOOD = 300 * MIB
/** By how much resident memory may grow. */
const MOST_GROWTH = 100 * MIB

const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate'

/** Octets that do not compress, so that none of them vanishes in a buffer of the kernel. */
const NOISE = randomBytes(64 * 1024)

const of = (metrics: Map<string, number>, series: string) => metrics.get(`echobahn_${series}`) ?? Number.NaN
const worker = (gauge: string) => `${gauge}{worker="1"}`
const SENT = 'wire_bytes_total{direction="sent"}'
const RECEIVED = 'wire_bytes_total{direction="received"}'

/** Resolves when the flood is over: sent, or stuck, or the connection gone. */
async function flood({ socket }: RawClient, message: Buffer, stop: Promise<unknown>): Promise<void> {
  for (let sent = 0; sent < FLOOD && !socket.destroyed; sent += message.length) {
    if (socket.write(message)) continue
    const stuck = await Promise.race([
      once(socket, 'drain').then(
        () => false,
        () => true,
      ),
      stop.then(() => true),
    ])
    if (stuck) return
  }
}

async function openDeaf(service: Service, ...headers: string[]): Promise<RawClient> {
  const client = await RawClient.open(service.port, headers)
  client.socket.pause()
  return client
}

/** The metrics once the only connection is paused and nothing more is read from it or sent to it. */
async function standstill(service: Service): Promise<Map<string, number>> {
  let before = Number.NaN
  let looks = 0
  return service.until(
    () => service.metrics(),
    now => {
      const moved = of(now, RECEIVED) + of(now, SENT)
      const still = moved === before && of(now, worker('codec_queue_messages')) === 0
      before = moved
      looks = still && of(now, worker('paused_connections')) === 1 ? looks + 1 : 0
      return looks === 5
    },
  )
}

describe('a client that sends 300 MiB and never reads', () => {
  for (const [name, options, headers, message] of [
    ['plain', [], [], clientFrame({ opcode: BINARY, payload: NOISE })],
    ['compressed inline', ['--offload', 'never'], [DEFLATE], compressed(NOISE)],
    ['compressed on codec threads', ['--offload', 'always'], [DEFLATE], compressed(NOISE)],
  ] as const) {
    it(`takes no more than 100 MiB of memory: ${name}`, async t => {
      const service = await startService(t, '--workers', '1', '--slow-reader-timeout', '0', ...options)
      const client = await openDeaf(service, ...headers)
      t.after(() => client.destroy())
      const before = of(await service.metrics(), worker('worker_resident_memory_bytes'))
      const still = standstill(service)
      await flood(client, message, still)
      const after = await still
      const growth = of(after, worker('worker_resident_memory_bytes')) - before
      assert.ok(growth < MOST_GROWTH, `resident memory grew by ${Math.round(growth / MIB)} MiB`)
      assert.ok(of(after, worker('buffered_bytes')) > LOW_WATER_MARK, 'reading would have resumed')
      assert.ok(of(after, worker('buffered_bytes')) < MOST_GROWTH)
      assert.equal(of(after, 'slow_reader_closes_total'), 0)
    })
  }

  it('is dropped at the slow-reader timeout, and counted', async t => {
    const service = await startService(t, '--workers', '1', '--slow-reader-timeout', '500ms')
    const client = await openDeaf(service)
    await flood(client, clientFrame({ opcode: BINARY, payload: NOISE }), new Promise(() => {}))
    const metrics = await service.until(
      () => service.metrics(),
      now => of(now, worker('connections')) === 0,
    )
    assert.equal(of(metrics, 'slow_reader_closes_total'), 1)
    assert.equal(of(metrics, 'closes_total{initiator="server",code="1006"}'), 1)
    assert.equal(of(metrics, worker('buffered_bytes')), 0)
    assert.equal(of(metrics, worker('paused_connections')), 0)
  })
})

describe('a client that reads slowly but steadily', () => {
  it('is not dropped and gets every octet', async t => {
    const service = await startService(t, '--workers', '1', '--slow-reader-timeout', '8s')
    const client = await openDeaf(service)
    const messages = Array.from({ length: 48 }, (_, i) => Buffer.alloc(MIB, i))
    for (const payload of messages) client.send({ opcode: BINARY, payload })
    const pace = setInterval(() => {
      client.socket.once('data', () => client.socket.pause())
      client.socket.resume()
    }, 15)
    t.after(() => clearInterval(pace))
    for (const [i, message] of messages.entries()) {
      const { payload } = await client.readFrame()
      assert.ok(payload.equals(message), `message ${i} came back changed`)
    }
    assert.equal(of(await service.metrics(), 'slow_reader_closes_total'), 0)
  })
})

describe('a client that has sent its Close with 16 MiB still to read', () => {
  const payload = randomBytes(16 * MIB)

  /** What comes behind the message is read at once. */
  const MARKS = ['--high-water-mark', '32MiB']

  /** The client, not reading, once the service has all of its message and its Close. */
  async function openWithCloseSent(service: Service): Promise<RawClient> {
    const client = await openDeaf(service)
    client.send({ opcode: BINARY, payload }, { opcode: CLOSE, payload: closePayload(1000, 'bye') })
    await service.until(
      () => service.metrics(),
      now => of(now, 'frames_total{direction="received",opcode="close"}') === 1,
    )
    return client
  }

  it('gets all of it, though it reads 4 MiB in each handshake timeout, and the Close last', async t => {
    const service = await startService(t, ...MARKS, '--handshake-timeout', '1s', '--slow-reader-timeout', '1m')
    const client = await openWithCloseSent(service)
    t.after(() => client.destroy())
    const cut = once(client.socket, 'end').then(() => assert.fail(`cut after ${client.received} octets`))
    cut.catch(() => {})
    for (let target = client.received + 4 * MIB; target < payload.length; target += 4 * MIB) {
      client.socket.on('data', function take() {
        if (client.received < target) return
        client.socket.off('data', take).pause()
      })
      client.socket.resume()
      await Promise.race([once(client.socket, 'pause'), cut])
      await handshakeTimeoutOver(service)
    }
    client.socket.resume()
    const [echo, close] = await client.readFramesToEnd()
    assert.ok(echo.payload.equals(payload))
    assert.equal(String(close.payload.subarray(2)), 'bye')
    client.socket.end()
    const [{ sent, unsentOctets }] = await closedReports(service)
    assert.deepEqual([sent.octets, unsentOctets], [client.received, 0])
  })

  it('is dropped at the slow-reader timeout if it reads nothing, and not called clean', async t => {
    const service = await startService(t, ...MARKS, '--handshake-timeout', '1s', '--slow-reader-timeout', '3s')
    const client = await openWithCloseSent(service)
    t.after(() => client.destroy())
    const [{ clean, closing, sent, unsentOctets }] = await closedReports(service)
    assert.equal(clean, false)
    assert.equal(closing.uncleanReason, 'the client read next to nothing until slow-reader-timeout')
    assert.ok(unsentOctets > 0)
    assert.ok(sent.octets < payload.length)
    assert.equal(of(await service.metrics(), 'slow_reader_closes_total'), 1)
  })
})

/** Resolves when a connection that began just now has had all its time to send a request. */
async function handshakeTimeoutOver({ port }: Service): Promise<void> {
  const clock = await RawClient.connect(port)
  clock.write(requestHead().slice(0, -2))
  await clock.readToEnd()
  clock.destroy()
}

function closedReports(service: Service) {
  return service.until(
    () => connectionReports(service, 1),
    ([newest]) => newest.state === 'closed',
  )
}

function compressed(plain: Buffer): Buffer {
  return clientFrame({ opcode: BINARY, rsv: RSV1, payload: deflateMessage(plain) })
}
