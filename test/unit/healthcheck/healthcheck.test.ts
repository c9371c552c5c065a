// The healthcheck against services that fail it, each in its own way: one line that says which address and why.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { parse } from '../../../src/cli/parse.js'
import { ExitError } from '../../../src/errors.js'
import { checkHealth } from '../../../src/healthcheck.js'
import type { Settings } from '../../../src/settings.js'
import type { Lasting } from '../../support/ws-client.js'

/** Far longer than an answer on loopback takes. */
const PATIENCE = 60_000

async function listen(t: Lasting, server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** An admin server that answers every request with `status`. */
function adminServer(t: Lasting, status = 200): Promise<number> {
  return listen(
    t,
    createServer((_request, response) => response.writeHead(status).end()),
  )
}

/** A WebSocket server that does `onMessage` with every message. */
async function webSocketServer(t: Lasting, onMessage: (socket: WebSocket, data: RawData) => void): Promise<number> {
  const server = createServer()
  new WebSocketServer({ server }).on('connection', socket => socket.on('message', data => onMessage(socket, data)))
  return listen(t, server)
}

function settingsOf(...argv: string[]): Settings {
  const command = parse(argv, {})
  assert.ok('settings' in command)
  return command.settings
}

function check(port: number, adminPort: number, timeout = PATIENCE): Promise<string> {
  return checkHealth(settingsOf(`--port=${port}`, `--admin-port=${adminPort}`), timeout)
}

function unhealthy(line: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof ExitError, String(error))
    assert.deepEqual([error.code, error.exitCode], ['ECHOBAHN_UNHEALTHY', 1])
    assert.match(error.message, line)
    assert.doesNotMatch(error.message, /\n/)
    return true
  }
}

test('ready and echoing is healthy', async t => {
  const admin = await adminServer(t)
  const port = await webSocketServer(t, (socket, data) => socket.send(data))
  assert.equal(
    await check(port, admin),
    `healthy: http://127.0.0.1:${admin}/readyz is ready, ws://127.0.0.1:${port}/ echoes`,
  )
})

test('not ready is unhealthy, and nothing is echoed', async t => {
  const port = await webSocketServer(t, () => assert.fail('asked for an echo'))
  await assert.rejects(check(port, await adminServer(t, 503)), unhealthy(/^unhealthy: http:.*\/readyz: answers 503$/))
})

test('nobody who listens is unhealthy', async t => {
  await assert.rejects(check(1, 1), unhealthy(/^unhealthy: http:\/\/127\.0\.0\.1:1\/readyz: .*ECONNREFUSED/))
  await assert.rejects(check(1, await adminServer(t)), unhealthy(/^unhealthy: ws:\/\/127\.0\.0\.1:1\/: .*ECONNREFUSED/))
})

test('a wrong echo is unhealthy', async t => {
  const port = await webSocketServer(t, (socket, data) => socket.send(Buffer.concat([data as Buffer, Buffer.of(0)])))
  await assert.rejects(
    check(port, await adminServer(t)),
    unhealthy(/^unhealthy: ws:.*: the echo is not what was sent$/),
  )
})

test('a refused handshake is unhealthy', async t => {
  await assert.rejects(check(await adminServer(t, 404), await adminServer(t)), unhealthy(/^unhealthy: ws:.*404$/))
})

test('silence is unhealthy in the end', async t => {
  const silent = await listen(t, createTcpServer())
  const mute = await webSocketServer(t, () => {})
  const admin = await adminServer(t)
  await assert.rejects(check(mute, silent, 50), unhealthy(/^unhealthy: http:.*: no answer in time$/))
  await assert.rejects(check(silent, admin, 50), unhealthy(/^unhealthy: ws:.*: no answer in time$/))
  await assert.rejects(check(mute, admin, 500), unhealthy(/^unhealthy: ws:.*: no answer in time$/))
})

test('a service that listens everywhere is asked on loopback', async t => {
  const admin = await adminServer(t)
  const port = await webSocketServer(t, (socket, data) => socket.send(data))
  const ports = [`--port=${port}`, `--admin-port=${admin}`]
  await checkHealth(settingsOf('--host=0.0.0.0', '--admin-host=0.0.0.0', ...ports), PATIENCE)
  await assert.rejects(
    checkHealth(settingsOf('--host=::', '--admin-host=::', '--port=1', '--admin-port=1')),
    unhealthy(/^unhealthy: http:\/\/\[::1\]:1\/readyz: /),
  )
})
