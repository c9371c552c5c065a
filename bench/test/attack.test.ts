// Each kind of attack, from the attackers' process, on a server that sees whether it is what it says.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'
import type { WebSocket } from 'ws'
import { ATTACK_KINDS } from '../src/attack-kinds.js'
import { startAttack } from '../src/run-attack.js'
import { type EchoServer, startEchoServer } from './support/echo-server.js'

const CONNECTIONS = 3
/** Seconds after which an attack that nobody stops ends. */
const BOUND = 60

const place = { cores: [], signal: new AbortController().signal }
const attack = (port: number, kind: string, seconds = BOUND) => {
  return startAttack(place, port, { kind, connections: CONNECTIONS, seconds })
}

/** Resolves once `seen` has been called so often. */
function times(count: number): { seen: () => void; reached: Promise<void> } {
  let left = count
  let resolve: () => void = () => {}
  const reached = new Promise<void>(done => {
    resolve = done
  })
  return {
    seen: () => {
      left--
      if (left === 0) resolve()
    },
    reached,
  }
}

/** What makes a server see each kind. A kind that is missing here has no test. */
const WITNESSES: Readonly<Record<string, (server: EchoServer, seen: () => void) => void>> = {
  pings: ({ sockets }, seen) => {
    sockets.on('connection', socket => socket.on('ping', seen))
  },
  'empty fragments': ({ sockets }, seen) => {
    // ws tells of no fragment; that its connections live, and have read so much, says that they are legal.
    sockets.on('connection', (socket, { socket: stream }) => {
      socket.on('message', () => assert.fail('a message that ended'))
      stream.on('data', () => {
        if (stream.bytesRead > 100_000) seen()
      })
    })
  },
  'compressed messages of 1 octet': ({ sockets }, seen) => {
    sockets.on('connection', socket => {
      assert.match(socket.extensions, /permessage-deflate/)
      socket.on('message', data => {
        assert.equal(data.toString(), 'a')
        seen()
      })
    })
  },
  'late bad UTF-8': ({ sockets }, seen) => {
    sockets.on('connection', (socket: WebSocket) => {
      socket.on('error', error => {
        assert.match(error.message, /invalid UTF-8/)
        seen()
      })
    })
  },
  'pipelined requests': ({ http }, seen) => {
    // Without Host, Node's http refuses the first request, and tells of none.
    http.on('connection', seen)
  },
}

for (const { name } of ATTACK_KINDS)
  test(`${name}: the server sees it, from all connections at once`, async t => {
    const server = await startEchoServer(t)
    const { seen, reached } = times(20)
    WITNESSES[name](server, seen)
    const { stop } = await attack(server.target.port, name)
    await reached
    const { connections, refused, octets, seconds } = await stop()
    assert.ok(connections >= CONNECTIONS && octets > 0 && seconds > 0)
    assert.equal(refused, 0)
  })

test('pipelined requests are 4.4 MB', () => {
  const kind = ATTACK_KINDS.find(({ name }) => name === 'pipelined requests')
  const script = kind?.script()
  assert.equal(script?.first.length, 4_410_000)
  assert.equal(script?.first.toString('latin1', 0, 36), 'GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n')
  assert.equal(script?.again, undefined)
})

test('whom the server has ended comes again', async t => {
  const server = await startEchoServer(t)
  const { seen, reached } = times(3 * CONNECTIONS)
  server.sockets.on('connection', seen)
  const { stop } = await attack(server.target.port, 'late bad UTF-8')
  await reached
  assert.ok((await stop()).connections >= 3 * CONNECTIONS)
})

test('who is not ended ends by himself, and comes again', async t => {
  const { seen, reached } = times(3 * CONNECTIONS)
  let stopping = false
  const patient = createTcpServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => socket.destroy())
    socket.on('end', () => {
      // Whoever is stopped is stopped in the middle.
      if (!stopping) assert.equal(socket.bytesRead, 4_410_000)
      socket.end()
      seen()
    })
    socket.resume()
  }).listen(0, '127.0.0.1')
  t.after(() => patient.close())
  await once(patient, 'listening')
  const { stop } = await attack((patient.address() as AddressInfo).port, 'pipelined requests')
  await reached
  stopping = true
  assert.ok((await stop()).octets >= 3 * CONNECTIONS * 4_410_000)
})

test('nobody attacks before all are open', async t => {
  const server = await startEchoServer(t)
  let open = 0
  const { seen, reached } = times(1)
  server.sockets.on('connection', socket => {
    open++
    socket.on('ping', () => {
      assert.equal(open, CONNECTIONS)
      seen()
    })
  })
  const { stop } = await attack(server.target.port, 'pings')
  await reached
  await stop()
})

test('an attack that has ended by itself is no attack', async t => {
  const server = await startEchoServer(t)
  const { stop } = await attack(server.target.port, 'pings', 0.01)
  await Promise.all([...server.sockets.clients].map(socket => once(socket, 'close')))
  await assert.rejects(stop(), /the attack ended by itself/)
})

test('a server that accepts nobody is told', async t => {
  const server = createServer((_request, response) => response.end())
  server.on('upgrade', (_request, socket) => socket.on('error', () => {}).end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await assert.rejects(attack(port, 'pings'), /the attack did not begin: opening handshake: HTTP\/1.1 403 Forbidden/)
})

test('a server that is not there is told', async () => {
  await assert.rejects(attack(1, 'pipelined requests'), /the attack did not begin: connect ECONNREFUSED/)
})

test('a kind that there is not is told', async () => {
  await assert.rejects(attack(1, 'patience'), /no kind of attack is called patience/)
})
