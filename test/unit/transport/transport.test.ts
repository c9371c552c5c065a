// The same of every way that octets can go: bare TCP handle, its fallback, TLS.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { Counters } from '../../../src/metrics/counters.js'
import { histogramAt, offsetOf } from '../../../src/metrics/layout.js'
import { READ_BUFFER } from '../../../src/transport/bare-transport.js'
import { type Connected, connected, type Listener } from '../../support/accept-transport.js'

const MIB = 2 ** 20

async function readToEnd(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  client.on('data', chunk => chunks.push(chunk)).resume()
  await once(client, 'end')
  return Buffer.concat(chunks)
}

/** What the peer sent and got on the wire, where that can be seen without TLS in between. */
function assertCounted({ client, counted }: Awaited<ReturnType<typeof connected>>): void {
  assert.equal(counted('received'), client.bytesWritten)
  assert.equal(counted('sent'), client.bytesRead)
}

for (const kind of ['tcp', 'stream', 'tls'] as const) {
  test(`${kind}: octets come and go, and all of them are counted`, async t => {
    const connection = await connected(t, kind)
    const { client, transport, listener, counters } = connection
    assert.equal(transport.kind, kind)
    assert.equal(transport.peer, `127.0.0.1:${client.localPort}`)
    transport.resume()
    client.write('hello')
    assert.equal(String(await listener.octets(5)), 'hello')
    assert.ok(transport.open)
    transport.write(Buffer.from('and back'))
    const [answer] = await once(client, 'data')
    assert.equal(String(answer), 'and back')
    const { offset, buckets } = histogramAt('write_size_bytes')
    assert.equal(counters.values[offset + buckets.length + 1], 8)
    if (kind === 'tls') return
    assertCounted(connection)
    assert.deepEqual([transport.octetsReceived, transport.octetsSent], [5, 8])
  })

  test(`${kind}: nothing is read before resume, and nothing while it is paused`, async t => {
    const { client, transport, listener } = await connected(t, kind)
    await new Promise<void>(resolve => void client.write('first', () => resolve()))
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    assert.deepEqual(listener.events, [])
    transport.resume()
    await listener.octets(5)
    transport.pause()
    const before = listener.events.length
    await new Promise<void>(resolve => void client.write('second', () => resolve()))
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    assert.equal(listener.events.length, before)
    transport.resume()
    assert.equal(String(await listener.octets(11)), 'firstsecond')
  })

  test(`${kind}: after the peer's FIN what is written still reaches it, then the connection is gone`, async t => {
    const connection = await connected(t, kind)
    const { client, transport, listener } = connection
    transport.resume()
    const received = readToEnd(client)
    client.end('last words')
    await listener.heard('end')
    assert.equal(String(listener.received), 'last words')
    assert.ok(transport.writable)
    const answer = randomBytes(3 * MIB)
    transport.write(answer)
    transport.end()
    assert.equal(transport.writable, false)
    assert.ok((await received).equals(answer))
    await listener.heard('closed')
    assert.equal(transport.unsent, 0)
    assert.equal(listener.events.filter(event => event === 'closed').length, 1)
    if (kind !== 'tls') assertCounted(connection)
  })

  test(`${kind}: a FIN that comes while nothing is read is told once reading goes on, and only then`, async t => {
    const { client, transport, listener } = await connected(t, kind)
    listener.whenChunk = () => transport.pause()
    transport.resume()
    client.end('last words')
    await listener.heard('chunk')
    // The FIN is there once the client's side says that it is sent, and some turns have gone by.
    if (!client.writableFinished) await once(client, 'finish')
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.deepEqual(listener.events, ['chunk'])
    transport.resume()
    transport.pause()
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.deepEqual(listener.events, ['chunk'])
    transport.resume()
    await listener.heard('end')
    transport.resume()
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.deepEqual(listener.events, ['chunk', 'end'])
  })

  test(`${kind}: end sends FIN behind all that is written, and what the peer still sends comes`, async t => {
    const { client, transport, listener } = await connected(t, kind)
    transport.resume()
    transport.write(Buffer.alloc(2 * MIB, 1))
    transport.write(Buffer.from('x'))
    transport.end()
    assert.equal((await readToEnd(client)).length, 2 * MIB + 1)
    client.end('still here')
    assert.equal(String(await listener.octets(10)), 'still here')
    await listener.heard('closed')
  })

  test(`${kind}: what the peer does not take is pending, then tells of progress, then is gone`, async t => {
    const { client, transport, listener } = await connected(t, kind)
    client.pause()
    const octets = randomBytes(16 * MIB)
    assert.equal(transport.write(octets), kind !== 'tcp')
    assert.ok(transport.pending > 0)
    assert.ok(transport.pending <= 16 * MIB)
    assert.equal(transport.unsent, transport.pending)
    transport.write(Buffer.from('end'))
    const received = readToEnd(client)
    await listener.heard('progress')
    transport.end()
    const all = await received
    assert.ok(all.subarray(0, 16 * MIB).equals(octets))
    assert.equal(String(all.subarray(16 * MIB)), 'end')
    assert.equal(transport.pending, 0)
  })

  test(`${kind}: destroy drops what waits, tells it as unsent, and takes no more`, async t => {
    const { client, transport, listener } = await connected(t, kind)
    client.pause()
    transport.write(Buffer.alloc(16 * MIB))
    transport.destroy()
    assert.deepEqual(listener.events, [])
    assert.equal(transport.writable, false)
    await listener.heard('closed')
    const { unsent } = transport
    assert.ok(unsent > 0)
    assert.equal(transport.write(Buffer.alloc(100)), true)
    assert.equal(transport.unsent, unsent + 100)
    transport.destroy()
    transport.end()
    await new Promise(setImmediate)
    assert.deepEqual(listener.events, ['closed'])
  })

  test(`${kind}: a reset ends it, with what the kernel took counted and the rest unsent`, async t => {
    const { client, socket, transport, listener, counted } = await connected(t, kind)
    client.pause()
    transport.write(Buffer.alloc(64 * MIB))
    transport.resume()
    socket.resetAndDestroy()
    await listener.heard('closed')
    // Under TLS Node destroys the stream before it can be asked what the kernel took last.
    if (kind !== 'tls') assert.ok(counted('sent') > 64 * 1024)
    assert.ok(transport.unsent > 0)
    if (kind === 'tcp') assert.equal(transport.octetsSent + transport.unsent, 64 * MIB)
    else assert.equal(transport.unsent, 64 * MIB)
    assert.ok(counted('sent') < 60 * MIB)
    assert.ok(!listener.events.includes('end'))
  })

  test(`${kind}: what one chunk's handler does to the transport holds for the next`, async t => {
    for (const action of ['pause', 'destroy'] as const) {
      const { client, transport, listener } = await connected(t, kind)
      listener.whenChunk = () => transport[action]()
      transport.resume()
      client.write(Buffer.alloc(4 * MIB))
      await listener.heard('chunk')
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      assert.equal(chunks(listener), 1, action)
    }
  })
}

