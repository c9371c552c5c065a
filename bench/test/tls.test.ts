// wss: every peer serves it with the same certificate, and a load takes no other certificate, version or cipher.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { CERTIFICATE } from '../src/certificate.js'
import type { LoadRequest } from '../src/load.js'
import { REPOSITORY } from '../src/paths.js'
import { PEER_NAMES, peerCommand } from '../src/peers.js'
import { runLoad } from '../src/run-load.js'
import { Server } from '../src/server.js'
import { loadProgram, programFor } from '../src/wsload.js'

const request: LoadRequest = {
  ...{ connections: 2, octets: 64, depth: 2, opcode: 'text', tls: true },
  span: { count: 10, bound: 30 },
}
const { command } = programFor(request, loadProgram('wsload'))
const runner = { command, cores: [], signal: new AbortController().signal }

for (const peer of PEER_NAMES)
  test(`${peer} echoes over TLS`, async t => {
    const server = await Server.start(peerCommand(peer, 1, 'wss'), []).catch(missingBinary)
    if (server === undefined) return t.skip(`${peer} does not run on this Node`)
    t.after(() => server.stop())
    assert.equal((await runLoad(runner, server, request)).messages, 20)
  })

/** uWebSockets.js comes as binaries for some versions of Node. */
function missingBinary(error: Error): undefined {
  if (!error.message.includes('has no binary for Node')) throw error
}

/** An echo server of ws. Resolves with its port, and the TLS version and cipher of each connection. */
async function startTlsServer(t: { after(hook: () => void): void }, options: SecureContextOptions) {
  const server = createServer(options).listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ server })
  t.after(() => {
    server.close()
    for (const socket of sockets.clients) socket.terminate()
  })
  const agreed: string[] = []
  sockets.on('connection', (socket, { socket: stream }) => {
    agreed.push(`${(stream as TLSSocket).getProtocol()} ${(stream as TLSSocket).getCipher().name}`)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  })
  await once(server, 'listening')
  return { target: { port: (server.address() as AddressInfo).port, pid: process.pid }, agreed }
}

const fixture = (name: string) => {
  const folder = join(REPOSITORY, 'test/fixtures/tls')
  return { cert: readFileSync(join(folder, `${name}.crt`)), key: readFileSync(join(folder, `${name}.key`)) }
}

test('a server that would rather have another cipher gets this one all the same', async t => {
  const ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384'
  const options = { ...fixture('first'), ciphers, honorCipherOrder: true }
  const { target, agreed } = await startTlsServer(t, options)
  await runLoad(runner, target, request)
  assert.deepEqual(agreed, Array(2).fill('TLSv1.3 TLS_AES_256_GCM_SHA384'))
})

test('an older version of TLS is refused', async t => {
  const { target } = await startTlsServer(t, { ...fixture('first'), maxVersion: 'TLSv1.2' })
  await assert.rejects(runLoad(runner, target, request), /alert|protocol/i)
})

test('another certificate is refused', async t => {
  const { target } = await startTlsServer(t, fixture('second'))
  await assert.rejects(runLoad(runner, target, request), /self-signed certificate/)
})

test('the certificate is the first of the fixtures', () => {
  assert.deepEqual(readFileSync(CERTIFICATE.cert), fixture('first').cert)
})

test('a load without TLS is made by the program that was chosen', () => {
  const chosen = loadProgram('wsload')
  assert.equal(programFor({ ...request, tls: false }, chosen), chosen)
  assert.equal(programFor(request, chosen).name, 'ts')
})