for (const kind of ['tcp', 'stream'] as const) {
  test(`${kind}: what came and went before a reset stays counted, without being asked for`, async t => {
    const { client, socket, transport, listener, countedByItself } = await connected(t, kind)
    transport.resume()
    client.write('hello')
    await listener.octets(5)
    assert.equal(countedByItself('received'), 5)
    transport.write(Buffer.from('and back'))
    assert.equal(countedByItself('sent'), 8)
    await once(client, 'data')
    socket.resetAndDestroy()
    await listener.heard('closed')
    assert.deepEqual([countedByItself('received'), countedByItself('sent')], [5, 8])
    assert.deepEqual([transport.octetsReceived, transport.octetsSent], [5, 8])
  })

  test(`${kind}: what the kernel took of a write before a drop stays counted, and reaches the peer`, async t => {
    const { client, transport, listener, countedByItself } = await connected(t, kind)
    transport.write(Buffer.alloc(64 * MIB))
    while (client.bytesRead < 16 * MIB) await once(client, 'data')
    const ended = once(client, 'end')
    transport.destroy()
    await listener.heard('closed')
    client.resume()
    await ended
    assert.equal(countedByItself('sent'), client.bytesRead)
  })

  test(`${kind}: of a connection on which nothing was said nothing is counted`, async t => {
    const { transport, listener, counted } = await connected(t, kind)
    transport.resume()
    transport.destroy()
    await listener.heard('closed')
    assert.deepEqual([counted('received'), counted('sent'), transport.unsent], [0, 0, 0])
  })
}

function chunks({ events }: Listener): number {
  return events.filter(event => event === 'chunk').length
}

test('tcp: reads of all connections come in the same memory', async t => {
  const first = await connected(t, 'tcp')
  const second = await connected(t, 'tcp')
  for (const { client, transport, listener } of [first, second, first]) {
    transport.resume()
    client.write('abc')
    await listener.heard('chunk')
  }
  assert.deepEqual(first.listener.memory, second.listener.memory)
  assert.equal(first.listener.memory.size, 1)
})

test('tcp: a read that fills the buffer leaves the turn to others before the next', async t => {
  const { client, transport, listener } = await connected(t, 'tcp')
  const octets = randomBytes(8 * MIB)
  // At once, as much as the kernel takes, which is more than one read does.
  client.write(octets)
  let full = 0
  let inThisTurn = 0
  listener.whenChunk = length => {
    if (length < READ_BUFFER) return
    full++
    assert.equal(++inThisTurn, 1)
    setImmediate(() => {
      inThisTurn = 0
    })
  }
  transport.resume()
  assert.ok((await listener.octets(8 * MIB)).equals(octets))
  assert.ok(full > 0)
})

test('tcp: a handle that fails ends its own connection, and nothing else', async t => {
  const EINVAL = -22
  const fail = (method: string) => (handle: object) => void Object.assign(handle, { [method]: () => EINVAL })
  const reading = await connected(t, 'tcp', fail('readStart'))
  reading.transport.resume()
  await reading.listener.heard('closed')
  const writing = await connected(t, 'tcp', fail('writeBuffer'))
  assert.equal(writing.transport.write(Buffer.alloc(10)), true)
  await writing.listener.heard('closed')
  assert.equal(writing.transport.unsent, 10)
  const ending = await connected(t, 'tcp', fail('shutdown'))
  ending.transport.end()
  await ending.listener.heard('closed')
})

/** Writes that are done, by a bound on what they took: up to `bound` seconds, and above it. */
function writesDone({ counters }: Connected, bound: number): [number, number] {
  const { offset, buckets } = histogramAt('write_wait_seconds')
  const counts = [...counters.values.slice(offset, offset + buckets.length + 1)]
  const sum = (some: number[]) => some.reduce((a, b) => a + b, 0)
  const edge = buckets.indexOf(bound) + 1
  return [sum(counts.slice(0, edge)), sum(counts.slice(edge))]
}

for (const kind of ['tcp', 'stream', 'tls'] as const) {
  test(`${kind}: how long a write waits for the kernel is counted when it is done`, async t => {
    const connection = await connected(t, kind)
    const { client, transport, listener } = connection
    client.pause()
    transport.write(Buffer.alloc(8 * MIB))
    const written = performance.now()
    await new Promise(setImmediate)
    assert.deepEqual(writesDone(connection, 0.01), [0, 0])
    while (performance.now() < written + 30) await new Promise(setImmediate)
    const reading = readToEnd(client)
    await listener.heard('progress')
    assert.deepEqual(writesDone(connection, 0.01), [0, 1])
    transport.end()
    await reading
  })
}

test('tcp: a write that the kernel takes at once has waited for nothing', async t => {
  const connection = await connected(t, 'tcp')
  connection.transport.write(Buffer.from('little'))
  assert.deepEqual(writesDone(connection, 0.00001), [1, 0])
})

test('tls: a handshake is counted when it is done, and as failed when the connection ends before', async t => {
  const result = (counters: Counters, result: 'completed' | 'failed') =>
    counters.values[offsetOf('tls_handshakes_total', { result })]
  const { client, counters, transport, listener } = await connected(t, 'tls')
  transport.resume()
  client.write('hello')
  await listener.octets(5)
  assert.deepEqual([result(counters, 'completed'), result(counters, 'failed')], [1, 0])
  transport.destroy()
  await listener.heard('closed')
  assert.deepEqual([result(counters, 'completed'), result(counters, 'failed')], [1, 0])
  const failing = await connected(
    t,
    'tls',
    () => {},
    plain => void plain.end('GET / HTTP/1.1\r\n\r\n'),
  )
  await failing.listener.heard('closed')
  assert.deepEqual([result(failing.counters, 'completed'), result(failing.counters, 'failed')], [0, 1])
})
